import { equalBytes } from '../base/bytes.js';
import { fail } from '../base/errors.js';
import { LIMITS } from '../base/limits.js';
import type { TufCache } from './cache.js';
import { fetchMetadata } from './fetch-metadata.js';
import { requireFile } from './file-check.js';
import type { Payload, Targets } from './metadata.js';
import { metadataName, targetName } from './names.js';
import { refresh } from './refresh.js';
import { type FoundTarget, searchTarget } from './search.js';
import type { TufSource } from './source.js';
import type { ForeignKeyids } from './threshold.js';
import { TrustedSet } from './trusted-set.js';

export interface ClientOptions {
  readonly cache: TufCache;
  /** Without one, the client is offline: it goes by the cache alone, as long as nothing there is expired. */
  readonly source?: TufSource;
  /** The root to begin with. Needed once: a cache that was begun with another root is refused. */
  readonly root?: Uint8Array;
  /** The time of the whole update. */
  readonly now: Date;
  readonly foreignKeyids?: ForeignKeyids;
  /** Some repositories do not put the hash in front of target names, though their root says so. Default true. */
  readonly hashedTargets?: boolean;
  readonly maxVisitedRoles?: number;
  readonly maxRootRotations?: number;
}

export interface TufStatus {
  readonly offline: boolean;
  /** When the repository was last known to have nothing newer: now, or for an offline client when that was. */
  readonly checked: Date;
  readonly roles: Readonly<Record<'root' | 'timestamp' | 'snapshot' | 'targets', RoleStatus>>;
}

export interface RoleStatus {
  readonly version: number;
  readonly expires: Date;
}

/** A repository as of one moment. Delegated roles are loaded when they are asked for. */
export interface TufClient {
  readonly status: TufStatus;
  /** The target that the first role in search order lists; undefined when none does. */
  findTarget(path: string): Promise<FoundTarget | undefined>;
  /**
   * The target as this role lists it, whatever roles before it say: for a rule that several teams must agree. Every role
   * from `targets` to this one must delegate the path to the next.
   * @throws TouchmarkError `tuf-path-not-delegated`, `tuf-target-unlisted`
   */
  getTargetOf(role: string, path: string): Promise<FoundTarget>;
  /**
   * The metadata of `targets`, or of a role that `targets` itself delegates to, bins of its own left out.
   * @throws TouchmarkError `tuf-role-unlisted` when it is neither
   */
  readRole(role: string): Promise<Targets>;
  /**
   * The content of a target, of the listed length, with all of the listed hashes.
   * @throws TouchmarkError `tuf-length-mismatch`, `tuf-hash-mismatch`, `tuf-hash-unsupported`, `tuf-unavailable`,
   * `limit-exceeded`
   */
  fetchTarget(target: FoundTarget): Promise<Uint8Array>;
}

/**
 * Brings a client up to date (TUF specification 5): root, timestamp, snapshot, targets, in this order, each stored once it
 * is trusted. What earlier updates stored stays when this one fails.
 *
 * @throws TouchmarkError `tuf-…`, `limit-exceeded`; whatever the source and the cache throw
 */
