import { mapConcurrently } from '../base/concurrency.js';
import type { Digest } from '../base/digest.js';
import { fail, TouchmarkError, toTouchmarkError, withDetails } from '../base/errors.js';
import {
  type IndexCache,
  type LayerContent,
  type LayerIndex,
  type ReadOptions,
  readLayer,
} from '../layers/index.js';
import type { Descriptor } from '../oci/descriptor.js';
import type { Store } from '../oci/store.js';
import type { KeptLayers } from './kept-layers.js';

/** A layer as the manifest names it, and the diffID that it must have: its team signed it, or at least the config says it. */
export interface SignedLayer {
  readonly index: number;
  readonly descriptor: Descriptor;
  readonly diffID: Digest;
}

export interface ContentOptions {
  readonly cache: IndexCache;
  /** Keeps what is likely to be asked for of the layers that are read. */
  readonly kept?: KeptLayers | undefined;
  readonly signal?: AbortSignal | undefined;
  /** Bytes of layers that have been read, of those that will be. */
  readonly onProgress?: ((done: number, total: number) => void) | undefined;
}

/** Layers that are read at once: this thread hashes while others unpack. With two of them it has to wait for the one or the other. */
const CONCURRENCY = 4;

/**
 * The entries of layers: from the cache where they are known there, else by reading the blobs, each of which must have its
 * diffID.
 * @returns in the order of `layers`
 * @throws TouchmarkError `layer-diffid-mismatch`; why a tar is refused; what the store throws; the signal's reason
 */
export async function loadLayerIndexes(
  store: Store,
  layers: readonly SignedLayer[],
  { cache, kept, signal, onProgress }: ContentOptions,
): Promise<readonly LayerIndex[]> {
  const wanted = [...new Map(layers.map(layer => [layer.diffID, layer])).values()];
  const known = new Map<Digest, LayerIndex>();
  for (const { diffID } of wanted) {
    const index = await cache.load(diffID).catch(ignoreFileFault);
    if (index) known.set(diffID, index);
  }
  const unknown = wanted.filter(({ diffID }) => !known.has(diffID));
  const total = unknown.reduce((sum, { descriptor }) => sum + descriptor.size, 0);
  let done = 0;
  await mapConcurrently(unknown, CONCURRENCY, async layer => {
    const onBytes = (count: number): void => {
      done += count;
      onProgress?.(done, total);
    };
    const { entries: index, captured } = await readSigned(store, layer, {
      ...{ signal, onBytes, capture: kept?.likely },
    });
    kept?.keepFiles(layer.diffID, captured);
    known.set(layer.diffID, index);
    // Without a cache it takes longer the next time, and is as true.
    await cache.save(layer.diffID, index).catch(ignoreFileFault);
  });
  return layers.map(({ diffID }) => known.get(diffID) ?? fail('internal', `no index of ${diffID}`));
}

/**
 * Reads one layer, which must have its diffID.
 * @throws as {@link loadLayerIndexes}
 */
export async function readSigned(
  store: Store,
  { index, descriptor, diffID }: SignedLayer,
  options: ReadOptions,
): Promise<{ readonly entries: LayerIndex; readonly captured: LayerContent['captured'] }> {
  const content = await readLayer(blob => store.openBlob(blob), descriptor, options);
  if (content.diffID !== diffID) {
    const message = `layer ${index} unpacks to ${content.diffID}, and is to unpack to ${diffID}`;
    fail('layer-diffid-mismatch', message, { details: { layer: index, digest: descriptor.digest } });
  }
  const { entries, captured } = content;
  if (entries instanceof TouchmarkError) throw withDetails(entries, { layer: index });
  return { entries, captured };
}

/** For what only saves time. */
export function ignoreFileFault(error: unknown): undefined {
  const { code } = toTouchmarkError(error);
  if (code !== 'io-failed' && code !== 'io-no-space') throw error;
  return undefined;
}
