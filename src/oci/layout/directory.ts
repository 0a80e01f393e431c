import { mkdir, readdir, realpath, stat } from 'node:fs/promises';
import { join, sep } from 'node:path';
import { utf8 } from '../../base/bytes.js';
import { type Digest, digestAlgorithm, digestHex, isDigest } from '../../base/digest.js';
import { fail } from '../../base/errors.js';
import { LIMITS } from '../../base/limits.js';
import { acquireLock } from '../../files/file-lock.js';
import {
  asFileError,
  createOpenInside,
  isMissing,
  readChunks,
  syncFolder,
  writeFileDurably,
} from '../../files/safe-files.js';
import type { BlobFile, LayoutBackend } from './backend.js';
import { checkedContent, readAll } from './checked-content.js';
import { checkLayoutHeader, LAYOUT_HEADER } from './layout-header.js';
import {
  emptyLayoutIndex,
  type LayoutIndex,
  parseLayoutIndex,
  serializeLayoutIndex,
} from './layout-index.js';

const INDEX = 'index.json';
const LOCK = '.touchmark.lock';
const ALGORITHMS = ['sha256', 'sha512'] as const;

/** Makes a source stop between two chunks when the command is to end. */
async function* untilAborted(
  source: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
  signal: AbortSignal | undefined,
): AsyncGenerator<Uint8Array> {
  for await (const chunk of source) {
    signal?.throwIfAborted();
    yield chunk;
  }
}

export interface DirectoryOptions {
  readonly signal?: AbortSignal | undefined;
  /** Milliseconds to wait for another writer. */
  readonly lockTimeout?: number;
}

/**
 * An image layout in a folder (OCI image specification, "Image Layout").
 * Blobs are written before the index that needs them and both by renaming, so a killed write leaves the old state or the new.
 */
