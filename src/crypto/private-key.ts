import { createECDH, createPrivateKey, createPublicKey, type KeyObject, sign, verify } from 'node:crypto';
import { fail } from '../base/errors.js';
import { ACCEPTED_KEYS, CURVES, type Curve, OID } from './algorithms.js';
import { DER, type DerElement, der, membersOf, parseDer, smallInteger } from './der.js';
import type { PrivateKey, PublicKey } from './keys.js';
import { kindOfRsa, parseSpki, wrapEcPoint, wrapRsaPublicKey } from './public-key.js';

/** Overwrites a secret that is no longer needed. Best effort: the garbage collector may have copied it. */
export function wipe(...secrets: readonly Uint8Array[]): void {
  for (const secret of secrets) secret.fill(0);
}

/**
 * Parses a PKCS#8 private key (RFC 5208, RFC 5958), DER. What comes back is written anew: named curve, public key inside
 * for ECDSA, no attributes. A public half in the file must belong to the private one.
 *
 * @throws TouchmarkError `key-malformed`, `key-unsupported` (kind or strength)
 */
export function parsePkcs8(pkcs8: Uint8Array, where: string): PrivateKey {
  const outer = parseDer(pkcs8);
  const info =
    outer?.length === 1 ? membersOf(outer[0], DER.integer, DER.sequence, DER.octetString) : undefined;
  const version = smallInteger(info?.[0]);
  const algorithm = membersOf(info?.[1], DER.oid);
  const key = info?.[2]?.content;
  if (
    info === undefined ||
    algorithm === undefined ||
    key === undefined ||
    (version !== 0 && version !== 1)
  ) {
    if (isSec1(outer)) {
      return unsupported(
        where,
        'is an EC key in SEC1 form where PKCS#8 is due',
        'cosign refuses such a file as well',
      );
    }
    return malformed(where, 'it is not a PKCS#8 private key');
  }
  const oid = algorithm[0]?.bytes;
  if (is(oid, OID.ecPublicKey)) return parseSec1(key, where, algorithm[1]?.bytes);
  if (is(oid, OID.rsaEncryption)) return parsePkcs1(key, where);
  if (is(oid, OID.ed25519)) {
    const attached = info.find(member => member.tag === DER.implicit1)?.content.subarray(1);
    return parseEd25519(key, where, attached);
  }
  return unsupported(where, 'is a private key of a kind this tool does not use');
}

/**
 * Parses a SEC1 private key (RFC 5915), DER. `parameters` is the curve where it is named outside of the key.
 * @throws TouchmarkError `key-malformed`, `key-unsupported`
 */
export function parseSec1(sec1: Uint8Array, where: string, parameters?: Uint8Array): PrivateKey {
  const outer = parseDer(sec1);
  const members = outer?.length === 1 ? membersOf(outer[0], DER.integer, DER.octetString) : undefined;
  if (members === undefined || smallInteger(members[0]) !== 1) {
    return malformed(where, 'it is not a SEC1 private key');
  }
  const named = membersOf(members.find(member => member.tag === DER.context0))?.[0]?.bytes;
  if (named && parameters && !is(named, parameters)) return malformed(where, 'it names two curves');
  const curve = findCurve(named ?? parameters, where);
  const scalar = padScalar(members[1]?.content ?? new Uint8Array(), curve, where);
  const ecdh = createECDH(curve.name);
  try {
    ecdh.setPrivateKey(scalar);
  } catch {
    return malformed(where, 'its private number is not below the order of the curve');
  }
  const point = ecdh.getPublicKey();
  const stated = membersOf(members.find(member => member.tag === DER.context1))?.[0]?.content.subarray(1);
  // A wrong public half would make signatures that nobody can verify, under a keyid that is not this key's.
  if (stated && !is(stated, point) && !is(stated, ecdh.getPublicKey(null, 'compressed'))) {
    return malformed(where, 'its public half does not belong to its private one');
  }
  const inner = der(
    DER.sequence,
    der(DER.integer, Uint8Array.of(1)),
    der(DER.octetString, scalar),
    der(DER.context1, der(DER.bitString, Uint8Array.of(0), point)),
  );
  const pkcs8 = wrapPkcs8([OID.ecPublicKey, curve.oid], inner);
  wipe(inner, scalar);
  return privateKey(pkcs8, parseSpki(wrapEcPoint(curve, point), where));
}

/**
 * Parses a PKCS#1 RSA private key (RFC 8017 A.1.2), DER.
 * @throws TouchmarkError `key-malformed`, `key-unsupported`
 */
