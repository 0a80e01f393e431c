import { randomBytes } from 'node:crypto';
import { openOciArchiveStore } from '../../../src/oci/archive/index.js';
import { openLayoutStore } from '../../../src/oci/layout/index.js';
import { parseManifest, serializeManifest } from '../../../src/oci/manifest.js';
import { buildImage, pushImage } from '../../../src/testing/index.js';

/**
 * What a child process does to a store: `merge PLACE N` adds one entry to the shared tag, `forever PLACE` writes images until it
 * is killed, `fill PLACE` writes one image that does not fit.
 */
const [mode = '', reference = '', argument = '0'] = process.argv.slice(2);
const store = await (reference.endsWith('.tar') ? openOciArchiveStore : openLayoutStore)({
  location: reference,
});

async function mergeEntry(): Promise<void> {
  const image = buildImage({ layers: [{ file: `content of ${argument}` }] });
  await pushImage(store, image);
  await store.updateTag('shared', current => {
    const manifest = current && parseManifest(current);
    const manifests = manifest?.kind === 'index' ? manifest.manifests : [];
    return serializeManifest({ manifests: [...manifests, image.manifest.descriptor] });
  });
  await store.commit();
  await store.close();
}

async function writeForever(): Promise<void> {
  for (let n = 0; ; n++) {
    await pushImage(
      store,
      buildImage({ layers: [{ file: `${argument} ${n} ${'x'.repeat(20_000)}` }] }),
      'latest',
    );
    await store.commit();
    if (n === 0) process.stdout.write('written\n');
  }
}

async function fill(): Promise<void> {
  const noise = randomBytes(1_000_000);
  try {
    await pushImage(store, buildImage({ layers: [{ noise }] }), 'latest');
    await store.commit();
    process.stdout.write('written\n');
  } catch (error) {
    process.stdout.write(`${(error as { code?: string }).code}\n`);
  }
}

if (mode === 'merge') await mergeEntry();
if (mode === 'forever') await writeForever();
if (mode === 'fill') await fill();
