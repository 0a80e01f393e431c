import { equalBytes } from '../../base/bytes.js';
import { fail, TouchmarkError } from '../../base/errors.js';
import { acquireLock } from '../../files/file-lock.js';
import type { Metadata, Root, Snapshot, Targets, Timestamp } from '../metadata.js';
import { parseTargets } from '../parse-targets.js';
import { parseRoot } from '../parse-top-level.js';
import { TrustedSet } from '../trusted-set.js';
import { findDelegation } from './delegation-graph.js';
import { RepositoryFolder } from './folder.js';
import { needsRecovery, recover } from './journal.js';

/** What a repository publishes, verified. */
interface Published {
  readonly set: TrustedSet;
  /** As read: another one there means that somebody else has published. */
  readonly timestamp: Uint8Array;
}

/**
 * A repository that is being authored, as it was when it was opened.
 *
 * - What is published verifies from the first root that is there; expiry is no obstacle, or nobody could renew it.
 * - What is staged is taken for what it says: signers see it in words, and publishing verifies it.
 * - Whoever changes something holds the lock, and finds the published state that this object knows, or `tuf-conflict`.
 */
export class Repository {
  readonly folder: RepositoryFolder;
  readonly now: Date;
  /** What opening it did about a publication that was not finished. */
  readonly recovered: 'completed' | 'rolled-back' | undefined;
  #published: Published | undefined;

  private constructor(
    folder: RepositoryFolder,
    now: Date,
    recovered: Repository['recovered'],
    published: Published | undefined,
  ) {
    this.folder = folder;
    this.now = now;
    this.recovered = recovered;
    this.#published = published;
  }

  /** @internal use {@link openRepository} */
  static async open(path: string, now: Date): Promise<Repository> {
    const folder = new RepositoryFolder(path);
    const recovered = (await needsRecovery(folder))
      ? await holdingLock(folder, () => recover(folder))
      : undefined;
    const published = await loadPublished(folder);
    if (!published && !(await folder.has(folder.staged('root'))))
      fail('usage-file', `${path} holds no TUF repository`, {
        hint: 'touchmark tuf init makes one; touchmark tuf checkout fetches one that is published',
        details: { file: path },
      });
    return new Repository(folder, now, recovered, published);
  }

  get root(): Root | undefined {
    return this.#published?.set.root;
  }

  get timestamp(): Timestamp | undefined {
    return this.#published?.set.timestamp;
  }

  get snapshot(): Snapshot | undefined {
    return this.#published?.set.snapshot;
  }

  /** The published version of a role, 0 for none. Revoked roles keep theirs. */
  publishedVersion(role: string): number {
    if (role === 'root') return this.root?.version ?? 0;
    return this.snapshot?.meta.get(`${role}.json`)?.version ?? 0;
  }

  /**
   * Published metadata of `targets` or a delegated role, verified; undefined when nothing published delegates to it.
   * @throws TouchmarkError `tuf-…` when it does not verify
   */
  async published(role: string): Promise<Targets | undefined> {
    const set = this.#published?.set;
    if (!set || this.publishedVersion(role) === 0) return undefined;
    const delegator =
      role === 'targets' ? 'root' : (await findDelegation(role, name => this.published(name)))?.delegator;
    if (delegator === undefined) return undefined;
    return this.publishedBy(role, delegator);
  }

  /** The same where the delegator is known, and loaded. */
  async publishedBy(role: string, delegator: string): Promise<Targets | undefined> {
    const set = this.#published?.set;
    const version = this.publishedVersion(role);
    if (!set || version === 0) return undefined;
    const loaded = set.targets(role, delegator);
    if (loaded) return loaded;
    const name = this.folder.published(role, version);
    const bytes = await this.folder.read(name);
    if (!bytes)
      return fail('tuf-unavailable', `${this.folder.at(name)} is missing, though the snapshot lists it`, {
        hint: 'put it back, or fetch the repository anew: touchmark tuf checkout',
      });
    return set.updateTargets(role, delegator, bytes);
  }

  /** The staged file of a role, not verified; undefined when none is staged. @throws TouchmarkError `tuf-format` */
  async staged(role: string): Promise<Metadata<Targets> | undefined> {
    const bytes = await this.folder.read(this.folder.staged(role));
    return bytes && parseTargets(bytes, `the staged ${role}.json`);
  }

