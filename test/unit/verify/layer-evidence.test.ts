import { writeFile } from 'node:fs/promises';
import { gzipSync } from 'node:zlib';
import { describe, expect, it, onTestFinished } from 'vitest';
import { computeDigest } from '../../../src/base/digest.js';
import { TouchmarkError } from '../../../src/base/errors.js';
import { LAYER_FAULTS, type LayerFault, verify } from '../../../src/custody/index.js';
import { type Descriptor, describe as describeBytes } from '../../../src/oci/descriptor.js';
import { type ImageManifest, parseManifest, serializeManifest } from '../../../src/oci/manifest.js';
import { MEDIA_TYPES } from '../../../src/oci/media-types.js';
import { createStoreAccess, openStore } from '../../../src/oci/open.js';
import { parseReference } from '../../../src/oci/reference.js';
import type { Store } from '../../../src/oci/store.js';
import { buildImage, buildLayer, pushImage } from '../../../src/testing/image.js';
import { type FaultSource, startRegistry } from '../../../src/testing/registry.js';
import { collectLayerFacts } from '../../../src/verify/layer-evidence.js';
import { readLayers, tell } from '../custody/world.js';
import { anImage, layoutWith } from '../images.js';

const GZIP = `${MEDIA_TYPES.ociLayer}+gzip`;

function manifestOf(image: ReturnType<typeof anImage>): ImageManifest {
  return parseManifest(image.manifest) as ImageManifest;
}

/** An image with these blobs as layers, whatever they hold. */
async function imageOf(layers: readonly (Descriptor & { readonly bytes?: Uint8Array })[]) {
  const { store, folder } = await layoutWith();
  const config = Buffer.from('{}');
  const stored = layers.map(({ bytes: _, ...descriptor }) => descriptor);
  for (const { bytes, ...descriptor } of layers) if (bytes) await store.writeBlob(descriptor, bytes);
  const raw = serializeManifest({ config: describeBytes(MEDIA_TYPES.ociConfig, config), layers: stored });
  return { store, folder, manifest: parseManifest(raw) as ImageManifest };
}

function blob(bytes: Uint8Array, mediaType = GZIP) {
  return { ...describeBytes(mediaType, bytes), bytes };
}

/** The store, and how often each blob was opened. */
function counting(store: Store): { readonly store: Store; readonly opened: string[] } {
  const opened: string[] = [];
  const openBlob = (descriptor: Descriptor) => {
    opened.push(descriptor.digest);
    return store.openBlob(descriptor);
  };
  return { store: { ...store, openBlob }, opened };
}

