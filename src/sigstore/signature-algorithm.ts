import { createHash, verify } from 'node:crypto';
import { equalBytes } from '../base/bytes.js';
import { DER, type DerElement, der, membersOf } from '../crypto/der.js';
import { isSmallOrder } from '../crypto/ed25519-points.js';
import type { KeyKind, PublicKey } from '../crypto/index.js';
import { type ObjectId, objectId, objectIdOf } from './object-id.js';

export type HashName = 'sha256' | 'sha384' | 'sha512';

/** How a certificate, a log or a timestamp authority signed. Without a hash it is Ed25519. */
export interface SignatureAlgorithm {
  readonly key: 'ec' | 'rsa' | 'ed25519';
  readonly hash: HashName | undefined;
}

const HASHES: ReadonlyMap<ObjectId, HashName> = new Map([
  [objectId('2.16.840.1.101.3.4.2.1'), 'sha256'],
  [objectId('2.16.840.1.101.3.4.2.2'), 'sha384'],
  [objectId('2.16.840.1.101.3.4.2.3'), 'sha512'],
]);

const SIGNATURES: ReadonlyMap<ObjectId, SignatureAlgorithm> = new Map([
  [objectId('1.2.840.10045.4.3.2'), { key: 'ec', hash: 'sha256' }],
  [objectId('1.2.840.10045.4.3.3'), { key: 'ec', hash: 'sha384' }],
  [objectId('1.2.840.10045.4.3.4'), { key: 'ec', hash: 'sha512' }],
  [objectId('1.2.840.113549.1.1.11'), { key: 'rsa', hash: 'sha256' }],
  [objectId('1.2.840.113549.1.1.12'), { key: 'rsa', hash: 'sha384' }],
  [objectId('1.2.840.113549.1.1.13'), { key: 'rsa', hash: 'sha512' }],
  [objectId('1.3.101.112'), { key: 'ed25519', hash: undefined }],
]);

const RSA_ENCRYPTION = objectId('1.2.840.113549.1.1.1');
const NULL = der(DER.null);

/** The hash an AlgorithmIdentifier names; undefined for SHA-1, MD5 and all the rest. */
export function hashAlgorithm(element: DerElement | undefined): HashName | undefined {
  const members = membersOf(element, DER.oid);
  return members && hasNoParameters(members) ? HASHES.get(objectIdOf(members[0]) ?? '') : undefined;
}

/** The algorithm an AlgorithmIdentifier names; undefined when it is not accepted. SHA-1 and RSA-PSS are not. */
export function signatureAlgorithm(element: DerElement | undefined): SignatureAlgorithm | undefined {
  const members = membersOf(element, DER.oid);
  return members && hasNoParameters(members) ? SIGNATURES.get(objectIdOf(members[0]) ?? '') : undefined;
}

/** As {@link signatureAlgorithm}, for CMS, where `rsaEncryption` leaves the hash to the digest algorithm beside it. */
export function cmsSignatureAlgorithm(
  element: DerElement | undefined,
  digest: HashName,
): SignatureAlgorithm | undefined {
  const named = objectIdOf(membersOf(element, DER.oid)?.[0]);
  return named === RSA_ENCRYPTION ? { key: 'rsa', hash: digest } : signatureAlgorithm(element);
}

/** What this key signs certificates, log entries and notes with, when nothing says more. */
export function usualAlgorithm(kind: KeyKind): SignatureAlgorithm {
  if (kind === 'ed25519') return { key: 'ed25519', hash: undefined };
  if (kind === 'ecdsa-p384') return { key: 'ec', hash: 'sha384' };
  if (kind === 'ecdsa-p521') return { key: 'ec', hash: 'sha512' };
  return { key: kind === 'ecdsa-p256' ? 'ec' : 'rsa', hash: 'sha256' };
}

/** Is `signature` one by this key over exactly these bytes? Never throws for damaged signatures. */
export function isSigned(
  key: Pick<PublicKey, 'keyObject'>,
  algorithm: SignatureAlgorithm,
  message: Uint8Array,
  signature: Uint8Array,
): boolean {
  if (key.keyObject.asymmetricKeyType !== algorithm.key || signature.length > MAX_SIGNATURE) return false;
  if (algorithm.key === 'ed25519' && (signature.length !== 64 || isSmallOrder(signature.subarray(0, 32))))
    return false;
  return verify(algorithm.hash ?? null, message, key.keyObject, signature);
}

/** Longer than any signature of an accepted key (RSA-4096: 512 bytes). */
const MAX_SIGNATURE = 1024;

export function hashBytes(algorithm: HashName, bytes: Uint8Array): Uint8Array {
  return createHash(algorithm).update(bytes).digest();
}

function hasNoParameters(members: readonly DerElement[]): boolean {
  const parameters = members[1];
  return members.length === 1 || (members.length === 2 && !!parameters && equalBytes(parameters.bytes, NULL));
}
