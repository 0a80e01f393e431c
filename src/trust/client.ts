import { join } from 'node:path';
import { TouchmarkError } from '../base/errors.js';
import type { StoreAccess } from '../oci/open.js';
import { openFolderCache } from '../tuf/cache.js';
import { type ClientOptions, openClient, type TufClient } from '../tuf/client.js';
import { formatTrustLocation, isLocal, type TrustLocation } from './location.js';
import { openTrustSource, type TrustSource } from './source.js';
import { withTargetCache } from './target-cache.js';

/** A verified view of a repository, and where it came from. */
export interface Trust {
  readonly client: TufClient;
  /** The repository, for people: `https://…`, `oci://…`, a folder. */
  readonly name: string;
  /** Ends the use of the repository: what has not been loaded by then cannot be any more. */
  close(): Promise<void>;
}

export interface TrustOptions extends Pick<ClientOptions, 'foreignKeyids' | 'hashedTargets'> {
  readonly location: TrustLocation;
  readonly root: Uint8Array;
  /** The folder of this repository and root; see `trustFolderOf`. */
  readonly folder: string;
  readonly now: Date;
}

/**
 * Brings the cache of a repository up to date and gives a client of it. In an offline run a repository behind the network
 * is the one in the cache: `client.status.checked` says how old that is.
 * @throws TouchmarkError `tuf-…`, `net-…`, `oci-…`, `io-…`
 */
export async function openTrustClient(access: StoreAccess, options: TrustOptions): Promise<Trust> {
  const { location, folder, root, now, ...rest } = options;
  const common = { ...rest, root, now, cache: openFolderCache(folder) };
  const targets = join(folder, 'targets');
  if (access.options.offline && !isLocal(location)) {
    const client = withTargetCache(await openClient(common), targets);
    return { client, name: formatTrustLocation(location), close: async () => {} };
  }
  const source = await openTrustSource(location, access);
  try {
    const client = await openClientOf(source, common);
    return { client: withTargetCache(client, targets), name: source.name, close: () => source.close() };
  } catch (error) {
    await source.close();
    throw error;
  }
}

/** A client of whichever of the source's places has the metadata. */
export async function openClientOf(
  { source, otherwise }: Pick<TrustSource, 'source' | 'otherwise'>,
  options: Omit<ClientOptions, 'source'>,
): Promise<TufClient> {
  try {
    return await openClient({ ...options, source });
  } catch (error) {
    const isElsewhere =
      otherwise &&
      error instanceof TouchmarkError &&
      error.code === 'tuf-unavailable' &&
      error.details['file'] === 'timestamp.json';
    if (!isElsewhere) throw error;
    return openClient({ ...options, source: otherwise });
  }
}
