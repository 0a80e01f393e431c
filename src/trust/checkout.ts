import { mkdir, readdir, rename } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fail } from '../base/errors.js';
import { LIMITS } from '../base/limits.js';
import { acquireLock } from '../files/file-lock.js';
import { asFileError, isMissing, syncFolder, writeFileDurably } from '../files/safe-files.js';
import type { StoreAccess } from '../oci/open.js';
import { metadataName } from '../tuf/names.js';
import { parseTimestamp } from '../tuf/parse-top-level.js';
import { readFileUpTo } from '../tuf/source.js';
import { fetchTargets } from './checkout-targets.js';
import { type CollectedRepository, collectRepository } from './collect-repository.js';
import { versionedName } from './compare-published.js';
import type { TrustLocation } from './location.js';
import { chooseSource, openTrustSource } from './source.js';

export interface CheckoutOptions {
  readonly location: TrustLocation;
  readonly root: Uint8Array;
  readonly folder: string;
  readonly now: Date;
  /** The content of targets as well. */
  readonly targets?: boolean;
}

export interface Checkout {
  readonly place: string;
  readonly folder: string;
  /** `ahead`: the folder has published what the repository does not have yet; nothing was changed. */
  readonly state: 'created' | 'updated' | 'current' | 'ahead';
  readonly versions: Readonly<Record<'root' | 'timestamp' | 'snapshot' | 'targets', number>>;
  readonly roles: number;
  /** Files of metadata that were written. */
  readonly written: number;
  /** Roles with staged changes, which were left as they are. */
  readonly staged: readonly string[];
  /** Files that the folder had published and somebody else in other versions; where they are now. */
  readonly setAside: readonly string[];
  /** The first root that the repository still has: more than 1 when its history is cut. */
  readonly firstRoot: number;
  readonly targets: { readonly fetched: number; readonly missing: readonly string[] };
}

/**
 * Makes a working folder out of a published repository, or brings one up to date. Everything is verified from `root` before
 * the first file is written, and the timestamp is written last. What is staged in the folder stays.
 * @throws TouchmarkError `tuf-rollback` when the repository is older than the folder and not what the folder came from;
 * `tuf-…`, `net-…`, `oci-…`, `io-…`
 */
export async function checkoutRepository(access: StoreAccess, options: CheckoutOptions): Promise<Checkout> {
  const { folder, location, now } = options;
  const opened = await openTrustSource(location, access);
  try {
    const source = await chooseSource(opened);
    const collected = await collectRepository(source, options.root, now, access.options.concurrency);
    await makeFolders(folder);
    const lock = await acquireLock(join(folder, '.lock'), { signal: access.options.signal });
    try {
      const metadata = await writeMetadata(folder, collected, now);
      const targets = options.targets
        ? await fetchTargets(
            source,
            join(folder, 'targets'),
            collected.roles.values(),
            access.options.concurrency,
          )
        : { fetched: 0, missing: [] };
      const { set } = collected;
      return {
        place: opened.name,
        folder,
        ...metadata,
        versions: {
          root: set.root.version,
          timestamp: set.timestamp.version,
          snapshot: set.snapshot.version,
          targets: set.listed('targets').version,
        },
        roles: collected.roles.size,
        staged: await listStaged(folder),
        firstRoot: collected.firstRoot,
        targets,
      };
    } finally {
      await lock.release();
    }
  } finally {
    await opened.close();
  }
}

async function writeMetadata(
  folder: string,
  { files, set }: CollectedRepository,
  now: Date,
): Promise<Pick<Checkout, 'state' | 'written' | 'setAside'>> {
  const metadata = join(folder, 'metadata');
  const pathOf = (name: string) => join(metadata, name);
  const mine = await readFileUpTo(pathOf('timestamp.json'), LIMITS.tufTimestampSize + 1);
  const changed: string[] = [];
  const other: string[] = [];
  for (const [name, bytes] of files) {
    const stored = await readFileUpTo(pathOf(name), bytes.length + 1);
    if (stored && Buffer.compare(stored, bytes) === 0) continue;
    changed.push(name);
    if (stored && name !== 'timestamp.json') other.push(name);
  }
  if (changed.length === 0) return { state: 'current', written: 0, setAside: [] };
  if (mine && parseTimestamp(mine).payload.version > set.timestamp.version) {
    if (changed.every(name => name === 'timestamp.json')) return { state: 'ahead', written: 0, setAside: [] };
    fail('tuf-rollback', 'the repository is older than this folder, and not what the folder came from', {
      hint: 'it was rolled back, or this is the folder of another repository',
      details: { folder },
    });
  }
  const newer = await listNewer(metadata, files, set);
  const aside = join(folder, 'set-aside', now.toISOString().replace(/[-:]|\.[0-9]+/g, ''));
  if (other.length + newer.length > 0) await makeFolder(aside);
  for (const name of other) {
    const bytes = await readFileUpTo(pathOf(name), LIMITS.tufTargetsSize);
    if (bytes) await writeFileDurably(join(aside, name), [bytes]);
  }
  for (const name of changed.filter(changedName => changedName !== 'timestamp.json'))
    await writeFileDurably(pathOf(name), [files.get(name) as Uint8Array]);
  await syncFolder(metadata);
  await writeFileDurably(pathOf('timestamp.json'), [files.get('timestamp.json') as Uint8Array]);
  await syncFolder(metadata);
  // Only now: until the timestamp was replaced, a reader of the folder could still ask for them.
  for (const name of newer) {
    await rename(pathOf(name), join(aside, name)).catch(error => {
      throw asFileError(error, 'move', pathOf(name));
    });
  }
  return {
    state: mine ? 'updated' : 'created',
    written: changed.length,
    setAside: [...other, ...newer].sort().map(name => join(aside, name)),
  };
}

/** Files of versions that the repository has not come to: a publication of this folder that nobody else has seen. */
async function listNewer(
  metadata: string,
  files: ReadonlyMap<string, Uint8Array>,
  set: CollectedRepository['set'],
): Promise<readonly string[]> {
  const current = new Map<string, number>([
    ['root', set.root.version],
    ['snapshot', set.snapshot.version],
  ]);
  for (const [file, { version }] of set.snapshot.meta) {
    const name = versionedName(metadataName(file.slice(0, -'.json'.length), version));
    if (name) current.set(name.role, version);
  }
  return (await list(metadata)).filter(name => {
    const file = versionedName(name);
    if (!file || files.has(name)) return false;
    const known = current.get(file.role);
    // A role that is not listed any more has a past of its own.
    return known !== undefined && file.version > known;
  });
}

async function listStaged(folder: string): Promise<readonly string[]> {
  const names = await list(join(folder, 'staged', 'metadata'));
  return names.filter(name => /^[^.].*\.json$/.test(name)).map(name => decodeRole(name.slice(0, -5)));
}

function decodeRole(name: string): string {
  try {
    return decodeURIComponent(name);
  } catch {
    return name;
  }
}

async function list(folder: string): Promise<readonly string[]> {
  return readdir(folder).catch(error => {
    if (isMissing(error)) return [];
    throw asFileError(error, 'read', folder);
  });
}

async function makeFolders(folder: string): Promise<void> {
  for (const part of ['metadata', 'targets']) await makeFolder(join(folder, part));
}

async function makeFolder(folder: string): Promise<void> {
  await mkdir(folder, { recursive: true }).catch(error => {
    throw asFileError(error, 'make the folder', folder);
  });
  await syncFolder(dirname(folder));
}
