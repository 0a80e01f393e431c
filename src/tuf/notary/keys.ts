import { constants, verify } from 'node:crypto';
import { fromBase64, toBase64 } from '../../base/bytes.js';
import { fail, TouchmarkError } from '../../base/errors.js';
import type { Field } from '../../base/fields.js';
import { LIMITS } from '../../base/limits.js';
import { isSmallOrder } from '../../crypto/ed25519-points.js';
import { type PublicKey, parseSpki } from '../../crypto/index.js';
import { computeKeyid, wrapEd25519 } from '../keys.js';
import { type KeyCertificate, parseKeyCertificate } from './certificate.js';

/** A key as metadata gives it: no scheme, and a value in base64 that is a bare key, or a certificate around one. */
export interface NotaryKey {
  readonly keyid: string;
  readonly keytype: string;
  /** Base64, as received. */
  readonly value: string;
}

export interface OpenNotaryKey {
  readonly publicKey: PublicKey;
  /** What Notary calls the bare key, whatever certificate is around it: the name of the private key's file. */
  readonly canonicalKeyid: string;
  /** Of the `-x509` types. */
  readonly certificate: KeyCertificate | undefined;
}

/** @throws TouchmarkError `tuf-format` when it has not the form of a key */
export function parseNotaryKey(keyid: string, key: Field): NotaryKey {
  const value = key.get('keyval').get('public').string(LIMITS.keyFileSize);
  return { keyid, keytype: key.get('keytype').string(64), value };
}

/** Notary's keyid: SHA-256 of the canonical form of type and value, with a private half that is not there. */
export function computeNotaryKeyid(keytype: string, value: string): string {
  return computeKeyid({ keytype, keyval: { private: null, public: value } });
}

const opened = new WeakMap<NotaryKey, OpenNotaryKey | TouchmarkError>();

/** @throws TouchmarkError `key-malformed`, `key-unsupported` when it cannot verify anything */
export function openNotaryKey(key: NotaryKey): OpenNotaryKey {
  let result = opened.get(key);
  if (result === undefined) {
    try {
      result = open(key);
    } catch (error) {
      if (!(error instanceof TouchmarkError)) throw error;
      result = error;
    }
    opened.set(key, result);
  }
  if (result instanceof TouchmarkError) throw result;
  return result;
}

function open({ keyid, keytype, value }: NotaryKey): OpenNotaryKey {
  const where = `the key ${keyid.slice(0, 16)}`;
  if (computeNotaryKeyid(keytype, value) !== keyid)
    fail('key-malformed', `${where} does not have the keyid that belongs to it`);
  const bytes = fromBase64(value) ?? fail('key-malformed', `${where} is not base64`);
  const bare = keytype.replace(/-x509$/, '');
  const certificate = bare === keytype ? undefined : parseKeyCertificate(bytes, where);
  const publicKey =
    certificate?.publicKey ?? parseSpki(bare === 'ed25519' ? wrapEd25519(bytes, where) : bytes, where);
  if (!['ecdsa', 'rsa', 'ed25519'].includes(bare) || !publicKey.kind.startsWith(bare))
    fail(
      'key-unsupported',
      `${where} is called ${keytype.slice(0, 20)} and holds a key of kind ${publicKey.kind}`,
    );
  const canonicalKeyid =
    certificate === undefined ? keyid : computeNotaryKeyid(bare, toBase64(publicKey.spki));
  return { publicKey, canonicalKeyid, certificate };
}

/**
 * Checks one signature. The method must be one that the key's kind has; the hash is SHA-256 for all of them. ECDSA
 * signatures are the two numbers side by side, in as many bytes as the curve has.
 */
export function checkNotarySignature(
  { kind, keyObject: key }: PublicKey,
  method: string,
  message: Uint8Array,
  signature: Uint8Array,
): boolean {
  if (signature.length > LIMITS.tufSignatureSize) return false;
  if (kind.startsWith('ecdsa'))
    return method === 'ecdsa' && verify('sha256', message, { key, dsaEncoding: 'ieee-p1363' }, signature);
  if (kind === 'ed25519')
    return (
      method === 'eddsa' &&
      signature.length === 64 &&
      !isSmallOrder(signature.subarray(0, 32)) &&
      verify(null, message, key, signature)
    );
  if (method === 'rsapss' || method === 'pycrypto-pkcs#1 pss')
    return verify(
      'sha256',
      message,
      { key, padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: 32 },
      signature,
    );
  return (
    method === 'rsapkcs1v15' &&
    verify('sha256', message, { key, padding: constants.RSA_PKCS1_PADDING }, signature)
  );
}
