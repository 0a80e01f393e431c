import { createStoreAccess, openStore, resolveImage, type StoreAccess } from '../oci/open.js';
import {
  formatReference,
  type ImageReference,
  parseReference,
  pinReference,
  registryOf,
} from '../oci/reference.js';
import type { Located } from '../sign/mark-images.js';
import { printable } from './text.js';

/**
 * Opens a second image for reading while `use` runs. Its tag is resolved once; `note` says to what. Credentials given by flags
 * go to the first image's registry only.
 */
export async function withOtherImage<T>(
  first: string,
  second: string,
  access: StoreAccess,
  note: (line: string) => void,
  use: (located: Located, pinned: string) => Promise<T>,
): Promise<T> {
  const reference = parseReference(second);
  const own = otherAccess(parseReference(first), reference, access);
  try {
    const store = await openStore(reference, own);
    try {
      const root = await resolveImage(store, reference);
      if (reference.digest === undefined) note(`${printable(second)} is ${root.descriptor.digest}`);
      return await use({ store, root }, formatReference(pinReference(reference, root.descriptor.digest)));
    } finally {
      await store.close();
    }
  } finally {
    if (own !== access) await own.close();
  }
}

/**
 * Access to a second image: the same connections, unless credentials given by flags belong to the first one's registry, which
 * another registry must not learn. The caller closes it when it is another one.
 */
export function otherAccess(first: ImageReference, second: ImageReference, access: StoreAccess): StoreAccess {
  const { credentials, ...options } = access.options;
  if (credentials === undefined || registryOf(first) === registryOf(second)) return access;
  return createStoreAccess(options);
}