export function openDirectory(root: string, options: DirectoryOptions = {}): LayoutBackend {
  const what = `the layout ${root}`;
  const openInside = createOpenInside(root);
  let cached: { readonly stamp: string; readonly index: LayoutIndex } | undefined;
  let checked = false;
  /** Folders with renames that are not flushed yet. */
  const unsynced = new Set<string>();
  /** Writers in this process take turns here and do not poll each other's lock file. */
  let turn: Promise<unknown> = Promise.resolve();

  async function exists(): Promise<boolean> {
    if (checked) return true;
    let header = await readSmall(LAYOUT_HEADER, 4096);
    const strangers = header ? [] : await foreignEntries(root);
    if (!header && strangers.length === 0) return false;
    // Another process may have made the layout between the two looks.
    header ??= await readSmall(LAYOUT_HEADER, 4096);
    if (!header) {
      return fail('format-layout', `${root} is not an OCI image layout: it has no file "${LAYOUT_HEADER}"`, {
        hint: 'name the folder that holds oci-layout and index.json, or a new one',
        details: { folder: root, found: strangers.slice(0, 5) },
      });
    }
    checkLayoutHeader(header, join(root, LAYOUT_HEADER));
    checked = true;
    return true;
  }

  async function readSmall(name: string, maxSize: number): Promise<Uint8Array | undefined> {
    const handle = await openInside(name);
    if (!handle) return undefined;
    try {
      const { size } = await handle.stat();
      if (size > maxSize)
        fail('limit-exceeded', `${join(root, name)} has ${size} bytes; at most ${maxSize} are read`);
      return await readAll(readChunks(handle, 0, size));
    } catch (error) {
      throw asFileError(error, 'read', join(root, name));
    } finally {
      await handle.close();
    }
  }

  async function readIndex(): Promise<LayoutIndex | undefined> {
    if (!(await exists())) return undefined;
    const stamp = await stampOf(join(root, INDEX));
    if (cached && cached.stamp === stamp) return cached.index;
    const bytes = await readSmall(INDEX, LIMITS.layoutIndexSize);
    if (!bytes) {
      return fail('format-layout', `${root} is not a whole OCI image layout: it has no file "${INDEX}"`, {
        details: { folder: root },
      });
    }
    const index = parseLayoutIndex(bytes, join(root, INDEX));
    if (stamp !== undefined && stamp === (await stampOf(join(root, INDEX)))) cached = { stamp, index };
    return index;
  }

  async function findBlob(digest: Digest): Promise<BlobFile | undefined> {
    const handle = await openInside('blobs', digestAlgorithm(digest), digestHex(digest));
    if (!handle) return undefined;
    const { size } = await handle.stat();
    return {
      size,
      read: async function* () {
        try {
          // One byte more than the size, so that a file that grew is seen.
          for await (const chunk of readChunks(handle, 0, size + 1)) {
            options.signal?.throwIfAborted();
            yield chunk;
          }
        } catch (error) {
          throw asFileError(error, 'read', join(root, 'blobs', digestAlgorithm(digest), digestHex(digest)));
        } finally {
          await handle.close();
        }
      },
      close: () => handle.close(),
    };
  }

  /** Makes the folders; refuses blob folders that are links out of the layout. */
  async function makeFolder(...path: string[]): Promise<string> {
    const folder = join(root, ...path);
    try {
      await mkdir(folder, { recursive: true });
      const [real, home] = [await realpath(folder), await realpath(root)];
      if (real !== home && !real.startsWith(home + sep)) {
        fail('format-layout', `${folder} is a link that leads out of the layout`, { details: { folder } });
      }
      return folder;
    } catch (error) {
      throw asFileError(error, 'make', folder);
    }
  }

  /** `index.json` first: a folder with `oci-layout` in it is whole. Only under the lock. */
  async function initialize(): Promise<void> {
    if (await exists()) return;
    await makeFolder('blobs', 'sha256');
    await writeFileDurably(join(root, INDEX), [serializeLayoutIndex(emptyLayoutIndex())]);
    await writeFileDurably(join(root, LAYOUT_HEADER), [utf8('{"imageLayoutVersion":"1.0.0"}')]);
    await syncFolder(root);
  }

  async function locked<T>(work: (isHeld: () => Promise<boolean>) => Promise<T>): Promise<T> {
    const mine = turn.then(async () => {
      await exists();
      await makeFolder();
      const lock = await acquireLock(join(root, LOCK), {
        signal: options.signal,
        ...(options.lockTimeout !== undefined && { timeout: options.lockTimeout }),
      });
      try {
        return await work(lock.isHeld);
      } finally {
        await lock.release();
      }
    });
    turn = mine.catch(() => {});
    return mine;
  }

  async function syncBlobs(): Promise<void> {
    for (const folder of unsynced) await syncFolder(folder);
    unsynced.clear();
  }

  return {
    what,
    readIndex,
    findBlob,
    listBlobs: async function* () {
      for (const algorithm of ALGORITHMS) {
        const names = await readdir(join(root, 'blobs', algorithm)).catch((error: unknown) => {
          if (isMissing(error)) return [];
          throw asFileError(error, 'list', join(root, 'blobs', algorithm));
        });
        for (const name of names) {
          const digest = `${algorithm}:${name}`;
          if (isDigest(digest)) yield digest;
        }
      }
    },
    version: async () => {
      const paths = [join(root, INDEX), ...ALGORITHMS.map(algorithm => join(root, 'blobs', algorithm))];
      const now = Date.now();
      const facts = await Promise.all(paths.map(path => stat(path, { bigint: true }).catch(() => undefined)));
      // A change within the clock tick of the last one would leave the same time: only an old enough time proves anything.
      const settled = facts.every(fact => !fact || now - Number(fact.mtimeMs) > 2000);
      return settled ? facts.map(fact => `${fact?.ino}:${fact?.size}:${fact?.mtimeNs}`).join() : undefined;
    },
    storeBlob: async (expected, source) => {
      if (!(await exists())) await locked(initialize);
      const folder = await makeFolder('blobs', digestAlgorithm(expected.digest));
      const bytes = checkedContent(
        untilAborted(source, options.signal),
        expected,
        `the content of ${expected.digest}`,
      );
      await writeFileDurably(join(folder, digestHex(expected.digest)), bytes);
      unsynced.add(folder);
    },
    updateIndex: change =>
      locked(async isHeld => {
        await initialize();
        const current = (await readIndex()) ?? emptyLayoutIndex();
        const next = await change(current);
        if (!next || next === current) return;
        await syncBlobs();
        await writeFileDurably(join(root, INDEX), [serializeLayoutIndex(next)], async () => {
          if (await isHeld()) return;
          fail('oci-conflict', `another process took over the lock of ${root}`, { retryable: true });
        });
        await syncFolder(root);
      }),
    commit: syncBlobs,
    close: async () => {},
  };
}

async function stampOf(path: string): Promise<string | undefined> {
  const facts = await stat(path, { bigint: true }).catch(() => undefined);
  return facts && `${facts.ino}:${facts.size}:${facts.mtimeNs}:${facts.ctimeNs}`;
}

/** What lies in a folder that a layout in the making does not explain. */
async function foreignEntries(root: string): Promise<string[]> {
  try {
    const names = await readdir(root);
    return names.filter(name => name !== 'blobs' && name !== INDEX && !name.startsWith('.'));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    if ((error as NodeJS.ErrnoException).code === 'ENOTDIR') {
      return fail('format-layout', `${root} is a file, not the folder of an OCI image layout`, {
        hint: `is it an archive? then: oci-archive:${root}`,
        details: { file: root },
      });
    }
    throw asFileError(error, 'list', root);
  }
}
