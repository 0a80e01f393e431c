import { createReadStream } from 'node:fs';
import { join } from 'node:path';
import { createGunzip } from 'node:zlib';
import { mapConcurrently } from '../../src/base/concurrency.js';
import { digestAlgorithm, digestHex } from '../../src/base/digest.js';
import { applyLayer, createTree, readLayer } from '../../src/layers/index.js';
import { openLayoutStore } from '../../src/oci/layout/index.js';
import { parseManifest } from '../../src/oci/manifest.js';
import { collectLayerFacts } from '../../src/verify/layer-evidence.js';

/** `layers-worker.mjs facts|content|inflate LAYOUT`: one thing that `layers.ts` times, on every layer of the image in a layout. */
const [task, folder = ''] = process.argv.slice(2);
const chunkSize = 1024 * 1024;

const store = await openLayoutStore({ location: folder });
const manifest = parseManifest(await store.resolveDefault());
if (manifest.kind !== 'image') throw new Error(`${folder} holds no image`);
if (task === 'facts') {
  const wanted = manifest.layers.map((_, i) => i);
  const facts = await collectLayerFacts(store, manifest, wanted);
  if (facts.some(({ outcome }) => outcome !== 'read')) throw new Error(JSON.stringify(facts));
} else if (task === 'content') {
  const contents = await mapConcurrently(manifest.layers, 2, layer =>
    readLayer(blob => store.openBlob(blob), layer),
  );
  const tree = createTree();
  for (const { entries } of contents) {
    if (entries instanceof Error) throw entries;
    applyLayer(tree, entries);
  }
} else {
  for (const { digest } of manifest.layers) {
    const file = join(folder, 'blobs', digestAlgorithm(digest), digestHex(digest));
    const inflated = createReadStream(file, { highWaterMark: chunkSize }).pipe(createGunzip({ chunkSize }));
    for await (const _ of inflated) {
      // Inflating and nothing else.
    }
  }
}
await store.close();
