import { describe, expect, test } from 'vitest';
import { type ContentClaim, isContentClaim } from '../../../src/custody/index.js';
import { buildImage, buildIndex, type TestImage } from '../../../src/testing/image.js';
import { collectEverything } from '../../../src/verify/collect-marks.js';
import { DAY } from '../custody/world.js';
import { codeOfAsync } from '../support.js';
import {
  baseImage,
  NOW,
  onTop,
  openWorkshop,
  PLACES,
  threeImages,
  upToApp,
  type Workshop,
  withStep,
} from './workshop.js';

async function placesOf({ store }: Workshop, name: string, image: TestImage) {
  const { marks } = await collectEverything(await store(name), image.manifest.descriptor.digest);
  return [...new Set(marks.map(({ carrier, place }) => `${place} ${carrier}`))].sort();
}

describe.each(PLACES)('in %s', place => {
  test('three teams build on one another, and each layer has its owner', async () => {
    const workshop = await openWorkshop(place);
    const { app } = await upToApp(workshop);
    const { images, index } = await workshop.mark('app', { base: 'runtime' });
    expect(index).toBeNull();
    expect(images[0]?.signatures.map(({ carrier, added }) => [carrier, added])).toEqual([
      ['simplesigning', true],
      ['bundle', true],
    ]);
    const outcome = await workshop.verify('app');
    expect(outcome).toMatchObject({ code: null, digest: app.manifest.descriptor.digest });
    expect(
      outcome.custody?.chain.map(({ step, span, signers }) => [step, span.from, span.to, signers]),
    ).toEqual([
      ['base', 0, 2, ['linus']],
      ['runtime', 2, 3, ['ada']],
      ['app', 3, 4, ['alan']],
    ]);
    expect(outcome.custody?.layers.map(({ team }) => team)).toEqual(['base', 'base', 'runtime', 'app']);
    // Its own mark lies on the image in both carriers, those of the others travel in the artifact.
    expect(await placesOf(workshop, 'app', app)).toEqual([
      'artifact bundle',
      'artifact simplesigning',
      'attached bundle',
      'attached simplesigning',
    ]);
    expect((await workshop.claims('app', app)).map(({ step }) => step).sort()).toEqual([
      'app',
      'base',
      'runtime',
    ]);
  });

  test('the same twice writes nothing', async () => {
    const workshop = await openWorkshop(place);
    await upToApp(workshop);
    const [first] = (await workshop.mark('app', { base: 'runtime' })).images;
    const before = workshop.state();
    const later = new Date(NOW.getTime() + 60_000);
    const [again] = (await workshop.mark('app', { base: 'runtime', now: later })).images;
    expect(again).toMatchObject({ claim: first?.claim, artifact: first?.artifact });
    expect(again?.signatures.map(({ added }) => added)).toEqual([false, false]);
    expect(workshop.state()).toBe(before);
  });

  test('two people who mark the same sign one claim, and reach a threshold of two', async () => {
    const workshop = await openWorkshop(place, withStep('base', { threshold: 2 }));
    await workshop.push('base', baseImage());
    const [first] = (await workshop.mark('base', { by: 'linus' })).images;
    expect(first?.signers).toEqual(['linus']);
    expect(await workshop.verify('base', { handover: 'app' })).toMatchObject({ code: 'threshold-not-met' });
    const later = new Date(NOW.getTime() + 60_000);
    const [second] = (await workshop.mark('base', { by: 'grace', now: later })).images;
    expect(second).toMatchObject({ claim: first?.claim, signers: ['grace', 'linus'] });
    expect(await workshop.verify('base', { handover: 'app' })).toMatchObject({ code: null });
  });
});

test('several keys sign at once', async () => {
  const workshop = await openWorkshop('a layout', withStep('base', { threshold: 2 }));
  await workshop.push('base', baseImage());
  const [marked] = (await workshop.mark('base', { by: ['linus', 'grace'] })).images;
  expect(marked?.signers).toEqual(['grace', 'linus']);
  expect(await workshop.verify('base', { handover: 'app' })).toMatchObject({ code: null });
});

