import type { Digest } from '../base/digest.js';
import { type Finding, failure } from './finding.js';
import { type ClaimRecord, type Ledger, nameOf } from './ledger.js';
import type { CustodyPolicy, IndexMode } from './policy.js';
import { findListed, indexModeOf, type TrustFacts } from './trust.js';
import { type Link, whereOf } from './walk.js';

/**
 * What the teams' own TUF metadata says of their marks (CUSTODY.md 4.2 and 4.3).
 *
 * Whose marks stand is said twice: by the signatures on a mark, and by the team's current metadata, which is signed by the
 * threshold of its delegation. With the listing in force a key of the past still says who made a mark, and the team of today
 * says that it stands: so keys change without an image being signed again, and what a thief signs is not listed. A mark whose
 * team is not delegated, which the team took back, or which it does not list does not stand, whatever signed it.
 */
export interface Listing {
  readonly trust: TrustFacts | undefined;
  readonly mode: IndexMode;
  /** Why a claim does not stand; undefined when nothing here speaks against it. */
  problemOf(record: ClaimRecord): Finding | undefined;
}

export function openListing(policy: CustodyPolicy, trust: TrustFacts | undefined): Listing {
  const mode = indexModeOf(policy, trust);
  return {
    trust,
    mode,
    problemOf: record => (trust ? findProblem(record, trust, mode) : undefined),
  };
}

function findProblem(record: ClaimRecord, trust: TrustFacts, mode: IndexMode): Finding | undefined {
  const { claim, digest } = record;
  const where = whereOf(record);
  if (!trust.teams.has(claim.team)) {
    const message = `team ${claim.team} is not delegated any more`;
    return failure('team-not-delegated', where, message, 'another team takes the step over and marks anew');
  }
  const listed = findListed(trust, {
    team: claim.team,
    manifest: claim.subject.manifest.digest,
    claim: digest,
  });
  if (listed?.status === 'withdrawn') {
    const reason = listed.reason === undefined ? '' : `: ${listed.reason}`;
    return failure('mark-withdrawn', where, `${nameOf(claim)} is listed as withdrawn by its team${reason}`);
  }
  if (mode === 'off' || listed) return undefined;
  const stray = [...trust.teams].find(([, { strays }]) => strays.has(digest));
  if (stray) {
    const message = `is listed by team ${stray[0]}, to which that place is not delegated, and not by team ${claim.team}`;
    return failure('tuf-path-not-delegated', where, message);
  }
  const message = `team ${claim.team} does not list this claim in its TUF metadata`;
  const hint =
    'if the team stands for it: touchmark tuf target add --mark IMAGE --team TEAM, then sign and publish';
  return failure('mark-unlisted', where, message, hint);
}

/** Every link stands; what was withdrawn below the head was the base of what is above it. */
export function checkListed(links: readonly Link[], listing: Listing): readonly Finding[] {
  return links.flatMap((link, at) => {
    const problem = listing.problemOf(link);
    if (!problem) return [];
    const isBase = problem.code === 'mark-withdrawn' && at < links.length - 1;
    return [isBase ? { ...problem, code: 'base-withdrawn' as const } : problem];
  });
}

/** In mode `complete`: whatever a team lists for this image must be there, or something is kept back. */
export function checkComplete(
  manifests: readonly Digest[],
  ledger: Ledger,
  policy: CustodyPolicy,
  { trust, mode }: Listing,
): readonly Finding[] {
  if (mode !== 'complete') return [];
  return policy.teams.flatMap(({ name }) =>
    [...new Set(manifests)]
      .flatMap(manifest => trust?.teams.get(name)?.claims.get(manifest) ?? [])
      .filter(({ claim }) => !isThere(ledger.records.get(claim), name))
      .map(({ claim, status }) => {
        const message = `team ${name} lists the ${status === 'active' ? 'claim' : 'withdrawn claim'} ${claim} for this image, and no mark of it was found`;
        const hint = 'copy the custody artifact together with the image: touchmark copy, promote';
        return failure('mark-missing', 'image', message, hint);
      }),
  );
}

function isThere(record: ClaimRecord | undefined, team: string): boolean {
  return record !== undefined && record.claim.team === team && record.signers.size + record.former.size > 0;
}
