import type { Digest } from '../base/digest.js';
import type { Claim, WithdrawClaim } from './claim.js';
import { type Finding, failure, warning } from './finding.js';
import { type ClaimRecord, isContentRecord, type Ledger, nameOf } from './ledger.js';
import { findListed, type TrustFacts } from './trust.js';
import { type Link, whereOf } from './walk.js';

/** Claims that their own team took back. */
export interface Withdrawals {
  by(record: ClaimRecord): ClaimRecord<WithdrawClaim> | undefined;
  /** Those that count. */
  readonly honoured: readonly ClaimRecord<WithdrawClaim>[];
  /** Warnings about withdrawals that do not count. */
  readonly findings: readonly Finding[];
}

/**
 * One signer of the team is enough to take a claim back: a no needs less than a yes. It covers the claim it names, and
 * every content claim of that step that the team had made about the same image until then, so that a second claim does not
 * outlive the first.
 * Another team's withdrawal changes nothing. One that only keys of the past have signed counts as well, for they signed it
 * when they were good, or a thief did; unless the team lists the claim as standing today, and so has answered.
 */
export function gatherWithdrawals(ledger: Ledger, trust?: TrustFacts): Withdrawals {
  const honoured: ClaimRecord<WithdrawClaim>[] = [];
  const findings: Finding[] = [];
  for (const record of ledger.withdrawals) {
    const target = ledger.records.get(record.claim.prev.claim)?.claim;
    const ownTeam = target === undefined || target.team === record.claim.team;
    const signers = [...record.signers.values(), ...record.former.values()];
    if (signers.length > 0 && ownTeam) {
      if (signers.some(({ standing }) => standing === 'current') || !isListed(record, trust))
        honoured.push(record);
      else {
        const message = 'is signed by keys of the past alone, and the team lists the claim as standing';
        findings.push(warning('mark-unverifiable', record.source, message));
      }
    } else {
      const message = `withdraws a claim of team ${target?.team ?? record.claim.prev.team}, and is not signed by that team`;
      findings.push(warning('mark-unverifiable', record.source, message));
    }
  }
  const byClaim = new Map<Digest, ClaimRecord<WithdrawClaim>>();
  for (const record of honoured) byClaim.set(record.claim.prev.claim, record);
  const covers = (withdrawal: WithdrawClaim, claim: Claim): boolean =>
    withdrawal.team === claim.team &&
    withdrawal.prev.step === claim.step &&
    withdrawal.subject.manifest.digest === claim.subject.manifest.digest &&
    Date.parse(claim.time) <= Date.parse(withdrawal.time);
  return {
    honoured,
    findings,
    by: record => {
      const named = byClaim.get(record.digest);
      if (named?.claim.team === record.claim.team) return named;
      return isContentRecord(record) ? honoured.find(({ claim }) => covers(claim, record.claim)) : undefined;
    },
  };
}

function isListed({ claim }: ClaimRecord<WithdrawClaim>, trust: TrustFacts | undefined): boolean {
  const manifest = claim.subject.manifest.digest;
  return findListed(trust, { team: claim.team, manifest, claim: claim.prev.claim })?.status === 'active';
}

/** I16: nothing in the chain was withdrawn. */
export function checkWithdrawn(links: readonly Link[], withdrawals: Withdrawals): readonly Finding[] {
  return links.flatMap((link, at) => {
    const withdrawal = withdrawals.by(link);
    if (!withdrawal) return [];
    const isHead = at === links.length - 1;
    const message = `${nameOf(link.claim)} was withdrawn by its team at ${withdrawal.claim.time}`;
    return [failure(isHead ? 'mark-withdrawn' : 'base-withdrawn', whereOf(link), message)];
  });
}