export async function openClient(options: ClientOptions): Promise<TufClient> {
  const { source } = options;
  const root = await startingRoot(options);
  const set = new TrustedSet(root, options);
  const checked = await refresh(set, options);
  const load = (role: string, delegator: string) => loadRole(set, role, delegator, options);
  const targets = await load('targets', 'root');
  const limit = options.maxVisitedRoles === undefined ? {} : { maxVisited: options.maxVisitedRoles };
  return {
    status: {
      offline: source === undefined,
      checked,
      roles: {
        root: statusOf(set.root),
        timestamp: statusOf(set.timestamp),
        snapshot: statusOf(set.snapshot),
        targets: statusOf(targets),
      },
    },
    findTarget: path => searchTarget(path, load, limit),
    getTargetOf: async (role, path) => {
      let asked = false;
      const found = await searchTarget(
        path,
        (name, delegator) => {
          asked ||= name === role;
          return load(name, delegator);
        },
        { ...limit, only: role },
      );
      if (found) return found;
      const details = { role: role.slice(0, 200), target: path.slice(0, 200) };
      if (asked) return fail('tuf-target-unlisted', 'the role does not list this target', { details });
      return fail('tuf-path-not-delegated', 'this path is not delegated to the role', { details });
    },
    readRole: async role => {
      if (role === 'targets') return targets;
      if (targets.delegations?.roles.some(({ name }) => name === role)) return load(role, 'targets');
      return fail('tuf-role-unlisted', 'targets does not delegate to this role', {
        details: { role: role.slice(0, 200) },
      });
    },
    fetchTarget: async target => {
      if (!source)
        return fail('tuf-unavailable', 'targets are not in the cache, and there is no repository to ask');
      const { info, path } = target;
      const what = `the target ${JSON.stringify(path.slice(0, 120))}`;
      if (info.length > LIMITS.tufTargetSize)
        fail('limit-exceeded', `${what} has ${info.length} bytes; at most ${LIMITS.tufTargetSize} are read`);
      const hashed = set.root.consistentSnapshot && options.hashedTargets !== false;
      const bytes = await source.target(targetName(path, info, hashed), info.length);
      if (!bytes) return fail('tuf-unavailable', `the repository does not have ${what}`);
      requireFile(bytes, what, info);
      return bytes;
    },
  };
}

const statusOf = ({ version, expires }: Payload): RoleStatus => ({ version, expires });

/**
 * Makes `root` the one that this cache begins with. Nothing is checked here: an unsound root is refused when it is used.
 * @throws TouchmarkError `tuf-root-other` when the cache was begun with another one
 */
export async function pinRoot(cache: TufCache, root: Uint8Array, now: Date): Promise<void> {
  const isNew = (await cache.load('root')) === undefined;
  if (isNew) await cache.saveAnchor(root);
  // Read again: another process may have been first, with another root.
  const anchor = await cache.loadAnchor();
  if (!anchor || !equalBytes(anchor, root))
    fail('tuf-root-other', 'what is stored of this repository was begun with another root', {
      hint: 'use another folder for each root; the stored one may belong to another repository',
    });
  if (isNew) await cache.save('root', root, now, () => true);
}

async function startingRoot({ cache, root, now }: ClientOptions): Promise<Uint8Array> {
  if (root) await pinRoot(cache, root, now);
  const stored = await cache.load('root');
  return (
    stored?.bytes ??
    fail('tuf-root-missing', 'no root of this repository is known here', {
      hint: 'give the root.json that its owners handed out',
    })
  );
}

async function loadRole(
  set: TrustedSet,
  role: string,
  delegator: string,
  { cache, source, now }: ClientOptions,
): Promise<Targets> {
  const loaded = set.targets(role, delegator);
  if (loaded) return loaded;
  const listed = set.listed(role);
  const stored = await cache.load(role);
  const recalled = stored && set.recallTargets(role, delegator, stored.bytes);
  if (recalled) return recalled;
  if (!source)
    return fail(
      'tuf-unavailable',
      `${JSON.stringify(role.slice(0, 120))} metadata is not in the cache as listed`,
    );
  const name = metadataName(role, set.root.consistentSnapshot ? listed.version : undefined);
  const bytes = await fetchMetadata(source, name, LIMITS.tufTargetsSize, listed.length);
  const targets = set.updateTargets(role, delegator, bytes);
  // Another process may be further by now; then the stored snapshot lists a newer file. Versions of targets themselves say
  // nothing here: after a recovery they may go down.
  const snapshot = await cache.load('snapshot');
  if (!snapshot || !set.isOlderThan('snapshot', snapshot.bytes)) await cache.save(role, bytes, now);
  return targets;
}
