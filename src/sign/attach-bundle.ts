import { type Descriptor, describe } from '../oci/descriptor.js';
import { MEDIA_TYPES } from '../oci/media-types.js';
import type { Store } from '../oci/store.js';
import { bundleManifest, EMPTY_CONFIG } from '../signature/referrer.js';

/**
 * Stores a bundle as a referrer of what it is about.
 * @param created RFC 3339, whole seconds
 * @param predicateType of its statement; default that of a signature
 */
export async function attachBundle(
  store: Store,
  bundle: Uint8Array,
  subject: Descriptor,
  created: string,
  predicateType?: string,
): Promise<void> {
  await store.writeBlob(describe(MEDIA_TYPES.ociEmpty, EMPTY_CONFIG), EMPTY_CONFIG);
  await store.writeBlob(describe(MEDIA_TYPES.sigstoreBundle, bundle), bundle);
  await store.attach(bundleManifest(bundle, subject, created, predicateType), subject.digest);
}
