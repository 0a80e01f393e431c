import { mapConcurrently } from '../base/concurrency.js';
import { fail } from '../base/errors.js';
import { LIMITS } from '../base/limits.js';
import type { EntryPath } from '../layers/index.js';
import type { Store } from '../oci/store.js';
import { type PackageHistory, readTraced, type TracedDatabases } from '../packages/index.js';
import { readSigned, type SignedLayer } from './image-content.js';

/** Layers that are read at once. */
const CONCURRENCY = 2;

/**
 * The packages of an image, each with the layer that it came in with. Only layers that hold a package database are read.
 * @param layers base first
 * @param traced where the databases are after each of the layers
 * @throws TouchmarkError `format-packages`, `limit-exceeded`; as reading a layer does
 */
export async function loadPackages(
  store: Store,
  layers: readonly SignedLayer[],
  { states }: TracedDatabases,
  signal?: AbortSignal,
): Promise<PackageHistory> {
  const wanted = layers.map(() => new Set<EntryPath>());
  for (const database of states.flat())
    for (const { layer, entry } of [database, ...database.beside]) wanted[layer]?.add(entry);
  const captured = new Map<number, ReadonlyMap<EntryPath, Uint8Array>>();
  let total = 0;
  await mapConcurrently([...layers.entries()], CONCURRENCY, async ([at, layer]) => {
    const chosen = wanted[at];
    if (!chosen || chosen.size === 0) return;
    const content = await readSigned(store, layer, { signal, capture: path => chosen.has(path) });
    for (const bytes of content.captured.values()) total += bytes.length;
    if (total > LIMITS.capturedImage) {
      fail(
        'limit-exceeded',
        `the package databases of the image have more than ${LIMITS.capturedImage} bytes`,
        {
          details: { limit: LIMITS.capturedImage },
        },
      );
    }
    captured.set(at, content.captured);
  });
  return readTraced(states, ({ layer, entry }) => captured.get(layer)?.get(entry));
}