  async stagedRoot(): Promise<Metadata<Root> | undefined> {
    const bytes = await this.folder.read(this.folder.staged('root'));
    return bytes && parseRoot(bytes, 'the staged root.json');
  }

  /** The staged file of any role, root included; not verified. @throws TouchmarkError `tuf-format` */
  stagedFile(role: string): Promise<Metadata<Root> | Metadata<Targets> | undefined> {
    return role === 'root' ? this.stagedRoot() : this.staged(role);
  }

  /** What a role will say once everything staged is published. */
  async next(role: string): Promise<Targets | undefined> {
    return (await this.staged(role))?.payload ?? (await this.published(role));
  }

  /** The root to be. @throws TouchmarkError `internal` when there is none */
  async nextRoot(): Promise<Root> {
    return (await this.stagedRoot())?.payload ?? this.root ?? fail('internal', 'a repository without a root');
  }

  stagedRoles(): Promise<readonly string[]> {
    return this.folder.stagedRoles();
  }

  /**
   * Works on the repository alone.
   * @throws TouchmarkError `tuf-conflict` when somebody else has published since it was opened, or holds the lock
   */
  async locked<T>(work: () => Promise<T>): Promise<T> {
    return holdingLock(this.folder, async () => {
      await recover(this.folder);
      const timestamp = await this.folder.read('metadata/timestamp.json');
      const known = this.#published?.timestamp;
      const isSame = timestamp && known ? equalBytes(timestamp, known) : timestamp === known;
      if (!isSame)
        fail('tuf-conflict', `somebody else has published in ${this.folder.path} meanwhile`, {
          retryable: true,
          hint: 'nothing of yours is lost: it is still staged; run the same command again',
        });
      return work();
    });
  }

  /** Reads anew what is published. */
  async reload(): Promise<void> {
    this.#published = await loadPublished(this.folder);
  }
}

/** Works on a folder alone. @throws TouchmarkError `tuf-conflict` when somebody else does */
export async function holdingLock<T>(folder: RepositoryFolder, work: () => Promise<T>): Promise<T> {
  await folder.makeFolder('.');
  const lock = await acquireLock(folder.lock).catch(error => {
    if (!(error instanceof TouchmarkError) || error.code !== 'oci-conflict') throw error;
    return fail('tuf-conflict', error.message, {
      retryable: true,
      ...(error.hint !== undefined && { hint: error.hint }),
      details: error.details,
    });
  });
  try {
    return await work();
  } finally {
    await lock.release();
  }
}

/** Nothing expires at this time: authors must be able to open, and renew, what has expired. */
const BEFORE_EVERY_EXPIRY = new Date(0);

async function loadPublished(folder: RepositoryFolder): Promise<Published | undefined> {
  const first = await firstRoot(folder);
  if (first === undefined) return undefined;
  const set = new TrustedSet(await readPublished(folder, folder.published('root', first)), {
    now: BEFORE_EVERY_EXPIRY,
  });
  for (;;) {
    const next = await folder.read(folder.published('root', set.root.version + 1));
    if (!next) break;
    set.updateRoot(next);
  }
  set.finishRoots();
  const timestamp = await readPublished(folder, folder.published('timestamp'));
  set.updateTimestamp(timestamp);
  const { version } = set.timestamp.snapshot;
  set.updateSnapshot(await readPublished(folder, folder.published('snapshot', version)));
  return { set, timestamp };
}

/** The oldest root that is there: a repository that was fetched may begin later than with the first. */
async function firstRoot(folder: RepositoryFolder): Promise<number | undefined> {
  if (await folder.has(folder.published('root', 1))) return 1;
  const versions = (await folder.list('metadata')).flatMap(name => {
    const version = /^([1-9][0-9]{0,15})\.root\.json$/.exec(name)?.[1];
    return version === undefined ? [] : [Number(version)];
  });
  return versions.length === 0 ? undefined : Math.min(...versions);
}

async function readPublished(folder: RepositoryFolder, name: string): Promise<Uint8Array> {
  const bytes = await folder.read(name);
  return (
    bytes ??
    fail('tuf-unavailable', `${folder.at(name)} is missing`, {
      hint: 'put it back, or fetch the repository anew: touchmark tuf checkout',
    })
  );
}
