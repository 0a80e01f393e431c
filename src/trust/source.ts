import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { fail } from '../base/errors.js';
import { LIMITS } from '../base/limits.js';
import { asFileError, isMissing } from '../files/safe-files.js';
import { openStore, type StoreAccess } from '../oci/open.js';
import { openFolderSource, type TufSource } from '../tuf/source.js';
import { listFolder } from './folder-files.js';
import { formatTrustLocation, type TrustLocation } from './location.js';
import { openStoreSource } from './store-source.js';
import { openWebSource } from './web-source.js';

/** A repository to read from, until it is closed. */
export interface TrustSource {
  readonly name: string;
  readonly source: TufSource;
  /** To be tried when `source` has no timestamp: not every repository keeps metadata in a folder of its own. */
  readonly otherwise?: TufSource;
  /** Names of all files there, where they can be listed; targets have `targets/` in front. */
  readonly list?: () => Promise<readonly string[]>;
  close(): Promise<void>;
}

/**
 * Opens a TUF repository wherever it is kept. Nothing is asked over the network before the first file.
 *
 * Below a URL or folder, metadata lies in `metadata/` and targets in `targets/`; or metadata lies directly in it. A URL that
 * ends in `/metadata/` names that folder, with `targets/` beside it.
 * @throws TouchmarkError `tuf-unavailable` for a folder that is not there; what opening a store throws
 */
export async function openTrustSource(location: TrustLocation, access: StoreAccess): Promise<TrustSource> {
  const name = formatTrustLocation(location);
  const close = async () => {};
  switch (location.kind) {
    case 'web': {
      const { url } = location;
      const below = (path: string) => new URL(path, url);
      const targets = below('targets/');
      if (url.pathname.endsWith('/metadata/')) {
        const folders = { metadata: url, targets: below('../targets/') };
        return { name, source: openWebSource(access, folders), close };
      }
      const nested = openWebSource(access, { metadata: below('metadata/'), targets });
      const flat = openWebSource(access, { metadata: url, targets });
      return location.flat
        ? { name, source: flat, otherwise: nested, close }
        : { name, source: nested, otherwise: flat, close };
    }
    case 'folder': {
      const { path } = location;
      const metadata = join(path, 'metadata');
      if (!(await isFolder(path)))
        fail('tuf-unavailable', `there is no folder ${JSON.stringify(path)}`, { details: { file: path } });
      const nested = await isFolder(metadata);
      const folders = { metadata: nested ? metadata : path, targets: join(path, 'targets') };
      const list = async () => (await listFolder(path)).map(file => file.name);
      return { name, source: openFolderSource(folders), ...(nested && { list }), close };
    }
    case 'store': {
      const store = await openStore(location.reference, access);
      const source = openStoreSource(store, location.reference);
      return { name, source, list: source.list, close: () => store.close() };
    }
  }
}

/** The one of its two places that has the metadata: asked for once, by whoever reads the whole repository. */
export async function chooseSource({ source, otherwise }: TrustSource): Promise<TufSource> {
  if (!otherwise) return source;
  return (await source.metadata('timestamp.json', LIMITS.tufTimestampSize)) ? source : otherwise;
}

async function isFolder(path: string): Promise<boolean> {
  try {
    return (await stat(path)).isDirectory();
  } catch (error) {
    if (isMissing(error)) return false;
    throw asFileError(error, 'read', path);
  }
}
