/**
 * A very small image builder: `add-layer oci:DIR:TAG [--from oci:DIR:TAG] path=content…` writes an image with one more layer.
 * Real teams use their own builder here.
 */
import { parseArgs } from 'node:util';
import { createStoreAccess, openStore, parseManifest, parseReference, resolveImage } from 'touchmark/oci';
import { buildImage, buildLayer, pushImage } from 'touchmark/testing';

const { values, positionals } = parseArgs({ options: { from: { type: 'string' } }, allowPositionals: true });
const [target, ...files] = positionals;
const access = createStoreAccess();

async function readBase(reference) {
  const store = await openStore(parseReference(reference), access);
  const manifest = parseManifest(await resolveImage(store, parseReference(reference)));
  const config = JSON.parse(Buffer.from(await store.fetchBlob(manifest.config, 1 << 20)).toString());
  const layers = [];
  for (const [i, descriptor] of manifest.layers.entries()) {
    layers.push({
      descriptor,
      bytes: await store.fetchBlob(descriptor, 1 << 30),
      diffId: config.rootfs.diff_ids[i],
    });
  }
  await store.close();
  return layers;
}

const below = values.from === undefined ? [] : await readBase(values.from);
const contents = Object.fromEntries(files.map(file => file.split(/=(.*)/s).slice(0, 2)));
const image = buildImage({ layers: [...below, buildLayer(contents)] });
const reference = parseReference(target);
const store = await openStore(reference, access);
const digest = await pushImage(store, image, reference.tag);
await store.commit();
await store.close();
await access.close();
process.stdout.write(`${digest}\n`);
