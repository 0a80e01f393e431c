import { type ECDSA, ecdsa } from '@noble/curves/abstract/weierstrass.js';
import { ed25519, ed25519ph } from '@noble/curves/ed25519.js';
import { p256, p384, p521 } from '@noble/curves/nist.js';
import { sha256, sha512 } from '@noble/hashes/sha2.js';
import { hashOf, schemesOf } from './algorithms.js';
import { membersOf, parseDer, unsignedInteger } from './der.js';
import { isSmallOrder } from './ed25519-points.js';
import type { PublicKey, SignatureScheme } from './keys.js';

/**
 * The second implementation of verifying, without OpenSSL: for Ed25519ph, for places that have no `node:crypto`, and for
 * the test that holds both to the same answers. The hash is the scheme's, not the curve's, in RFC 6979 as well.
 */
export const ECDSA_SCHEMES: Readonly<Partial<Record<SignatureScheme, ECDSA>>> = {
  'ecdsa-p256-sha256': p256,
  'ecdsa-p384-sha384': p384,
  'ecdsa-p384-sha256': ecdsa(p384.Point, sha256),
  'ecdsa-p521-sha512': p521,
  'ecdsa-p521-sha256': ecdsa(p521.Point, sha256),
};

/** dom2(1, "") of RFC 8032 2. */
const DOM2_PREHASHED = new TextEncoder().encode('SigEd25519 no Ed25519 collisions\x01\x00');

/** ASN.1 DER of DigestInfo up to the digest itself, SHA-256 (RFC 8017 9.2, note 1). */
const DIGEST_INFO = Uint8Array.from(Buffer.from('3031300d060960864801650304020105000420', 'hex'));

/** As `checkSignature`, by the portable implementation. */
export function checkSignaturePortably(
  key: Pick<PublicKey, 'kind' | 'spki'>,
  message: Uint8Array,
  signature: Uint8Array,
): SignatureScheme | undefined {
  return schemesOf(key.kind).find(scheme => checkPortably(key, scheme, message, signature));
}

/** Is `signature` valid under this one scheme? Never throws for damaged signature bytes. */
export function checkPortably(
  key: Pick<PublicKey, 'kind' | 'spki'>,
  scheme: SignatureScheme,
  message: Uint8Array,
  signature: Uint8Array,
): boolean {
  const bits = membersOf(parseDer(key.spki)?.[0])?.[1]?.content.subarray(1);
  if (bits === undefined || !schemesOf(key.kind).includes(scheme)) return false;
  if (hashOf(scheme) === undefined) {
    if (signature.length !== 64 || isSmallOrder(signature.subarray(0, 32))) return false;
    const curve = scheme === 'ed25519ph' ? ed25519ph : ed25519;
    return (
      curve.verify(signature, message, bits, { zip215: false }) &&
      holdsWithoutCofactor(scheme, bits, message, signature)
    );
  }
  const ec = ECDSA_SCHEMES[scheme];
  if (ec === undefined) return checkRsa(bits, message, signature);
  try {
    return ec.verify(signature, message, bits, { lowS: false, format: 'der', prehash: true });
  } catch {
    // noble throws where the signature is not DER or too long; key and message are sound by now.
    return false;
  }
}

/**
 * Is `signature` valid over a message of which only this digest is known? For ECDSA and RSA; `node:crypto` has no such call.
 * The scheme must be one of the key's.
 */
export function checkDigestPortably(
  key: Pick<PublicKey, 'kind' | 'spki'>,
  hash: 'sha256' | 'sha384' | 'sha512',
  digest: Uint8Array,
  signature: Uint8Array,
): boolean {
  const bits = membersOf(parseDer(key.spki)?.[0])?.[1]?.content.subarray(1);
  const scheme = schemesOf(key.kind).find(known => hashOf(known) === hash);
  if (bits === undefined || scheme === undefined) return false;
  const ec = ECDSA_SCHEMES[scheme];
  if (ec === undefined) return checkRsaDigest(bits, digest, signature);
  try {
    return ec.verify(signature, digest, bits, { lowS: false, format: 'der', prehash: false });
  } catch {
    return false;
  }
}

/**
 * RFC 8032 5.1.7 lets a verifier multiply by the cofactor 8 or not. noble does; OpenSSL and Go do not, so a signer could
 * make signatures that only some accept. This is the second half of the check as those two do it: R = S·B - k·A.
 */
function holdsWithoutCofactor(
  scheme: SignatureScheme,
  publicKey: Uint8Array,
  message: Uint8Array,
  signature: Uint8Array,
): boolean {
  const [r, s] = [signature.subarray(0, 32), signature.subarray(32)];
  const { Point } = ed25519;
  const hash = sha512.create();
  if (scheme === 'ed25519ph') hash.update(DOM2_PREHASHED);
  hash
    .update(r)
    .update(publicKey)
    .update(scheme === 'ed25519ph' ? sha512(message) : message);
  const k = toBigInt(hash.digest().reverse()) % Point.Fn.ORDER;
  const left = Point.BASE.multiplyUnsafe(toBigInt(Uint8Array.from(s).reverse()));
  const point = left.subtract(Point.fromBytes(publicKey).multiplyUnsafe(k)).toBytes();
  return point.every((byte, i) => byte === r[i]);
}

/** RSASSA-PKCS1-v1_5 (RFC 8017 8.2.2): the encoded message is built and compared, never parsed. */
function checkRsa(publicKey: Uint8Array, message: Uint8Array, signature: Uint8Array): boolean {
  return checkRsaDigest(publicKey, sha256(message), signature);
}

function checkRsaDigest(publicKey: Uint8Array, digest: Uint8Array, signature: Uint8Array): boolean {
  const [n, e] = (membersOf(parseDer(publicKey)?.[0]) ?? []).map(unsignedInteger);
  if (n === undefined || e === undefined || signature.length !== n.length || digest.length !== 32)
    return false;
  const modulus = toBigInt(n);
  const value = toBigInt(signature);
  if (value >= modulus) return false;
  const padding = n.length - 3 - DIGEST_INFO.length - 32;
  const expected = Uint8Array.of(0, 1, ...Array(padding).fill(0xff), 0, ...DIGEST_INFO, ...digest);
  return power(value, toBigInt(e), modulus) === toBigInt(expected);
}

function toBigInt(bytes: Uint8Array): bigint {
  return BigInt(`0x${Array.from(bytes, byte => byte.toString(16).padStart(2, '0')).join('')}`);
}

/** Not constant in time: public values only. */
function power(base: bigint, exponent: bigint, modulus: bigint): bigint {
  let result = 1n;
  let square = base;
  for (let rest = exponent; rest > 0n; rest >>= 1n) {
    if (rest & 1n) result = (result * square) % modulus;
    square = (square * square) % modulus;
  }
  return result;
}
