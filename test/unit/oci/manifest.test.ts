import { describe, expect, test } from 'vitest';
import { utf8 } from '../../../src/base/bytes.js';
import { artifactTypeOf, parseManifest, rawManifest } from '../../../src/oci/manifest.js';
import { MEDIA_TYPES } from '../../../src/oci/media-types.js';
import { matchesPlatform, parsePlatform } from '../../../src/oci/platform.js';
import { codeOf } from '../support.js';

const blob = { mediaType: 'application/x', digest: `sha256:${'a'.repeat(64)}`, size: 3 };
const good = { schemaVersion: 2, mediaType: MEDIA_TYPES.ociManifest, config: blob, layers: [blob] };
const read = (document: object | string, mediaType: string = MEDIA_TYPES.ociManifest) =>
  parseManifest(
    rawManifest(mediaType, utf8(typeof document === 'string' ? document : JSON.stringify(document))),
  );

describe('manifest', () => {
  test('reads OCI and Docker, with and without mediaType', () => {
    expect(read(good)).toMatchObject({ kind: 'image', layers: [{ size: 3 }] });
    const { mediaType: _, ...bare } = good;
    expect(read(bare, MEDIA_TYPES.dockerManifest)).toMatchObject({
      kind: 'image',
      mediaType: MEDIA_TYPES.dockerManifest,
    });
    expect(read({ schemaVersion: 2, manifests: null }, MEDIA_TYPES.ociIndex)).toMatchObject({
      kind: 'index',
      manifests: [],
    });
    expect(artifactTypeOf(read(good))).toBe('application/x');
  });

  test.each<[string, object | string]>([
    ['image and index at once', { ...good, manifests: [] }],
    ['another media type than it was served as', { ...good, mediaType: MEDIA_TYPES.ociIndex }],
    ['schema 1', { ...good, schemaVersion: 1 }],
    ['no config', { ...good, config: undefined }],
    ['Layers beside layers', { ...good, Layers: [] }],
    ['a digest with a path in it', { ...good, config: { ...blob, digest: 'sha256:../../x' } }],
    ['a negative size', { ...good, config: { ...blob, size: -1 } }],
    ['a fractional size', { ...good, config: { ...blob, size: 1.5 } }],
    ['Digest beside digest', { ...good, config: { ...blob, Digest: blob.digest } }],
    ['a duplicate key', JSON.stringify(good).replace('"layers"', '"layers":[],"layers"')],
    ['annotations that are not strings', { ...good, annotations: { a: 1 } }],
  ])('refuses %s', (_, bad) => {
    expect(codeOf(() => read(bad))).toBe('format-manifest');
    expect(codeOf(() => read(good))).toBeUndefined();
  });

  test('inlined data must match size and digest', () => {
    const inlined = (data: string, size: number) => read({ ...good, config: { ...blob, data, size } });
    expect(codeOf(() => inlined('YWJj', 4))).toBe('oci-size-mismatch');
    expect(codeOf(() => inlined('YWJj', 3))).toBe('oci-digest-mismatch');
    const digest = 'sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad';
    const manifest = read({ ...good, config: { ...blob, data: 'YWJj', digest } });
    expect(manifest.kind === 'image' && Buffer.from(manifest.config.data!).toString()).toBe('abc');
  });

  test('refuses more entries than the limit', () => {
    expect(
      codeOf(() => read({ schemaVersion: 2, manifests: Array(10_001).fill(blob) }, MEDIA_TYPES.ociIndex)),
    ).toBe('limit-exceeded');
  });
});

describe('platform', () => {
  test.each([
    ['linux/arm64', 'linux/arm64/v8', true],
    ['linux/arm', 'linux/arm/v7', true],
    ['linux/arm/v6', 'linux/arm', false],
    ['linux/x86_64', 'linux/amd64', true],
    ['linux/amd64/v3', 'linux/amd64', false],
    ['windows/amd64', 'linux/amd64', false],
  ])('%s matches %s: %s', (a, b, expected) => {
    expect(matchesPlatform(parsePlatform(a), parsePlatform(b))).toBe(expected);
  });

  test.each(['', 'linux', 'linux/', '/amd64', 'linux/arm/', 'a/b/c/d'])('refuses %j', text => {
    expect(codeOf(() => parsePlatform(text))).toBe('usage-argument');
  });
});
