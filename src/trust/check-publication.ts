import { fail, TouchmarkError } from '../base/errors.js';
import { LIMITS } from '../base/limits.js';
import type { Store } from '../oci/store.js';
import { createMemoryCache } from '../tuf/cache.js';
import { openClient } from '../tuf/client.js';
import { metadataName } from '../tuf/names.js';
import { parseSnapshot, parseTimestamp } from '../tuf/parse-top-level.js';
import { readFileUpTo, type TufSource } from '../tuf/source.js';
import { conflict, requireKnown, rootVersionOf } from './compare-published.js';
import type { MeasuredFile } from './folder-files.js';
import type { PublishedRepository, RepositoryFiles } from './repository-form.js';

type Measured = ReadonlyMap<string, MeasuredFile>;

/**
 * May a folder replace what is published? Gives what stays of that beside the folder's own files.
 * @throws TouchmarkError `tuf-conflict`
 */
export async function requireSuccessor(
  published: PublishedRepository,
  local: Measured,
  store: Store,
  place: string,
): Promise<RepositoryFiles> {
  const there = await published.list();
  const timestamp = there.get('timestamp.json');
  if (!timestamp)
    return fail('tuf-conflict', `${place} holds something that is no TUF repository`, {
      hint: 'publish to another repository or tag',
      details: { place },
    });
  const theirs = await store.fetchBlob(timestamp, LIMITS.tufTimestampSize);
  const ours = await readLocal(local, 'timestamp.json', LIMITS.tufTimestampSize);
  const { version, snapshot } = parseTimestamp(theirs).payload;
  const mine = ours && parseTimestamp(ours).payload.version;
  const isSame = ours !== undefined && Buffer.compare(ours, theirs) === 0;
  if (mine === undefined || mine < version || (mine === version && !isSame))
    conflict(place, `a timestamp.json (version ${version})`);
  return requireKnown(there, local, snapshot.version, place);
}

/**
 * Verifies a folder with the eyes of a client that has seen what is published, from the folder's own first root: whatever
 * that client would refuse must not be published.
 * @throws TouchmarkError `tuf-…`
 */
export async function verifyAsClient(
  local: Measured,
  now: Date,
  published: TufSource | undefined,
  place: string,
): Promise<void> {
  const versions = [...local.keys()].flatMap(name => rootVersionOf(name) ?? []);
  const root = await readLocal(local, metadataName('root', Math.min(...versions)), LIMITS.tufRootSize);
  if (!root)
    return fail('tuf-unavailable', 'the folder has published nothing yet', {
      hint: 'touchmark tuf publish publishes what is staged in it',
    });
  const cache = createMemoryCache();
  try {
    if (published) await openClient({ cache, source: published, root, now });
  } catch (error) {
    // It may have expired: that is no reason not to replace it, and what was seen up to there counts.
    if (!(error instanceof TouchmarkError) || !error.code.startsWith('tuf-')) throw error;
    if (error.code !== 'tuf-expired') conflict(place, 'metadata from another root, or of a state', error);
  }
  const source: TufSource = {
    metadata: (name, maxLength) => readLocal(local, name, maxLength),
    target: async () => undefined,
  };
  const { status } = await openClient({ cache, source, root, now });
  await requireListed(local, status.roles.snapshot.version);
}

/** Every role that the snapshot lists has its file. @throws TouchmarkError `tuf-unavailable` */
async function requireListed(local: Measured, version: number): Promise<void> {
  const bytes = await readLocal(local, metadataName('snapshot', version), LIMITS.tufSnapshotSize);
  for (const [file, listed] of bytes ? parseSnapshot(bytes).payload.meta : []) {
    const name = metadataName(file.slice(0, -'.json'.length), listed.version);
    // Old repositories list the root as well, in a version long gone.
    if (file !== 'root.json' && !local.has(name))
      fail(
        'tuf-unavailable',
        `the snapshot lists ${JSON.stringify(name.slice(0, 200))}, and the folder does not have it`,
        {
          hint: 'put the file back as it was signed: nobody could load that role',
          details: { file: name.slice(0, 200) },
        },
      );
  }
}

async function readLocal(local: Measured, name: string, maxLength: number): Promise<Uint8Array | undefined> {
  const file = local.get(name);
  return file && readFileUpTo(file.path, maxLength + 1);
}
