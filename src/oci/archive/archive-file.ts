import { constants } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { fail } from '../../base/errors.js';
import { asFileError, readChunks } from '../../files/safe-files.js';
import type { BlobFile } from '../layout/backend.js';
import { readAll } from '../layout/checked-content.js';
import { findInTar, indexTar, type TarFile, type TarIndex } from './tar-index.js';

/** A tar archive opened for reading; it stays the same file when another process puts a new one in its place. */
export interface ArchiveFile {
  readonly path: string;
  readonly index: TarIndex;
  /** Tells whether the file at the path is still this one. */
  readonly stamp: string;
  /** Bytes of a small file; undefined when it is not there. */
  readSmall(path: string, maxSize: number): Promise<Uint8Array | undefined>;
  find(path: string): BlobFile | undefined;
  read(file: TarFile): AsyncIterable<Uint8Array>;
  close(): Promise<void>;
}

const COMPRESSED: readonly (readonly [magic: readonly number[], name: string, undo: string])[] = [
  [[0x1f, 0x8b], 'gzip', 'gunzip'],
  [[0x28, 0xb5, 0x2f, 0xfd], 'zstd', 'unzstd'],
  [[0xfd, 0x37, 0x7a, 0x58, 0x5a], 'xz', 'unxz'],
  [[0x42, 0x5a, 0x68], 'bzip2', 'bunzip2'],
];

/**
 * Opens a tar archive and reads its headers; undefined when there is no file.
 * @throws TouchmarkError `format-archive`, `limit-exceeded`, `io-failed`
 */
export async function openArchiveFile(path: string, signal?: AbortSignal): Promise<ArchiveFile | undefined> {
  let handle: FileHandle;
  try {
    handle = await open(path, constants.O_RDONLY | constants.O_NONBLOCK);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw asFileError(error, 'read', path);
  }
  try {
    const facts = await handle.stat({ bigint: true });
    if (!facts.isFile()) {
      fail('format-archive', `${path} is not a file`, {
        ...(facts.isDirectory() && { hint: `is it a layout? then: oci:${path}` }),
        details: { file: path },
      });
    }
    await refuseCompressed(handle, path);
    const index = await indexTar(handle, Number(facts.size), path);
    const read = async function* (file: TarFile): AsyncGenerator<Uint8Array> {
      try {
        for await (const chunk of readChunks(handle, file.offset, file.size)) {
          signal?.throwIfAborted();
          yield chunk;
        }
      } catch (error) {
        throw asFileError(error, 'read', path);
      }
    };
    return {
      path,
      index,
      stamp: `${facts.ino}:${facts.size}:${facts.mtimeNs}`,
      read,
      find: name => {
        const file = findInTar(index, name);
        return file && { size: file.size, read: () => read(file), close: async () => {} };
      },
      readSmall: async (name, maxSize) => {
        const file = findInTar(index, name);
        if (!file) return undefined;
        if (file.size > maxSize)
          fail('limit-exceeded', `${name} in ${path} has ${file.size} bytes; at most ${maxSize} are read`);
        return readAll(read(file));
      },
      close: () => handle.close(),
    };
  } catch (error) {
    await handle.close();
    throw asFileError(error, 'read', path);
  }
}

async function refuseCompressed(handle: FileHandle, path: string): Promise<void> {
  const start = Buffer.alloc(8);
  await handle.read(start, 0, start.length, 0);
  for (const [magic, name, undo] of COMPRESSED) {
    if (!magic.every((byte, i) => start[i] === byte)) continue;
    fail('format-archive', `${path} is compressed with ${name}; only plain tar archives are read`, {
      hint: `${undo} < ${path} > image.tar`,
      details: { file: path, compression: name },
    });
  }
}
