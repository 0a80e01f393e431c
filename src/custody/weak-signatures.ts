import { verify } from 'node:crypto';
import type { PublicKey } from '../crypto/keys.js';
import { type FoundMark, signedBytesOf, weaknessOf } from './authenticate.js';
import { type Finding, failure } from './finding.js';
import type { KeyRing } from './signers.js';

/**
 * Says of marks that nobody's key verifies whether a team made them all the same, with a key or a hash that is not
 * accepted. Only to explain a no: nothing that is found here ever counts.
 */
export function findWeakSignatures(marks: readonly FoundMark[], ring: KeyRing): readonly Finding[] {
  return marks.flatMap(mark => {
    const signed = signedBytesOf(mark);
    for (const key of ring.keys) {
      const problem = weaknessOf(key) ?? 'it was made with SHA-1';
      if (!isWeak(key, signed, mark.signature)) continue;
      const owner = ring.ownersOf.get(key.keyid)?.[0];
      const message = `is by ${owner?.signer} of team ${owner?.team}, and does not count: ${problem}`;
      return [failure('key-algorithm-denied', mark.source, message)];
    }
    return [];
  });
}

function isWeak(key: PublicKey, message: Uint8Array, signature: Uint8Array): boolean {
  const hashes = weaknessOf(key) === undefined ? ['sha1'] : ['sha256', 'sha384', 'sha512', 'sha1', null];
  return hashes.some(hash => {
    try {
      return verify(hash, message, key.keyObject, signature);
    } catch {
      // Hash and kind of key do not go together, or this build of OpenSSL knows no SHA-1.
      return false;
    }
  });
}
