import type { KeyKind, SignatureScheme } from './keys.js';

const hex = (text: string): Uint8Array => Uint8Array.from(Buffer.from(text, 'hex'));

/** Object identifiers as DER elements, tag and length included. */
export const OID = {
  ecPublicKey: hex('06072a8648ce3d0201'),
  rsaEncryption: hex('06092a864886f70d010101'),
  ed25519: hex('06032b6570'),
  /** id-PBES2's scrypt (RFC 7914). */
  scrypt: hex('06092b06010401da47040b'),
} as const;

export interface Curve {
  readonly kind: KeyKind;
  readonly oid: Uint8Array;
  /** OpenSSL's name. */
  readonly name: string;
  /** Bytes of a coordinate and of the private scalar. */
  readonly size: number;
}

export const CURVES: readonly Curve[] = [
  { kind: 'ecdsa-p256', oid: hex('06082a8648ce3d030107'), name: 'prime256v1', size: 32 },
  { kind: 'ecdsa-p384', oid: hex('06052b81040022'), name: 'secp384r1', size: 48 },
  { kind: 'ecdsa-p521', oid: hex('06052b81040023'), name: 'secp521r1', size: 66 },
];

export const RSA_KINDS: Readonly<Record<number, KeyKind>> = {
  2048: 'rsa-2048',
  3072: 'rsa-3072',
  4096: 'rsa-4096',
};

/** For error messages: what would have been accepted. */
export const ACCEPTED_KEYS =
  'accepted are ECDSA P-256, P-384 and P-521, Ed25519, and RSA with 2048, 3072 or 4096 bits';

const RSA: readonly SignatureScheme[] = ['rsa-pkcs1-sha256'];

/**
 * The schemes a key of each kind may sign with; the first is what touchmark writes. It is the one that
 * `cosign verify --key` accepts with default flags (v2.6 and v3.1, in both carriers): that command takes SHA-256 with
 * every curve and pure Ed25519, whereas `cosign sign --key` writes SHA-384, SHA-512 and Ed25519ph, the second of each
 * row, which its own verifier refuses. Both are read here.
 */
const SCHEMES: Readonly<Record<KeyKind, readonly SignatureScheme[]>> = {
  'ecdsa-p256': ['ecdsa-p256-sha256'],
  'ecdsa-p384': ['ecdsa-p384-sha256', 'ecdsa-p384-sha384'],
  'ecdsa-p521': ['ecdsa-p521-sha256', 'ecdsa-p521-sha512'],
  ed25519: ['ed25519', 'ed25519ph'],
  'rsa-2048': RSA,
  'rsa-3072': RSA,
  'rsa-4096': RSA,
};

/** Every scheme accepted from a key of this kind, the one to write with first. */
export function schemesOf(kind: KeyKind): readonly SignatureScheme[] {
  return SCHEMES[kind];
}

/** Every scheme that a key of this kind can sign with: those that are read on images, and what TUF metadata has besides. */
export function signingSchemesOf(kind: KeyKind): readonly SignatureScheme[] {
  return kind.startsWith('rsa-') ? [...SCHEMES[kind], 'rsa-pss-sha256'] : SCHEMES[kind];
}

/** What touchmark signs with when nothing else is asked for. */
export function defaultScheme(kind: KeyKind): SignatureScheme {
  return SCHEMES[kind][0] as SignatureScheme;
}

/** The hash of an ECDSA or RSA scheme; undefined where the scheme hashes by itself (Ed25519). */
export function hashOf(scheme: SignatureScheme): 'sha256' | 'sha384' | 'sha512' | undefined {
  const hash = /sha(?:256|384|512)$/.exec(scheme)?.[0];
  return hash as 'sha256' | 'sha384' | 'sha512' | undefined;
}
