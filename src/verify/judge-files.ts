import type { Digest } from '../base/digest.js';
import { fail } from '../base/errors.js';
import type { ContentStep } from '../base/path-rules.js';
import { type Finding, failure, warning } from '../custody/finding.js';
import type { ContentJudge, ContentOutcome, LayerFact } from '../custody/index.js';
import { judgeContent, type LayerIndex, type PathFinding } from '../layers/index.js';
import type { ImageManifest } from '../oci/manifest.js';

/**
 * The judge of one image's files, for whichever chain it is asked about.
 * @param facts one for each layer, all of them read and sound: with less it is not asked
 * @param entries of the layers, by what they unpack to
 */
export function createContentJudge(
  { layers }: ImageManifest,
  facts: readonly LayerFact[],
  entries: ReadonlyMap<Digest | string, LayerIndex>,
): ContentJudge {
  // Claims that say the same of an image's layers are one question.
  const known = new Map<string, ContentOutcome>();
  const ask = (steps: readonly ContentStep[]): ContentOutcome => {
    const read = layers.map(({ annotations }, index) => {
      const fact = facts[index];
      const found = fact?.outcome === 'read' ? entries.get(fact.diffID) : undefined;
      return { entries: found ?? fail('internal', `layer ${index} was not read`), annotations };
    });
    const { findings, fault } = judgeContent(read, steps);
    if (!fault) return { findings: findings.map(toFinding), applied: layers.length };
    const at = Number(fault.details['layer'] ?? 0);
    return {
      findings: [...findings.map(toFinding), failure(fault.code, `layer ${at}`, fault.message)],
      applied: at,
    };
  };
  return steps => {
    const question = JSON.stringify(steps);
    const outcome = known.get(question) ?? ask(steps);
    known.set(question, outcome);
    return outcome;
  };
}

function toFinding({ code, severity, layer, step, message }: PathFinding): Finding {
  const make = severity === 'fail' ? failure : warning;
  return make(code, `layer ${layer}`, `${message} (step ${step})`);
}
