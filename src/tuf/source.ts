import { constants } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { join } from 'node:path';
import { asFileError, isMissing } from '../files/safe-files.js';

/**
 * Where a repository's files come from. Names are as in a repository: `timestamp.json`, `3.targets.json`, `a/b/file`; in
 * names of metadata the role is percent-encoded already.
 *
 * Both give undefined only when the source says that there is no such file; whatever else goes wrong is an exception. They
 * read no further than the first byte behind `maxLength`: what is longer than that was too long.
 */
export interface TufSource {
  metadata(name: string, maxLength: number): Promise<Uint8Array | undefined>;
  target(path: string, maxLength: number): Promise<Uint8Array | undefined>;
}

/** A repository in memory, targets below `targets/`. */
export function createMemorySource(files: ReadonlyMap<string, Uint8Array>): TufSource {
  const read = async (name: string, maxLength: number) => files.get(name)?.subarray(0, maxLength + 1);
  return { metadata: read, target: (path, maxLength) => read(`targets/${path}`, maxLength) };
}

/** A repository in folders: a checkout, a mounted share, what an air gap was crossed with. */
export function openFolderSource(folders: {
  readonly metadata: string;
  readonly targets: string;
}): TufSource {
  return {
    metadata: (name, maxLength) => readFileUpTo(join(folders.metadata, name), maxLength + 1),
    target: (path, maxLength) => readFileUpTo(join(folders.targets, ...path.split('/')), maxLength + 1),
  };
}

/**
 * The first `maxLength` bytes of a file; undefined when there is none. A pipe or a device is no file.
 * @throws TouchmarkError `io-failed`
 */
export async function readFileUpTo(file: string, maxLength: number): Promise<Uint8Array | undefined> {
  let handle: FileHandle | undefined;
  try {
    handle = await open(file, constants.O_RDONLY | constants.O_NONBLOCK);
    const facts = await handle.stat();
    if (!facts.isFile()) return undefined;
    const bytes = Buffer.alloc(Math.min(facts.size, maxLength));
    let done = 0;
    while (done < bytes.length) {
      const { bytesRead } = await handle.read(bytes, done, bytes.length - done, done);
      if (bytesRead === 0) break;
      done += bytesRead;
    }
    return bytes.subarray(0, done);
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw asFileError(error, 'read', file);
  } finally {
    await handle?.close();
  }
}
