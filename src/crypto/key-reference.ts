import { constants } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { utf8 } from '../base/bytes.js';
import { fail, toTouchmarkError } from '../base/errors.js';
import { LIMITS } from '../base/limits.js';
import { shellQuote } from '../base/shell-quote.js';
import { createSigner } from './create-signer.js';
import { identifyKeyFile, type KeyFile } from './key-file-format.js';
import type { KeyKind, PasswordSource, PublicKey, SignatureScheme, Signer } from './keys.js';
import { openPrivateKey } from './open-private-key.js';
import { parsePublicKey } from './public-key.js';

export type KeyEnvironment = Readonly<Record<string, string | undefined>>;

/** Where a key reference leads. */
export type KeyLocation =
  | { readonly type: 'file'; readonly path: string }
  | { readonly type: 'environment'; readonly variable: string };

/** A key file as it was read, not yet parsed. */
export interface KeySource {
  readonly location: KeyLocation;
  /** How messages call it: the path, or `env://VARIABLE`. */
  readonly where: string;
  readonly bytes: Uint8Array;
  /** Permission bits; undefined for a variable and on Windows. */
  readonly mode?: number;
}

export interface LoadSignerOptions {
  readonly password: PasswordSource;
  /** Default `process.env`. */
  readonly env?: KeyEnvironment;
  /** What it shall sign with, also as a choice by the kind of the key. */
  readonly scheme?: SignatureScheme | ((kind: KeyKind) => SignatureScheme);
  /** Told when the private key lies there unencrypted. */
  readonly onWarning?: (message: string) => void;
}

const SCHEME = /^([A-Za-z][A-Za-z0-9+.-]+):\/\//;
const HINT = 'a key is a path, file:///PATH or env://VARIABLE';

/**
 * Parses a key reference: a path, `file://`, or `env://VARIABLE`. Standard input (`-`) is never a key.
 * @throws TouchmarkError `key-reference`
 */
export function parseKeyReference(reference: string): KeyLocation {
  const bad = (problem: string, hint = HINT): never =>
    fail('key-reference', `${JSON.stringify(reference.slice(0, 300))} is not a key reference: ${problem}`, {
      hint,
    });
  if (reference === '') return bad('it is empty');
  if (reference === '-')
    return bad('a key is never read from standard input', 'for a secret store: env://VARIABLE');
  if (reference.includes('\0')) return bad('it holds a zero byte');
  const scheme = SCHEME.exec(reference)?.[1]?.toLowerCase() ?? /^(pkcs11|keyid):/.exec(reference)?.[1];
  if (scheme === undefined) return { type: 'file', path: reference };
  if (scheme === 'env') {
    const variable = reference.slice('env://'.length);
    return /^[^=]+$/.test(variable) ? { type: 'environment', variable } : bad('it names no variable');
  }
  if (scheme === 'file') {
    try {
      return { type: 'file', path: fileURLToPath(reference) };
    } catch {
      return bad(
        'a file:// reference is file:/// and an absolute path',
        `${HINT}; a plain path may be relative`,
      );
    }
  }
  if (scheme === 'http' || scheme === 'https') {
    return bad(
      'keys are not fetched from the network',
      'download it, compare it with its publisher, give the file',
    );
  }
  return bad(`${scheme} keys are not supported`);
}

/**
 * Reads what a reference leads to: a regular file of bounded size, or a variable.
 * @throws TouchmarkError `key-reference`, `key-not-found`, `key-empty`, `key-too-large`, `key-permissions`, `io-failed`
 */
export async function readKey(reference: string, env: KeyEnvironment = process.env): Promise<KeySource> {
  const location = parseKeyReference(reference);
  if (location.type === 'file') return readKeyPath(location.path);
  const where = `env://${location.variable}`;
  const value = env[location.variable];
  if (value === undefined) {
    return fail('key-not-found', `the variable ${location.variable} is not set`, {
      details: { key: where },
      hint: `${location.variable} must hold the text of the key file itself, not its path`,
    });
  }
  return { location, where, bytes: checkSize(utf8(value), where) };
}

