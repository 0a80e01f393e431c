import { randomBytes } from 'node:crypto';
import { constants } from 'node:fs';
import { type FileHandle, open, realpath, rename, rm } from 'node:fs/promises';
import { basename, dirname, join, sep } from 'node:path';
import { fail, TouchmarkError, toTouchmarkError } from '../base/errors.js';

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

/** Opens a regular file below a folder for reading; undefined when it is not there. */
export type OpenInside = (...path: string[]) => Promise<FileHandle | undefined>;

/**
 * Makes the function that opens files below `root`. Symbolic links are followed as long as they stay inside: a layout from
 * elsewhere must not make this process read another file, or wait on a pipe. The opener throws
 * TouchmarkError `format-layout`, `io-failed`.
 */
export function createOpenInside(root: string): OpenInside {
  /** Folders found to lie inside, each looked at once. */
  const inside = new Map<string, string>();

  async function realInside(path: string): Promise<string> {
    const real = await realpath(path);
    const home = await realpath(root);
    if (real !== home && !real.startsWith(home + sep)) {
      fail('format-layout', `${path} is a link that leads out of the layout`, {
        hint: 'put the file itself in its place',
        details: { file: path },
      });
    }
    return real;
  }

  async function openRegular(path: string): Promise<FileHandle> {
    const handle = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
    if ((await handle.stat()).isFile()) return handle;
    await handle.close();
    return fail('format-layout', `${path} is not a regular file`, { details: { file: path } });
  }

  return async (...path) => {
    const file = join(root, ...path);
    const folder = dirname(file);
    try {
      let real = inside.get(folder);
      if (real === undefined) {
        real = await realInside(folder);
        inside.set(folder, real);
      }
      try {
        return await openRegular(join(real, basename(file)));
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'ELOOP') throw error;
        return await openRegular(await realInside(file));
      }
    } catch (error) {
      if (isMissing(error)) return undefined;
      throw asFileError(error, 'read', file);
    }
  };
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
