import type { Digest } from '../base/digest.js';
import type { Platform } from '../oci/descriptor.js';
import { parseManifest, type RawManifest } from '../oci/manifest.js';
import { parsePlatform, selectPlatform } from '../oci/platform.js';
import type { Store } from '../oci/store.js';

export interface ImageTarget {
  readonly raw: RawManifest;
  /** What the index or the user says that this image is for; undefined when neither does. */
  readonly indexPlatform?: Platform | undefined;
}

/** The image for a platform, or what lies there itself. */
export async function chooseTarget(
  store: Store,
  root: RawManifest,
  platform: string | undefined,
): Promise<ImageTarget> {
  if (platform === undefined) return { raw: root };
  // An index may list one image under several platforms, and a single image says its own: what was asked for decides.
  return { raw: await selectPlatform(store, root, platform), indexPlatform: parsePlatform(platform) };
}

/** A manifest that cannot be parsed is for the check to refuse, with its own reason. */
export function tryParse(raw: RawManifest) {
  try {
    return parseManifest(raw);
  } catch {
    return undefined;
  }
}

/** The layers that the manifest of an image lists; none when it is no image. */
export function layersOf(raw: RawManifest): readonly StoredLayer[] {
  const manifest = tryParse(raw);
  if (manifest?.kind !== 'image') return [];
  return manifest.layers.map(({ digest, size }, index) => ({ index, digest, size }));
}

export interface StoredLayer {
  readonly index: number;
  readonly digest: Digest;
  /** In bytes. */
  readonly size: number;
}
