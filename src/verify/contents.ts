import { mapConcurrently } from '../base/concurrency.js';
import type { Digest } from '../base/digest.js';
import type { Descriptor } from '../oci/descriptor.js';
import type { RawManifest } from '../oci/manifest.js';
import type { Store } from '../oci/store.js';
import { walkManifests } from '../oci/walk.js';

/** Blobs that are read at once. */
const CONCURRENCY = 2;

/**
 * Reads every config and layer of an image, or of all images of an index, and compares each with the digest and size that the
 * signed manifest gives it. A foreign layer that lies elsewhere is not there: what was not read was not checked.
 * @throws TouchmarkError `oci-digest-mismatch`, `oci-size-mismatch`, `layer-unavailable`, `format-manifest`
 */
export async function checkContents(store: Store, root: RawManifest): Promise<void> {
  const seen = new Set<Digest>();
  const blobs: Descriptor[] = [];
  for await (const { manifest } of walkManifests(store, root)) {
    if (manifest.kind === 'index') continue;
    for (const blob of [manifest.config, ...manifest.layers]) {
      if (!seen.has(blob.digest)) blobs.push(blob);
      seen.add(blob.digest);
    }
  }
  await mapConcurrently(blobs, CONCURRENCY, async blob => {
    for await (const _ of store.openBlob(blob)) {
      // Reading to the end is the check: the store compares size and digest.
    }
  });
}
