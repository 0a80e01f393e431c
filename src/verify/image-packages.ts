import { mapConcurrently } from '../base/concurrency.js';
import type { EntryPath } from '../layers/index.js';
import type { Store } from '../oci/store.js';
import { type PackageHistory, readTraced, type TracedDatabases } from '../packages/index.js';
import { readSigned, type SignedLayer } from './image-content.js';
import type { KeptLayers } from './kept-layers.js';

/** Layers that are read at once. */
const CONCURRENCY = 2;

/**
 * The packages of an image, each with the layer that it came in with. Only layers are read that hold a package database whose
 * bytes are not kept.
 * @param layers base first
 * @param traced where the databases are after each of the layers
 * @throws TouchmarkError `format-packages`, `limit-exceeded`; as reading a layer does
 */
export async function loadPackages(
  store: Store,
  layers: readonly SignedLayer[],
  { states }: TracedDatabases,
  kept: KeptLayers,
  signal?: AbortSignal,
): Promise<PackageHistory> {
  const wanted = layers.map(() => new Set<EntryPath>());
  for (const database of states.flat())
    for (const { layer, entry } of [database, ...database.beside]) wanted[layer]?.add(entry);
  await mapConcurrently([...layers.entries()], CONCURRENCY, async ([at, layer]) => {
    const known = kept.filesOf(layer.diffID);
    const missing = new Set([...(wanted[at] ?? [])].filter(path => !known?.has(path)));
    if (missing.size === 0) return;
    const { captured } = await readSigned(store, layer, { signal, capture: path => missing.has(path) });
    kept.keepFiles(layer.diffID, captured);
  });
  return readTraced(states, ({ layer, entry }) => {
    const diffID = layers[layer]?.diffID;
    return diffID && kept.filesOf(diffID)?.get(entry);
  });
}
