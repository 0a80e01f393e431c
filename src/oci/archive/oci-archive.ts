import { mkdtemp, open, rm } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { utf8 } from '../../base/bytes.js';
import { type Digest, digestAlgorithm, digestHex, isDigest } from '../../base/digest.js';
import { fail } from '../../base/errors.js';
import { LIMITS } from '../../base/limits.js';
import { acquireLock } from '../../files/file-lock.js';
import { asFileError, readChunks, syncFolder, writeFileDurably } from '../../files/safe-files.js';
import type { BlobFile, LayoutBackend } from '../layout/backend.js';
import { checkedContent } from '../layout/checked-content.js';
import { checkLayoutHeader, LAYOUT_HEADER } from '../layout/layout-header.js';
import {
  emptyLayoutIndex,
  type LayoutIndex,
  parseLayoutIndex,
  serializeLayoutIndex,
} from '../layout/layout-index.js';
import { createLayoutStore, type LocalStore } from '../layout/layout-store.js';
import type { ImageReference } from '../reference.js';
import { type ArchiveFile, openArchiveFile } from './archive-file.js';
import { formatTarHeader, TAR_END, tarPadding } from './tar-header.js';
import { findInTar } from './tar-index.js';

export interface ArchiveOptions {
  readonly signal?: AbortSignal | undefined;
  /** Milliseconds to wait for another writer. */
  readonly lockTimeout?: number;
}

/**
 * Opens a tar archive of an image layout. It is read in place. Writes are kept in a folder beside it until `commit`, which
 * writes the archive anew: changes are then made again on what is there by that time, so that other writers lose nothing.
 */
export async function openOciArchiveStore(
  reference: Pick<ImageReference, 'location'>,
  options: ArchiveOptions = {},
): Promise<LocalStore> {
  const backend = await openOciArchive(reference.location, options);
  return createLayoutStore({ transport: 'oci-archive', location: reference.location }, backend);
}

/** A layout inside an archive that is open: its index. */
export async function readArchivedIndex(file: ArchiveFile): Promise<LayoutIndex> {
  const header = await file.readSmall(LAYOUT_HEADER, 4096);
  if (!header) {
    return fail(
      'format-archive',
      `${file.path} holds no OCI image layout: it has no file "${LAYOUT_HEADER}"`,
      {
        ...(file.index.files.has('manifest.json') && {
          hint: `was it made by docker save? then: docker-archive:${file.path}`,
        }),
        details: { file: file.path },
      },
    );
  }
  checkLayoutHeader(header, `${LAYOUT_HEADER} in ${file.path}`);
  const bytes = await file.readSmall('index.json', LIMITS.layoutIndexSize);
  if (!bytes)
    return fail(
      'format-archive',
      `${file.path} holds no whole OCI image layout: it has no file "index.json"`,
    );
  return parseLayoutIndex(bytes, `index.json in ${file.path}`);
}

/** Digests of the blobs in an archive. */
export function* archivedBlobs(file: ArchiveFile): Generator<Digest> {
  for (const path of [...file.index.files.keys(), ...file.index.links.keys()]) {
    const match = /^blobs\/(sha256|sha512)\/([a-f0-9]+)$/.exec(path);
    const digest = match && `${match[1]}:${match[2]}`;
    if (isDigest(digest)) yield digest;
  }
}

export function blobPath(digest: Digest): string {
  return `blobs/${digestAlgorithm(digest)}/${digestHex(digest)}`;
}

type Change = (index: LayoutIndex) => Promise<LayoutIndex | undefined>;

