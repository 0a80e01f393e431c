import { mapConcurrently } from '../base/concurrency.js';
import type { Digest } from '../base/digest.js';
import { fail } from '../base/errors.js';
import { LIMITS } from '../base/limits.js';
import type { Descriptor } from '../oci/descriptor.js';
import { openStore, type StoreAccess } from '../oci/open.js';
import { formatReference, type ImageReference } from '../oci/reference.js';
import type { Store } from '../oci/store.js';
import { RepositoryFolder } from '../tuf/repository/folder.js';
import { recover } from '../tuf/repository/journal.js';
import { holdingLock } from '../tuf/repository/repository.js';
import { readFileUpTo } from '../tuf/source.js';
import { requireSuccessor, verifyAsClient } from './check-publication.js';
import { conflict } from './compare-published.js';
import { type MeasuredFile, measureFolder, readInChunks } from './folder-files.js';
import { formatTrustLocation, parseTrustLocation } from './location.js';
import { composeRepository, describeTimestamp, EMPTY_CONFIG, nameFile } from './repository-form.js';
import { findPublished, openStoreSource } from './store-source.js';

export interface PublishOptions {
  /** An authored repository: `metadata/`, `targets/`. */
  readonly folder: string;
  /** `oci://registry/repository[:tag]` or `oci:DIR[:tag]`. */
  readonly destination: string;
  readonly now: Date;
  readonly onProgress?: (done: number, total: number) => void;
}

export interface Publication {
  /** As a user writes it: `oci://…`. */
  readonly place: string;
  readonly digest: Digest;
  /** False when all of it was there already. */
  readonly changed: boolean;
  readonly files: number;
  /** Files, and their bytes, that the place did not have. */
  readonly uploaded: { readonly files: number; readonly bytes: number };
}

/**
 * Can this folder be published there without losing what somebody else published? To be asked before anything is signed for
 * it. Nothing is written.
 * @throws TouchmarkError `tuf-conflict`, `usage-argument`; what the store throws
 */
export async function checkDestination(
  access: StoreAccess,
  { folder, destination }: Pick<PublishOptions, 'folder' | 'destination'>,
): Promise<void> {
  await withDestination(access, destination, async (store, reference, place) => {
    const published = await findPublished(store, reference);
    if (!published) return;
    await alone(folder, async () =>
      requireSuccessor(published, await measureFolder(folder, await published.list()), store, place),
    );
  });
}

/**
 * Publishes a folder as one moment of a repository in a registry or a layout: files that are not there yet, byte for byte,
 * then manifests, and last of all the tag, in one step. What a killed run has uploaded is not uploaded again.
 *
 * Before that the folder is verified as a client would that has seen what is there.
 * @throws TouchmarkError `tuf-conflict` when somebody else published there, before or meanwhile; `tuf-…` when the folder does
 * not verify; `usage-argument`, `oci-…`, `net-…`, `io-…`
 */
export async function publishRepository(access: StoreAccess, options: PublishOptions): Promise<Publication> {
  return alone(options.folder, () => publishAlone(access, options));
}

/** Nobody else writes to the folder meanwhile, and what somebody had begun is finished. */
async function alone<T>(path: string, work: () => Promise<T>): Promise<T> {
  const folder = new RepositoryFolder(path);
  if (!(await folder.has('.'))) fail('usage-file', `there is no folder ${path}`, { details: { file: path } });
  return holdingLock(folder, async () => {
    await recover(folder);
    return work();
  });
}

async function publishAlone(access: StoreAccess, options: PublishOptions): Promise<Publication> {
  const { folder, destination, now } = options;
  return withDestination(access, destination, async (store, reference, place) => {
    const published = await findPublished(store, reference);
    const there = (await published?.list()) ?? new Map<string, Descriptor>();
    const local = await measureFolder(folder, there);
    const kept = published ? await requireSuccessor(published, local, store, place) : new Map();
    await verifyAsClient(local, now, published && openStoreSource(store, reference), place);

    const described = await describeLocal(local);
    const [tagged, ...parts] = composeRepository(new Map([...kept, ...described]));
    const fresh = [...described].filter(([name, { digest }]) => there.get(name)?.digest !== digest);
    const changed = published?.digest !== tagged.descriptor.digest;
    const publication = {
      place,
      digest: tagged.descriptor.digest,
      changed,
      files: kept.size + described.size,
      uploaded: { files: fresh.length, bytes: fresh.reduce((sum, [, { size }]) => sum + size, 0) },
    };
    if (!changed) return publication;

    const total = fresh.length + parts.length + 1;
    let done = 0;
    const step = () => options.onProgress?.(++done, total);
    const concurrency = access.options.concurrency ?? 8;
    await store.writeBlob(EMPTY_CONFIG, EMPTY_CONFIG.data as Uint8Array);
    await mapConcurrently(fresh, concurrency, async ([name, { mediaType, digest, size }]) => {
      const { path } = local.get(name) as MeasuredFile;
      await store.writeBlob({ mediaType, digest, size }, () => readInChunks(path));
      step();
    });
    const present = new Set(published?.parts);
    await mapConcurrently(parts, concurrency, async part => {
      if (!present.has(part.descriptor.digest)) await store.writeManifest(part);
      step();
    });
    await store.updateTag(reference.tag ?? 'latest', current => {
      const digest = current?.descriptor.digest;
      if (digest === tagged.descriptor.digest) return undefined;
      return digest === published?.digest ? tagged : conflict(place, 'a newer timestamp.json');
    });
    await store.commit();
    step();
    return publication;
  });
}

async function withDestination<T>(
  access: StoreAccess,
  destination: string,
  use: (store: Store, reference: ImageReference, place: string) => Promise<T>,
): Promise<T> {
  const location = parseTrustLocation(destination);
  if (location.kind !== 'store')
    return fail('usage-argument', `${JSON.stringify(destination)} cannot be published to`, {
      hint: 'oci://registry.example/trust or oci:DIR; to a web server copy metadata/ and targets/ of the folder, timestamp.json last',
    });
  const { reference } = location;
  if (reference.digest)
    return fail('usage-argument', `${formatReference(reference)} is a digest: it cannot be changed`, {
      hint: 'publish to a tag',
    });
  const store = await openStore(reference, access);
  try {
    return await use(store, reference, formatTrustLocation(location));
  } finally {
    await store.close();
  }
}

async function describeLocal(
  local: ReadonlyMap<string, MeasuredFile>,
): Promise<ReadonlyMap<string, Descriptor>> {
  const files = new Map<string, Descriptor>();
  for (const [name, file] of local) files.set(name, nameFile(name, file));
  const timestamp = local.get('timestamp.json');
  const bytes = timestamp && (await readFileUpTo(timestamp.path, LIMITS.tufTimestampSize + 1));
  const described = bytes && describeTimestamp(bytes);
  if (described?.digest !== timestamp?.digest)
    fail('tuf-conflict', 'the folder changes while it is published', {
      retryable: true,
      hint: 'run the same command again when nobody else writes to it',
    });
  if (described) files.set('timestamp.json', described);
  return files;
}
