import { describe, expect, test } from 'vitest';
import type { IndexClaim } from '../../../src/custody/index.js';
import { serializeManifest } from '../../../src/oci/manifest.js';
import { MEDIA_TYPES } from '../../../src/oci/media-types.js';
import { listImages } from '../../../src/sign/mark-images.js';
import { buildImage, buildIndex, type TestImage, type TestIndex } from '../../../src/testing/image.js';
import { codeOfAsync } from '../support.js';
import { baseImage, locate, NOW, onTop, openWorkshop, PLACES, type Workshop, withStep } from './workshop.js';

const AMD64 = { os: 'linux', architecture: 'amd64' };
const ARM64 = { os: 'linux', architecture: 'arm64' };

/** An index of two platforms and BuildKit's attestation manifest. */
function withAttestation(images: readonly TestImage[]): TestIndex {
  const attestation = buildImage({ layers: [{ 'attestation.json': '{}' }] });
  const plain = JSON.parse(Buffer.from(buildIndex(images).manifest.bytes).toString());
  const manifest = serializeManifest({
    mediaType: MEDIA_TYPES.ociIndex,
    manifests: [
      ...plain.manifests,
      {
        ...attestation.manifest.descriptor,
        platform: { os: 'unknown', architecture: 'unknown' },
        annotations: { 'vnd.docker.reference.type': 'attestation-manifest' },
      },
    ],
  });
  return { manifest, children: [...images, attestation] };
}

const platforms = [AMD64, ARM64];
const bases = platforms.map(platform => baseImage({ platform }));
const apps = bases.map(base => onTop(base, 'opt/app/main'));
const app = withAttestation(apps);

async function withBase(workshop: Workshop, base: TestImage | TestIndex) {
  await workshop.push('base', base);
  await workshop.mark('base');
  await workshop.push('app', app);
}

const indexClaims = async (workshop: Workshop) =>
  (await workshop.claims('app', app)).filter((claim): claim is IndexClaim => claim.kind === 'index');

describe.each(PLACES)('an index in %s', place => {
  test('is marked image by image on the base of its platform, and as a whole', async () => {
    const workshop = await openWorkshop(place);
    await withBase(workshop, buildIndex(bases));
    const { images, index } = await workshop.mark('app', { base: 'base' });
    expect(images.map(({ subject }) => subject)).toEqual(
      apps.map(({ manifest }) => manifest.descriptor.digest),
    );
    const outcome = await workshop.verify('app');
    expect(outcome).toMatchObject({ code: null, index: { verdict: 'pass' } });
    expect(outcome.index?.children.map(({ chain }) => chain.map(({ step }) => step))).toEqual([
      ['base', 'app'],
      ['base', 'app'],
    ]);

    const [claim, ...more] = await indexClaims(workshop);
    expect(more).toEqual([]);
    expect(index).toMatchObject({ subject: app.manifest.descriptor.digest, document: claim });
    const children = claim?.children ?? [];
    expect(children.map(({ manifest }) => manifest)).toEqual(
      app.children.map(({ manifest }) => manifest.descriptor.digest).sort(),
    );
    const byManifest = new Map(children.map(child => [child.manifest, child]));
    for (const { subject, claim: digest } of images) expect(byManifest.get(subject)?.claim).toBe(digest);
    const attestation = app.children[2]?.manifest.descriptor.digest;
    expect(attestation && byManifest.get(attestation)?.claim).toBeNull();
  });

  test('marked again writes nothing', async () => {
    const workshop = await openWorkshop(place);
    await withBase(workshop, buildIndex(bases));
    await workshop.mark('app', { base: 'base' });
    const before = workshop.state();
    await workshop.mark('app', { base: 'base', now: new Date(NOW.getTime() + 60_000) });
    expect(workshop.state()).toBe(before);
    expect(await indexClaims(workshop)).toHaveLength(1);
  });
});

test('one platform is marked without a word about the index, the rest later', async () => {
  const workshop = await openWorkshop();
  await withBase(workshop, buildIndex(bases));
  const { images, index } = await workshop.mark('app', { base: 'base', platform: 'linux/arm64/v8' });
  expect(images.map(({ subject }) => subject)).toEqual([apps[1]?.manifest.descriptor.digest]);
  expect(index).toBeNull();
  expect(await workshop.verify('app', { platform: 'linux/arm64' })).toMatchObject({ code: null });
  expect(await workshop.verify('app')).toMatchObject({ code: 'index-child-unmarked' });
  const all = await workshop.mark('app', { base: 'base' });
  expect(all.images.map(({ signatures }) => signatures.map(({ added }) => added))).toEqual([
    [true, true],
    [false, false],
  ]);
  expect(await workshop.verify('app')).toMatchObject({ code: null });
});

test.each([
  ['a base that is one image', bases[0] as TestImage],
  ['a base index without one platform', buildIndex(bases.slice(0, 1))],
])('%s will not do, and nothing is written', async (_, base) => {
  const workshop = await openWorkshop();
  await withBase(workshop, base);
  const before = workshop.state();
  const error = await workshop.mark('app', { base: 'base' }).catch(e => e);
  expect(error).toMatchObject({ code: 'platform-mismatch', details: { platforms: ['linux/amd64'] } });
  expect(workshop.state()).toBe(before);
  // For its own platform it does.
  await workshop.mark('app', { base: 'base', platform: 'linux/amd64' });
});

test('two people mark an index, and one index claim has both', async () => {
  const workshop = await openWorkshop('a registry', withStep('app', { threshold: 2 }));
  await withBase(workshop, buildIndex(bases));
  const first = await workshop.mark('app', { base: 'base', by: 'alan' });
  expect(await workshop.verify('app')).toMatchObject({ code: 'threshold-not-met' });
  const now = new Date(NOW.getTime() + 60_000);
  const second = await workshop.mark('app', { base: 'base', by: 'kurt', now });
  expect(second.index?.claim).toBe(first.index?.claim);
  expect(await workshop.verify('app', { now })).toMatchObject({ code: null });
});

test('a claim about an index is no signature of it: it lies in the artifact only', async () => {
  const workshop = await openWorkshop();
  await withBase(workshop, buildIndex(bases));
  await workshop.mark('app', { base: 'base' });
  const { digest } = app.manifest.descriptor;
  const store = await workshop.store('app');
  expect(await store.fetchManifest({ tag: `${digest.replace(':', '-')}.sig` })).toBeUndefined();
  const { descriptors } = await store.listReferrers(digest);
  expect(descriptors.map(({ artifactType }) => artifactType)).toEqual([
    'application/vnd.touchmark.custody.chain.v1+json',
  ]);
});

describe('the images of an index', () => {
  test('are chosen by platform', async () => {
    const workshop = await openWorkshop();
    await workshop.push('app', app);
    const located = await locate(await workshop.store('app'));
    expect(await listImages(located, undefined)).toHaveLength(2);
    expect(await listImages(located, 'linux/arm64')).toHaveLength(1);
    expect(await codeOfAsync(listImages(located, 'arm64'))).toBe('usage-argument');
    const error = await listImages(located, 'linux/s390x').catch(e => e);
    expect(error).toMatchObject({
      code: 'oci-not-found',
      details: { platforms: ['linux/amd64', 'linux/arm64'] },
    });
  });

  test('must be there', async () => {
    const workshop = await openWorkshop();
    await workshop.push('app', app);
    workshop.registry?.repository('shop/app').manifests.delete(apps[1]?.manifest.descriptor.digest ?? '');
    expect(await codeOfAsync(workshop.mark('app', { base: undefined } as never))).toBe('layer-unavailable');
  });
});
