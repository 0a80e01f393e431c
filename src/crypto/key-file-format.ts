import { fail } from '../base/errors.js';
import { type PemBlock, parsePem } from './pem.js';

/** What a key file is, by its PEM label. */
export type KeyFileFormat =
  /** `PUBLIC KEY`: SubjectPublicKeyInfo. */
  | 'spki'
  /** `RSA PUBLIC KEY`: PKCS#1. */
  | 'pkcs1-public'
  /** `ENCRYPTED SIGSTORE PRIVATE KEY`: what cosign and touchmark write. */
  | 'sigstore'
  /** `ENCRYPTED COSIGN PRIVATE KEY`: the same under its first name. */
  | 'cosign'
  /** `PRIVATE KEY`: PKCS#8, not encrypted. */
  | 'pkcs8'
  /** `ENCRYPTED PRIVATE KEY`: PKCS#8, encrypted as PKCS#5 says. */
  | 'pkcs8-encrypted'
  /** `EC PRIVATE KEY`: SEC1. */
  | 'sec1'
  /** `RSA PRIVATE KEY`: PKCS#1. */
  | 'pkcs1'
  /** `EC PRIVATE KEY` or `RSA PRIVATE KEY` with OpenSSL's old `Proc-Type: 4,ENCRYPTED`. */
  | 'openssl-encrypted';

export interface KeyFile {
  readonly format: KeyFileFormat;
  readonly isPrivate: boolean;
  /** True when a password is needed to open it. */
  readonly isEncrypted: boolean;
  readonly block: PemBlock;
  /** The curve that OpenSSL's `ecparam -genkey` writes into a block of its own, in front of the key. */
  readonly curve?: Uint8Array;
}

const FORMATS: Readonly<Record<string, KeyFileFormat>> = {
  'PUBLIC KEY': 'spki',
  'RSA PUBLIC KEY': 'pkcs1-public',
  'ENCRYPTED SIGSTORE PRIVATE KEY': 'sigstore',
  'ENCRYPTED COSIGN PRIVATE KEY': 'cosign',
  'PRIVATE KEY': 'pkcs8',
  'ENCRYPTED PRIVATE KEY': 'pkcs8-encrypted',
  'EC PRIVATE KEY': 'sec1',
  'RSA PRIVATE KEY': 'pkcs1',
};
const PUBLIC: readonly KeyFileFormat[] = ['spki', 'pkcs1-public'];
const ENCRYPTED: readonly KeyFileFormat[] = ['sigstore', 'cosign', 'pkcs8-encrypted', 'openssl-encrypted'];

const HINTS: Readonly<Record<string, string>> = {
  CERTIFICATE: 'take the public key out of it: openssl x509 -pubkey -noout -in FILE',
  'OPENSSH PRIVATE KEY': 'convert it on a copy: ssh-keygen -p -m PKCS8 -f COPY',
};

/**
 * Says what a key file is, without opening it. It must hold exactly one key.
 * @throws TouchmarkError `key-empty`, `key-too-large`, `key-malformed`, `key-unsupported`
 */
export function identifyKeyFile(bytes: Uint8Array, where: string): KeyFile {
  const details = { key: where };
  const blocks = parsePem(bytes, where);
  const [first, second] = blocks;
  const withCurve =
    blocks.length === 2 && first?.type === 'EC PARAMETERS' && second?.type === 'EC PRIVATE KEY';
  const block = withCurve ? second : first;
  if (block === undefined || (blocks.length > 1 && !withCurve)) {
    // Which of two keys is meant would be up to the reader.
    return fail('key-malformed', `${where} holds ${blocks.length} PEM blocks; a key file has one`, {
      details,
      hint: 'put each key into a file of its own',
    });
  }
  const format = FORMATS[block.type];
  if (format === undefined) {
    const hint = HINTS[block.type];
    return fail('key-unsupported', `${where} holds a ${block.type}, which is not a key this tool reads`, {
      details,
      ...(hint !== undefined && { hint }),
    });
  }
  const isOpenssl = (format === 'sec1' || format === 'pkcs1') && block.headers.has('Proc-Type');
  const actual = isOpenssl ? 'openssl-encrypted' : format;
  return {
    format: actual,
    isPrivate: !PUBLIC.includes(actual),
    isEncrypted: ENCRYPTED.includes(actual),
    block,
    ...(withCurve && first && { curve: first.der }),
  };
}
