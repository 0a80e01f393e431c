import { fail } from '../base/errors.js';
import { defaultScheme } from './algorithms.js';
import { encryptPrivateKey, readScryptParameters, type ScryptParameters } from './encrypted-key.js';
import { generateKey } from './generate-key.js';
import { identifyKeyFile, type KeyFileFormat } from './key-file-format.js';
import { replacePrivateFile, requireNoKeyPair, saveKeyPair } from './key-pair-files.js';
import { checkPrivateMode, type KeyEnvironment, type KeySource, readKey } from './key-reference.js';
import type { KeyKind, PasswordSource, PrivateKey, PublicKey, SignatureScheme } from './keys.js';
import { openPrivateKey } from './open-private-key.js';
import { formatPem } from './pem.js';
import { wipe } from './private-key.js';
import { parsePublicKey, publicKeyHint, serializePublicKey } from './public-key.js';

/**
 * How a private key is written: encrypted under a password that is asked for (`purpose: 'new'`), or, named so that it
 * stands out, in plain PKCS#8.
 */
export type Protection = { readonly password: PasswordSource } | { readonly insecurePlaintext: true };

export interface NewKeyPair {
  readonly privateFile: string;
  readonly publicFile: string;
  readonly publicKey: PublicKey;
}

export interface SaveOptions {
  /** Path without extension: `.key` and `.pub` are added. */
  readonly name: string;
  readonly protection: Protection;
  readonly overwrite?: boolean;
}

/**
 * Makes a key pair and writes NAME.key and NAME.pub. Existing files are found before the password is asked for.
 * @throws TouchmarkError as `saveKeyPair`, and what the password source throws
 */
export async function generateKeyPair(
  options: SaveOptions & { readonly kind?: KeyKind },
): Promise<NewKeyPair> {
  if (!options.overwrite) await requireNoKeyPair(options.name);
  return save(() => generateKey(options.kind ?? 'ecdsa-p256'), options);
}

/**
 * Reads a private key of any form and writes it as NAME.key and NAME.pub. `password` opens the given file.
 * @throws TouchmarkError as `readKey`, `checkPrivateMode`, `openPrivateKey`, `saveKeyPair`
 */
export async function importKeyPair(
  options: SaveOptions & {
    readonly from: string;
    readonly password: PasswordSource;
    readonly env?: KeyEnvironment;
  },
): Promise<NewKeyPair> {
  if (!options.overwrite) await requireNoKeyPair(options.name);
  const key = await openReference(options.from, options.password, options.env);
  return save(async () => key, options);
}

async function save(makeKey: () => Promise<PrivateKey>, options: SaveOptions): Promise<NewKeyPair> {
  const what = `${options.name}.key`;
  // Asked before the key is made, which may take a second: a person who gives up has left nothing behind.
  const password =
    'password' in options.protection
      ? await options.protection.password({ purpose: 'new', what })
      : undefined;
  const key = await makeKey();
  const privateKey =
    password === undefined ? formatPem('PRIVATE KEY', key.pkcs8) : await encryptPrivateKey(key, password);
  const overwrite = options.overwrite ?? false;
  try {
    const contents = { privateKey, publicKey: serializePublicKey(key.publicKey) };
    const files = await saveKeyPair(options.name, contents, { overwrite });
    return { ...files, publicKey: key.publicKey };
  } finally {
    wipe(key.pkcs8, privateKey);
  }
}

async function openReference(
  reference: string,
  password: PasswordSource,
  env: KeyEnvironment | undefined,
): Promise<PrivateKey> {
  const source = await readKey(reference, env);
  checkPrivateMode(source, identifyKeyFile(source.bytes, source.where));
  return (await openPrivateKey(source.bytes, source.where, password)).key;
}

