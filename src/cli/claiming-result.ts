import type { Claim } from '../custody/claim.js';
import { formatPlatform } from '../oci/platform.js';
import { type Line, line } from '../report/lines.js';
import type { ClaimPlan } from '../sign/plan-claim.js';
import { thresholdOf } from '../sign/team-claims.js';
import type { WrittenClaim } from '../sign/write-claim.js';
import type { WrittenStatement } from '../sign/write-statement.js';

/** One claim of the result: about the image, or about one image of an index. */
export interface ClaimFacts {
  readonly subject: string;
  readonly platform: string;
  readonly kind: string;
  readonly team: string;
  readonly step: string;
  /** Digest of the claim; with --dry-run of what would be claimed. */
  readonly claim: string;
  /** The claim itself. */
  readonly document: Claim;
  readonly signatures: WrittenClaim['signatures'];
  /** The custody artifact that the chain travels in; null with --dry-run. */
  readonly artifact: string | null;
  /** Base first, this claim in it; empty with --dry-run. */
  readonly chain: readonly {
    readonly team: string;
    readonly step: string;
    readonly signers: readonly string[];
  }[];
  /** Who of the team has signed it by now; empty with --dry-run. */
  readonly signers: readonly string[];
  /** Signers that are still missing before the claim counts. */
  readonly missingSigners: number;
}

export interface ClaimingResult {
  readonly dryRun: boolean;
  readonly reference: string;
  readonly digest: string;
  /** The reference by digest: what was claimed. */
  readonly pinned: string;
  /** The base by digest; null without one. */
  readonly base: string | null;
  /** One a platform. */
  readonly claims: readonly ClaimFacts[];
  /** The claim about an index as a whole; null for an image. */
  readonly index: WrittenStatement | null;
}

export function factsOf({ claim, digest, policy }: ClaimPlan, written?: WrittenClaim): ClaimFacts {
  const signers = written?.signers ?? [];
  return {
    subject: claim.subject.manifest.digest,
    platform: formatPlatform(claim.platform),
    kind: claim.kind,
    team: claim.team,
    step: claim.step,
    claim: digest,
    document: claim,
    signatures: written?.signatures ?? [],
    artifact: written?.artifact ?? null,
    chain: (written?.verdict.chain ?? []).map(link => ({
      team: link.team,
      step: link.step,
      signers: link.signers,
    })),
    signers,
    missingSigners: Math.max(0, thresholdOf(policy, claim) - signers.length),
  };
}

/** @param done past tense, for the first line: `marked` */
export function presentClaiming(result: ClaimingResult, done: string): readonly Line[] {
  const { pinned, dryRun, base, claims } = result;
  const word = dryRun
    ? ({ text: 'nothing written', style: 'yellow' } as const)
    : ({ text: done, style: 'green' } as const);
  const built = base === null ? [] : [line(`  on        ${base}`)];
  return [
    line(pinned, '  ', word),
    ...built,
    ...claims.flatMap(facts => presentClaim(facts, claims.length > 1 ? `${facts.platform}  ` : '', dryRun)),
  ];
}

function presentClaim(facts: ClaimFacts, platform: string, dryRun: boolean): readonly Line[] {
  const { document, kind, step, team, claim, signatures, chain, missingSigners } = facts;
  const span = 'span' in document ? spanText(document.span, kind) : '';
  const head = [
    line(`  ${platform}${kind} `, { text: step, style: 'bold' }, ` by team ${team}${span}`),
    line({ text: `  claim     ${claim}`, style: 'dim' }),
    ...('seals' in document ? (document.seals ?? []) : []).map(({ paths, ops }) =>
      line(`  sealed    ${paths.join(', ')} against ${ops.join(', ')}`),
    ),
  ];
  if (dryRun) {
    const lines = JSON.stringify(document, null, 2).split('\n');
    return [...head, ...lines.map(text => line(`  ${text}`))];
  }
  const names = chain.map(link => link.step).join(' → ');
  return [
    ...head,
    ...signatures.map(({ carrier, keyid, scheme, added }) =>
      line(
        `  ${carrier.padEnd(13)} key ${keyid.slice(0, 12)}  ${scheme}  `,
        added ? 'written' : 'was there already',
      ),
    ),
    ...(names === '' ? [] : [line(`  chain     ${names}`)]),
    ...(missingSigners === 0 ? [] : [missingLine(facts)]),
  ];
}

function spanText({ from, to }: { readonly from: number; readonly to: number }, kind: string): string {
  if (kind === 'approve') return '';
  if (to === from) return ', config only';
  return to - from === 1 ? `, layer ${from}` : `, layers ${from} to ${to - 1}`;
}

function missingLine({ missingSigners, team }: ClaimFacts): Line {
  const more = `${missingSigners} more signer${missingSigners === 1 ? '' : 's'} of team ${team}`;
  return line({
    text: `  waits     for ${more}: touchmark custody co-sign --team ${team} …`,
    style: 'yellow',
  });
}