/** As {@link readKey}, for a path that is not to be read as a reference. */
export async function readKeyPath(path: string): Promise<KeySource> {
  const details = { key: path };
  // Without O_NONBLOCK, opening a pipe waits for somebody to write into it.
  const file = await open(path, constants.O_RDONLY | (constants.O_NONBLOCK ?? 0)).catch(error =>
    cannotOpen(path, error),
  );
  try {
    const status = await file.stat();
    if (!status.isFile()) {
      const what = status.isDirectory() ? 'a folder' : 'not a regular file';
      fail('key-reference', `${path} is ${what}; a key is a file`, {
        details,
        hint: status.isDirectory() ? `touchmark key list ${shellQuote(path)} shows the keys in it` : HINT,
      });
    }
    const bytes = checkSize(await readAtMost(file, LIMITS.keyFileSize + 1), path);
    const hasModes = process.platform !== 'win32';
    return {
      location: { type: 'file', path },
      where: path,
      bytes,
      ...(hasModes && { mode: status.mode & 0o777 }),
    };
  } catch (error) {
    throw toTouchmarkError(error);
  } finally {
    await file.close();
  }
}

function cannotOpen(path: string, error: unknown): never {
  const details = { key: path };
  const code = (error as NodeJS.ErrnoException).code;
  if (code === 'ENOENT' || code === 'ENOTDIR') {
    fail('key-not-found', `there is no key file ${path}`, {
      details,
      hint: `touchmark key generate ${shellQuote(path.replace(/\.(?:key|pub)$/, ''))} makes a new key pair`,
    });
  }
  if (code === 'EACCES' || code === 'EPERM') {
    fail('key-permissions', `${path} cannot be read by this user`, {
      details,
      hint: `ls -l ${shellQuote(path)} shows whose it is`,
    });
  }
  if (code === 'EISDIR') fail('key-reference', `${path} is a folder; a key is a file`, { details });
  throw toTouchmarkError(error);
}

async function readAtMost(file: FileHandle, size: number): Promise<Uint8Array> {
  const buffer = Buffer.alloc(size);
  let length = 0;
  while (length < size) {
    const { bytesRead } = await file.read(buffer, length, size - length);
    if (bytesRead === 0) break;
    length += bytesRead;
  }
  return buffer.subarray(0, length);
}

function checkSize(bytes: Uint8Array, where: string): Uint8Array {
  const details = { key: where };
  if (bytes.length === 0) fail('key-empty', `${where} is empty`, { details });
  if (bytes.length > LIMITS.keyFileSize) {
    fail('key-too-large', `${where} has more than ${LIMITS.keyFileSize} bytes: it is not a key`, { details });
  }
  return bytes;
}

/**
 * A private key file must not be readable or writable by everybody, nor writable by its group. The group may read:
 * that is how secrets are handed to a container that does not run as root.
 *
 * @throws TouchmarkError `key-permissions`
 */
export function checkPrivateMode(source: KeySource, file: KeyFile): void {
  if (!file.isPrivate || source.mode === undefined || (source.mode & 0o026) === 0) return;
  const mode = source.mode.toString(8).padStart(4, '0');
  fail(
    'key-permissions',
    `${source.where} is a private key with mode ${mode}: others can read or change it`,
    {
      details: { key: source.where, mode },
      hint: `chmod 600 ${shellQuote(source.where)}`,
    },
  );
}

/**
 * Loads a public key.
 * @throws TouchmarkError as {@link readKey} and `parsePublicKey`
 */
export async function loadPublicKey(reference: string, env?: KeyEnvironment): Promise<PublicKey> {
  const source = await readKey(reference, env);
  return parsePublicKey(source.bytes, source.where);
}

/**
 * Loads a private key to sign with. The password is asked for after the file was read and found to need one.
 * @throws TouchmarkError as {@link readKey}, {@link checkPrivateMode} and `openPrivateKey`
 */
export async function loadSigner(reference: string, options: LoadSignerOptions): Promise<Signer> {
  const source = await readKey(reference, options.env);
  const file = identifyKeyFile(source.bytes, source.where);
  checkPrivateMode(source, file);
  const { key } = await openPrivateKey(source.bytes, source.where, options.password);
  if (!file.isEncrypted) {
    options.onWarning?.(
      `${source.where} is not encrypted: touchmark key passwd ${shellQuote(source.where)} encrypts it`,
    );
  }
  const { scheme } = options;
  const chosen = typeof scheme === 'function' ? scheme(key.publicKey.kind) : scheme;
  return createSigner(key, chosen === undefined ? {} : { scheme: chosen });
}
