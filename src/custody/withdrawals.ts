import type { Digest } from '../base/digest.js';
import type { WithdrawClaim } from './claim.js';
import { type Finding, failure, warning } from './finding.js';
import { type ClaimRecord, isContentRecord, type Ledger, nameOf } from './ledger.js';
import { findListed, type TrustFacts } from './trust.js';
import { type Link, whereOf } from './walk.js';

/** Claims that their own team took back. */
export interface Withdrawals {
  by(record: ClaimRecord): ClaimRecord<WithdrawClaim> | undefined;
  /** Of the claims of a team about a manifest that no claim answered to: those that count. */
  about(team: string, manifest: Digest): readonly ClaimRecord<WithdrawClaim>[];
  /** Warnings about withdrawals that do not count. */
  readonly findings: readonly Finding[];
}

/**
 * One signer of the team is enough to take a claim back: a no needs less than a yes. It covers the claim it names, and
 * every content claim of that step that the team had made about the same image until then, so that a second claim does not
 * outlive the first.
 * Another team's withdrawal changes nothing. One that only keys of the past have signed counts as well, for they signed it
 * when they were good, or a thief did; but not against a claim that the team lists as standing today, and so has answered
 * for. That is asked for each claim it would take down, not for the one that it names.
 */
export function gatherWithdrawals(ledger: Ledger, trust?: TrustFacts): Withdrawals {
  const own: ClaimRecord<WithdrawClaim>[] = [];
  const findings: Finding[] = [];
  for (const record of ledger.withdrawals) {
    const target = ledger.records.get(record.claim.prev.claim)?.claim;
    const ownTeam = target === undefined || target.team === record.claim.team;
    if (record.signers.size + record.former.size > 0 && ownTeam) own.push(record);
    else {
      const message = `withdraws a claim of team ${target?.team ?? record.claim.prev.team}, and is not signed by that team`;
      findings.push(warning('mark-unverifiable', record.source, message));
    }
  }
  for (const withdrawal of own.filter(isOfThePast)) {
    const answered = [...ledger.records.values()].some(
      record => covers(withdrawal, record) && isStanding(record, trust),
    );
    if (!answered) continue;
    const message = 'is signed by keys of the past alone, and the team lists the claim as standing';
    findings.push(warning('mark-unverifiable', withdrawal.source, message));
  }
  return {
    findings,
    by: record =>
      own.find(
        withdrawal => covers(withdrawal, record) && !(isOfThePast(withdrawal) && isStanding(record, trust)),
      ),
    about: (team, manifest) =>
      own.filter(({ claim }) => claim.team === team && claim.subject.manifest.digest === manifest),
  };
}

/** Does a withdrawal speak of this claim: by its digest, or as one of the same step about the same image until then? */
function covers({ claim: withdrawal }: ClaimRecord<WithdrawClaim>, record: ClaimRecord): boolean {
  const { claim } = record;
  if (withdrawal.team !== claim.team) return false;
  if (withdrawal.prev.claim === record.digest) return true;
  return (
    isContentRecord(record) &&
    withdrawal.prev.step === claim.step &&
    withdrawal.subject.manifest.digest === claim.subject.manifest.digest &&
    Date.parse(claim.time) <= Date.parse(withdrawal.time)
  );
}

/** Signed by no key that the team has today. */
export function isOfThePast({ signers }: ClaimRecord): boolean {
  return ![...signers.values()].some(({ standing }) => standing === 'current');
}

function isStanding({ claim, digest }: ClaimRecord, trust: TrustFacts | undefined): boolean {
  const manifest = claim.subject.manifest.digest;
  return findListed(trust, { team: claim.team, manifest, claim: digest })?.status === 'active';
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
