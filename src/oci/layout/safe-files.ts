import { randomBytes } from 'node:crypto';
import { constants } from 'node:fs';
import { type FileHandle, lstat, open, realpath, rename, rm } from 'node:fs/promises';
import { basename, dirname, join, sep } from 'node:path';
import { fail, TouchmarkError, toTouchmarkError } from '../../base/errors.js';

const CHUNK = 1024 * 1024;

/** A fault of the file system as one of ours, saying what was being done to which file; anything else as it is. */
export function asFileError(error: unknown, doing: string, path: string): unknown {
  if (error instanceof TouchmarkError) return error;
  const known = toTouchmarkError(error);
  if (known.code === 'internal') return error;
  const code = (error as NodeJS.ErrnoException).code ?? '';
  const denied = code === 'EACCES' || code === 'EPERM' || code === 'EROFS';
  return new TouchmarkError(known.code, `cannot ${doing} ${path}: ${code}`, {
    retryable: known.retryable,
    cause: error,
    details: { file: path, errno: code },
    ...(denied && { hint: 'check the owner and permissions of the folder' }),
    ...(known.code === 'io-no-space' && { hint: 'free some space and run the same command again' }),
  });
}

export function isMissing(error: unknown): boolean {
  const code = (error as NodeJS.ErrnoException).code;
  return code === 'ENOENT' || code === 'ENOTDIR';
}

/**
 * Opens a regular file below `root` for reading; undefined when it is not there. Symbolic links are followed as long as
 * they stay inside: a layout from elsewhere must not make this process read another file, or wait on a pipe.
 * @throws TouchmarkError `format-layout`, `io-failed`
 */
export async function openInside(root: string, ...path: string[]): Promise<FileHandle | undefined> {
  const file = join(root, ...path);
  try {
    const real = await realpath(file);
    if (!real.startsWith((await realpath(root)) + sep)) {
      fail('format-layout', `${file} is a link that leads out of the layout`, {
        hint: 'put the file itself in its place',
        details: { file },
      });
    }
    const facts = await lstat(real);
    if (!facts.isFile()) fail('format-layout', `${file} is not a regular file`, { details: { file } });
    return await open(real, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw asFileError(error, 'read', file);
  }
}

/** Reads `length` bytes from `start`, in chunks of at most 1 MiB; fewer when the file ends before. */
export async function* readChunks(
  handle: FileHandle,
  start: number,
  length: number,
): AsyncGenerator<Uint8Array> {
  for (let done = 0; done < length; ) {
    const chunk = Buffer.allocUnsafe(Math.min(CHUNK, length - done));
    const { bytesRead } = await handle.read(chunk, 0, chunk.length, start + done);
    if (bytesRead === 0) return;
    done += bytesRead;
    yield chunk.subarray(0, bytesRead);
  }
}

/**
 * Writes a file so that it is there whole or not at all, also when the process or the machine dies: to a temporary name
 * in the same folder, flushed, then renamed. `beforeRename` may still refuse.
 * @throws TouchmarkError `io-failed`, `io-no-space`; whatever `source` throws
 */
export async function writeFileDurably(
  path: string,
  source: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
  beforeRename?: () => Promise<void>,
): Promise<void> {
  const temporary = join(
    dirname(path),
    `.${basename(path).slice(0, 80)}.${process.pid}.${randomBytes(6).toString('hex')}.tmp`,
  );
  let doing = 'write';
  try {
    const handle = await open(temporary, 'wx', 0o644);
    try {
      for await (const chunk of source) await writeAll(handle, chunk);
      await handle.sync();
    } finally {
      await handle.close();
    }
    await beforeRename?.();
    doing = 'replace';
    await rename(temporary, path);
  } catch (error) {
    await rm(temporary, { force: true }).catch(() => {});
    throw asFileError(error, doing, path);
  }
}

async function writeAll(handle: FileHandle, chunk: Uint8Array): Promise<void> {
  for (let done = 0; done < chunk.length; ) {
    const { bytesWritten } = await handle.write(chunk, done, chunk.length - done);
    done += bytesWritten;
  }
}

/** Makes renames in a folder durable, where the file system can. */
export async function syncFolder(path: string): Promise<void> {
  try {
    const handle = await open(path, 'r');
    try {
      await handle.sync();
    } finally {
      await handle.close();
    }
  } catch {
    // Some systems cannot open or flush a folder (Windows, some network file systems); the rename itself has happened.
  }
}
