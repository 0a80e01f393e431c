import { fail } from '../base/errors.js';
import { LIMITS } from '../base/limits.js';
import { createMemoryCache } from '../tuf/cache.js';
import { loadEveryRole } from '../tuf/every-role.js';
import type { Targets } from '../tuf/metadata.js';
import { metadataName } from '../tuf/names.js';
import { parseRoot } from '../tuf/parse-top-level.js';
import { refresh } from '../tuf/refresh.js';
import type { TufSource } from '../tuf/source.js';
import { TrustedSet } from '../tuf/trusted-set.js';

/** All current metadata of a repository and its roots, verified, byte for byte. */
export interface CollectedRepository {
  /** By name: `3.targets.json`, `timestamp.json`. */
  readonly files: ReadonlyMap<string, Uint8Array>;
  readonly set: TrustedSet;
  readonly roles: ReadonlyMap<string, Targets>;
  /** The first root that the repository still has. */
  readonly firstRoot: number;
}

/**
 * Reads a whole repository as it is now: as a client would from `root`, then every role, and the roots before.
 * @throws TouchmarkError `tuf-…`, `limit-exceeded`; what the source throws
 */
export async function collectRepository(
  source: TufSource,
  root: Uint8Array,
  now: Date,
  concurrency = 8,
): Promise<CollectedRepository> {
  const files = new Map<string, Uint8Array>();
  const recording: TufSource = {
    ...source,
    async metadata(name, maxLength) {
      const bytes = await source.metadata(name, maxLength);
      if (bytes) files.set(name, bytes);
      return bytes;
    },
  };
  const set = new TrustedSet(root, { now });
  const first = set.root.version;
  await refresh(set, { cache: createMemoryCache(), source: recording, now });
  if (!set.root.consistentSnapshot)
    fail('usage-argument', 'this repository replaces its files in place, without versions in their names', {
      hint: 'touchmark can verify and use it; to work on it, its owner has to turn consistent_snapshot on',
    });
  const roles = new Map<string, Targets>();
  await loadEveryRole(set, recording, {
    concurrency,
    onRole: ({ role }, targets) => roles.set(role, targets),
  });
  const firstRoot = await collectEarlierRoots(recording, root, first, files, now);
  return { files, set, roles, firstRoot };
}

/** The roots up to the given one. The repository's copy of that one counts: others compare it by its bytes. */
async function collectEarlierRoots(
  source: TufSource,
  given: Uint8Array,
  version: number,
  files: Map<string, Uint8Array>,
  now: Date,
): Promise<number> {
  const name = metadataName('root', version);
  const own = (await source.metadata(name, LIMITS.tufRootSize)) ?? given;
  if (!Buffer.from(parseRoot(own, name).envelope.signedBytes).equals(parseRoot(given).envelope.signedBytes))
    fail('tuf-root-other', `the ${name} of this repository is not the root that was given`, {
      hint: 'ask its owners which root is theirs',
    });
  files.set(name, own);
  let later = own;
  for (let earlier = version - 1; earlier > 0; earlier--) {
    const bytes = await source.metadata(metadataName('root', earlier), LIMITS.tufRootSize);
    if (!bytes) return earlier + 1;
    new TrustedSet(bytes, { now }).updateRoot(later);
    later = bytes;
  }
  return 1;
}
