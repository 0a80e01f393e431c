import { fail, TouchmarkError } from '../base/errors.js';
import { LIMITS } from '../base/limits.js';
import type { ContentJudge, LayerFact } from '../custody/index.js';
import { type LayerIndex, readLayer } from '../layers/index.js';
import type { ImageManifest } from '../oci/manifest.js';
import type { Store } from '../oci/store.js';
import { createContentJudge } from './judge-files.js';
import { collectLayerFacts, type LayerEvidenceOptions, type LayerReader } from './layer-evidence.js';

export interface ImageContent {
  /** One for each layer of the image. */
  readonly facts: readonly LayerFact[];
  readonly judge: ContentJudge;
}

/** What all layers of an image together may come to, in bytes: unpacked, and in their indexes. */
export interface ContentLimits {
  readonly size: number;
  readonly indexes: number;
}

const DEFAULT_LIMITS: ContentLimits = { size: LIMITS.imageSize, indexes: LIMITS.imageIndexSize };

/**
 * Reads all layers of an image for what is in them, each blob once. They are read from the store whatever is known of them
 * elsewhere: a verdict rests on the bytes. The layers of teams without rules count too, for the others stand on them.
 * @throws as `collectLayerFacts`
 */
export async function collectContent(
  store: Store,
  manifest: ImageManifest,
  options: Omit<LayerEvidenceOptions, 'read'> = {},
  limits: ContentLimits = DEFAULT_LIMITS,
): Promise<ImageContent> {
  const entries = new Map<string, LayerIndex>();
  const used = { size: 0, indexes: 0 };
  const read: LayerReader = async (open, descriptor, readOptions) => {
    // Also before: a layer behind the limit is not read at all.
    checkLimits(used, limits);
    const content = await readLayer(open, descriptor, readOptions);
    used.size += content.uncompressedSize;
    if (content.entries instanceof TouchmarkError) return { ...content, fault: content.entries };
    used.indexes += content.entries.bytes.length;
    checkLimits(used, limits);
    entries.set(content.diffID, content.entries);
    return { ...content, fault: undefined };
  };
  const all = manifest.layers.map((_, index) => index);
  const facts = await collectLayerFacts(store, manifest, all, { ...options, read });
  return { facts, judge: createContentJudge(manifest, facts, entries) };
}

function checkLimits(used: ContentLimits, limits: ContentLimits): void {
  const problem =
    used.size > limits.size
      ? `its layers unpack to more than ${limits.size} bytes`
      : used.indexes > limits.indexes
        ? 'its layers have too many entries'
        : undefined;
  if (problem !== undefined) fail('limit-exceeded', `the image is too large to be looked into: ${problem}`);
}
