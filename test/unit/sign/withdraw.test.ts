import { expect, test } from 'vitest';
import { attachmentTag } from '../../../src/oci/reference.js';
import { collectSignatures } from '../../../src/verify/collect.js';
import { codeOfAsync } from '../support.js';
import { NOW, openWorkshop, PLACES, SCAN, threeImages, upToApp, type Workshop } from './workshop.js';

const minute = (count: number) => new Date(NOW.getTime() + count * 60_000);

async function finished(workshop: Workshop) {
  const images = await upToApp(workshop);
  await workshop.mark('app', { base: 'runtime' });
  return images;
}

test.each(PLACES)('what a team takes back is a no, in %s', async place => {
  const workshop = await openWorkshop(place);
  const { app } = await finished(workshop);
  expect(await workshop.verify('app')).toMatchObject({ code: null });
  const [withdrawn] = await workshop.withdraw('app', 'kurt', { reason: 'CVE-2027-1', now: minute(1) });
  expect(withdrawn?.document).toMatchObject({ kind: 'withdraw', team: 'app', 'x-reason': 'CVE-2027-1' });
  expect(await workshop.verify('app', { now: minute(2) })).toMatchObject({
    code: 'mark-withdrawn',
    digest: app.manifest.descriptor.digest,
  });
});

test('what was taken back is not built on', async () => {
  const workshop = await openWorkshop();
  const { base, runtime } = threeImages();
  await workshop.push('base', base);
  await workshop.mark('base');
  await workshop.push('runtime', runtime);
  await workshop.withdraw('base', 'grace', { now: minute(1) });
  expect(await codeOfAsync(workshop.mark('runtime', { base: 'base', now: minute(2) }))).toBe(
    'mark-withdrawn',
  );
  // Marked all the same, it carries the withdrawal.
  await workshop.mark('runtime', { base: 'base', now: minute(2), unchecked: true });
  const outcome = await workshop.verify('runtime', { now: minute(2), handover: 'app' });
  expect(outcome.custody?.findings.map(({ code }) => code)).toContain('base-withdrawn');
});

test('each team takes back its own', async () => {
  const workshop = await openWorkshop();
  const { app } = await finished(workshop);
  const before = workshop.state();
  const claims = await workshop.claims('app', app);
  expect(claims).toHaveLength(3);
  const [marked] = (await workshop.mark('app', { base: 'runtime' })).images;
  const said = (options: object, by = 'ada') =>
    workshop.withdraw('app', by, options).catch(e => `${e.code}: ${e.message}`);
  expect(await said({})).toMatch(/^no-marks: team runtime has claimed nothing of this image/);
  expect(await said({ claim: marked?.claim })).toMatch(/^key-not-authorised: that is a claim of team app/);
  expect(await said({ team: 'app' })).toMatch(/^key-not-authorised: key [0-9a-f]{12} is no key of team app/);
  expect(await said({ team: 'ap' })).toMatch(/^usage-argument/);
  expect(await said({ claim: `sha256:${'0'.repeat(64)}` })).toMatch(/^no-marks: there is no claim sha256:0/);
  expect(workshop.state()).toBe(before);
});

test('twice writes nothing, and another signer may join', async () => {
  const workshop = await openWorkshop();
  await finished(workshop);
  const [first] = await workshop.withdraw('app', 'alan', { now: minute(1) });
  const before = workshop.state();
  const [again] = await workshop.withdraw('app', 'alan', { now: minute(2) });
  expect(again).toEqual(first);
  expect(workshop.state()).toBe(before);
  const [joined] = await workshop.withdraw('app', 'kurt', { now: minute(3) });
  expect(joined?.claim).toBe(first?.claim);
  expect(workshop.state()).not.toBe(before);
  // For another reason it is another claim.
  const [other] = await workshop.withdraw('app', 'alan', { now: minute(3), reason: 'CVE-2027-2' });
  expect(other?.claim).not.toBe(first?.claim);
});

test('of approvals all are taken back, for an older one would count in place of the newest', async () => {
  const workshop = await openWorkshop('a registry', () => ({ approvals: [SCAN] }));
  const { app } = await finished(workshop);
  await workshop.approve('app', 'scan', 'sue');
  const newest = await workshop.approve('app', 'scan', 'sue', { now: minute(1) });
  const [only] = await workshop.withdraw('app', 'sue', { claim: newest.claim, now: minute(2) });
  expect(only?.document).toMatchObject({ prev: { claim: newest.claim } });
  expect(await workshop.verify('app', { now: minute(2) })).toMatchObject({ code: null });
  expect(await workshop.withdraw('app', 'sam', { now: minute(3) })).toHaveLength(2);
  expect(await workshop.verify('app', { now: minute(3) })).toMatchObject({ code: 'mark-withdrawn' });
  // In the same second: what is said anew is later than the withdrawal.
  await workshop.approve('app', 'scan', 'sue', { now: minute(3) });
  const outcome = await workshop.verify('app', { now: minute(3) });
  expect(outcome).toMatchObject({ code: null, digest: app.manifest.descriptor.digest });
});

test('the team that also built it takes back both its content and its approvals', async () => {
  const rule = { ...SCAN, team: 'app' };
  const workshop = await openWorkshop('a layout', () => ({ approvals: [rule], distinctSigners: false }));
  await finished(workshop);
  await workshop.approve('app', 'scan', 'kurt');
  const withdrawn = await workshop.withdraw('app', 'alan', { now: minute(1) });
  expect(withdrawn.map(({ document }) => document.kind === 'withdraw' && document.prev.step)).toEqual([
    'app',
    'scan',
  ]);
});

test('no signature of the image says it: only the custody artifact changes', async () => {
  const workshop = await openWorkshop();
  const { app } = await finished(workshop);
  const { digest } = app.manifest.descriptor;
  const store = await workshop.store('app');
  const look = async () => {
    const signatures: string[] = [];
    for await (const found of collectSignatures(store, digest, ['bundle', 'simplesigning'])) {
      signatures.push(
        ...found.signatures.map(({ carrier, payload }) => `${carrier} ${Buffer.from(payload)}`),
      );
    }
    const { descriptors } = await store.listReferrers(digest);
    return {
      signatures,
      sig: (await store.fetchManifest({ tag: attachmentTag(digest, '.sig') }))?.descriptor.digest,
      bundles: descriptors.filter(({ artifactType }) => artifactType?.includes('bundle')).map(d => d.digest),
      image: (await store.fetchManifest({ tag: '1' }))?.descriptor.digest,
    };
  };
  const before = await look();
  expect(before.signatures).toHaveLength(2);
  await workshop.withdraw('app', 'alan');
  expect(await look()).toEqual(before);
});
