import { toTouchmarkError } from '../base/errors.js';
import { collectFacts } from './collect-facts.js';
import type { ConfigSource } from './config-rules.js';
import type { ImageFacts } from './facts.js';
import { type Finding, failure, warning } from './finding.js';
import type { Image } from './image.js';
import type { JudgedHead } from './judge-head.js';
import { checkMetadata } from './metadata-rules.js';
import { checkPredicates } from './predicates.js';
import type { VerifyInput } from './verify.js';

export interface FinishedInput
  extends Pick<VerifyInput, 'policy' | 'trust' | 'tag' | 'release' | 'now' | 'wantFacts' | 'handover'> {
  readonly image: Image;
  /** The head that the verdict goes by. */
  readonly head: JudgedHead;
  readonly configOf: ConfigSource;
}

/**
 * Rules about the image as a whole: metadata and predicates. They are held to the one head that was chosen without them, and
 * only add findings; were a head that they deny passed over for another, they could turn a no (two chains that disagree) into
 * a yes. On its way to another team an image is not finished, and they do not apply yet.
 */
export function judgeFinished(input: FinishedInput): {
  readonly findings: readonly Finding[];
  readonly facts?: ImageFacts;
} {
  const { metadata, predicates = [] } = input.policy;
  const isJudged = input.handover === undefined && (metadata !== undefined || predicates.length > 0);
  if (!isJudged && !input.wantFacts) return { findings: [] };
  try {
    const facts = collectFacts(input);
    if (!isJudged) return { findings: [], facts };
    const findings = metadata ? checkMetadata(metadata, facts) : [];
    // Without a chain that holds its facts are not known.
    const isKnown = input.head.verdict === 'pass';
    return { findings: [...findings, ...(isKnown ? checkPredicates(predicates, facts) : [])], facts };
  } catch (error) {
    const { code, message } = toTouchmarkError(error);
    if (code !== 'format-config' && code !== 'limit-exceeded') throw error;
    return { findings: [(isJudged ? failure : warning)(code, 'image', message)] };
  }
}

/** Is a finding about the finished image alone? The chain below it may hold all the same. */
export function isAboutFinished({ where }: Finding): boolean {
  return /^(?:metadata|predicate)(?: |$)/.test(where);
}
