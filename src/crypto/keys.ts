import type { KeyObject } from 'node:crypto';

/** What `key generate` can make and every key file may hold; nothing else is accepted. */
export const KEY_KINDS = [
  'ecdsa-p256',
  'ecdsa-p384',
  'ecdsa-p521',
  'ed25519',
  'rsa-2048',
  'rsa-3072',
  'rsa-4096',
] as const;
export type KeyKind = (typeof KEY_KINDS)[number];

/**
 * How a signature was made. The names say key and hash; `ed25519ph` is the pre-hashed form of RFC 8032.
 * RSA is PKCS#1 v1.5, as cosign writes it; PSS is for TUF metadata alone, which go-tuf reads no other way, and never
 * accepted on images. ECDSA signatures are ASN.1 DER.
 */
export type SignatureScheme =
  | 'ecdsa-p256-sha256'
  | 'ecdsa-p384-sha384'
  | 'ecdsa-p384-sha256'
  | 'ecdsa-p521-sha512'
  | 'ecdsa-p521-sha256'
  | 'ed25519'
  | 'ed25519ph'
  | 'rsa-pkcs1-sha256'
  | 'rsa-pss-sha256';

/** A public key, parsed once and kept: parsing costs more than verifying. */
export interface PublicKey {
  readonly kind: KeyKind;
  /** SubjectPublicKeyInfo, DER. */
  readonly spki: Uint8Array;
  /** Lower-case hex SHA-256 of {@link spki}: what identifies the key everywhere in touchmark. */
  readonly keyid: string;
  readonly keyObject: KeyObject;
}

/** A private key opened from its file, on its way to a {@link Signer} or to another file. Keep it no longer than that. */
export interface PrivateKey {
  readonly publicKey: PublicKey;
  /**
   * PKCS#8, DER, with the public key inside for ECDSA, as Go writes it. Not enumerable, so that logging or serialising
   * the object does not show it.
   */
  readonly pkcs8: Uint8Array;
}

/** A private key in memory. Its bytes are reachable only through {@link Signer.sign}. */
export interface Signer {
  readonly publicKey: PublicKey;
  /** The scheme that {@link sign} uses. */
  readonly scheme: SignatureScheme;
  /** Signs `message`; the same message gives the same signature (RFC 6979, RFC 8032, PKCS#1 v1.5), save with PSS. */
  sign(message: Uint8Array): Uint8Array;
}

/** Gives the password of an encrypted private key, asked for only once the file has been read and found to need one. */
export type PasswordSource = (request: {
  readonly purpose: 'open' | 'new';
  readonly what: string;
}) => Promise<Uint8Array>;