test('a step that changes the config only', async () => {
  const workshop = await openWorkshop();
  const { base } = await upToApp(workshop);
  await workshop.push('app', buildImage({ base, layers: [], config: { config: { Cmd: ['run'] } } }));
  const [marked] = (await workshop.mark('app', { base: 'base' })).images;
  expect(marked?.verdict.chain.at(-1)).toMatchObject({ kind: 'config', span: { from: 2, to: 2 } });
  expect(await workshop.verify('app')).toMatchObject({ code: null });
});

test('an image without layers', async () => {
  const workshop = await openWorkshop();
  const empty = buildImage({ layers: [] });
  await workshop.push('base', empty);
  const [marked] = (await workshop.mark('base')).images;
  expect(marked?.verdict.chain).toMatchObject([{ kind: 'config', span: { from: 0, to: 0 } }]);
  await workshop.push('app', onTop(empty, 'opt/app/main'));
  await workshop.mark('app', { base: 'base' });
  expect(await workshop.verify('app')).toMatchObject({ code: null });
});

describe('adopting', () => {
  const verified = withStep('base', { upstream: ['docker.io/library/debian'], upstreamVerified: true });
  const adopt = (verifiedBy: string, ref = 'docker.io/library/debian:12') => ({
    adopt: { ref, verifiedBy: [verifiedBy] },
  });

  test.each(['digest:sha256:1', 'cosign-key:1'])('an upstream of which %s was checked', async check => {
    const workshop = await openWorkshop('a registry', verified);
    await workshop.push('base', baseImage());
    await workshop.mark('base', adopt(check));
    await workshop.push('app', onTop(baseImage(), 'opt/app/main'));
    await workshop.mark('app', { base: 'base' });
    const outcome = await workshop.verify('app');
    expect(outcome.code).toBeNull();
    expect(outcome.custody?.layers.map(({ adopted }) => adopted)).toEqual([true, true, false]);
  });

  test.each([
    ['nothing was checked about it', adopt('none'), 'evidence-missing'],
    ['the policy does not allow it', adopt('digest:1', 'docker.io/library/alpine'), 'upstream-denied'],
    ['its name is none', adopt('digest:1', 'oci:debian'), 'upstream-denied'],
  ])('is refused when %s', async (_, how, code) => {
    const workshop = await openWorkshop('a registry', verified);
    await workshop.push('base', baseImage());
    const before = workshop.state();
    expect(await codeOfAsync(workshop.mark('base', how))).toBe(code);
    expect(workshop.state()).toBe(before);
  });

  test('is done without a check where the policy wants none', async () => {
    const workshop = await openWorkshop();
    await workshop.push('base', baseImage());
    await workshop.mark('base', adopt('none'));
    expect(await workshop.verify('base', { handover: 'app' })).toMatchObject({ code: null });
  });
});

test('handed to one team, it is built on by that team only', async () => {
  const workshop = await openWorkshop();
  const { base, app } = threeImages();
  await workshop.push('base', base);
  await workshop.mark('base', { next: ['runtime'] });
  await workshop.push('app', app);
  expect(await codeOfAsync(workshop.mark('app', { base: 'base' }))).toBe('handover-denied');
  await workshop.push('runtime', onTop(base, 'usr/bin/run'));
  expect(await codeOfAsync(workshop.mark('runtime', { base: 'base' }))).toBeUndefined();
});

test('a claim ends when it says so, and is made anew then', async () => {
  const workshop = await openWorkshop();
  await workshop.push('base', baseImage());
  const [first] = (await workshop.mark('base', { expires: new Date(NOW.getTime() + DAY) })).images;
  const later = new Date(NOW.getTime() + 2 * DAY);
  expect(await workshop.verify('base', { handover: 'app', now: later })).toMatchObject({
    code: 'mark-expired',
  });
  const [second] = (await workshop.mark('base', { now: later })).images;
  expect(second?.claim).not.toBe(first?.claim);
  expect(await workshop.verify('base', { handover: 'app', now: later })).toMatchObject({ code: null });
});

test('a claim that the policy finds too old is made anew as well', async () => {
  const workshop = await openWorkshop('a layout', withStep('base', { maxAge: 30 * DAY }));
  await workshop.push('base', baseImage());
  await workshop.mark('base');
  const later = new Date(NOW.getTime() + 31 * DAY);
  expect(await workshop.verify('base', { handover: 'app', now: later })).toMatchObject({
    code: 'mark-stale',
  });
  await workshop.mark('base', { now: later });
  expect(await workshop.verify('base', { handover: 'app', now: later })).toMatchObject({ code: null });
});

