import type { ReasonCode } from '../base/codes.js';
import { fail } from '../base/errors.js';
import type { Envelope } from './envelope.js';
import { hasOwnKeyid, openKey, type TufKey } from './keys.js';
import type { RoleKeys } from './metadata.js';

/**
 * What to do with a key whose keyid is not made from it. `refuse`, the default, has it verify nothing, as the
 * specification asks. `accept` is for repositories of others: Sigstore's root 11 has such a key. Keyids are only labels
 * within one file here, and signatures are counted by public key, so nothing else hangs on it.
 */
export type ForeignKeyids = 'refuse' | 'accept';

export interface Tally {
  /** Public keys, each once, whose signature verifies. */
  readonly valid: ReadonlySet<string>;
  /** Why others do not count, by key: for people. */
  readonly problems: readonly string[];
}

/**
 * Counts the keys of `role` that signed. A key counts once, whatever the number of its keyids and signatures; signatures
 * of other keys, placeholders and damaged ones are passed over. Work is bounded by the keyids of the role.
 */
export function countSignatures(
  envelope: Envelope,
  keys: ReadonlyMap<string, TufKey>,
  role: RoleKeys,
  foreignKeyids: ForeignKeyids,
): Tally {
  const valid = new Set<string>();
  const problems: string[] = [];
  for (const keyid of role.keyids) {
    if (!envelope.signatures.has(keyid)) continue;
    const key = keys.get(keyid);
    const signature = envelope.signatures.get(keyid);
    const problem = (text: string) => problems.push(`${keyid.slice(0, 16)}: ${text}`);
    if (key === undefined) {
      problem('no key is given for this keyid');
      continue;
    }
    if (signature === undefined) {
      problem('has not signed yet');
      continue;
    }
    if (foreignKeyids === 'refuse' && !hasOwnKeyid(key)) {
      problem('this keyid is not made from its key');
      continue;
    }
    const verifier = openKey(key);
    if (!verifier.usable) problem(verifier.problem);
    else if (verifier.verify(envelope.signedBytes, signature)) valid.add(verifier.identity);
    else problem('its signature does not verify');
  }
  return { valid, problems };
}

/** @throws TouchmarkError `code` when fewer keys than the threshold signed */
export function requireThreshold(
  envelope: Envelope,
  what: string,
  keys: ReadonlyMap<string, TufKey>,
  role: RoleKeys,
  foreignKeyids: ForeignKeyids,
  code: ReasonCode,
): void {
  const { valid, problems } = countSignatures(envelope, keys, role, foreignKeyids);
  if (valid.size >= role.threshold) return;
  fail(code, `${what} is signed by ${valid.size} keys of its role; ${role.threshold} are needed`, {
    details: { valid: valid.size, threshold: role.threshold, problems: problems.slice(0, 20) },
  });
}
