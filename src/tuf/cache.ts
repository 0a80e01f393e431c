import { mkdir, rm, stat, utimes } from 'node:fs/promises';
import { join } from 'node:path';
import { LIMITS } from '../base/limits.js';
import { acquireLock } from '../files/file-lock.js';
import { asFileError, isMissing, syncFolder, writeFileDurably } from '../files/safe-files.js';
import { cacheName } from './names.js';
import { readFileUpTo } from './source.js';

export interface StoredFile {
  readonly bytes: Uint8Array;
  /** When the repository last had it. */
  readonly seen: Date;
}

/**
 * What earlier updates left: the trusted root, and the newest metadata seen, byte for byte as received. A cache belongs to
 * one repository. Nothing in it but the root is trusted without being verified again.
 */
export interface TufCache {
  load(role: string): Promise<StoredFile | undefined>;
  /** Stores a file whole or not at all, unless `keep` says of what is stored at that moment that it must stay. */
  save(role: string, bytes: Uint8Array, seen: Date, keep?: (stored: Uint8Array) => boolean): Promise<void>;
  /** The stored file is still the repository's. */
  touch(role: string, seen: Date): Promise<void>;
  remove(role: string): Promise<void>;
  /** The root that the user began with. */
  loadAnchor(): Promise<Uint8Array | undefined>;
  /** Stores it, unless there is one already. */
  saveAnchor(bytes: Uint8Array): Promise<void>;
}

export function createMemoryCache(): TufCache {
  const files = new Map<string, StoredFile>();
  let anchor: Uint8Array | undefined;
  return {
    load: async role => files.get(role),
    save: async (role, bytes, seen, keep) => {
      const stored = files.get(role);
      if (!stored || !keep?.(stored.bytes)) files.set(role, { bytes, seen });
    },
    touch: async (role, seen) => {
      const stored = files.get(role);
      if (stored) files.set(role, { ...stored, seen });
    },
    remove: async role => void files.delete(role),
    loadAnchor: async () => anchor,
    saveAnchor: async bytes => {
      anchor ??= bytes;
    },
  };
}

/**
 * A cache in a folder, which is made when it is first written to. Several processes may use it at once: files are replaced
 * by renaming, under a lock, so that a slow process does not put an older file over a newer one.
 */
export function openFolderCache(folder: string): TufCache {
  const fileOf = (role: string) => join(folder, cacheName(role));
  const anchorFile = join(folder, 'anchor');
  const loadAnchor = () => readFileUpTo(anchorFile, LIMITS.tufRootSize + 1);
  const locked = async (work: () => Promise<void>) => {
    await mkdir(folder, { recursive: true }).catch(error => {
      throw asFileError(error, 'make the folder', folder);
    });
    const lock = await acquireLock(join(folder, '.lock'));
    try {
      await work();
    } finally {
      await lock.release();
    }
  };
  const write = async (file: string, bytes: Uint8Array, seen?: Date) => {
    await writeFileDurably(file, [bytes]);
    if (seen) await utimes(file, seen, seen);
    await syncFolder(folder);
  };
  return {
    load: async role => {
      const bytes = await readFileUpTo(fileOf(role), LIMITS.tufTargetsSize + 1);
      if (bytes === undefined) return undefined;
      const facts = await unlessMissing(stat(fileOf(role)));
      return facts && { bytes, seen: facts.mtime };
    },
    save: (role, bytes, seen, keep) =>
      locked(async () => {
        const stored = keep && (await readFileUpTo(fileOf(role), LIMITS.tufTargetsSize + 1));
        if (!stored || !keep(stored)) await write(fileOf(role), bytes, seen);
      }),
    touch: async (role, seen) => {
      await unlessMissing(utimes(fileOf(role), seen, seen));
    },
    remove: async role => {
      await rm(fileOf(role), { force: true }).catch(error => {
        throw asFileError(error, 'remove', fileOf(role));
      });
      await syncFolder(folder);
    },
    loadAnchor,
    saveAnchor: bytes =>
      locked(async () => {
        if (!(await loadAnchor())) await write(anchorFile, bytes);
      }),
  };
}

async function unlessMissing<T>(work: Promise<T>): Promise<T | undefined> {
  try {
    return await work;
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw error;
  }
}
