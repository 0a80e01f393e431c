import type { Digest } from '../base/digest.js';
import { fail } from '../base/errors.js';
import { LAYER_FAULTS, type LayerFact } from '../custody/index.js';
import type { Store } from '../oci/store.js';
import { collectLayerFacts } from '../verify/layer-evidence.js';
import type { ImageFacts } from './claimed-image.js';

/** How long reading may go on, and who is told how far it is. */
export interface ReadOptions {
  readonly signal?: AbortSignal | undefined;
  /** Bytes of layers that have been read, of those that will be. */
  readonly onProgress?: ((done: number, total: number) => void) | undefined;
}

/** The options that are there: the callee knows no undefined ones. */
export function readOptions({ signal, onProgress }: ReadOptions) {
  return { ...(signal && { signal }), ...(onProgress && { onProgress }) };
}

/**
 * Reads layers and compares what they unpack to with what the config says.
 * @throws TouchmarkError `layer-diffid-mismatch`, `blob-digest-mismatch`, `layer-unavailable`, `layer-compression-unsupported`, …
 */
export async function checkDiffIDs(
  store: Store,
  image: ImageFacts,
  wanted: readonly number[],
  options: ReadOptions,
): Promise<void> {
  holdToConfig(await collectLayerFacts(store, image.manifest, wanted, readOptions(options)), image, wanted);
}

/** @throws TouchmarkError as {@link checkDiffIDs} */
export function holdToConfig(
  facts: readonly LayerFact[],
  { config }: ImageFacts,
  wanted: readonly number[],
): void {
  for (const index of wanted) {
    const fact = facts.find(known => known.index === index);
    if (fact?.outcome === 'read' && fact.diffID === config.diffIDs[index]) continue;
    refuseLayer(index, fact, config.diffIDs[index]);
  }
}

function refuseLayer(index: number, fact: LayerFact | undefined, stated: Digest | undefined): never {
  if (fact?.outcome === 'read') {
    const message = `layer ${index} unpacks to ${fact.diffID}, the config says ${stated}`;
    return fail('layer-diffid-mismatch', message, { details: { layer: index, digest: fact.digest } });
  }
  const code = fact === undefined ? 'layer-unavailable' : LAYER_FAULTS[fact.outcome];
  const why = fact?.reason ?? 'it could not be read';
  return fail(code, `layer ${index} cannot be vouched for: ${why}`, { details: { layer: index } });
}