async function openOciArchive(location: string, options: ArchiveOptions): Promise<LayoutBackend> {
  const path = resolve(location);
  let file = await openArchiveFile(location, options.signal);
  let base = file && (await readArchivedIndex(file));
  let index = base;
  /** What was done since the last commit, to be done again on a newer archive. */
  let changes: Change[] = [];
  let revision = 0;
  let staging: Promise<string> | undefined;
  const staged = new Map<Digest, number>();
  let turn: Promise<unknown> = Promise.resolve();

  const stage = (): Promise<string> => {
    staging ??= mkdtemp(join(dirname(path), `.${basename(path)}.${process.pid}.`)).catch(error => {
      staging = undefined;
      throw asFileError(error, 'make a temporary folder beside', path);
    });
    return staging;
  };

  async function findStaged(digest: Digest, size: number): Promise<BlobFile> {
    const path = join(await stage(), digestHex(digest));
    return {
      size,
      // Opened when it is read: nothing is left open by who only wanted to know that it is there.
      read: async function* () {
        const handle = await open(path, 'r');
        try {
          yield* readChunks(handle, 0, size);
        } finally {
          await handle.close();
        }
      },
      close: async () => {},
    };
  }

  async function reopen(): Promise<void> {
    const next = await openArchiveFile(location, options.signal);
    const nextIndex = await (next && readArchivedIndex(next))?.catch(async error => {
      await next?.close();
      throw error;
    });
    await file?.close();
    [file, base] = [next, nextIndex];
  }

  async function rewrite(): Promise<void> {
    const lock = await acquireLock(join(dirname(path), `.${basename(path)}.touchmark.lock`), {
      signal: options.signal,
      ...(options.lockTimeout !== undefined && { timeout: options.lockTimeout }),
    });
    try {
      await reopen();
      let next = base ?? emptyLayoutIndex();
      for (const change of changes) next = (await change(next)) ?? next;
      const blobs = [...staged].filter(([digest]) => !file?.index.files.has(blobPath(digest)));
      if (base && next === base && blobs.length === 0) return;
      const content = writeArchive(file, next, blobs, async digest =>
        (await findStaged(digest, staged.get(digest) ?? 0)).read(),
      );
      await writeFileDurably(path, content, async () => {
        if (await lock.isHeld()) return;
        fail('oci-conflict', `another process took over the lock of ${path}`, { retryable: true });
      });
      await syncFolder(dirname(path));
      await reopen();
    } finally {
      await lock.release();
    }
  }

  async function dropStaged(): Promise<void> {
    changes = [];
    staged.clear();
    index = base;
    revision++;
    const folder = staging;
    staging = undefined;
    if (folder) await rm(await folder.catch(() => ''), { recursive: true, force: true });
  }

  return {
    what: `the archive ${location}`,
    readIndex: async () => index,
    findBlob: async digest => {
      const size = staged.get(digest);
      return size === undefined ? file?.find(blobPath(digest)) : findStaged(digest, size);
    },
    listBlobs: async function* () {
      yield* staged.keys();
      if (file) yield* archivedBlobs(file);
    },
    version: async () => String(revision),
    storeBlob: async (expected, source) => {
      const target = join(await stage(), digestHex(expected.digest));
      await writeFileDurably(target, checkedContent(source, expected, `the content of ${expected.digest}`));
      staged.set(expected.digest, expected.size);
      index ??= emptyLayoutIndex();
      revision++;
    },
    updateIndex: change => {
      const mine = turn.then(async () => {
        const next = await change(index ?? emptyLayoutIndex());
        if (!next || next === index) return;
        index = next;
        changes.push(change);
        revision++;
      });
      turn = mine.catch(() => {});
      return mine;
    },
    commit: async () => {
      await turn;
      if (changes.length === 0 && staged.size === 0) return;
      await rewrite();
      await dropStaged();
    },
    close: async () => {
      await dropStaged();
      await file?.close();
      file = undefined;
    },
  };
}

/** The bytes of a new archive: header and index first, then what the old one held, then the new blobs. */
async function* writeArchive(
  old: ArchiveFile | undefined,
  index: LayoutIndex,
  blobs: readonly (readonly [Digest, number])[],
  openStaged: (digest: Digest) => Promise<AsyncIterable<Uint8Array>>,
): AsyncGenerator<Uint8Array> {
  yield* writeEntry(LAYOUT_HEADER, utf8('{"imageLayoutVersion":"1.0.0"}'));
  yield* writeEntry('index.json', serializeLayoutIndex(index));
  const folders = new Set(['blobs/', ...blobs.map(([digest]) => `blobs/${digestAlgorithm(digest)}/`)]);
  for (const path of old?.index.files.keys() ?? []) {
    const folder = /^blobs\/[a-z0-9]+\//.exec(path)?.[0];
    if (folder) folders.add(folder);
  }
  for (const path of folders) yield formatTarHeader({ path, size: 0 });
  for (const file of old?.index.files.values() ?? []) {
    if (file.path === LAYOUT_HEADER || file.path === 'index.json') continue;
    yield formatTarHeader({ path: file.path, size: file.size });
    if (old) yield* old.read(file);
    yield new Uint8Array(tarPadding(file.size));
  }
  for (const [path, target] of old?.index.links ?? []) {
    if (!old || !findInTar(old.index, path)) continue;
    yield formatTarHeader({ path, size: 0, type: '1', linkname: target });
  }
  for (const [digest, size] of blobs) {
    yield formatTarHeader({ path: blobPath(digest), size });
    yield* await openStaged(digest);
    yield new Uint8Array(tarPadding(size));
  }
  yield TAR_END;
}

function* writeEntry(path: string, bytes: Uint8Array): Generator<Uint8Array> {
  yield formatTarHeader({ path, size: bytes.length });
  yield bytes;
  yield new Uint8Array(tarPadding(bytes.length));
}
