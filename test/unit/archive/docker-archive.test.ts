import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { describe, expect, it, onTestFinished } from 'vitest';
import { concatBytes, utf8 } from '../../../src/base/bytes.js';
import { computeDigest, digestHex } from '../../../src/base/digest.js';
import { openDockerArchiveStore } from '../../../src/oci/archive/index.js';
import { formatTarHeader } from '../../../src/oci/archive/tar-header.js';
import { parseManifest } from '../../../src/oci/manifest.js';
import { MEDIA_TYPES } from '../../../src/oci/media-types.js';
import { buildImage, buildLayer, buildTar } from '../../../src/testing/index.js';
import { drain, expectCode, expectManifest, layoutWith, temporaryFolder } from '../layout/helpers.js';

const layers = [
  buildLayer({ base: '1' }, { compression: 'none' }),
  buildLayer({ app: '2' }, { compression: 'none' }),
];
const image = buildImage({ layers, docker: true });
const id = digestHex(computeDigest(image.config));
const layerPath = (n: number) => `${digestHex(layers[n]!.diffId)}.tar`;
const listing = (more: object = {}) => [
  {
    Config: `${id}.json`,
    RepoTags: ['docker.io/team/app:v1'],
    Layers: [layerPath(0), layerPath(1)],
    ...more,
  },
];
const contents = (more: Record<string, string | Uint8Array> = {}) => ({
  [layerPath(0)]: layers[0]!.bytes,
  [layerPath(1)]: layers[1]!.bytes,
  [`${id}.json`]: image.config,
  'manifest.json': JSON.stringify(listing()),
  ...more,
});

function open(files: Record<string, string | Uint8Array> | Uint8Array) {
  const location = join(temporaryFolder(), 'image.tar');
  writeFileSync(location, files instanceof Uint8Array ? files : buildTar(files));
  return openUntilDone(location);
}

async function openUntilDone(location: string) {
  const store = await openDockerArchiveStore({ location });
  onTestFinished(() => store.close());
  return store;
}

describe('a docker-archive', () => {
  it('is served as the schema 2 manifest of its config and layers, always the same', async () => {
    const store = await open(contents());
    const raw = await store.resolveDefault();
    expect(raw.descriptor.mediaType).toBe(MEDIA_TYPES.dockerManifest);
    const manifest = parseManifest(raw);
    if (manifest.kind !== 'image') throw new Error('not an image');
    expect(manifest.layers.map(layer => layer.digest)).toEqual(layers.map(layer => layer.diffId));
    for (const layer of manifest.layers) expect(await drain(store.openBlob(layer))).toBe(layer.size);
    expect(Buffer.from(await store.fetchBlob(manifest.config, 1e6)).equals(image.config)).toBe(true);
    for (const tag of ['docker.io/team/app:v1', 'team/app:v1', 'v1']) {
      expectManifest(await store.fetchManifest({ tag }), raw);
    }
    expect(await store.fetchManifest({ tag: 'team/other:v1' })).toBeUndefined();
    expectManifest(await (await open(contents())).resolveDefault(), raw);
    expect(await store.listReferrers(raw.descriptor.digest)).toMatchObject({ descriptors: [], problems: [] });
  });

  it('is followed through the links that docker save leaves', async () => {
    const link = formatTarHeader({
      path: 'v1/layer.tar',
      size: 0,
      type: '2',
      linkname: `../${layerPath(0)}`,
    });
    const files = contents({
      'manifest.json': JSON.stringify(listing({ Layers: ['v1/layer.tar', layerPath(1)] })),
    });
    const store = await open(concatBytes(link, buildTar(files)));
    const manifest = parseManifest(await store.resolveDefault());
    if (manifest.kind !== 'image') throw new Error('not an image');
    await drain(store.openBlob(manifest.layers[0]!));
  });

  it('may hold compressed layers, which must expand to their diffIDs', async () => {
    const squeezed = contents({ [layerPath(1)]: gzipSync(layers[1]!.bytes) });
    const store = await open(squeezed);
    const manifest = parseManifest(await store.resolveDefault());
    if (manifest.kind !== 'image') throw new Error('not an image');
    expect(manifest.layers[1]?.mediaType).toBe(`${MEDIA_TYPES.dockerLayer}.gzip`);
    await drain(store.openBlob(manifest.layers[1]!));
    const wrong = contents({ [layerPath(1)]: gzipSync(layers[0]!.bytes) });
    await expectCode(open(wrong), 'oci-digest-mismatch');
    const cut = contents({ [layerPath(1)]: gzipSync(layers[1]!.bytes).subarray(0, 60) });
    await expectCode(open(cut), 'format-archive');
  });

  it('can only be read', async () => {
    const store = await open(contents());
    expect(store.writable).toBe(false);
    const { descriptor } = layers[0]!;
    await expectCode(store.writeBlob(descriptor, layers[0]!.bytes), 'usage-read-only');
    await expectCode(store.writeManifest(image.manifest, 'v2'), 'usage-read-only');
    await expectCode(
      store.updateTag('v1', () => image.manifest),
      'usage-read-only',
    );
    const error = await expectCode(
      store.attach(image.manifest, image.manifest.descriptor.digest),
      'usage-read-only',
    );
    expect(error.hint).toContain('copy the image');
  });

  it('that holds a layout too serves the manifest that was in the registry', async () => {
    const { folder } = await layoutWith({ v1: image });
    writeFileSync(join(folder, 'manifest.json'), JSON.stringify(listing()));
    const location = join(temporaryFolder(), 'image.tar');
    execFileSync('tar', ['-C', folder, '-cf', location, '.']);
    const store = await openUntilDone(location);
    expectManifest(await store.resolveDefault(), image.manifest);
    expect(store.reference.transport).toBe('docker-archive');
    await expectCode(store.writeManifest(image.manifest, 'v2'), 'usage-read-only');
  });
});

