import { fail } from '../base/errors.js';
import type { PublicKey } from '../crypto/index.js';
import type { IdentityRule } from './identity-rule.js';
import type { Interval } from './interval.js';
import type { Artifact, PredicateTypes } from './signed-content.js';

/** What must hold of a bundle. There is no default for who may sign, what is signed, or where time comes from. */
export interface BundlePolicy {
  readonly signer: SignerRule;
  readonly artifact: Artifact;
  /** Types of statements that count; no matter for signatures over files. */
  readonly predicateTypes: PredicateTypes;
  /** Distinct transparency logs that must have the signature. 0 asks for none, and what is there must still be true. */
  readonly logs: number;
  readonly time: TimeRule;
  /** Distinct certificate logs that must have promised to publish the certificate; 1 unless given. */
  readonly certificateLogs?: number;
}

export type SignerRule =
  | { readonly kind: 'identity'; readonly anyOf: readonly IdentityRule[] }
  /** This key, and, where it has an interval, only for signatures that verifiably existed in it. */
  | { readonly kind: 'key'; readonly key: PublicKey; readonly validFor?: Interval };

export type TimeRule =
  /** So many distinct logs or timestamp authorities must vouch for a time, and of those so many timestamp authorities. */
  | { readonly kind: 'vouched'; readonly sources: number; readonly timestampAuthorities?: number }
  /**
   * No source is asked for; certificates must be valid at this moment, milliseconds since 1970. Unsafe: whoever steals the key of a
   * certificate can sign for as long as it is valid.
   */
  | { readonly kind: 'unsafe-now'; readonly now: number }
  /** For keys without an interval alone. */
  | { readonly kind: 'none' };

/** @throws TouchmarkError `usage-argument` for policies that would ask for nothing where something is needed */
export function requirePolicy(policy: BundlePolicy): void {
  const { signer, logs, time, certificateLogs = 1, artifact } = policy;
  const counts = [logs, certificateLogs];
  if (time.kind === 'vouched') counts.push(time.sources, time.timestampAuthorities ?? 0);
  if (counts.some(count => !Number.isSafeInteger(count) || count < 0))
    fail('usage-argument', 'a threshold must be a whole number from 0 on');
  if (signer.kind === 'identity' && signer.anyOf.length === 0)
    fail('usage-argument', 'no identity is accepted, so that nothing could verify');
  const timed = time.kind === 'unsafe-now' || (time.kind === 'vouched' && time.sources > 0);
  if (!timed && (signer.kind === 'identity' || signer.validFor !== undefined))
    fail('usage-argument', 'a certificate, or a key with an interval, cannot be judged without a time');
  if (artifact.bytes === undefined && Object.values(artifact.digests).every(digest => digest === undefined))
    fail('usage-argument', 'nothing is given that the signature could be about');
}