export interface KeyDescription {
  /** The path, or `env://VARIABLE`. */
  readonly where: string;
  readonly format: KeyFileFormat;
  readonly isPrivate: boolean;
  readonly isEncrypted: boolean;
  /** Of cosign's encrypted form. */
  readonly scrypt?: ScryptParameters;
  /** Absent for an encrypted private key that was not opened: its file does not say which key it holds. */
  readonly key?: {
    readonly kind: KeyKind;
    readonly keyid: string;
    /** As cosign's bundles name the key: base64 of SHA-256 over the SubjectPublicKeyInfo. */
    readonly hint: string;
    /** What touchmark signs with. */
    readonly scheme: SignatureScheme;
    readonly publicKey: PublicKey;
  };
}

/**
 * Says what a key file holds. An encrypted private key is opened only when a password source is given.
 * @throws TouchmarkError as `readKey`, `parsePublicKey`, `openPrivateKey`
 */
export async function describeKey(
  reference: string,
  options: { readonly password?: PasswordSource; readonly env?: KeyEnvironment } = {},
): Promise<KeyDescription> {
  return describeSource(await readKey(reference, options.env), options.password);
}

/** As {@link describeKey}, for a file that was read already. */
export async function describeSource(source: KeySource, password?: PasswordSource): Promise<KeyDescription> {
  const { bytes, where } = source;
  const file = identifyKeyFile(bytes, where);
  checkPrivateMode(source, file);
  const { format, isPrivate, isEncrypted } = file;
  const hasEnvelope = format === 'sigstore' || format === 'cosign';
  const facts = {
    where,
    format,
    isPrivate,
    isEncrypted,
    ...(hasEnvelope && { scrypt: readScryptParameters(bytes, where) }),
  };
  if (isEncrypted && password === undefined) return facts;
  const nobody: PasswordSource = () => fail('internal', 'a password was asked for a key that needs none');
  const publicKey = isPrivate
    ? (await openPrivateKey(bytes, where, password ?? nobody)).key.publicKey
    : parsePublicKey(bytes, where);
  const { kind, keyid } = publicKey;
  const hint = publicKeyHint(publicKey);
  return { ...facts, key: { kind, keyid, hint, scheme: defaultScheme(kind), publicKey } };
}

/**
 * The public key of a key file, private or public.
 * @throws TouchmarkError as `readKey`, `checkPrivateMode`, `openPrivateKey`, `parsePublicKey`
 */
export async function exportPublicKey(
  reference: string,
  options: { readonly password: PasswordSource; readonly env?: KeyEnvironment },
): Promise<PublicKey> {
  const source = await readKey(reference, options.env);
  const file = identifyKeyFile(source.bytes, source.where);
  if (!file.isPrivate) return parsePublicKey(source.bytes, source.where);
  checkPrivateMode(source, file);
  return (await openPrivateKey(source.bytes, source.where, options.password)).key.publicKey;
}

/**
 * Encrypts a private key file anew, in place: the old file or the new one is there at every moment. Whatever form it
 * had, it is cosign's encrypted one afterwards.
 *
 * @throws TouchmarkError `key-reference` for a variable, and as `readKey`, `checkPrivateMode`, `openPrivateKey`,
 * `replacePrivateFile`
 */
export async function changePassword(
  reference: string,
  options: {
    readonly password: PasswordSource;
    readonly newPassword: PasswordSource;
    readonly env?: KeyEnvironment;
  },
): Promise<PublicKey> {
  const source = await readKey(reference, options.env);
  const { location, where } = source;
  if (location.type !== 'file') {
    return fail('key-reference', `${where} is a variable; only the password of a file can be changed`, {
      details: { key: where },
    });
  }
  checkPrivateMode(source, identifyKeyFile(source.bytes, where));
  const { key } = await openPrivateKey(source.bytes, where, options.password);
  const password = await options.newPassword({ purpose: 'new', what: where });
  try {
    await replacePrivateFile(location.path, await encryptPrivateKey(key, password));
  } finally {
    wipe(key.pkcs8);
  }
  return key.publicKey;
}