describe('facts about layers', () => {
  it('are what the wanted ones unpack to, in the order asked', async () => {
    const image = buildImage({
      layers: [{ a: '1' }, buildLayer({ b: '2' }, { compression: 'none' }), { c: 'x'.repeat(100_000) }],
    });
    const { store } = await layoutWith(image);
    const fact = (index: number) => ({
      index,
      digest: image.layers[index]!.descriptor.digest,
      outcome: 'read',
      diffID: image.layers[index]!.diffId,
    });
    expect(await collectLayerFacts(store, manifestOf(image), [0, 1, 2])).toEqual([0, 1, 2].map(fact));
    const seen = counting(store);
    expect(await collectLayerFacts(seen.store, manifestOf(image), [2, 0])).toEqual([2, 0].map(fact));
    expect(seen.opened.sort()).toEqual([0, 2].map(i => fact(i).digest).sort());
    expect(await collectLayerFacts(store, manifestOf(image), [])).toEqual([]);
    expect(await collectLayerFacts(store, manifestOf(image), [3]), 'there is no such layer').toEqual([]);
  });

  it('read a blob once, however often the image lists it, and tell how far they are', async () => {
    const layer = buildLayer({ same: 'x' });
    const image = buildImage({ layers: [layer, { other: 'y' }, layer, layer] });
    const { store } = await layoutWith(image);
    const seen = counting(store);
    const progress: [number, number][] = [];
    const facts = await collectLayerFacts(seen.store, manifestOf(image), [0, 1, 2, 3], {
      onProgress: (done, total) => progress.push([done, total]),
    });
    expect(facts.map(({ index, outcome }) => [index, outcome])).toEqual([0, 1, 2, 3].map(i => [i, 'read']));
    expect(seen.opened.length).toBe(2);
    const total = image.layers[0]!.bytes.length + image.layers[1]!.bytes.length;
    expect(progress.at(-1)).toEqual([total, total]);
    const values = progress.map(([done]) => done);
    expect(values).toEqual([...values].sort((a, b) => a - b));
  });

  it('ask two questions about one digest under two sizes', async () => {
    const layer = blob(gzipSync('tar'));
    const other = { ...describeBytes(GZIP, layer.bytes), size: layer.size + 1 };
    const { store, manifest } = await imageOf([layer, other]);
    const facts = await collectLayerFacts(store, manifest, [0, 1]);
    expect(facts.map(({ outcome }) => outcome)).toEqual(['read', 'digest-mismatch']);
  });

  it('say for each layer what kept it from being read, and go on', async () => {
    const good = gzipSync('tar');
    const missing = describeBytes(GZIP, Buffer.from('not stored'));
    const { store, folder, manifest } = await imageOf([
      blob(good),
      missing,
      { ...describeBytes(GZIP, Buffer.from('elsewhere')), urls: ['https://127.0.0.1:1/layer'] },
      blob(Buffer.concat([good, Buffer.from('garbage')])),
      blob(gzipSync('cut short').subarray(0, 20)),
      blob(Buffer.from('a plain tar')),
      blob(Buffer.from('fd377a585a0000', 'hex'), MEDIA_TYPES.dockerLayer),
      blob(gzipSync('secret'), `${GZIP}+encrypted`),
      blob(gzipSync(Buffer.alloc(80 * 1024 * 1024))),
      blob(gzipSync('changed later')),
    ]);
    const changed = manifest.layers[9]!;
    await writeFile(`${folder}/blobs/sha256/${changed.digest.slice(7)}`, Buffer.alloc(changed.size));
    const seen: [number, number][] = [];
    const facts = await collectLayerFacts(store, manifest, [...manifest.layers.keys()], {
      onProgress: (done, total) => seen.push([done, total]),
    });
    expect(facts.map(({ outcome }) => outcome)).toEqual([
      'read',
      'unavailable',
      'unavailable',
      'trailing-data',
      'corrupt',
      'corrupt',
      'compression-unsupported',
      'compression-unsupported',
      'limit-exceeded',
      'digest-mismatch',
    ] satisfies (LayerFault | 'read')[]);
    for (const fact of facts.slice(1)) {
      expect('reason' in fact && fact.reason, `layer ${fact.index}`).toMatch(/\w+ \w+/);
    }
    expect(facts[2]).toMatchObject({ reason: expect.stringMatching(/foreign.*never fetched/) });
    const [done, total] = seen.at(-1)!;
    expect(done).toBe(total);
  });

  it('end with the reason when it is given up, and leave nothing open', async () => {
    const { store, manifest } = await imageOf(
      [1, 2, 3, 4].map(seed => blob(Buffer.alloc(3_000_000, seed), MEDIA_TYPES.ociLayer)),
    );
    const controller = new AbortController();
    const reason = new TouchmarkError('interrupted', 'stopped');
    let closed = 0;
    const seen = counting({
      ...store,
      openBlob: async function* (descriptor: Descriptor) {
        try {
          yield* store.openBlob(descriptor);
        } finally {
          closed++;
        }
      },
    });
    const facts = collectLayerFacts(seen.store, manifest, [0, 1, 2, 3], {
      signal: controller.signal,
      onProgress: done => {
        if (done > 1_500_000) controller.abort(reason);
      },
    });
    await expect(facts).rejects.toBe(reason);
    expect(closed).toBe(seen.opened.length);
    expect(seen.opened.length).toBeLessThan(4);
  });

  it('take a fault of ours, and an end of the whole command, for no fact', async () => {
    const image = anImage();
    const { store } = await layoutWith(image);
    for (const error of [new TypeError('a bug'), new TouchmarkError('terminated', 'stopped')]) {
      const broken = { ...store, openBlob: () => rejecting(error) };
      await expect(collectLayerFacts(broken, manifestOf(image), [0])).rejects.toBe(error);
    }
  });

  it('read no more than two layers at once', async () => {
    const image = buildImage({ layers: ['a', 'b', 'c', 'd', 'e'].map(name => ({ [name]: name })) });
    const { store } = await layoutWith(image);
    let [now, most] = [0, 0];
    const openBlob = async function* (descriptor: Descriptor) {
      most = Math.max(most, ++now);
      yield* store.openBlob(descriptor);
      now--;
    };
    await collectLayerFacts({ ...store, openBlob }, manifestOf(image), [0, 1, 2, 3, 4]);
    expect(most).toBe(2);
    await collectLayerFacts({ ...store, openBlob }, manifestOf(image), [0, 1, 2, 3, 4], { concurrency: 1 });
    expect([now, most]).toEqual([0, 2]);
  });
});

