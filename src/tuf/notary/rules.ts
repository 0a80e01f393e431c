import { fail, TouchmarkError } from '../../base/errors.js';
import { parseJson } from '../../base/json.js';
import { LIMITS } from '../../base/limits.js';
import { field } from '../envelope.js';
import type { RoleKeys } from '../metadata.js';
import { parseVersion } from '../parse-payload.js';
import { checkNotarySignature, type NotaryKey, openNotaryKey } from './keys.js';
import type { NotaryMetadata } from './metadata.js';

export interface NotaryTally {
  /** Keyids whose signature verifies, one for each public key. */
  readonly keyids: readonly string[];
  /** Why others do not count: for people. */
  readonly problems: readonly string[];
}

/** Counts the keys of a role that signed: each public key once, whatever its keyids and certificates. */
export function countValid(
  { envelope }: NotaryMetadata,
  keys: ReadonlyMap<string, NotaryKey>,
  role: RoleKeys,
): NotaryTally {
  const valid = new Map<string, string>();
  const problems: string[] = [];
  for (const keyid of role.keyids) {
    if (!envelope.signatures.has(keyid)) continue;
    const key = keys.get(keyid);
    const signature = envelope.signatures.get(keyid);
    const problem = (text: string) => problems.push(`${keyid.slice(0, 16)}: ${text}`);
    if (key === undefined || signature === undefined) {
      problem(key === undefined ? 'no key is given for this keyid' : 'its signature is not base64');
      continue;
    }
    try {
      const { publicKey } = openNotaryKey(key);
      if (checkNotarySignature(publicKey, signature.method, envelope.signedBytes, signature.bytes))
        valid.set(publicKey.keyid, keyid);
      else problem('its signature does not verify');
    } catch (error) {
      if (!(error instanceof TouchmarkError)) throw error;
      problem(error.message);
    }
  }
  return { keyids: [...valid.values()], problems };
}

/** @throws TouchmarkError `tuf-threshold`, or `code` */
export function requireSigned(
  metadata: NotaryMetadata,
  what: string,
  keys: ReadonlyMap<string, NotaryKey>,
  role: RoleKeys,
  code: 'tuf-threshold' | 'tuf-root-threshold' = 'tuf-threshold',
): void {
  const { keyids, problems } = countValid(metadata, keys, role);
  if (keyids.length >= role.threshold) return;
  fail(code, `${what} is signed by ${keyids.length} keys of its role; ${role.threshold} are needed`, {
    details: { valid: keyids.length, threshold: role.threshold, problems: problems.slice(0, 20) },
  });
}

/** @throws TouchmarkError `tuf-expired` */
export function requireFresh({ payload: { expires } }: NotaryMetadata, what: string, now: Date): void {
  if (expires.getTime() > now.getTime()) return;
  fail('tuf-expired', `${what} expired at ${expires.toISOString()}`, {
    details: { expires: expires.toISOString(), now: now.toISOString() },
    hint: 'its publisher must publish a new one; what is left on disk runs out within two weeks',
  });
}

/** @throws TouchmarkError `tuf-rollback` when `known`, the file of an earlier check, is newer */
export function requireNoOlder(
  { payload: { version } }: NotaryMetadata,
  what: string,
  known: Uint8Array | undefined,
): void {
  if (known === undefined) return;
  const seen = versionOf(known, `the known ${what}`);
  if (version >= seen) return;
  fail('tuf-rollback', `${what} has version ${version}, and version ${seen} has been seen`, {
    details: { known: seen, actual: version },
    hint: 'somebody serves old metadata: ask whoever runs the server before anything of it is used',
  });
}

function versionOf(bytes: Uint8Array, what: string): number {
  const value = parseJson(bytes, what, {
    code: 'tuf-format',
    maxSize: LIMITS.tufTargetsSize,
    maxValues: LIMITS.tufValues,
  });
  return parseVersion(field(value, what).get('signed').get('version'));
}
