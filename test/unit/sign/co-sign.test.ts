import { gzipSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import { draftContentClaim } from '../../../src/custody/index.js';
import { describe as describeBlob } from '../../../src/oci/descriptor.js';
import { parseManifest } from '../../../src/oci/manifest.js';
import { MEDIA_TYPES } from '../../../src/oci/media-types.js';
import { buildImage, buildLayer, buildTar } from '../../../src/testing/image.js';
import { plantBundle } from '../custody-images.js';
import { codeOfAsync } from '../support.js';
import { baseImage, NOW, onTop, openWorkshop, PLACES, RELEASE, SCAN, upToApp, withStep } from './workshop.js';

const minute = new Date(NOW.getTime() + 60_000);
const twoOfBase = withStep('base', { threshold: 2 });

test.each(PLACES)('the second signer reaches the threshold, in %s', async place => {
  const workshop = await openWorkshop(place, twoOfBase);
  await workshop.push('base', baseImage());
  const [first] = (await workshop.mark('base')).images;
  const second = await workshop.coSign('base', 'grace', { now: minute });
  expect(second).toMatchObject({ claim: first?.claim, signers: ['grace', 'linus'] });
  expect(second.signatures.map(({ added }) => added)).toEqual([true, true]);
  expect(await workshop.verify('base', { handover: 'app', now: minute })).toMatchObject({ code: null });
});

test('of an approval', async () => {
  const workshop = await openWorkshop('a registry', () => ({ approvals: [SCAN, RELEASE] }));
  await upToApp(workshop);
  await workshop.mark('app', { base: 'runtime' });
  await workshop.approve('app', 'scan', 'sue');
  const first = await workshop.approve('app', 'release', 'rob');
  const second = await workshop.coSign('app', 'ria', { now: minute });
  expect(second).toMatchObject({ claim: first.claim, signers: ['ria', 'rob'] });
  expect(await workshop.verify('app', { now: minute })).toMatchObject({ code: null });
});

test('without anything to sign it says what is there', async () => {
  const workshop = await openWorkshop('a layout', twoOfBase);
  await workshop.push('base', baseImage());
  const said = () => workshop.coSign('base', 'grace').catch(e => `${e.code}: ${e.message}`);
  expect(await said()).toMatch(/^no-marks: team base has claimed nothing of this image/);
  await workshop.mark('base');
  await workshop.withdraw('base', 'linus');
  expect(await said()).toMatch(/^no-marks: team base has no claim about it that still counts/);
  expect(await codeOfAsync(workshop.coSign('base', 'grace', { team: 'bsae' }))).toBe('usage-argument');
});

test('what has signers enough is signed all the same: twice writes nothing, one carrier gets its missing mark', async () => {
  const workshop = await openWorkshop('a registry', twoOfBase);
  const image = baseImage();
  const store = await workshop.push('base', image);
  await workshop.mark('base');
  await workshop.coSign('base', 'grace');
  const before = workshop.state();
  await workshop.coSign('base', 'grace', { now: minute });
  expect(workshop.state()).toBe(before);
  // As if it had been stopped before the bundle was written.
  const { descriptors } = await store.listReferrers(image.manifest.descriptor.digest);
  const repository = workshop.registry?.repository('shop/base');
  for (const { digest, artifactType } of descriptors)
    if (artifactType?.includes('bundle')) repository?.manifests.delete(digest);
  const again = await workshop.coSign('base', 'grace', { now: minute });
  expect(again.signatures.map(({ carrier, added }) => [carrier, added])).toEqual([
    ['simplesigning', false],
    ['bundle', true],
  ]);
});

test('of two open claims one is chosen by its digest', async () => {
  const workshop = await openWorkshop('a layout', twoOfBase);
  await workshop.push('base', baseImage());
  const [first] = (await workshop.mark('base')).images;
  const [second] = (await workshop.mark('base', { renew: true, now: minute, next: ['app'] })).images;
  const error = await workshop.coSign('base', 'grace', { now: minute }).catch(e => e);
  expect(error).toMatchObject({ code: 'usage-argument' });
  for (const marked of [first, second]) expect(error.hint).toContain(marked?.claim);
  const signed = await workshop.coSign('base', 'grace', { now: minute, claim: second?.claim });
  expect(signed).toMatchObject({ claim: second?.claim, signers: ['grace', 'linus'] });
  const other = `sha256:${'0'.repeat(64)}` as typeof signed.claim;
  expect(await codeOfAsync(workshop.coSign('base', 'grace', { claim: other }))).toBe('no-marks');
  // What was taken back is not offered.
  await workshop.withdraw('base', 'linus', { claim: first?.claim, now: minute });
  expect(await codeOfAsync(workshop.coSign('base', 'grace', { now: minute, claim: first?.claim }))).toBe(
    'mark-withdrawn',
  );
});

test('a claim in the name of the team that nobody of the team has signed is not offered', async () => {
  const workshop = await openWorkshop('a registry', twoOfBase);
  const image = baseImage();
  const store = await workshop.push('base', image);
  const manifest = parseManifest(image.manifest);
  if (manifest.kind !== 'image') throw new Error('not an image');
  const claim = draftContentClaim({
    team: 'base',
    step: 'base',
    repository: store.repository,
    platform: image.platform,
    image: {
      manifest: image.manifest.descriptor,
      config: manifest.config,
      layers: manifest.layers,
      diffIDs: image.layers.map(({ diffId }) => diffId),
    },
    time: NOW,
    policy: workshop.policy,
  });
  // Somebody else's key, of a team that the policy knows: the application team would like the base team's word.
  await plantBundle(store, image.manifest, claim, 'alan');
  const before = workshop.state();
  expect(await codeOfAsync(workshop.coSign('base', 'grace'))).toBe('no-marks');
  expect(workshop.state()).toBe(before);
});

describe('who co-signs has checked', () => {
  const files = { 'etc/os-release': 'ID=demo' };
  const plain = buildLayer(files);
  const base = buildImage({ layers: [plain] });
  const own = buildLayer({ 'opt/app/main': 'x' });
  const gzip = `${MEDIA_TYPES.ociLayer}+gzip`;
  const bytes = gzipSync(buildTar(files), { level: 1 });
  const recompressed = { descriptor: describeBlob(gzip, bytes), bytes, diffId: plain.diffId };

  async function marked(layers: Parameters<typeof buildImage>[0]['layers']) {
    const workshop = await openWorkshop('a registry', withStep('app', { threshold: 2 }));
    await workshop.push('base', base);
    await workshop.mark('base');
    await workshop.push('app', buildImage({ layers }));
    await workshop.mark('app', { base: 'base' });
    return workshop;
  }

  test.each([
    ['a layer of the step', [plain, own], own],
    ['a layer below that is stored in other bytes', [recompressed, own], recompressed],
  ])('%s that has changed since is found', async (_, layers, changed) => {
    const workshop = await marked(layers);
    workshop.registry
      ?.repository('shop/app')
      .blobs.set(changed.descriptor.digest, new Uint8Array(changed.bytes.length));
    const before = workshop.state();
    expect(await codeOfAsync(workshop.coSign('app', 'kurt'))).toBe('blob-digest-mismatch');
    expect(workshop.state()).toBe(before);
  });

  test('what is unchanged is signed', async () => {
    const workshop = await marked([recompressed, own]);
    expect(await workshop.coSign('app', 'kurt')).toMatchObject({ signers: ['alan', 'kurt'] });
    expect(await workshop.verify('app')).toMatchObject({ code: null });
  });

  test('an approval of an image whose scan has grown old is not co-signed', async () => {
    const workshop = await openWorkshop('a registry', () => ({ approvals: [SCAN, RELEASE] }));
    await upToApp(workshop);
    await workshop.mark('app', { base: 'runtime' });
    await workshop.approve('app', 'scan', 'sue');
    await workshop.approve('app', 'release', 'rob');
    const now = new Date(NOW.getTime() + 8 * 86_400_000);
    expect(await codeOfAsync(workshop.coSign('app', 'ria', { now }))).toBe('mark-stale');
  });
});

test('a key of another team is refused', async () => {
  const workshop = await openWorkshop('a layout', twoOfBase);
  await workshop.push('base', baseImage());
  await workshop.mark('base');
  await workshop.push('app', onTop(baseImage(), 'x'));
  const before = workshop.state();
  expect(await codeOfAsync(workshop.coSign('base', 'alan', { team: 'base' }))).toBe('key-not-authorised');
  expect(workshop.state()).toBe(before);
});
