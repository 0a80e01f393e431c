import { createReadStream } from 'node:fs';
import { join } from 'node:path';
import { createGunzip } from 'node:zlib';
import { mapConcurrently } from '../../src/base/concurrency.js';
import { type Digest, digestAlgorithm, digestHex } from '../../src/base/digest.js';
import {
  applyLayer,
  blamePath,
  createTree,
  type LayerIndex,
  openIndexCache,
  openTreeCache,
  readLayer,
} from '../../src/layers/index.js';
import { openLayoutStore } from '../../src/oci/layout/index.js';
import { parseManifest } from '../../src/oci/manifest.js';
import { collectLayerFacts } from '../../src/verify/layer-evidence.js';

/** `layers-worker.mjs TASK LAYOUT [CACHE]`: one thing that `layers.ts` times, on every layer of the image in a layout. */
const [task = '', folder = '', cache = ''] = process.argv.slice(2);
const chunkSize = 1024 * 1024;
/** As many at once as when an image is opened. */
const AT_ONCE = 4;

const store = await openLayoutStore({ location: folder });
const manifest = parseManifest(await store.resolveDefault());
if (manifest.kind !== 'image') throw new Error(`${folder} holds no image`);
const { layers, config } = manifest;

async function readLayers(): Promise<readonly LayerIndex[]> {
  const contents = await mapConcurrently(layers, AT_ONCE, layer =>
    readLayer(blob => store.openBlob(blob), layer),
  );
  return contents.map(({ entries }) => {
    if (entries instanceof Error) throw entries;
    return entries;
  });
}

function stack(indexes: readonly LayerIndex[]) {
  const tree = createTree();
  for (const index of indexes) applyLayer(tree, index);
  return tree;
}

const TASKS: Readonly<Record<string, () => Promise<void>>> = {
  facts: async () => {
    const wanted = layers.map((_, i) => i);
    const facts = await collectLayerFacts(store, manifest, wanted);
    if (facts.some(({ outcome }) => outcome !== 'read')) throw new Error(JSON.stringify(facts));
  },
  content: async () => {
    stack(await readLayers());
  },
  /** One path; the first time all is read and kept. */
  path: async () => {
    const { rootfs } = JSON.parse(Buffer.from(await store.fetchBlob(config, 1e6)).toString());
    const diffIDs = rootfs.diff_ids as readonly Digest[];
    const indexes = openIndexCache(cache);
    const known = (await Promise.all(diffIDs.map(indexes.load))).filter(index => index !== undefined);
    const entries = known.length === diffIDs.length ? known : await readLayers();
    const tree = await openTreeCache(cache).load(diffIDs, entries);
    const last = entries.at(-1);
    if (tree) {
      const path = last?.path(0) ?? '';
      if (!blamePath(tree, path)) throw new Error(`no ${path}`);
      return;
    }
    for (const [i, index] of entries.entries()) await indexes.save(diffIDs[i] as Digest, index);
    await openTreeCache(cache).save(diffIDs, stack(entries));
  },
  nothing: async () => {},
  inflate: async () => {
    for (const { digest } of layers) {
      const file = join(folder, 'blobs', digestAlgorithm(digest), digestHex(digest));
      const inflated = createReadStream(file, { highWaterMark: chunkSize }).pipe(createGunzip({ chunkSize }));
      for await (const _ of inflated) {
        // Inflating and nothing else.
      }
    }
  },
};

const work = TASKS[task];
if (!work) throw new Error(`there are ${Object.keys(TASKS).join(', ')}`);
await work();
await store.close();
process.stderr.write(`peak ${process.resourceUsage().maxRSS}\n`);
