import { randomBytes, scrypt } from 'node:crypto';
import { promisify } from 'node:util';
import { fromBase64, toBase64, utf8 } from '../base/bytes.js';
import { fail } from '../base/errors.js';
import { Field } from '../base/fields.js';
import { parseJson } from '../base/json.js';
import { LIMITS } from '../base/limits.js';
import { identifyKeyFile } from './key-file-format.js';
import type { PrivateKey } from './keys.js';
import { formatPem } from './pem.js';
import { parsePkcs8, wipe } from './private-key.js';

/** scrypt's cost (RFC 7914): memory is 128·N·r bytes. */
export interface ScryptParameters {
  readonly N: number;
  readonly r: number;
  readonly p: number;
}

/**
 * The only sets cosign reads, and so the only ones here: a hostile key file must not choose how much memory and time
 * opening it takes. 65536 is what cosign and touchmark write.
 */
export const SCRYPT_COSTS = [32768, 65536, 131072] as const;

interface EncryptedKey {
  readonly parameters: ScryptParameters;
  readonly salt: Uint8Array;
  readonly nonce: Uint8Array;
  readonly ciphertext: Uint8Array;
}

export interface EncryptOptions {
  /** One of {@link SCRYPT_COSTS}. */
  readonly cost?: (typeof SCRYPT_COSTS)[number];
  /** Gives that many random bytes; for test vectors only. */
  readonly random?: (size: number) => Uint8Array;
}

const PEM_TYPE = 'ENCRYPTED SIGSTORE PRIVATE KEY';
const SALT_SIZE = 32;
const NONCE_SIZE = 24;
const TAG_SIZE = 16;
const deriveKey = promisify<Uint8Array, Uint8Array, number, object, Buffer>(scrypt);

/**
 * The scrypt parameters of cosign's encrypted key file, which say nothing about the key and need no password.
 * @throws TouchmarkError as {@link decryptPrivateKey}, but for the password
 */
export function readScryptParameters(file: Uint8Array, where: string): ScryptParameters {
  return parseEnvelope(file, where).parameters;
}

/**
 * Opens cosign's encrypted private key file (secretbox under scrypt, PKCS#8 inside). The password is bytes, empty
 * included, and is not changed in any way.
 *
 * @throws TouchmarkError `key-empty`, `key-too-large`, `key-malformed`, `key-parameters`, `key-unsupported`,
 * `key-wrong-password`
 */
export async function decryptPrivateKey(
  file: Uint8Array,
  password: Uint8Array,
  where: string,
): Promise<PrivateKey> {
  const envelope = parseEnvelope(file, where);
  const key = await scryptKey(password, envelope.salt, envelope.parameters);
  const { xsalsa20poly1305 } = await import('@noble/ciphers/salsa.js');
  let plaintext: Uint8Array;
  try {
    plaintext = xsalsa20poly1305(key, envelope.nonce).decrypt(envelope.ciphertext);
  } catch {
    // The cause would say "invalid tag" and no more: both reasons look the same.
    return fail('key-wrong-password', `the password does not open ${where}, or the file is damaged`, {
      details: { key: where },
      hint: 'a password that was piped into cosign generate-key-pair may have a newline at its end',
    });
  } finally {
    wipe(key);
  }
  try {
    return parsePkcs8(plaintext, where);
  } finally {
    wipe(plaintext);
  }
}

/** Writes a private key as cosign does: a PEM file, `ENCRYPTED SIGSTORE PRIVATE KEY`. */
export async function encryptPrivateKey(
  privateKey: PrivateKey,
  password: Uint8Array,
  options: EncryptOptions = {},
): Promise<Uint8Array> {
  const random = options.random ?? randomBytes;
  const parameters = { N: options.cost ?? 65536, r: 8, p: 1 };
  const [salt, nonce] = [random(SALT_SIZE), random(NONCE_SIZE)];
  const key = await scryptKey(password, salt, parameters);
  const { xsalsa20poly1305 } = await import('@noble/ciphers/salsa.js');
  const ciphertext = xsalsa20poly1305(key, nonce).encrypt(privateKey.pkcs8);
  wipe(key);
  const { N, r, p } = parameters;
  // Go writes the members in this order.
  const document = {
    kdf: { name: 'scrypt', params: { N, r, p }, salt: toBase64(salt) },
    cipher: { name: 'nacl/secretbox', nonce: toBase64(nonce) },
    ciphertext: toBase64(ciphertext),
  };
  return formatPem(PEM_TYPE, utf8(JSON.stringify(document)));
}

function scryptKey(password: Uint8Array, salt: Uint8Array, { N, r, p }: ScryptParameters): Promise<Buffer> {
  if (password.length > LIMITS.passwordSize) {
    fail('limit-exceeded', `the password has more than ${LIMITS.passwordSize} bytes`);
  }
  // Node's own limit of 32 MiB is below what the smallest set needs.
  return deriveKey(password, salt, 32, { N, r, p, maxmem: 256 * N * r });
}

function parseEnvelope(file: Uint8Array, where: string): EncryptedKey {
  const { format, block } = identifyKeyFile(file, where);
  const details = { key: where };
  if (format !== 'sigstore' && format !== 'cosign') {
    fail('key-unsupported', `${where} is a ${block.type}, not a key file that cosign encrypted`, { details });
  }
  const what = `the key file ${where}`;
  const value = parseJson(block.der, what, {
    code: 'key-malformed',
    maxSize: LIMITS.keyFileSize,
    maxDepth: 4,
  });
  const root = new Field(value, what, 'key-malformed').onlyKeys(['kdf', 'cipher', 'ciphertext'], true);
  const kdf = root.get('kdf').onlyKeys(['name', 'params', 'salt'], true);
  const cipher = root.get('cipher').onlyKeys(['name', 'nonce'], true);
  if (kdf.get('name').string() !== 'scrypt' || cipher.get('name').string() !== 'nacl/secretbox') {
    fail('key-unsupported', `${where} is not encrypted with scrypt and nacl/secretbox`, { details });
  }
  const params = kdf.get('params').onlyKeys(['N', 'r', 'p'], true);
  const [N, r, p] = [params.get('N').size(), params.get('r').size(), params.get('p').size()];
  if (!SCRYPT_COSTS.some(cost => cost === N) || r !== 8 || p !== 1) {
    fail('key-parameters', `${where} asks for scrypt with N=${N}, r=${r}, p=${p}`, {
      details,
      hint: `N must be ${SCRYPT_COSTS.join(', ')}, r 8 and p 1, as in cosign`,
    });
  }
  const [salt, nonce] = [base64Field(kdf.get('salt')), base64Field(cipher.get('nonce'))];
  const ciphertext = base64Field(root.get('ciphertext'));
  if (salt.length !== SALT_SIZE || nonce.length !== NONCE_SIZE || ciphertext.length <= TAG_SIZE) {
    fail('key-malformed', `${where} has a salt, nonce or ciphertext of the wrong length`, { details });
  }
  return { parameters: { N, r, p }, salt, nonce, ciphertext };
}

function base64Field(field: Field): Uint8Array {
  return fromBase64(field.string()) ?? field.fail('is not base64');
}
