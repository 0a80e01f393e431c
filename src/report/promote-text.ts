import { TouchmarkError } from '../base/errors.js';
import { type CustodyPolicy, type Finding, sayFinding } from '../custody/index.js';
import type { Promotion } from '../sign/promote.js';
import { field } from './custody-layout.js';
import { countOf, fixOf, shortDigest } from './custody-words.js';
import { formatSize } from './inspect-text.js';
import { type Line, line } from './lines.js';
import { presentOutcome } from './outcome-text.js';

export interface PromotionNames {
  /** By digest. */
  readonly source: string;
  readonly destination: string;
  /** With its tag, as it was asked for; null when no tag was. */
  readonly tagged: string | null;
}

/** What became of a promotion, for people: the verdict that decided it, and what was done. */
export function presentPromotion(
  promotion: Promotion,
  names: PromotionNames,
  policy: CustodyPolicy,
): readonly Line[] {
  const { refusedAt, promoted, source, destination, copied, planned, approvals } = promotion;
  const verdict = presentOutcome(destination ?? source, policy);
  if (refusedAt !== null) return verdict;
  const word = promoted
    ? ({ text: names.tagged === null ? 'promoted' : `promoted: ${names.tagged}`, style: 'green' } as const)
    : ({ text: 'would be promoted; nothing written', style: 'yellow' } as const);
  return [
    line(names.destination, '  ', word),
    ...field('from', names.source),
    ...(copied ? field('copied', copiedText(copied)) : []),
    ...planned.flatMap(({ claim, digest }, at) => {
      const written = approvals[at] !== undefined;
      const said = `${claim.step} by team ${claim.team} for ${claim.repo}`;
      return field(written ? 'approved' : 'approves', `${said}, claim ${shortDigest(digest)}`);
    }),
    ...replacedLine(promotion),
    ...verdict,
  ];
}

function copiedText({ manifests, blobs, bytes, referrers }: NonNullable<Promotion['copied']>): string {
  const content = `${countOf(manifests, 'manifest')}, ${countOf(blobs, 'blob')}`;
  return `${content}, ${countOf(referrers.length, 'referrer')}; ${formatSize(bytes)} of it was sent`;
}

function replacedLine({ replaced, digest, promoted }: Promotion): readonly Line[] {
  if (replaced === null || replaced === digest) return [];
  return field(promoted ? 'replaced' : 'replaces', replaced);
}

/** Why an image was not promoted: at which end, and that the tag is as it was. Undefined when it was. */
export function explainPromotion(promotion: Promotion, names: PromotionNames): TouchmarkError | undefined {
  const { refusedAt, approvals, digest, replaced } = promotion;
  if (refusedAt === null) return undefined;
  const { code, custody, index } =
    (refusedAt === 'source' ? null : promotion.destination) ?? promotion.source;
  const findings = custody?.findings ?? index?.findings ?? [];
  const [first] = findings;
  const why = first ? `: ${sayFinding(first)}` : '';
  const left =
    refusedAt === 'source'
      ? 'nothing was written'
      : names.tagged === null
        ? 'it is not approved for use there'
        : `${names.tagged} ${replaced === null ? 'does not exist yet' : `is still ${shortDigest(replaced)}`}`;
  const all = [...findings, ...(index?.children.flatMap(child => child.findings) ?? [])];
  const hint = hintOf(all, approvals.length > 0);
  return new TouchmarkError(
    code ?? 'internal',
    `the image does not pass at the ${refusedAt}; ${left}${why}`,
    {
      details: {
        image: refusedAt === 'source' ? names.source : names.destination,
        at: refusedAt,
        digest,
        ...(promotion.repository !== null && { 'judged as': promotion.repository }),
      },
      ...(hint !== undefined && { hint }),
    },
  );
}

function hintOf(findings: readonly Finding[], approved: boolean): string | undefined {
  if (approved && findings.some(({ code }) => code === 'threshold-not-met')) {
    return 'the approval waits for another signer of the team, who runs the same command with a key of theirs';
  }
  const [first] = findings;
  return first && fixOf(first);
}
