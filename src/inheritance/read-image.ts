import type { Digest } from '../base/digest.js';
import { fail } from '../base/errors.js';
import { LIMITS } from '../base/limits.js';
import { parseConfig } from '../oci/config.js';
import { parseManifest, type RawManifest } from '../oci/manifest.js';
import { formatPlatform } from '../oci/platform.js';
import type { Store } from '../oci/store.js';
import { readStatedBase, type StatedBase } from './base-names.js';

/** What an image says of itself. */
export interface ReadImage {
  readonly manifest: Digest;
  readonly platform: string;
  readonly created: string | null;
  readonly diffIDs: readonly Digest[];
  /** In bytes, as they are stored; null when the manifest lists another number of layers. */
  readonly sizes: readonly number[] | null;
  readonly base: StatedBase | null;
}

/** @throws TouchmarkError `manifest-unsupported` for what is no image, `format-…` */
export function parseImage(raw: RawManifest, configBytes: Uint8Array): ReadImage {
  const manifest = parseManifest(raw);
  if (manifest.kind !== 'image') return fail('manifest-unsupported', 'it is an index, not an image');
  const { os, architecture, variant, created, diffIDs, labels } = parseConfig(configBytes);
  const sizes = manifest.layers.map(({ size }) => size);
  return {
    manifest: raw.descriptor.digest,
    platform: formatPlatform({ os, architecture, ...(variant !== null && { variant }) }),
    created,
    diffIDs,
    sizes: sizes.length === diffIDs.length ? sizes : null,
    base: readStatedBase(manifest.annotations, labels),
  };
}

/** {@link parseImage} with the config out of the store. @throws TouchmarkError and what the store throws */
export async function readImage(store: Store, raw: RawManifest): Promise<ReadImage> {
  const manifest = parseManifest(raw);
  if (manifest.kind !== 'image') return fail('manifest-unsupported', 'it is an index, not an image');
  return parseImage(raw, await store.fetchBlob(manifest.config, LIMITS.configSize));
}