// biome-ignore lint/correctness/useYield: it fails before the first byte
async function* rejecting(error: Error): AsyncGenerator<Uint8Array> {
  throw error;
}

describe('layers in a registry', () => {
  async function factsWith(fault?: FaultSource) {
    let active = false;
    const registry = await startRegistry({ fault: request => (active ? fault?.(request) : undefined) });
    const access = createStoreAccess({});
    const store = await openStore(parseReference(`${registry.host}/team/app:1`), access);
    onTestFinished(async () => {
      await store.close();
      await access.close();
      await registry.close();
    });
    const image = anImage();
    await pushImage(store, image, '1');
    active = true;
    const [first] = image.layers;
    return { facts: await collectLayerFacts(store, manifestOf(image), [0, 1]), first: first! };
  }

  it('are read', async () => {
    const { facts, first } = await factsWith();
    expect(facts.map(({ outcome }) => outcome)).toEqual(['read', 'read']);
    expect(facts[0]).toMatchObject({ diffID: first.diffId });
  });

  it.each([
    ['unavailable', { status: 404 }],
    ['unavailable', { status: 401 }],
    ['unavailable', { status: 403 }],
    ['digest-mismatch', { body: Buffer.from('something else') }],
  ] as const)('are %s when the answer is %o', async (outcome, fault) => {
    const { facts } = await factsWith(({ path }) => (path.includes('/blobs/') ? fault : undefined));
    expect(facts.map(fact => fact.outcome)).toEqual([outcome, outcome]);
    expect(facts[0]).toHaveProperty('reason');
  });
});

describe('what a fault of a layer comes to', () => {
  const expected: Record<LayerFault, 'fail' | 'indeterminate'> = {
    unavailable: 'indeterminate',
    'compression-unsupported': 'indeterminate',
    'limit-exceeded': 'fail',
    'digest-mismatch': 'fail',
    corrupt: 'fail',
    'trailing-data': 'fail',
  };

  it.each(Object.entries(expected))('%s is %s', async (outcome, verdict) => {
    const fault = outcome as LayerFault;
    const code = LAYER_FAULTS[fault];
    const judge = async (evidence: 'manifest' | 'blobs', reason?: string) => {
      const story = await tell({ policy: { evidence } });
      const [first, ...rest] = readLayers(story.head.image);
      const fact = {
        index: 0,
        digest: first!.digest,
        outcome: fault,
        ...(reason !== undefined && { reason }),
      };
      return verify({ ...story.input, layerEvidence: [fact, ...rest] });
    };
    expect(await judge('blobs')).toMatchObject({ verdict, code });
    const { findings } = await judge('blobs', 'because of this');
    expect(findings[0]).toMatchObject({ code, where: 'layer 0', message: 'because of this' });
    // The signed digest is enough here, unless the bytes are known to be bad.
    expect((await judge('manifest')).code).toBe(verdict === 'fail' ? code : null);
  });

  it('names the bytes that were read, not those that were asked for', async () => {
    const layer = gzipSync('tar');
    const { store, manifest } = await imageOf([blob(layer)]);
    const [fact] = await collectLayerFacts(store, manifest, [0]);
    expect(fact).toMatchObject({ digest: computeDigest(layer), diffID: computeDigest(Buffer.from('tar')) });
  });
});
