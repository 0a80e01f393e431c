import { createHash, createPublicKey, type KeyObject } from 'node:crypto';
import { toBase64, toHex } from '../base/bytes.js';
import { fail } from '../base/errors.js';
import { shellQuote } from '../base/shell-quote.js';
import { ACCEPTED_KEYS, CURVES, type Curve, OID, RSA_KINDS } from './algorithms.js';
import { DER, der, membersOf, parseDer, smallInteger, unsignedInteger } from './der.js';
import { isSmallOrder } from './ed25519-points.js';
import { identifyKeyFile } from './key-file-format.js';
import type { KeyKind, PublicKey } from './keys.js';
import { formatPem } from './pem.js';

/**
 * Parses a public key file: PEM, `PUBLIC KEY` or `RSA PUBLIC KEY`. `where` names it in messages.
 *
 * @throws TouchmarkError `key-empty`, `key-too-large`, `key-malformed`, `key-unsupported` (kind or strength),
 * `key-not-public`
 */
export function parsePublicKey(bytes: Uint8Array, where: string): PublicKey {
  const file = identifyKeyFile(bytes, where);
  if (file.isPrivate) {
    fail('key-not-public', `${where} is a private key; a public key is needed here`, {
      details: { key: where },
      hint: `touchmark key export ${shellQuote(where)} gives its public key`,
    });
  }
  return parseSpki(file.format === 'spki' ? file.block.der : wrapRsaPublicKey(file.block.der), where);
}

/**
 * Parses a SubjectPublicKeyInfo (RFC 5280 4.1; RFC 5480, 8410, 3279). Only one encoding of each key is accepted, or one
 * key would have several keyids: named curve, uncompressed point, nothing behind the end. The structure is read here
 * before OpenSSL sees it: Node 20 aborts the process on the details of an EC key that is the point at infinity.
 *
 * @throws TouchmarkError `key-malformed`, `key-unsupported`
 */
export function parseSpki(spki: Uint8Array, where: string): PublicKey {
  const kind = kindOfSpki(spki, where);
  let keyObject: KeyObject;
  try {
    keyObject = createPublicKey({ key: Buffer.from(spki), format: 'der', type: 'spki' });
  } catch (cause) {
    return malformed(where, 'its point is not on the curve', cause);
  }
  const copy = Uint8Array.from(spki);
  return { kind, spki: copy, keyid: toHex(createHash('sha256').update(copy).digest()), keyObject };
}

/** The value cosign's bundles carry as `publicKey.hint`: base64 of SHA-256 over the SubjectPublicKeyInfo. */
export function publicKeyHint(key: PublicKey): string {
  return toBase64(Buffer.from(key.keyid, 'hex'));
}

/** The PEM file of a public key, `PUBLIC KEY`. */
export function serializePublicKey(key: PublicKey): Uint8Array {
  return formatPem('PUBLIC KEY', key.spki);
}

/** A SubjectPublicKeyInfo around a PKCS#1 RSAPublicKey. */
export function wrapRsaPublicKey(pkcs1: Uint8Array): Uint8Array {
  const algorithm = der(DER.sequence, OID.rsaEncryption, der(DER.null));
  return der(DER.sequence, algorithm, der(DER.bitString, Uint8Array.of(0), pkcs1));
}

/** A SubjectPublicKeyInfo around an uncompressed point. */
export function wrapEcPoint(curve: Curve, point: Uint8Array): Uint8Array {
  const algorithm = der(DER.sequence, OID.ecPublicKey, curve.oid);
  return der(DER.sequence, algorithm, der(DER.bitString, Uint8Array.of(0), point));
}

function malformed(where: string, problem: string, cause?: unknown): never {
  return fail('key-malformed', `${where} is not a usable key: ${problem}`, {
    details: { key: where },
    cause,
  });
}

function unsupported(where: string, problem: string, hint = ACCEPTED_KEYS): never {
  return fail('key-unsupported', `${where} ${problem}`, { details: { key: where }, hint });
}

function kindOfSpki(spki: Uint8Array, where: string): KeyKind {
  const outer = parseDer(spki);
  const info = outer?.length === 1 ? membersOf(outer[0], DER.sequence, DER.bitString) : undefined;
  const algorithm = membersOf(info?.[0], DER.oid);
  const bits = info?.[1]?.content;
  if (info?.length !== 2 || algorithm === undefined || bits === undefined || bits[0] !== 0) {
    return malformed(where, 'it is not a DER SubjectPublicKeyInfo');
  }
  const [oid, parameters] = algorithm.map(member => member.bytes);
  const value = bits.subarray(1);
  if (is(oid, OID.ecPublicKey)) return kindOfPoint(algorithm[1]?.bytes, value, where);
  if (is(oid, OID.ed25519)) {
    if (algorithm.length !== 1 || value.length !== 32)
      return malformed(where, 'it is not an Ed25519 key of 32 bytes');
    if (isSmallOrder(value)) return unsupported(where, 'is one of the Ed25519 keys that anyone can sign for');
    return 'ed25519';
  }
  if (is(oid, OID.rsaEncryption)) {
    if (algorithm.length !== 2 || !is(parameters, der(DER.null)))
      return malformed(where, 'its RSA parameters are not NULL');
    const outer = parseDer(value);
    return kindOfRsa(outer?.length === 1 ? membersOf(outer[0]) : undefined, where);
  }
  return unsupported(where, 'is a key of a kind this tool does not use');
}

function kindOfPoint(parameters: Uint8Array | undefined, point: Uint8Array, where: string): KeyKind {
  if (parameters?.[0] === DER.sequence) {
    return unsupported(
      where,
      'spells out its curve instead of naming it',
      'openssl ec -param_enc named_curve names it',
    );
  }
  const curve = CURVES.find(known => is(parameters, known.oid));
  if (curve === undefined) return unsupported(where, 'is on a curve this tool does not use');
  if (point.length === 1 + curve.size && (point[0] === 2 || point[0] === 3)) {
    return unsupported(
      where,
      'has a compressed point',
      'openssl ec -pubin -conv_form uncompressed spells it out',
    );
  }
  if (point.length !== 1 + 2 * curve.size || point[0] !== 4)
    return malformed(where, 'its point has the wrong form');
  return curve.kind;
}

/**
 * The kind of an RSA key whose first members are modulus and exponent.
 * @throws TouchmarkError `key-malformed`, `key-unsupported`
 */
export function kindOfRsa(members: ReturnType<typeof parseDer>, where: string): KeyKind {
  const modulus = unsignedInteger(members?.[0]);
  const exponent = smallInteger(members?.[1]);
  if (members?.length !== 2 || modulus === undefined || unsignedInteger(members[1]) === undefined) {
    return malformed(where, 'it is not an RSA modulus and exponent');
  }
  const bits = (modulus.length - 1) * 8 + (32 - Math.clz32(modulus[0] ?? 0));
  const kind = RSA_KINDS[bits];
  if (kind === undefined) return unsupported(where, `is an RSA key of ${bits} bits`);
  // Below 65537 forgeries against lax padding checks come cheap; Go reads no exponent above 2^31-1.
  if (exponent === undefined || exponent < 65537 || exponent > 0x7fffffff || exponent % 2 === 0) {
    return unsupported(where, 'has an RSA exponent that is not an odd number from 65537 to 2147483647');
  }
  if (((modulus.at(-1) ?? 0) & 1) === 0) return malformed(where, 'its modulus is even');
  return kind;
}

function is(actual: Uint8Array | undefined, expected: Uint8Array): boolean {
  return actual !== undefined && Buffer.compare(actual, expected) === 0;
}
