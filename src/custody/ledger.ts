import type { Digest } from '../base/digest.js';
import {
  type ApproveClaim,
  type Claim,
  type ContentClaim,
  type IndexClaim,
  isContentClaim,
  type WithdrawClaim,
} from './claim.js';
import type { MarkCarrier } from './policy.js';
import type { KeyOwner } from './signers.js';

/** One claim and all valid signatures over it, whatever carried them. */
export interface ClaimRecord<C extends Claim = Claim> {
  readonly digest: Digest;
  readonly claim: C;
  /** Signers of the claim's own team that count, by identity. */
  readonly signers: ReadonlyMap<string, KeyOwner>;
  /** Signers of the team whose key is none of today's, and who do not count. */
  readonly former: ReadonlyMap<string, KeyOwner>;
  /** Owners of keys that signed it and are not of its team. */
  readonly foreign: readonly KeyOwner[];
  /** In which carriers it was found on the image itself; empty when it only travels with it. */
  readonly attached: ReadonlySet<MarkCarrier>;
  /** In which carriers it was found at all. */
  readonly carriers: ReadonlySet<MarkCarrier>;
  readonly source: string;
}

/** Every claim that a key of some team signed. */
export interface Ledger {
  readonly records: ReadonlyMap<Digest, ClaimRecord>;
  readonly content: readonly ClaimRecord<ContentClaim>[];
  readonly approvals: readonly ClaimRecord<ApproveClaim>[];
  readonly withdrawals: readonly ClaimRecord<WithdrawClaim>[];
  readonly indexes: readonly ClaimRecord<IndexClaim>[];
}

export function openLedger(records: ReadonlyMap<Digest, ClaimRecord>): Ledger {
  const all = [...records.values()];
  return {
    records,
    content: all.filter(isContentRecord),
    approvals: all.filter((r): r is ClaimRecord<ApproveClaim> => r.claim.kind === 'approve'),
    withdrawals: all.filter((r): r is ClaimRecord<WithdrawClaim> => r.claim.kind === 'withdraw'),
    indexes: all.filter((r): r is ClaimRecord<IndexClaim> => r.claim.kind === 'index'),
  };
}

export function isContentRecord(record: ClaimRecord): record is ClaimRecord<ContentClaim> {
  return isContentClaim(record.claim);
}

/** `step app of team app`, for messages. */
export function nameOf(claim: Claim): string {
  return claim.team === claim.step ? `step ${claim.step}` : `step ${claim.step} of team ${claim.team}`;
}
