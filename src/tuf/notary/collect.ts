import { fail, TouchmarkError } from '../../base/errors.js';
import { LIMITS } from '../../base/limits.js';
import type { NotaryFile, NotaryListing } from './metadata.js';
import { parseNotaryRoot, parseNotarySnapshot, parseNotaryTargets, parseNotaryTimestamp } from './parse.js';

/** What a server or a trust directory holds of one repository, as it came: nothing of it is verified. */
export interface NotaryFiles {
  readonly gun: string;
  /** root.json behind the older ones that could be had, oldest first. */
  readonly roots: readonly Uint8Array[];
  /** By role: `timestamp`, `snapshot`, `targets`, `targets/releases`. */
  readonly metadata: ReadonlyMap<string, Uint8Array>;
}

/** Which file of a role is asked for: the newest, the one with this SHA-256 (hex), or one version of the root. */
export interface NotaryRequest {
  readonly role: string;
  readonly sha256?: string;
  readonly version?: number;
}

/**
 * Where metadata comes from. Undefined only when the source says that there is no such file. A source without old files
 * gives the newest when one is asked for by hash, and no older root.
 */
export interface NotarySource {
  readonly gun: string;
  fetch(request: NotaryRequest, maxLength: number): Promise<Uint8Array | undefined>;
}

/**
 * Fetches all there is, and judges nothing. From the timestamp on files are asked for by the hash that names them, so that
 * somebody who publishes in between does no harm. A file that cannot be read stays, for the verifier to refuse; nothing is
 * followed from it.
 * @throws TouchmarkError `tuf-unavailable` when the source knows no such repository; what the source throws
 */
export async function collectNotary(source: NotarySource): Promise<NotaryFiles> {
  const metadata = new Map<string, Uint8Array>();
  let size = 0;
  const take = async (role: string, maxLength: number, listing?: NotaryListing) => {
    const sha256 = hexOf(listing?.meta.get(role));
    const bytes = await source.fetch({ role, ...(sha256 !== undefined && { sha256 }) }, maxLength);
    if (bytes) metadata.set(role, bytes);
    size += bytes?.length ?? 0;
    if (size > LIMITS.notarySize)
      fail('limit-exceeded', `${source.gun} has more than ${LIMITS.notarySize} bytes of trust data`);
    return bytes;
  };
  const stamped = await take('timestamp', LIMITS.tufTimestampSize);
  const timestamp = stamped && readable(() => parseNotaryTimestamp(stamped, 'timestamp.json').payload);
  const listed = await take('snapshot', LIMITS.tufSnapshotSize, timestamp);
  const snapshot = listed && readable(() => parseNotarySnapshot(listed, 'snapshot.json').payload);
  const newest = await take('root', LIMITS.tufRootSize, snapshot);
  if (newest === undefined)
    return fail('tuf-unavailable', `there is no trust data of ${source.gun}`, {
      details: { repository: source.gun },
      hint: 'is it the name that docker trust inspect shows? Images of Docker Hub are docker.io/library/NAME or docker.io/USER/NAME',
    });
  metadata.delete('root');
  const pending = ['targets'];
  for (let role = pending.shift(); role !== undefined; role = pending.shift()) {
    // Without an entry nothing was published for this delegation.
    if (role !== 'targets' && snapshot !== undefined && !snapshot.meta.has(role)) continue;
    const bytes = await take(role, LIMITS.tufTargetsSize, snapshot);
    const name = role;
    const targets = bytes && readable(() => parseNotaryTargets(bytes, name, `${name}.json`).payload);
    pending.push(...(targets?.delegations ?? []).map(delegation => delegation.name));
    if (metadata.size + pending.length > LIMITS.notaryRoles)
      fail('limit-exceeded', `${source.gun} has more than ${LIMITS.notaryRoles} delegated roles`);
  }
  return { gun: source.gun, roots: [...(await olderRoots(source, newest)), newest], metadata };
}

/** A root that was rotated is followed link by link; there are as many as somebody rotated keys. */
async function olderRoots(source: NotarySource, newest: Uint8Array): Promise<readonly Uint8Array[]> {
  const last = readable(() => parseNotaryRoot(newest, 'root.json').payload.version) ?? 1;
  const roots: Uint8Array[] = [];
  const first = Math.max(1, last - LIMITS.tufRootRotations);
  for (let version = first; version < last; version++) {
    const bytes = await source.fetch({ role: 'root', version }, LIMITS.tufRootSize);
    if (bytes) roots.push(bytes);
  }
  return roots;
}

function hexOf(file: NotaryFile | undefined): string | undefined {
  const hash = file?.hashes['sha256'];
  return hash !== undefined && /^[0-9a-f]{64}$/.test(hash) ? hash : undefined;
}

function readable<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch (error) {
    if (error instanceof TouchmarkError && error.code !== 'internal') return undefined;
    throw error;
  }
}
