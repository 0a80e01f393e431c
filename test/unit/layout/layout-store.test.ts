import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { copyFile, cp, readFile, rename, rm, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { utf8 } from '../../../src/base/bytes.js';
import { computeDigest, type Digest } from '../../../src/base/digest.js';
import { openLayoutStore } from '../../../src/oci/layout/index.js';
import { rawManifest } from '../../../src/oci/manifest.js';
import { MEDIA_TYPES } from '../../../src/oci/media-types.js';
import { attachmentTag } from '../../../src/oci/reference.js';
import { buildImage, buildIndex, buildLayer, pushImage } from '../../../src/testing/index.js';
import {
  blobPath,
  drain,
  editIndex,
  expectCode,
  expectManifest,
  flipByte,
  image,
  layoutWith,
  other,
  referrerOf,
  temporaryFolder,
} from './helpers.js';

const digest = image.manifest.descriptor.digest;
const reopen = (folder: string) => openLayoutStore({ location: folder });

describe('a layout', () => {
  it('gives back what was written, by tag and by digest', async () => {
    const { folder, store } = await layoutWith({ v1: image, v2: other });
    expect(JSON.parse(await readFile(join(folder, 'oci-layout'), 'utf8'))).toEqual({
      imageLayoutVersion: '1.0.0',
    });
    for (const open of [store, await reopen(folder)]) {
      expectManifest(await open.fetchManifest({ tag: 'v1' }), image.manifest);
      expectManifest(await open.fetchManifest({ digest }), image.manifest);
      expect(await open.fetchManifest({ tag: 'none' })).toBeUndefined();
      expect(await open.fetchManifest({ digest: computeDigest(utf8('none')) })).toBeUndefined();
      expect((await open.listTags()).toSorted()).toEqual(['v1', 'v2']);
      for (const { descriptor, bytes } of image.layers) {
        expect(Buffer.from(await open.fetchBlob(descriptor, 1e6)).equals(bytes)).toBe(true);
        expect(await drain(open.openBlob(descriptor))).toBe(bytes.length);
      }
    }
  });

  it('is made by the first write, not by reading', async () => {
    const folder = join(temporaryFolder(), 'new');
    const store = await reopen(folder);
    expect(await store.fetchManifest({ tag: 'v1' })).toBeUndefined();
    expect(await store.hasBlob(image.layers[0]!.descriptor)).toBe(false);
    expect((await store.listReferrers(digest)).descriptors).toEqual([]);
    await expect(readFile(join(folder, 'oci-layout'))).rejects.toThrow();
    await pushImage(store, image, 'v1');
    expectManifest(await store.fetchManifest({ tag: 'v1' }), image.manifest);
  });

  it('streams a blob of several megabytes in chunks of at most 1 MiB', async () => {
    const layer = buildLayer({ big: 'x'.repeat(3_000_000) }, { compression: 'none' });
    const { store } = await layoutWith({ big: buildImage({ layers: [layer] }) });
    const sizes: number[] = [];
    for await (const chunk of store.openBlob(layer.descriptor)) sizes.push(chunk.length);
    expect(Math.max(...sizes)).toBe(1024 * 1024);
    expect(sizes.reduce((a, b) => a + b)).toBe(layer.bytes.length);
  });

  it('moves a tag and keeps what it does not know of the other entries', async () => {
    const { folder, store } = await layoutWith({ v1: image, v2: other });
    await editIndex(folder, text =>
      text
        .replace('"schemaVersion":2', '"schemaVersion":2,"x-own":{"a":[1]}')
        .replace('"digest"', '"x-entry":true,"digest"'),
    );
    await store.writeManifest(other.manifest, 'v2');
    await store.writeManifest(image.manifest, 'v3');
    await store.writeManifest(image.manifest, 'v2');
    const index = JSON.parse(await readFile(join(folder, 'index.json'), 'utf8'));
    expect(index['x-own']).toEqual({ a: [1] });
    expect(index.manifests[0]).toMatchObject({ 'x-entry': true, digest });
    expectManifest(await store.fetchManifest({ tag: 'v2' }), image.manifest);
    expect((await store.listTags()).toSorted()).toEqual(['v1', 'v2', 'v3']);
  });

  it('lists at the end what was written without a tag, unless something else lists it', async () => {
    const { folder, store } = await layoutWith({});
    const index = buildIndex([image, other]);
    await pushImage(store, index);
    await store.writeManifest(referrerOf(image, 1));
    await store.commit();
    const listed = JSON.parse(await readFile(join(folder, 'index.json'), 'utf8')).manifests;
    expect(listed.map((entry: { digest: Digest }) => entry.digest)).toEqual([
      index.manifest.descriptor.digest,
    ]);
    expectManifest(await (await reopen(folder)).resolveDefault(), index.manifest);
  });

  it('finds a tag in a name that is a whole reference, and says when it fits several', async () => {
    const { folder, store } = await layoutWith({ one: image, two: other });
    await editIndex(folder, text => text.replace('"one"', '"registry.example:5000/team/app:1.4"'));
    expectManifest(await store.fetchManifest({ tag: '1.4' }), image.manifest);
    expectManifest(await store.fetchManifest({ tag: 'registry.example:5000/team/app:1.4' }), image.manifest);
    await editIndex(folder, text => text.replace('"two"', '"mirror.example/app:1.4"'));
    const error = await expectCode(store.fetchManifest({ tag: '1.4' }), 'usage-reference');
    expect(error.message).toContain('mirror.example/app:1.4');
  });
});

describe('without tag or digest', () => {
  it('the only image is meant, whatever hangs on it', async () => {
    const { store } = await layoutWith({ v1: image });
    await store.attach(referrerOf(image, 1), digest);
    await store.writeManifest(other.manifest, attachmentTag(digest, '.sig'));
    await pushImage(store, image, 'v1-again');
    expectManifest(await store.resolveDefault(), image.manifest);
    await pushImage(store, other, 'v2');
    const error = await expectCode(store.resolveDefault(), 'usage-reference');
    expect(error.details['tags']).toEqual(['v1', 'v1-again', 'v2']);
  });

  it('nothing is found in an empty folder, and the error says so', async () => {
    const store = await reopen(join(temporaryFolder(), 'none'));
    const error = await expectCode(store.resolveDefault(), 'oci-not-found');
    expect(error.hint).toContain('does not exist or is empty');
  });
});

describe('referrers', () => {
  it('are found through the fallback index, and listed there once', async () => {
    const { folder, store } = await layoutWith({ v1: image });
    const artifacts = [1, 2].map(n => referrerOf(image, n));
    for (const artifact of [...artifacts, artifacts[0]!]) await store.attach(artifact, digest);
    const found = await (await reopen(folder)).listReferrers(digest);
    expect(found.sources).toEqual(['fallback-tag', 'layout']);
    expect(found.problems).toEqual([]);
    expect(found.descriptors.map(d => d.digest).toSorted()).toEqual(
      artifacts.map(a => a.descriptor.digest).toSorted(),
    );
    expect(found.descriptors[0]).toMatchObject({
      artifactType: 'application/vnd.test',
      mediaType: MEDIA_TYPES.ociManifest,
    });
    const raw = await store.fetchManifest({ tag: attachmentTag(digest) });
    expect(JSON.parse(Buffer.from(raw!.bytes).toString()).manifests).toHaveLength(2);
    expect((await store.listReferrers(other.manifest.descriptor.digest)).descriptors).toEqual([]);
  });

  it('are found among blobs that no index lists, as cosign save leaves them', async () => {
    const { folder, store } = await layoutWith({ v1: image });
    expect((await store.listReferrers(digest)).descriptors).toEqual([]);
    const artifact = referrerOf(image, 1);
    writeFileSync(blobPath(folder, artifact.descriptor.digest), artifact.bytes);
    const found = await store.listReferrers(digest);
    expect(found.sources).toEqual(['layout']);
    expect(found.descriptors.map(d => d.digest)).toEqual([artifact.descriptor.digest]);
    await flipByte(blobPath(folder, artifact.descriptor.digest), artifact.bytes.length - 4);
    const damaged = await (await reopen(folder)).listReferrers(digest);
    expect(damaged.descriptors).toEqual([]);
    expect(damaged.problems.map(problem => problem.code)).toEqual(['oci-digest-mismatch']);
  });

  it('that cannot be read are a problem, never silence', async () => {
    const { folder, store } = await layoutWith({ v1: image });
    await store.attach(referrerOf(image, 1), digest);
    const fallback = (await store.fetchManifest({ tag: attachmentTag(digest) }))!;
    const path = blobPath(folder, fallback.descriptor.digest);
    await rename(path, `${path}.away`);
    const found = await (await reopen(folder)).listReferrers(digest);
    expect(found.problems.map(problem => problem.code)).toEqual(['layer-unavailable']);
    await rename(`${path}.away`, path);
    expect((await (await reopen(folder)).listReferrers(digest)).problems).toEqual([]);
  });

  it("of cosign's own layouts are read, and its marks written", async () => {
    const { folder, store } = await layoutWith({ v1: image });
    const tag = attachmentTag(digest, '.sig');
    await pushImage(store, other, tag);
    const kinds = async () =>
      JSON.parse(await readFile(join(folder, 'index.json'), 'utf8')).manifests.map(
        (entry: { annotations: Record<string, string> }) => entry.annotations['kind'],
      );
    expect(await kinds()).toEqual(['dev.cosignproject.cosign/image', 'dev.cosignproject.cosign/sigs']);
    // cosign save names nothing: the kinds alone tell what is what.
    await editIndex(folder, text => text.replace(/,?"org.opencontainers.image.ref.name":"[^"]*"/g, ''));
    expectManifest(await store.fetchManifest({ tag }), other.manifest);
    expect(
      await store.fetchManifest({ tag: attachmentTag(other.manifest.descriptor.digest, '.sig') }),
    ).toBeUndefined();
    expectManifest(await store.resolveDefault(), image.manifest);
    const third = buildImage({ layers: [{ third: '3' }] });
    await pushImage(store, third, tag);
    expectManifest(await store.fetchManifest({ tag }), third.manifest);
    expect(await kinds()).toHaveLength(2);
  });
});

describe('damage', () => {
  it('of a manifest, a config or a layer is seen, and gone once it is repaired', async () => {
    const { folder, store } = await layoutWith({ v1: image });
    const config = JSON.parse(Buffer.from(image.manifest.bytes).toString()).config;
    const layer = image.layers[1]!.descriptor;
    const reads = new Map<Digest, () => Promise<unknown>>([
      [digest, () => store.fetchManifest({ tag: 'v1' })],
      [config.digest as Digest, () => store.fetchBlob(config, 1e6)],
      [layer.digest, () => drain(store.openBlob(layer))],
    ]);
    for (const [id, read] of reads) {
      await flipByte(blobPath(folder, id));
      await expectCode(read(), 'oci-digest-mismatch');
      await flipByte(blobPath(folder, id));
      await read();
    }
    await flipByte(blobPath(folder, digest));
    await expectCode(store.fetchManifest({ digest }), 'oci-digest-mismatch');
    // Writing it again repairs it.
    await store.writeManifest(image.manifest, 'v1');
    expectManifest(await store.fetchManifest({ digest }), image.manifest);
  });

  it('by truncation, growth or a wrong size is seen before the content is trusted', async () => {
    const { folder, store } = await layoutWith({ v1: image });
    const { descriptor, bytes } = image.layers[1]!;
    const path = blobPath(folder, descriptor.digest);
    await truncate(path, bytes.length - 1);
    await expectCode(drain(store.openBlob(descriptor)), 'oci-size-mismatch');
    expect(await store.hasBlob(descriptor)).toBe(false);
    await writeFile(path, Buffer.concat([bytes, bytes]));
    await expectCode(store.fetchBlob(descriptor, 1e6), 'oci-size-mismatch');
    await writeFile(path, bytes);
    expect(await store.hasBlob(descriptor)).toBe(true);
    await expectCode(store.fetchBlob({ ...descriptor, size: bytes.length + 1 }, 1e6), 'oci-size-mismatch');
    await expectCode(store.fetchBlob({ ...descriptor, size: 2e9 }, 1e6), 'limit-exceeded');
    expect(await store.fetchBlob(descriptor, 1e6)).toHaveLength(bytes.length);
    await editIndex(folder, text => text.replace(`"size":${image.manifest.bytes.length}`, '"size":7'));
    await expectCode(store.fetchManifest({ tag: 'v1' }), 'oci-size-mismatch');
  });

  it('by a missing blob is never taken for "no such thing"', async () => {
    const { folder, store } = await layoutWith({ v1: image });
    const paths = [digest, image.layers[0]!.descriptor.digest].map(id => blobPath(folder, id));
    for (const path of paths) await rename(path, `${path}.away`);
    await expectCode(store.fetchManifest({ tag: 'v1' }), 'layer-unavailable');
    await expectCode(store.fetchManifest({ digest }), 'layer-unavailable');
    await expectCode(store.fetchBlob(image.layers[0]!.descriptor, 1e6), 'layer-unavailable');
    for (const path of paths) await rename(`${path}.away`, path);
    expectManifest(await store.fetchManifest({ digest }), image.manifest);
    await store.fetchBlob(image.layers[0]!.descriptor, 1e6);
  });

  it('refuses bytes that are not what they are written as, and leaves no trace of them', async () => {
    const { store } = await layoutWith({ v1: image });
    const bytes = utf8('content');
    const descriptor = { mediaType: 'x/y', digest: computeDigest(bytes), size: bytes.length };
    await expectCode(store.writeBlob(descriptor, utf8('CONTENT')), 'oci-digest-mismatch');
    await expectCode(store.writeBlob(descriptor, utf8('contents')), 'oci-size-mismatch');
    expect(await store.hasBlob(descriptor)).toBe(false);
    await store.writeBlob(descriptor, bytes);
    expect(await store.hasBlob(descriptor)).toBe(true);
  });
});

describe('a folder that is no layout, or a hostile one', () => {
  const cases: [string, (folder: string) => Promise<void>, string][] = [
    [
      'has no oci-layout file',
      folder => rename(join(folder, 'oci-layout'), join(folder, 'README')),
      'format-layout',
    ],
    ['has no index.json', folder => rm(join(folder, 'index.json')), 'format-layout'],
    [
      'is of another version',
      folder => writeFile(join(folder, 'oci-layout'), '{"imageLayoutVersion":"2.0.0"}'),
      'format-layout',
    ],
    [
      'has a key twice',
      folder => editIndex(folder, t => t.replace('"manifests"', '"manifests":[],"manifests"')),
      'format-layout',
    ],
    [
      'has a key twice but for case',
      folder => editIndex(folder, t => t.replace('"manifests"', '"Manifests":[],"manifests"')),
      'format-layout',
    ],
    [
      'has a path in a digest',
      folder => editIndex(folder, t => t.replace(/sha256:[0-9a-f]{64}/, 'sha256:../../x')),
      'format-layout',
    ],
    [
      'has another media type',
      folder => editIndex(folder, t => t.replace(MEDIA_TYPES.ociIndex, 'text/plain')),
      'format-layout',
    ],
    ['has an index that ends early', folder => editIndex(folder, t => t.slice(0, -5)), 'format-layout'],
    [
      'names two manifests by one tag',
      folder => editIndex(folder, t => t.replace(':"v2"', ':"v1"')),
      'format-layout',
    ],
  ];
  it.each(cases)('%s', async (_name, spoil, code) => {
    const { folder, store } = await layoutWith({ v1: image, v2: other });
    expectManifest(await store.fetchManifest({ tag: 'v1' }), image.manifest);
    await spoil(folder);
    await expectCode((await reopen(folder)).fetchManifest({ tag: 'v1' }), code as 'format-layout');
  });

  it('is not written into', async () => {
    const folder = temporaryFolder();
    writeFileSync(join(folder, 'main.c'), '');
    const store = await reopen(folder);
    const error = await expectCode(pushImage(store, image, 'v1'), 'format-layout');
    expect(error.hint).toContain('oci-layout');
    await rm(join(folder, 'main.c'));
    await pushImage(store, image, 'v1');
    expectManifest(await store.fetchManifest({ tag: 'v1' }), image.manifest);
  });

  it('is a file: the error offers the archive', async () => {
    const file = join(temporaryFolder(), 'image.tar');
    writeFileSync(file, '');
    const error = await expectCode((await reopen(file)).fetchManifest({ tag: 'v1' }), 'format-layout');
    expect(error.hint).toContain(`oci-archive:${file}`);
  });

  it('cannot make this process read a file outside through a link, while links inside are followed', async () => {
    const { folder, store } = await layoutWith({ v1: image });
    const { descriptor } = image.layers[0]!;
    const path = blobPath(folder, descriptor.digest);
    const outside = join(temporaryFolder(), 'outside');
    await copyFile(path, outside);
    await rename(path, join(folder, 'elsewhere'));
    symlinkSync(outside, path);
    await expectCode(store.fetchBlob(descriptor, 1e6), 'format-layout');
    await rm(path);
    symlinkSync('../../elsewhere', path);
    expect(await store.fetchBlob(descriptor, 1e6)).toHaveLength(descriptor.size);
  });

  it('cannot make this process read or write outside through a linked blob folder', async () => {
    const { folder, store } = await layoutWith({ v1: image });
    const outside = temporaryFolder();
    await cp(join(folder, 'blobs', 'sha256'), join(outside, 'sha256'), { recursive: true });
    await rename(join(folder, 'blobs', 'sha256'), join(folder, 'kept'));
    symlinkSync(join(outside, 'sha256'), join(folder, 'blobs', 'sha256'));
    await expectCode(pushImage(store, other, 'v2'), 'format-layout');
    await expectCode((await reopen(folder)).fetchManifest({ tag: 'v1' }), 'format-layout');
    await rm(join(folder, 'blobs', 'sha256'));
    await rename(join(folder, 'kept'), join(folder, 'blobs', 'sha256'));
    await pushImage(store, other, 'v2');
  });

  it('cannot make this process wait on something that is no file', async () => {
    const { folder, store } = await layoutWith({ v1: image });
    const { descriptor } = image.layers[0]!;
    const path = blobPath(folder, descriptor.digest);
    await rename(path, `${path}.away`);
    mkdirSync(path);
    await expectCode(store.fetchBlob(descriptor, 1e6), 'format-layout');
    await rm(path, { recursive: true });
    await rename(`${path}.away`, path);
    await store.fetchBlob(descriptor, 1e6);
  });

  it('holds a document that is image and index at once: it is not served', async () => {
    const { folder, store } = await layoutWith({ v1: image });
    const both = utf8(
      JSON.stringify({
        ...JSON.parse(Buffer.from(image.manifest.bytes).toString()),
        mediaType: undefined,
        manifests: [],
      }),
    );
    const id = computeDigest(both);
    writeFileSync(blobPath(folder, id), both);
    await expectCode(store.fetchManifest({ digest: id }), 'format-manifest');
    await expectCode(
      store.writeManifest(rawManifest(MEDIA_TYPES.ociManifest, both), 'both'),
      'format-manifest',
    );
    await expectCode(
      store.writeManifest(rawManifest(MEDIA_TYPES.ociIndex, image.manifest.bytes), 'x'),
      'format-manifest',
    );
    const plain = utf8(JSON.stringify({ ...JSON.parse(Buffer.from(both).toString()), manifests: undefined }));
    writeFileSync(blobPath(folder, computeDigest(plain)), plain);
    expect((await store.fetchManifest({ digest: computeDigest(plain) }))?.descriptor.mediaType).toBe(
      MEDIA_TYPES.ociManifest,
    );
  });
});
