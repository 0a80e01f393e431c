import { describe, expect, test } from 'vitest';
import { utf8 } from '../../../src/base/bytes.js';
import { parseManifest, rawManifest, serializeManifest } from '../../../src/oci/manifest.js';
import { createStoreAccess, openStore } from '../../../src/oci/open.js';
import { attachmentTag, parseReference } from '../../../src/oci/reference.js';
import { copyImage, planSignatures, signImage } from '../../../src/sign/index.js';
import { buildIndex } from '../../../src/testing/image.js';
import { verifyImage } from '../../../src/verify/index.js';
import { anImage, aSigner, layoutWith, plantPayload, temporaryFolder, trust } from '../images.js';
import { codeOfAsync, text } from '../support.js';

const now = new Date('2026-01-02T03:04:05.678Z');

describe('signing', () => {
  test('the same again writes nothing, in either carrier', async () => {
    const ada = await aSigner('ada');
    const { store, image, digest } = await layoutWith();
    const first = await signImage(store, image, [ada], { now });
    expect(first.map(s => [s.carrier, s.added])).toEqual([
      ['simplesigning', true],
      ['bundle', true],
    ]);
    const before = await store.fetchManifest({ tag: attachmentTag(digest, '.sig') });
    const again = await signImage(store, image, [ada], { now: new Date('2027-01-01') });
    expect(again.map(s => s.added)).toEqual([false, false]);
    expect(await store.fetchManifest({ tag: attachmentTag(digest, '.sig') })).toEqual(before);
    expect((await store.listReferrers(digest)).descriptors).toHaveLength(1);
  });

  test('several keys share one payload', async () => {
    const signers = await Promise.all(['ada', 'ben', 'cyd'].map(name => aSigner(name)));
    const { store, image, digest } = await layoutWith();
    await signImage(store, image, signers, { now });
    const sig = parseManifest((await store.fetchManifest({ tag: attachmentTag(digest, '.sig') }))!);
    expect(sig.kind === 'image' && new Set(sig.layers.map(l => l.digest)).size).toBe(1);
    expect(sig.kind === 'image' && sig.layers).toHaveLength(3);
    expect((await store.listReferrers(digest)).descriptors).toHaveLength(3);
  });

  test('the payload is inlined and uploaded', async () => {
    const { store, image, digest } = await layoutWith();
    await signImage(store, image, [await aSigner('ada')], { now });
    const sig = parseManifest((await store.fetchManifest({ tag: attachmentTag(digest, '.sig') }))!);
    const layer = sig.kind === 'image' ? sig.layers[0]! : undefined;
    expect(layer?.data).toBeDefined();
    const { data: _, ...bare } = layer!;
    expect(await store.fetchBlob(bare, 10_000)).toEqual(layer!.data);
  });

  test('only one carrier when one was picked', async () => {
    const { store, image, digest } = await layoutWith();
    await signImage(store, image, [await aSigner('ada')], { now, carriers: ['bundle'] });
    expect(await store.fetchManifest({ tag: attachmentTag(digest, '.sig') })).toBeUndefined();
    expect((await store.listReferrers(digest)).descriptors).toHaveLength(1);
  });

  test('a dry run plans the very bytes that are then signed, and writes none', async () => {
    const { store, image, digest } = await layoutWith();
    const options = { annotations: { build: '7' }, repository: 'registry.example/app' };
    const planned = await planSignatures(store, image, options);
    expect(await store.fetchManifest({ tag: attachmentTag(digest, '.sig') })).toBeUndefined();
    expect(text(planned[0]!.document)).toContain('"docker-reference":"registry.example/app"');
    expect(text(planned[0]!.document)).toContain('"optional":{"build":"7"}');
    const written = await signImage(store, image, [await aSigner('ada')], { ...options, now });
    const { computeDigest } = await import('../../../src/base/digest.js');
    expect(written.map(w => w.documentDigest)).toEqual(planned.map(p => computeDigest(p.document)));
  });

  test('a co-signer signs the bytes that were signed, annotations and all', async () => {
    const [ada, ben] = await Promise.all([aSigner('ada'), aSigner('ben')]);
    const { store, image, access, reference } = await layoutWith();
    const nothing = signImage(store, image, [ben], { now, coSign: trust('ada', ada) });
    expect(await codeOfAsync(nothing)).toBe('sig-no-match');
    const first = await signImage(store, image, [ada], { now, annotations: { build: '7' } });
    const second = await signImage(store, image, [ben], { now, coSign: trust('ada', ada) });
    expect(second.map(s => s.documentDigest).sort()).toEqual(first.map(s => s.documentDigest).sort());
    const keys = [trust('ada', ada), trust('ben', ben)];
    expect((await verifyImage(access, reference, { keys, annotations: { build: '7' } })).code).toBeNull();
  });

  test('what lies under the signature tag and is no signature manifest is not overwritten', async () => {
    const { store, image, digest } = await layoutWith();
    const tag = attachmentTag(digest, '.sig');
    const index = serializeManifest({ manifests: [] });
    await store.writeManifest(index, tag);
    expect(await codeOfAsync(signImage(store, image, [await aSigner('ada')], { now }))).toBe(
      'format-manifest',
    );
    expect((await store.fetchManifest({ tag }))?.descriptor.digest).toBe(index.descriptor.digest);
  });

  test('a repository that is none is refused before anything is written', async () => {
    const { store, image, digest } = await layoutWith();
    const signing = signImage(store, image, [await aSigner('ada')], { now, repository: 'Not/A/Repository' });
    expect(await codeOfAsync(signing)).toBe('usage-reference');
    expect((await store.listReferrers(digest)).descriptors).toEqual([]);
  });
});

