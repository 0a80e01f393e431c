import { execFileSync } from 'node:child_process';
import { gunzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { computeDigest } from '../../../src/base/digest.js';
import { parseManifest } from '../../../src/oci/manifest.js';
import { MEDIA_TYPES } from '../../../src/oci/media-types.js';
import { buildImage, buildIndex, buildLayer, buildTar } from '../../../src/testing/index.js';

describe('buildLayer', () => {
  it('gives a tar that other tools read, long names included', () => {
    const deep = `${'d'.repeat(90)}/${'e'.repeat(90)}/file`;
    const odd = `${'n'.repeat(140)}.txt`;
    const tar = buildTar({ 'bin/': '', 'bin/sh': 'x'.repeat(700), [deep]: 'deep', [odd]: 'odd' });
    const listed = execFileSync('tar', ['-tf', '-'], { input: tar }).toString().trim().split('\n');
    expect(listed).toEqual(['bin/', 'bin/sh', deep, odd]);
    expect(execFileSync('tar', ['-xOf', '-', odd], { input: tar }).toString()).toBe('odd');
  });

  it('gives equal bytes for equal files, and a diffID of the tar within', () => {
    const [a, b] = [buildLayer({ x: '1' }), buildLayer({ x: '1' })];
    expect(a).toEqual(b);
    expect(a.descriptor.mediaType).toBe(`${MEDIA_TYPES.ociLayer}+gzip`);
    expect(computeDigest(gunzipSync(a.bytes))).toBe(a.diffId);
    const plain = buildLayer({ x: '1' }, { compression: 'none' });
    expect(plain.descriptor.digest).toBe(a.diffId);
  });
});

describe('buildImage and buildIndex', () => {
  it('put the layers of the base first and describe every blob', () => {
    const base = buildImage({ layers: [{ base: '1' }], platform: { os: 'linux', architecture: 'arm64' } });
    const image = buildImage({ base, layers: [{ app: '2' }], docker: true });
    const manifest = parseManifest(image.manifest);
    if (manifest.kind !== 'image') throw new Error('not an image');
    expect(manifest.mediaType).toBe(MEDIA_TYPES.dockerManifest);
    expect(manifest.layers.map(layer => layer.digest)).toEqual(
      image.layers.map(layer => layer.descriptor.digest),
    );
    expect(manifest.layers[0]?.digest).toBe(base.layers[0]?.descriptor.digest);
    for (const descriptor of [manifest.config, ...manifest.layers])
      expect(computeDigest(image.blobs.get(descriptor.digest) ?? new Uint8Array())).toBe(descriptor.digest);
    const index = parseManifest(buildIndex([base, image]).manifest);
    if (index.kind !== 'index') throw new Error('not an index');
    expect(index.manifests.map(child => child.platform?.architecture)).toEqual(['arm64', 'arm64']);
  });
});