export function parsePkcs1(pkcs1: Uint8Array, where: string): PrivateKey {
  const outer = parseDer(pkcs1);
  const members = outer?.length === 1 ? membersOf(outer[0], ...Array(9).fill(DER.integer)) : undefined;
  if (members?.length !== 9 || smallInteger(members[0]) !== 0) {
    return malformed(where, 'it is not an RSA private key with two primes');
  }
  kindOfRsa(members.slice(1, 3), where);
  const pair = der(DER.sequence, ...members.slice(1, 3).map(member => member.bytes));
  const publicKey = parseSpki(wrapRsaPublicKey(pair), where);
  const pkcs8 = wrapPkcs8([OID.rsaEncryption, der(DER.null)], pkcs1);
  const probe = Buffer.from('touchmark');
  let fits = false;
  try {
    fits = verify('sha256', probe, publicKey.keyObject, sign('sha256', probe, openPkcs8(pkcs8)));
  } catch (cause) {
    return malformed(where, 'its numbers do not belong together', cause);
  }
  if (!fits) return malformed(where, 'its numbers do not belong together');
  return privateKey(pkcs8, publicKey);
}

function parseEd25519(key: Uint8Array, where: string, attached: Uint8Array | undefined): PrivateKey {
  const inner = parseDer(key);
  const seed = inner?.length === 1 && inner[0]?.tag === DER.octetString ? inner[0].content : undefined;
  if (seed?.length !== 32) return malformed(where, 'it is not an Ed25519 seed of 32 bytes');
  const pkcs8 = wrapPkcs8([OID.ed25519], der(DER.octetString, seed));
  const spki = createPublicKey(openPkcs8(pkcs8)).export({ format: 'der', type: 'spki' });
  const publicKey = parseSpki(spki, where);
  if (attached && !is(attached, spki.subarray(-32))) {
    return malformed(where, 'its public half does not belong to its private one');
  }
  return privateKey(pkcs8, publicKey);
}

/** The key as OpenSSL holds it; only for PKCS#8 that was written here. */
export function openPkcs8(pkcs8: Uint8Array): KeyObject {
  const copy = Buffer.from(pkcs8);
  try {
    return createPrivateKey({ key: copy, format: 'der', type: 'pkcs8' });
  } finally {
    wipe(copy);
  }
}

/** A copy of the ECDSA scalar or the Ed25519 seed. The caller wipes it. */
export function secretOf(key: PrivateKey): Uint8Array {
  const inner = membersOf(parseDer(key.pkcs8)?.[0])?.[2]?.content ?? new Uint8Array();
  const [element] = parseDer(inner) ?? [];
  const secret = element?.tag === DER.octetString ? element.content : membersOf(element)?.[1]?.content;
  return Uint8Array.from(secret ?? []);
}

function privateKey(pkcs8: Uint8Array, publicKey: PublicKey): PrivateKey {
  const key = { publicKey };
  Object.defineProperty(key, 'pkcs8', { value: pkcs8, enumerable: false });
  return key as PrivateKey;
}

function wrapPkcs8(algorithm: readonly Uint8Array[], key: Uint8Array): Uint8Array {
  return der(
    DER.sequence,
    der(DER.integer, Uint8Array.of(0)),
    der(DER.sequence, ...algorithm),
    der(DER.octetString, key),
  );
}

function findCurve(parameters: Uint8Array | undefined, where: string): Curve {
  const curve = CURVES.find(known => is(parameters, known.oid));
  if (curve !== undefined) return curve;
  if (parameters?.[0] === DER.sequence) {
    return unsupported(
      where,
      'spells out its curve instead of naming it',
      'openssl ec -param_enc named_curve names it',
    );
  }
  return parameters === undefined
    ? malformed(where, 'it does not name its curve')
    : unsupported(where, 'is on a curve this tool does not use');
}

/** RFC 5915 asks for the full width; older writers left leading zeros out, or put one too many. */
function padScalar(scalar: Uint8Array, curve: Curve, where: string): Uint8Array {
  const surplus = scalar.subarray(0, Math.max(0, scalar.length - curve.size));
  if (scalar.length === 0 || surplus.length > 1 || surplus.some(byte => byte !== 0)) {
    return malformed(where, 'its private number has the wrong length');
  }
  const padded = new Uint8Array(curve.size);
  padded.set(scalar.subarray(surplus.length), curve.size - (scalar.length - surplus.length));
  return padded;
}

function isSec1(outer: readonly DerElement[] | undefined): boolean {
  return smallInteger(membersOf(outer?.[0], DER.integer, DER.octetString)?.[0]) === 1;
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

function is(actual: Uint8Array | undefined, expected: Uint8Array): boolean {
  return actual !== undefined && Buffer.compare(actual, expected) === 0;
}
