import { randomBytes } from 'node:crypto';
import { constants } from 'node:fs';
import { access, copyFile, link, open, realpath, rename, unlink } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { fail, TouchmarkError, toTouchmarkError } from '../base/errors.js';
import { shellQuote } from '../base/shell-quote.js';

export interface KeyPairFiles {
  /** `NAME.key`. */
  readonly privateFile: string;
  /** `NAME.pub`. */
  readonly publicFile: string;
}

const PRIVATE_MODE = 0o600;
const PUBLIC_MODE = 0o644;

/** The two files of the key pair called `name` (a path without extension). */
export function keyPairFiles(name: string): KeyPairFiles {
  if (name === '' || /[/\\]$/.test(name)) {
    fail('usage-argument', `${JSON.stringify(name)} is not a name for a key pair`, {
      hint: 'a name such as release or keys/release; .key and .pub are added',
    });
  }
  return { privateFile: `${name}.key`, publicFile: `${name}.pub` };
}

/**
 * Refuses early, before a password is asked for, when a file of the pair exists already.
 * {@link saveKeyPair} checks again, in the moment of writing.
 *
 * @throws TouchmarkError `usage-file-exists`
 */
export async function requireNoKeyPair(name: string): Promise<void> {
  const files = keyPairFiles(name);
  for (const file of [files.privateFile, files.publicFile]) {
    const exists = await access(file).then(
      () => true,
      () => false,
    );
    if (exists) alreadyThere(file);
  }
}

/**
 * Writes both files of a key pair, or neither: NAME.key with mode 0600 and NAME.pub with 0644. Each is complete under
 * its name or absent. An existing file stays as it is unless `overwrite`; then both old files come back if the second
 * cannot be replaced.
 *
 * @throws TouchmarkError `usage-file-exists`, `usage-file` (no such folder), `io-failed`, `io-no-space`
 */
export async function saveKeyPair(
  name: string,
  contents: { readonly privateKey: Uint8Array; readonly publicKey: Uint8Array },
  options: { readonly overwrite?: boolean } = {},
): Promise<KeyPairFiles> {
  const files = keyPairFiles(name);
  const undo: (() => Promise<void>)[] = [];
  const leftovers: string[] = [];
  try {
    for (const [path, bytes, mode] of [
      [files.privateFile, contents.privateKey, PRIVATE_MODE],
      [files.publicFile, contents.publicKey, PUBLIC_MODE],
    ] as const) {
      const temporary = await writeTemporary(path, bytes, mode);
      leftovers.push(temporary);
      if (options.overwrite) {
        const old = temporaryName(path);
        if (await keepOld(path, old)) {
          leftovers.push(old);
          undo.push(() => rename(old, path));
        } else undo.push(() => unlink(path));
        await rename(temporary, path);
      } else {
        await placeNew(temporary, path);
        undo.push(() => unlink(path));
      }
    }
    await syncFolder(dirname(files.privateFile));
  } catch (error) {
    for (const step of undo.reverse()) await step().catch(() => {});
    throw forPeople(error, dirname(files.privateFile));
  } finally {
    for (const path of leftovers) await unlink(path).catch(() => {});
  }
  return files;
}

/**
 * Replaces the contents of a private key file in one step: old or new, nothing between. A symbolic link stays and what
 * it points at is replaced.
 *
 * @throws TouchmarkError `io-failed`, `io-no-space`
 */
export async function replacePrivateFile(path: string, bytes: Uint8Array): Promise<void> {
  let temporary: string | undefined;
  try {
    const target = await realpath(path);
    temporary = await writeTemporary(target, bytes, PRIVATE_MODE);
    await rename(temporary, target);
    temporary = undefined;
    await syncFolder(dirname(target));
  } catch (error) {
    throw forPeople(error, dirname(path));
  } finally {
    if (temporary) await unlink(temporary).catch(() => {});
  }
}

function temporaryName(path: string): string {
  return join(dirname(path), `.${basename(path)}.${randomBytes(8).toString('hex')}.tmp`);
}

async function writeTemporary(path: string, bytes: Uint8Array, mode: number): Promise<string> {
  const temporary = temporaryName(path);
  const file = await open(temporary, 'wx', mode);
  try {
    await file.writeFile(bytes);
    await file.sync();
  } catch (error) {
    await unlink(temporary).catch(() => {});
    throw error;
  } finally {
    await file.close();
  }
  return temporary;
}

/** A hard link fails when the name is taken, where a rename would replace what is there. */
async function placeNew(temporary: string, path: string): Promise<void> {
  try {
    await link(temporary, path);
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    if (code === 'EEXIST') alreadyThere(path);
    if (code !== 'EPERM' && code !== 'ENOTSUP' && code !== 'EOPNOTSUPP' && code !== 'ENOSYS') throw error;
    // A file system without hard links.
    await copyFile(temporary, path, constants.COPYFILE_EXCL).catch(copyError =>
      (copyError as NodeJS.ErrnoException).code === 'EEXIST' ? alreadyThere(path) : Promise.reject(copyError),
    );
  }
}

async function keepOld(path: string, old: string): Promise<boolean> {
  try {
    // A second name, not a new one: the old file stays in its place until the new one takes it.
    await link(path, old).catch(error => {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') throw error;
      return copyFile(path, old, constants.COPYFILE_EXCL);
    });
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return false;
    throw error;
  }
}

async function syncFolder(folder: string): Promise<void> {
  if (process.platform === 'win32') return;
  const handle = await open(folder, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

function alreadyThere(path: string): never {
  return fail('usage-file-exists', `${path} exists already and was not touched`, {
    details: { file: path },
    hint: 'choose another name; an overwritten private key is lost for good',
  });
}

function forPeople(error: unknown, folder: string): TouchmarkError {
  const code = (error as NodeJS.ErrnoException).code;
  if (error instanceof TouchmarkError || (code !== 'ENOENT' && code !== 'ENOTDIR'))
    return toTouchmarkError(error);
  return new TouchmarkError('usage-file', `there is no folder ${folder} to write keys into`, {
    details: { folder },
    hint: `mkdir -p ${shellQuote(folder)}`,
    cause: error,
  });
}
