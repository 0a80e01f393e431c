import type { Digest } from '../base/digest.js';
import { fail } from '../base/errors.js';
import { nearest } from '../base/nearest.js';
import type { Signer } from '../crypto/keys.js';
import { authenticateMarks, type FoundMark } from '../custody/authenticate.js';
import {
  type Claim,
  type CustodyPolicy,
  claimDigest,
  type ImageClaim,
  isImageClaim,
  MARK_CARRIERS,
  type WithdrawClaim,
} from '../custody/index.js';
import { openLedger } from '../custody/ledger.js';
import { gatherKeys, type KeyOwner } from '../custody/signers.js';
import { gatherWithdrawals } from '../custody/withdrawals.js';

/** What a team says of an image. */
export interface TeamClaim {
  readonly claim: ImageClaim;
  readonly digest: Digest;
  /** Of the team, by identity; at least one. */
  readonly signers: ReadonlyMap<string, KeyOwner>;
  /** The team took it back. */
  readonly withdrawal: WithdrawClaim | undefined;
}

/** The claims about an image that somebody of the claiming team has signed, newest first. */
export async function readTeamClaims(
  marks: readonly FoundMark[],
  image: Digest,
  policy: CustodyPolicy,
): Promise<readonly TeamClaim[]> {
  const { records } = await authenticateMarks(marks, gatherKeys(policy), MARK_CARRIERS);
  const withdrawals = gatherWithdrawals(openLedger(records));
  return [...records.values()]
    .flatMap(record => {
      const { claim, digest, signers } = record;
      if (!isImageClaim(claim) || claim.subject.manifest.digest !== image || signers.size === 0) return [];
      return [{ claim, digest, signers, withdrawal: withdrawals.by(record)?.claim }];
    })
    .sort((a, b) => Date.parse(b.claim.time) - Date.parse(a.claim.time));
}

/** A withdrawal covers what the team had claimed until that second: what it claims anew must be later. */
export function behindWithdrawals(now: Date, own: readonly TeamClaim[]): Date {
  const times = own.flatMap(({ withdrawal }) => (withdrawal ? Date.parse(withdrawal.time) + 1000 : []));
  return new Date(Math.max(now.getTime(), ...times));
}

/** Does it still count: neither taken back, nor expired, nor older than the policy takes? */
export function isStanding({ claim, withdrawal }: TeamClaim, policy: CustodyPolicy, now: Date): boolean {
  const maxAge = ruleOf(policy, claim)?.maxAge;
  return (
    withdrawal === undefined &&
    (claim.expires === undefined || Date.parse(claim.expires) > now.getTime()) &&
    (maxAge === undefined || now.getTime() - Date.parse(claim.time) <= maxAge)
  );
}

/** The step or the approval rule that a claim is for. */
function ruleOf({ flow, approvals }: CustodyPolicy, { kind, step }: ImageClaim) {
  return kind === 'approve'
    ? approvals.find(({ name }) => name === step)
    : flow.find(known => known.step === step);
}

/** Distinct signers that the claim needs. */
export function thresholdOf(policy: CustodyPolicy, claim: ImageClaim): number {
  return ruleOf(policy, claim)?.threshold ?? 1;
}

/**
 * Does a claim that stands say what a draft would, so that it can be signed in its place: the same of the image, whenever it
 * was made, that it was checked no better, and for no longer than the draft asks?
 */
export function sameSubstance(standing: Claim, draft: Claim): boolean {
  // Times are in UTC with whole seconds: their order is that of the text.
  const isInTime =
    draft.expires === undefined || (standing.expires !== undefined && standing.expires <= draft.expires);
  return isInTime && substanceOf(standing) === substanceOf(draft);
}

function substanceOf(claim: Claim): Digest {
  const { time: _, expires: __, policy: ___, ...rest } = claim;
  if (!isImageClaim(claim)) return claimDigest(rest as Claim);
  const { checked, base, ...substance } = rest as Partial<ImageClaim> & { base?: object };
  // By which index its name resolved says nothing about the base.
  const named = base && { base: { ...base, index: undefined } };
  const verdict = checked && { checked: { verdict: checked.verdict } };
  return claimDigest(JSON.parse(JSON.stringify({ ...substance, ...named, ...verdict })) as Claim);
}

/** @throws TouchmarkError `usage-argument` with the teams there are */
export function checkTeam({ name, teams }: CustodyPolicy, team: string): void {
  const known = teams.map(other => other.name);
  if (known.includes(team)) return;
  fail('usage-argument', `the policy ${name} knows no team ${JSON.stringify(team)}`, {
    hint: suggest(team, known, `its teams are ${known.join(', ')}`),
  });
}

/** What to do about a word that nobody knows: the one that was probably meant, and all there are. */
export function suggest(word: string, known: readonly string[], all: string): string {
  const meant = nearest(word, known);
  return meant === undefined ? all : `did you mean ${meant}? ${all}`;
}

/**
 * Every signer must be one of the team: a signature that counts for nothing is not written.
 * @throws TouchmarkError `key-not-authorised` saying whose key it is
 */
export function checkSigners(signers: readonly Signer[], team: string, policy: CustodyPolicy): void {
  const { ownersOf } = gatherKeys(policy);
  for (const { publicKey } of signers) {
    const owners = ownersOf.get(publicKey.keyid) ?? [];
    if (owners.some(owner => owner.team === team && owner.standing === 'current')) continue;
    const whose = owners
      .map(
        owner =>
          `${owner.standing === 'current' ? '' : `${owner.standing}, `}${owner.signer} of team ${owner.team}`,
      )
      .join(', ');
    const said = whose === '' ? `the policy ${policy.name} does not know it` : `it is that of ${whose}`;
    fail('key-not-authorised', `key ${publicKey.keyid.slice(0, 12)} is no key of team ${team}: ${said}`, {
      hint: 'sign with a key that the policy lists for the team',
      details: { keyid: publicKey.keyid, team },
    });
  }
}
