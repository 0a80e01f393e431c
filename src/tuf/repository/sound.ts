import { fail, TouchmarkError } from '../../base/errors.js';
import { hasOwnKeyid, openKey, type TufKey } from '../keys.js';
import type { RoleKeys } from '../metadata.js';
import { parseTargets } from '../parse-targets.js';
import { parseRoot } from '../parse-top-level.js';

/**
 * Reads a file that is about to be staged as clients will. Payloads may have been begun by other tools, and edits are judged
 * one by one: what they come to is judged here.
 * @throws TouchmarkError `usage-argument` when clients would refuse it, or could never find it signed by enough keys
 */
export function requireSound(role: string, bytes: Uint8Array): void {
  const what = `the next ${role}.json`;
  if (role === 'root') {
    const { keys, roles } = read(() => parseRoot(bytes, what)).payload;
    requireOwnKeyids(what, keys);
    for (const [name, own] of roles) requireKeysFor(name, own, keys);
    return;
  }
  const { delegations } = read(() => parseTargets(bytes, what)).payload;
  if (!delegations) return;
  const { keys, roles, succinct } = delegations;
  requireOwnKeyids(what, keys);
  for (const own of roles) requireKeysFor(own.name, own, keys);
  if (succinct) requireKeysFor(succinct.namePrefix, succinct, keys);
}

function read<T>(parse: () => T): T {
  try {
    return parse();
  } catch (error) {
    if (!(error instanceof TouchmarkError) || error.code === 'internal') throw error;
    return fail('usage-argument', `clients would refuse it: ${error.message}`, { cause: error });
  }
}

function requireOwnKeyids(what: string, keys: ReadonlyMap<string, TufKey>): void {
  for (const key of keys.values()) {
    if (hasOwnKeyid(key)) continue;
    fail('usage-argument', `${what} has a key under ${key.keyid.slice(0, 12)}, which is not made from it`, {
      hint: 'strict clients take no signature of it: remove the key from its roles, then add it anew',
      details: { keyid: key.keyid.slice(0, 128) },
    });
  }
}

/** Signatures are counted by public key: one key under two keyids would make a threshold look met that is not. */
function requireKeysFor(name: string, role: RoleKeys, keys: ReadonlyMap<string, TufKey>): void {
  const known = new Map<string, string>();
  for (const keyid of role.keyids) {
    const key = keys.get(keyid);
    if (!key) fail('usage-argument', `${name} goes by the key ${keyid.slice(0, 12)}, which is not given`);
    const verifier = openKey(key);
    const identity = verifier.usable ? verifier.identity : keyid;
    const twin = known.get(identity);
    if (twin !== undefined)
      fail('usage-argument', `${name} has one key twice, as ${twin.slice(0, 12)} and ${keyid.slice(0, 12)}`, {
        hint: 'it would count once: remove one of the two',
      });
    known.set(identity, keyid);
  }
  if (role.threshold > known.size)
    fail('usage-argument', `${role.threshold} of ${known.size} keys could never sign for ${name}`, {
      hint: 'add a key first, or lower the threshold first',
    });
}