describe('copying', () => {
  async function target() {
    const folder = await temporaryFolder();
    const reference = `oci:${folder}/copy:1`;
    const access = createStoreAccess({});
    return { reference, access, store: await openStore(parseReference(reference), access) };
  }

  test('an index comes with its images, their signatures in both carriers, and other attachments', async () => {
    const ada = await aSigner('ada');
    const index = buildIndex([anImage('amd'), anImage('other')]);
    const from = await layoutWith(index);
    await signImage(from.store, from.image, [ada], { now, recursive: true });
    const sbom = serializeManifest({ config: anImage().manifest.descriptor, layers: [] });
    const config = parseManifest(index.children[0]!.manifest);
    const att = serializeManifest({
      config: config.kind === 'image' ? config.config : sbom.descriptor,
      layers: [],
      annotations: { k: 'v' },
    });
    await from.store.writeManifest(att, attachmentTag(from.digest, '.att'));
    const to = await target();
    const copied = await copyImage(from.store, to.store, from.image, { tag: '1' });
    expect(copied).toMatchObject({ digest: from.digest, referrers: { length: 3 } });
    expect(copied.attachments).toHaveLength(4);
    for (const manifest of [from.image, ...index.children.map(c => c.manifest)]) {
      const pinned = to.reference.replace(/:1$/, `@${manifest.descriptor.digest}`);
      for (const carrier of ['simplesigning', 'bundle'] as const) {
        expect(
          (await verifyImage(to.access, pinned, { keys: [trust('ada', ada)], carriers: [carrier] })).code,
        ).toBeNull();
      }
    }
    expect(
      (await to.store.fetchManifest({ tag: attachmentTag(from.digest, '.att') }))?.descriptor.digest,
    ).toBe(att.descriptor.digest);
    expect((await to.store.fetchManifest({ tag: '1' }))?.descriptor.digest).toBe(from.digest);
  });

  test('signatures of source and destination are united, and copying again changes nothing', async () => {
    const [ada, ben] = await Promise.all([aSigner('ada'), aSigner('ben')]);
    const from = await layoutWith();
    const to = await layoutWith();
    await signImage(from.store, from.image, [ada], { now });
    await signImage(to.store, to.image, [ben], { now });
    await copyImage(from.store, to.store, from.image, { tag: '1' });
    const keys = [trust('ada', ada), trust('ben', ben)];
    for (const carrier of ['simplesigning', 'bundle'] as const) {
      expect((await verifyImage(to.access, to.reference, { keys, carriers: [carrier] })).code).toBeNull();
    }
    const before = await to.store.fetchManifest({ tag: attachmentTag(to.digest, '.sig') });
    await copyImage(from.store, to.store, from.image, { tag: '1' });
    expect(await to.store.fetchManifest({ tag: attachmentTag(to.digest, '.sig') })).toEqual(before);
  });

  test('a referrer that refers to something else does not come along', async () => {
    const from = await layoutWith();
    const stray = anImage('stray').manifest;
    const lying = serializeManifest({
      manifests: [{ ...stray.descriptor, artifactType: 'application/vnd.dev.sigstore.bundle.v0.3+json' }],
    });
    const other = await layoutWith(anImage('stray'));
    await copyImage(other.store, from.store, other.image, { tag: 'stray' });
    await from.store.writeManifest(lying, attachmentTag(from.digest));
    const to = await target();
    expect((await copyImage(from.store, to.store, from.image, { tag: '1' })).referrers).toEqual([]);
  });

  test('a blob that does not match its digest stops the copy before the tag', async () => {
    const from = await layoutWith();
    const { writeFile } = await import('node:fs/promises');
    const layer = JSON.parse(text(from.image.bytes)).layers[0].digest.slice(7);
    await writeFile(`${from.folder}/blobs/sha256/${layer}`, utf8('rubbish'));
    const to = await target();
    expect(await codeOfAsync(copyImage(from.store, to.store, from.image, { tag: '1' }))).toMatch(
      /^oci-(size|digest)-mismatch$/,
    );
    expect(await to.store.fetchManifest({ tag: '1' }).catch(() => undefined)).toBeUndefined();
  });

  test('a payload too large to be a payload is not read', async () => {
    const ada = await aSigner('ada');
    const from = await layoutWith();
    const huge = new Uint8Array(1024 * 1024 + 1).fill(0x20);
    await plantPayload(from.store, from.digest, huge, ada.sign(huge));
    const verdict = await verifyImage(from.access, from.reference, { keys: [trust('ada', ada)] });
    expect(verdict.code).toBe('limit-exceeded');
    expect(rawManifest('application/x', huge).descriptor.size).toBe(huge.length);
  });
});
