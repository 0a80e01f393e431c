/**
 * Image layouts on disk. What holds: nothing outside the folder is read or written, bytes that are handed out match their
 * digest, and index.json changes by renaming, under a lock, after what it lists is on disk.
 */
import type { ImageReference } from '../reference.js';
import { type DirectoryOptions, openDirectory } from './directory.js';
import { createLayoutStore, type LocalStore } from './layout-store.js';

export type { LocalStore } from './layout-store.js';

/**
 * Opens the OCI image layout in the folder `reference.location`. A folder that does not exist, or is empty, is a store
 * without images; the first write makes the layout.
 */
export async function openLayoutStore(
  reference: Pick<ImageReference, 'location'>,
  options: DirectoryOptions = {},
): Promise<LocalStore> {
  return createLayoutStore(
    { transport: 'oci', location: reference.location },
    openDirectory(reference.location, options),
  );
}
