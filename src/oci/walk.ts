import type { Digest } from '../base/digest.js';
import { fail } from '../base/errors.js';
import { LIMITS } from '../base/limits.js';
import type { Descriptor } from './descriptor.js';
import { type Manifest, parseManifest, type RawManifest } from './manifest.js';
import { INDEX_TYPES, MANIFEST_TYPES } from './media-types.js';
import type { Store } from './store.js';

export interface WalkedManifest {
  readonly raw: RawManifest;
  readonly manifest: Manifest;
  /** Where the index above lists it; absent for the root. */
  readonly listedAs?: Descriptor;
}

/**
 * Visits an image or index and every manifest below it, children before their index, each digest once.
 * @throws TouchmarkError `layer-unavailable` when a child is not there, `limit-exceeded`, `format-manifest`
 */
export async function* walkManifests(
  store: Store,
  root: RawManifest,
  listedAs?: Descriptor,
  seen: Set<Digest> = new Set(),
  depth = 0,
): AsyncGenerator<WalkedManifest> {
  if (depth > LIMITS.indexDepth)
    fail('limit-exceeded', `indexes are nested deeper than ${LIMITS.indexDepth}`);
  if (seen.has(root.descriptor.digest)) return;
  seen.add(root.descriptor.digest);
  if (seen.size > LIMITS.indexEntries)
    fail('limit-exceeded', `the index holds more than ${LIMITS.indexEntries} manifests`);
  const manifest = parseManifest(root);
  if (manifest.kind === 'index') {
    for (const child of manifest.manifests) {
      const raw = await store.fetchManifest({ digest: child.digest });
      if (!raw)
        fail('layer-unavailable', `the manifest ${child.digest} is listed in the index but not there`);
      yield* walkManifests(store, checkListed(raw as RawManifest, child), child, seen, depth + 1);
    }
  }
  yield { raw: root, manifest, ...(listedAs && { listedAs }) };
}

/** An index entry must agree with what it lists, or two clients could see two things. */
function checkListed(raw: RawManifest, listed: Descriptor): RawManifest {
  if (raw.bytes.length !== listed.size) {
    fail(
      'oci-size-mismatch',
      `the manifest ${listed.digest} has ${raw.bytes.length} bytes; the index says ${listed.size}`,
    );
  }
  if (![...INDEX_TYPES, ...MANIFEST_TYPES].includes(listed.mediaType)) {
    fail(
      'format-manifest',
      `the index lists ${listed.digest} as ${JSON.stringify(listed.mediaType.slice(0, 100))}`,
    );
  }
  return { bytes: raw.bytes, descriptor: { ...raw.descriptor, mediaType: listed.mediaType } };
}
