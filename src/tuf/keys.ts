import { constants, createHash, verify } from 'node:crypto';
import { utf8 } from '../base/bytes.js';
import { fail, TouchmarkError } from '../base/errors.js';
import type { Field } from '../base/fields.js';
import type { ExactJson, ExactJsonObject } from '../base/json.js';
import { LIMITS } from '../base/limits.js';
import { CURVES } from '../crypto/algorithms.js';
import { isSmallOrder } from '../crypto/ed25519-points.js';
import type { PublicKey } from '../crypto/keys.js';
import { parsePublicKey, parseSpki, wrapEcPoint } from '../crypto/public-key.js';
import { encodeCanonical } from './canonical-json.js';
import { decodeHex } from './envelope.js';

/** A key as metadata gives it (TUF specification 4.2). A key that cannot be used is still a key: it just verifies nothing. */
export interface TufKey {
  readonly keyid: string;
  readonly keytype: string;
  readonly scheme: string;
  /** The key object as received, from which the keyid is made. */
  readonly raw: ExactJsonObject;
}

export type Verifier =
  | {
      readonly usable: true;
      /** Hex SHA-256 of the SubjectPublicKeyInfo: the same for one key, whatever its keyids. */
      readonly identity: string;
      readonly publicKey: PublicKey;
      verify(message: Uint8Array, signature: Uint8Array): boolean;
    }
  | { readonly usable: false; readonly problem: string };

/** @throws TouchmarkError `tuf-format` when it has not the form of a key */
export function parseKey(keyid: string, key: Field): TufKey {
  const raw = key.object() as ExactJsonObject;
  key.get('keyval').object();
  return {
    keyid,
    keytype: key.get('keytype').string(LIMITS.tufPathLength),
    scheme: key.get('scheme').string(LIMITS.tufPathLength),
    raw,
  };
}

/** The keyid that belongs to a key: SHA-256 of its canonical JSON. */
export function computeKeyid(raw: ExactJsonObject): string {
  return createHash('sha256').update(encodeCanonical(raw)).digest('hex');
}

/**
 * Is the keyid made from the key? Members that others have added since the keyid was made are left out where they were:
 * either way the keyid names keytype, scheme and value, and so one key.
 */
export function hasOwnKeyid({ keyid, raw }: TufKey): boolean {
  const without = (leftOut: (name: string) => boolean): ExactJsonObject =>
    Object.assign(
      Object.create(null),
      Object.fromEntries(Object.entries(raw).filter(([name]) => !leftOut(name))),
    );
  const own = ['keytype', 'scheme', 'keyval'];
  return [raw, without(name => name === 'keyid_hash_algorithms'), without(name => !own.includes(name))].some(
    form => computeKeyid(form) === keyid,
  );
}

interface Scheme {
  readonly keytypes: readonly string[];
  /** What the kind of the public key begins with. */
  readonly kind: string;
  /** The scheme says which hash, never the key or the library: OpenSSL would take SHA-256 for every curve. */
  readonly hash: string | null;
  readonly padding?: number;
}

const ecdsa = (curve: string, hash: string): readonly [string, Scheme] => {
  const name = `ecdsa-sha2-nist${curve}`;
  return [name, { keytypes: ['ecdsa', name], kind: `ecdsa-${curve}`, hash }];
};

const rsa = (name: string, padding: number): (readonly [string, Scheme])[] =>
  ['sha224', 'sha256', 'sha384', 'sha512'].map(hash => [
    `${name}-${hash}`,
    { keytypes: ['rsa'], kind: 'rsa-', hash, padding },
  ]);

const SCHEMES: ReadonlyMap<string, Scheme> = new Map<string, Scheme>([
  ['ed25519', { keytypes: ['ed25519'], kind: 'ed25519', hash: null }],
  ecdsa('p256', 'sha256'),
  ecdsa('p384', 'sha384'),
  ecdsa('p521', 'sha512'),
  ...rsa('rsassa-pss', constants.RSA_PKCS1_PSS_PADDING),
  ...rsa('rsa-pkcs1v15', constants.RSA_PKCS1_PADDING),
]);

const opened = new WeakMap<TufKey, Verifier>();

/** Makes a key ready for verifying, once; most keys of a large delegation are never needed. */
export function openKey(key: TufKey): Verifier {
  const known = opened.get(key);
  if (known) return known;
  const verifier = makeVerifier(key);
  opened.set(key, verifier);
  return verifier;
}

function makeVerifier(key: TufKey): Verifier {
  const scheme = SCHEMES.get(key.scheme);
  if (scheme === undefined || !scheme.keytypes.includes(key.keytype))
    return { usable: false, problem: `${key.keytype} keys with ${key.scheme} are not supported` };
  try {
    const publicKey = publicKeyOf(key);
    if (!publicKey.kind.startsWith(scheme.kind))
      return {
        usable: false,
        problem: `its scheme is ${key.scheme}, but it is a key of kind ${publicKey.kind}`,
      };
    return { usable: true, identity: publicKey.keyid, publicKey, verify: verifyFunction(publicKey, scheme) };
  } catch (error) {
    if (!(error instanceof TouchmarkError)) throw error;
    return { usable: false, problem: error.message };
  }
}

function publicKeyOf(key: TufKey): PublicKey {
  const where = `the key ${key.keyid.slice(0, 16)}`;
  const text: ExactJson | undefined = (key.raw['keyval'] as ExactJsonObject)['public'];
  if (typeof text !== 'string') return fail('key-malformed', `${where} has no public value`);
  const raw = decodeHex(text);
  if (key.keytype === 'ed25519')
    return parseSpki(
      wrapEd25519(raw ?? fail('key-malformed', `${where} is not 32 bytes in hex`), where),
      where,
    );
  const curve = CURVES.find(({ kind }) => key.scheme === kind.replace('ecdsa-', 'ecdsa-sha2-nist'));
  // go-tuf wrote ECDSA keys as the bare point until 2022; the first roots of Sigstore have them.
  if (raw !== undefined && curve !== undefined) return parseSpki(wrapEcPoint(curve, raw), where);
  return parsePublicKey(utf8(text), where);
}

/** A SubjectPublicKeyInfo of Ed25519 up to the key itself (RFC 8410). */
const ED25519_SPKI = Buffer.from('302a300506032b6570032100', 'hex');

/** The SubjectPublicKeyInfo of a bare Ed25519 key. @throws TouchmarkError `key-malformed` unless it has 32 bytes */
export function wrapEd25519(raw: Uint8Array, where: string): Uint8Array {
  if (raw.length !== 32) fail('key-malformed', `${where} is not an Ed25519 key of 32 bytes`);
  return Buffer.concat([ED25519_SPKI, raw]);
}

function verifyFunction(key: PublicKey, scheme: Scheme) {
  return (message: Uint8Array, signature: Uint8Array): boolean => {
    if (signature.length > LIMITS.tufSignatureSize) return false;
    if (scheme.hash === null && (signature.length !== 64 || isSmallOrder(signature.subarray(0, 32))))
      return false;
    const options =
      scheme.padding === undefined
        ? key.keyObject
        : {
            key: key.keyObject,
            padding: scheme.padding,
            ...(scheme.padding === constants.RSA_PKCS1_PSS_PADDING && {
              // Others sign with a salt as long as the hash, or as long as fits.
              saltLength: constants.RSA_PSS_SALTLEN_AUTO,
            }),
          };
    return verify(scheme.hash, message, options, signature);
  };
}
