import { equalBytes } from '../base/bytes.js';
import { fail } from '../base/errors.js';
import type { StoreAccess } from '../oci/open.js';
import { metadataName } from '../tuf/names.js';
import { parseTimestamp } from '../tuf/parse-top-level.js';
import { RepositoryFolder } from '../tuf/repository/folder.js';
import { recover } from '../tuf/repository/journal.js';
import { holdingLock } from '../tuf/repository/repository.js';
import type { TrustedSet } from '../tuf/trusted-set.js';
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
    const { set, roles, firstRoot } = collected;
    const files = new RepositoryFolder(folder);
    return await holdingLock(files, async () => {
      // A publication of this folder that was decided comes to its end first: nothing of it is lost that way.
      await recover(files);
      const metadata = await writeMetadata(files, collected, now);
      const targets = options.targets
        ? await fetchTargets(source, files.at('targets'), roles.values(), access.options.concurrency)
        : { fetched: 0, missing: [] };
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
        roles: roles.size,
        staged: await files.stagedRoles(),
        firstRoot,
        targets,
      };
    });
  } finally {
    await opened.close();
  }
}

async function writeMetadata(
  folder: RepositoryFolder,
  { files, set }: CollectedRepository,
  now: Date,
): Promise<Pick<Checkout, 'state' | 'written' | 'setAside'>> {
  const mine = await folder.read('metadata/timestamp.json');
  const changed: string[] = [];
  const other: string[] = [];
  for (const [name, bytes] of files) {
    const stored = await folder.read(`metadata/${name}`);
    if (stored && equalBytes(stored, bytes)) continue;
    changed.push(name);
    if (stored && name !== 'timestamp.json') other.push(name);
  }
  if (changed.length === 0) return { state: 'current', written: 0, setAside: [] };
  if (mine && parseTimestamp(mine).payload.version > set.timestamp.version) {
    if (changed.every(name => name === 'timestamp.json')) return { state: 'ahead', written: 0, setAside: [] };
    fail('tuf-rollback', 'the repository is older than this folder, and not what the folder came from', {
      hint: 'it was rolled back, or this is the folder of another repository',
      details: { folder: folder.path },
    });
  }
  const newer = await listNewer(folder, files, set);
  const aside = `set-aside/${now.toISOString().replace(/[-:]|\.[0-9]+/g, '')}`;
  for (const name of other) {
    const bytes = await folder.read(`metadata/${name}`);
    if (bytes) await folder.write(`${aside}/${name}`, bytes);
  }
  const write = (name: string) => folder.write(`metadata/${name}`, files.get(name) as Uint8Array);
  for (const name of changed) if (name !== 'timestamp.json') await write(name);
  await folder.sync('metadata');
  if (changed.includes('timestamp.json')) await write('timestamp.json');
  await folder.sync('metadata');
  // Only now: until the timestamp was replaced, a reader of the folder could still ask for them.
  for (const name of newer) await folder.move(`metadata/${name}`, `${aside}/${name}`);
  return {
    state: mine ? 'updated' : 'created',
    written: changed.length,
    setAside: [...other, ...newer].sort().map(name => folder.at(aside, name)),
  };
}

/** Files of versions that the repository has not come to: a publication of this folder that nobody else has seen. */
async function listNewer(
  folder: RepositoryFolder,
  files: ReadonlyMap<string, Uint8Array>,
  set: TrustedSet,
): Promise<readonly string[]> {
  const current = new Map<string, number>([
    ['root', set.root.version],
    ['snapshot', set.snapshot.version],
  ]);
  for (const [file, { version }] of set.snapshot.meta) {
    const name = versionedName(metadataName(file.slice(0, -'.json'.length), version));
    if (name) current.set(name.role, version);
  }
  return (await folder.list('metadata')).filter(name => {
    const file = versionedName(name);
    if (!file || files.has(name)) return false;
    const known = current.get(file.role);
    return known === undefined || file.version > known;
  });
}
