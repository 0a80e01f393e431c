import { verify } from 'node:crypto';
import { hashOf, schemesOf } from './algorithms.js';
import { isSmallOrder } from './ed25519-points.js';
import type { PublicKey, SignatureScheme } from './keys.js';

/** Longer than any signature of an accepted key (RSA-4096: 512 bytes). */
const MAX_SIGNATURE = 1024;

/**
 * Finds the scheme under which `signature` is valid for exactly these bytes. Only the schemes of the key's kind are
 * tried, what touchmark writes first. Undefined means that it does not verify; damaged signature bytes are that too.
 */
export async function checkSignature(
  key: PublicKey,
  message: Uint8Array,
  signature: Uint8Array,
): Promise<SignatureScheme | undefined> {
  for (const scheme of schemesOf(key.kind)) {
    if (await checkScheme(key, scheme, message, signature)) return scheme;
  }
  return undefined;
}

/**
 * Is `signature` valid under this one scheme? ECDSA signatures must be DER and nothing else (OpenSSL encodes what it
 * decoded once more and compares); Ed25519 is checked as RFC 8032 5.1.7 without the cofactor, as Go does.
 */
export async function checkScheme(
  key: PublicKey,
  scheme: SignatureScheme,
  message: Uint8Array,
  signature: Uint8Array,
): Promise<boolean> {
  if (!schemesOf(key.kind).includes(scheme) || signature.length > MAX_SIGNATURE) return false;
  if (key.kind === 'ed25519' && (signature.length !== 64 || isSmallOrder(signature.subarray(0, 32))))
    return false;
  if (scheme === 'ed25519ph') {
    // OpenSSL of Node 20 has no pre-hashed form. Loaded only here: it costs 20 ms that few verifications need.
    const { checkPortably } = await import('./portable.js');
    return checkPortably(key, scheme, message, signature);
  }
  return verify(hashOf(scheme) ?? null, message, key.keyObject, signature);
}