describe('a damaged docker-archive', () => {
  const changed = Buffer.from(layers[0]!.bytes);
  changed[600] = (changed[600] ?? 0) ^ 1;

  it('is refused when a layer is not what the config says, once it is read', async () => {
    const read = async (files: Record<string, string | Uint8Array>) => {
      const store = await open(files);
      const manifest = parseManifest(await store.resolveDefault());
      if (manifest.kind === 'image') for (const layer of manifest.layers) await drain(store.openBlob(layer));
    };
    await expectCode(read(contents({ [layerPath(0)]: changed })), 'oci-digest-mismatch');
    await read(contents());
  });

  const refusals: [
    string,
    Record<string, string | Uint8Array>,
    'oci-digest-mismatch' | 'format-archive' | 'format-config',
  ][] = [
    [
      'whose config is not what its name says',
      contents({ [`${id}.json`]: concatBytes(image.config, utf8(' ')) }),
      'oci-digest-mismatch',
    ],
    ['without manifest.json', { file: '' }, 'format-archive'],
    ['with a manifest.json that is no list', contents({ 'manifest.json': '{}' }), 'format-archive'],
    ['with a key twice', contents({ 'manifest.json': '[{"Config":"a","Config":"b"}]' }), 'format-archive'],
    [
      'that names a missing config',
      contents({ 'manifest.json': JSON.stringify(listing({ Config: 'x.json' })) }),
      'format-archive',
    ],
    [
      'that names a missing layer',
      contents({ 'manifest.json': JSON.stringify(listing({ Layers: [layerPath(0), 'x'] })) }),
      'format-archive',
    ],
    [
      'that names a layer outside',
      contents({ 'manifest.json': JSON.stringify(listing({ Layers: [layerPath(0), '../../etc/passwd'] })) }),
      'format-archive',
    ],
    [
      'with a layer too few',
      contents({ 'manifest.json': JSON.stringify(listing({ Layers: [layerPath(0)] })) }),
      'format-archive',
    ],
    [
      'whose config is no JSON',
      contents({ 'manifest.json': JSON.stringify(listing({ Config: 'c' })), c: 'x' }),
      'format-config',
    ],
  ];
  it.each(refusals)('%s is refused', async (_name, files, code) => {
    await expectCode(open(files), code);
  });

  it('that does not exist is not found', async () => {
    await expectCode(
      openDockerArchiveStore({ location: join(temporaryFolder(), 'none.tar') }),
      'oci-not-found',
    );
  });
});