describe('a claim that the team has made before', () => {
  test('stands in the way of another one, which says in what it differs and what can be done', async () => {
    const workshop = await openWorkshop();
    await workshop.push('base', baseImage());
    await workshop.mark('base');
    const before = workshop.state();
    const error = await workshop.mark('base', { next: ['app'] }).catch(e => e);
    expect(error).toMatchObject({ code: 'duplicate-claims', details: { differs: ['next'] } });
    expect(error.hint).toMatch(/co-sign.*withdraw.*--renew/);
    expect(workshop.state()).toBe(before);
  });

  test('is joined whatever index the base was found through', async () => {
    const workshop = await openWorkshop('a registry', withStep('app', { threshold: 2 }));
    const { app, runtime } = await upToApp(workshop);
    await (await workshop.store('runtime')).writeManifest(buildIndex([runtime]).manifest, 'all');
    const [first] = (await workshop.mark('app', { base: 'runtime:all' })).images;
    const [second] = (await workshop.mark('app', { base: 'runtime', by: 'kurt' })).images;
    expect(second?.claim).toBe(first?.claim);
    expect(await workshop.verify('app')).toMatchObject({
      code: null,
      digest: app.manifest.descriptor.digest,
    });
  });

  test('is left alone with renew, and both hold', async () => {
    const workshop = await openWorkshop();
    await workshop.push('base', baseImage());
    const [first] = (await workshop.mark('base')).images;
    const now = new Date(NOW.getTime() + 60_000);
    const [second] = (await workshop.mark('base', { renew: true, now, next: ['app'] })).images;
    expect(second?.claim).not.toBe(first?.claim);
    const outcome = await workshop.verify('base', { handover: 'app', now });
    expect(outcome).toMatchObject({ code: null });
    // The older one does not hide that the newer one is for another team.
    const [third] = (await workshop.mark('base', { renew: true, now, next: ['runtime'] })).images;
    expect(third?.verdict.chain.at(-1)?.claim).toBe(third?.claim);
  });

  test('does not stand in the way when it was taken back', async () => {
    const workshop = await openWorkshop();
    await workshop.push('base', baseImage());
    const [first] = (await workshop.mark('base')).images;
    await workshop.withdraw('base', 'linus');
    expect(await workshop.verify('base', { handover: 'app' })).toMatchObject({ code: 'mark-withdrawn' });
    // In the same second: what is claimed anew is later than the withdrawal.
    const [second] = (await workshop.mark('base')).images;
    expect(second?.claim).not.toBe(first?.claim);
    expect(await workshop.verify('base', { handover: 'app' })).toMatchObject({ code: null });
  });

  test('may not be contradicted about the owner of a layer', async () => {
    const optional = (policy: Workshop['policy']) => ({
      flow: policy.flow.map(step => ({ ...step, count: [0, 1] as const })),
    });
    const workshop = await openWorkshop('a registry', optional);
    const image = baseImage();
    await workshop.push('base', image);
    await workshop.mark('base');
    const before = workshop.state();
    const error = await workshop.mark('base', { team: 'app' }).catch(e => e);
    expect(error).toMatchObject({ code: 'custody-ambiguous' });
    expect(workshop.state()).toBe(before);
  });
});

test('the claim says what was checked, by which policy, with which tool', async () => {
  const workshop = await openWorkshop();
  const { app } = await upToApp(workshop);
  await workshop.mark('app', { base: 'runtime', creator: 'touchmark/9' });
  const found = await workshop.claims('app', app);
  const claim = found.find(known => isContentClaim(known) && known.team === 'app') as ContentClaim;
  expect(claim).toMatchObject({
    policy: { name: 'shop', version: 1, digest: workshop.policy.digest },
    checked: { verdict: 'pass', level: 'manifest', tool: 'touchmark/9', at: '2026-11-20T12:00:00Z' },
    base: { layers: 3 },
    prev: { team: 'runtime', step: 'runtime' },
  });
});
