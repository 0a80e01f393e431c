import { fail } from '../base/errors.js';
import { LIMITS } from '../base/limits.js';
import type { TufCache } from './cache.js';
import type { ClientOptions } from './client.js';
import { fetchMetadata } from './fetch-metadata.js';
import { metadataName } from './names.js';
import { parseRoot } from './parse-top-level.js';
import type { TufSource } from './source.js';
import { tryTo } from './trust-checks.js';
import type { TrustedSet } from './trusted-set.js';

/** Root, timestamp and snapshot (TUF specification 5.3 to 5.5). Gives the time as of which there is nothing newer. */
export async function refresh(set: TrustedSet, options: ClientOptions): Promise<Date> {
  const { cache, source, now } = options;
  // Both before anything is asked for: what another process stores meanwhile is newer than what this one is about to get,
  // and that would look like a rollback.
  let [timestamp, snapshot] = [await cache.load('timestamp'), await cache.load('snapshot')];
  const recovers = source !== undefined && (await updateRoots(set, source, options));
  if (recovers) [timestamp, snapshot] = [undefined, undefined];
  set.finishRoots();
  if (timestamp) set.recallTimestamp(timestamp.bytes);
  if (source) await updateTimestamp(set, source, cache, now);
  else set.finishTimestamp();
  const isCurrent = snapshot !== undefined && set.recallSnapshot(snapshot.bytes);
  if (!isCurrent) await updateSnapshot(set, options);
  // Offline there was a timestamp, or the set would have refused to go on.
  return source ? now : (timestamp?.seen ?? now);
}

/**
 * Follows the chain of roots to its end. Each is stored at once: an expired one leads to its successor the next time. True
 * when what was stored of timestamp and snapshot was deleted on the way.
 */
async function updateRoots(set: TrustedSet, source: TufSource, options: ClientOptions): Promise<boolean> {
  const { cache, now } = options;
  let deleted = false;
  const max = options.maxRootRotations ?? LIMITS.tufRootRotations;
  for (let rotations = 0; ; rotations++) {
    const name = metadataName('root', set.root.version + 1);
    const bytes = await source.metadata(name, LIMITS.tufRootSize);
    if (bytes === undefined) return deleted;
    // A root that is not the last one may name keys that have been taken back since.
    if (rotations === max)
      fail('limit-exceeded', `there are more than ${max} new roots; those read so far are stored`, {
        retryable: true,
        hint: 'the next run goes on from there',
      });
    const { recovers } = set.updateRoot(bytes);
    if (recovers) {
      // Before the root is stored: a run that ended in between would not see the change again.
      await cache.remove('timestamp');
      await cache.remove('snapshot');
      deleted = true;
    }
    const { version } = set.root;
    await cache.save(
      'root',
      bytes,
      now,
      other => (tryTo(() => parseRoot(other).payload.version) ?? 0) > version,
    );
  }
}

async function updateTimestamp(
  set: TrustedSet,
  source: TufSource,
  cache: TufCache,
  now: Date,
): Promise<void> {
  const bytes = await fetchMetadata(source, 'timestamp.json', LIMITS.tufTimestampSize);
  if (set.updateTimestamp(bytes) === 'unchanged') await cache.touch('timestamp', now);
  else await cache.save('timestamp', bytes, now, other => set.isOlderThan('timestamp', other));
}

async function updateSnapshot(set: TrustedSet, { cache, source, now }: ClientOptions): Promise<void> {
  if (!source) fail('tuf-unavailable', 'the snapshot that timestamp.json lists is not in the cache');
  const { snapshot: listed } = set.timestamp;
  const name = metadataName('snapshot', set.root.consistentSnapshot ? listed.version : undefined);
  const bytes = await fetchMetadata(source, name, LIMITS.tufSnapshotSize, listed.length);
  set.updateSnapshot(bytes);
  await cache.save('snapshot', bytes, now, other => set.isOlderThan('snapshot', other));
}
