import { fail } from '../base/errors.js';
import { LIMITS } from '../base/limits.js';
import { type ImageConfig, parseConfig } from '../oci/config.js';
import type { Platform } from '../oci/descriptor.js';
import { type ImageManifest, parseManifest, type RawManifest } from '../oci/manifest.js';
import type { Store } from '../oci/store.js';
import type { CollectedMarks } from '../verify/collect-marks.js';
import { collectEverything } from '../verify/collect-marks.js';

/** An image that a claim is made of. */
export interface MarkTarget {
  readonly raw: RawManifest;
  /** What the index says that it is for. */
  readonly indexPlatform?: Platform | undefined;
}

/** An image that a claim is about, with all that speaks about it. */
export interface ClaimedImage extends MarkTarget {
  readonly store: Store;
  readonly config: Uint8Array;
  readonly collected: CollectedMarks;
  /** The repository that marks here are held to; undefined in a layout that stands for none. */
  readonly repository: string | undefined;
}

export interface ImageFacts {
  readonly manifest: ImageManifest;
  readonly config: ImageConfig;
}

/** @throws TouchmarkError `usage-argument` for an index; what the store throws */
export async function readClaimedImage(
  store: Store,
  { raw, indexPlatform }: MarkTarget,
  repository: string | undefined,
): Promise<ClaimedImage> {
  const manifest = requireImage(raw);
  const [config, collected] = await Promise.all([
    store.fetchBlob(manifest.config, LIMITS.configSize),
    collectEverything(store, raw.descriptor.digest),
  ]);
  return {
    store,
    raw,
    config,
    collected,
    repository: repository ?? (store.namesRepository ? store.repository : undefined),
    indexPlatform,
  };
}

/** @throws TouchmarkError `format-manifest`, `format-config`, `layer-count-mismatch`, `usage-argument` for an index */
export function readImage({ raw, config: bytes }: Pick<ClaimedImage, 'raw' | 'config'>): ImageFacts {
  const manifest = requireImage(raw);
  const config = parseConfig(bytes);
  if (manifest.layers.length !== config.diffIDs.length) {
    const counts = `${manifest.layers.length} layers, its config ${config.diffIDs.length}`;
    fail('layer-count-mismatch', `the manifest ${raw.descriptor.digest} lists ${counts}`);
  }
  return { manifest, config };
}

function requireImage(raw: RawManifest): ImageManifest {
  const manifest = parseManifest(raw);
  if (manifest.kind === 'image') return manifest;
  return fail('usage-argument', `${raw.descriptor.digest} is an index; its images are marked one by one`);
}

/** Of an image as its config says it: what an index says of it is another document. */
export function platformOf({
  os,
  architecture,
  variant,
}: Pick<ImageConfig, 'os' | 'architecture' | 'variant'>) {
  return { os, architecture, ...(variant && { variant }) };
}
