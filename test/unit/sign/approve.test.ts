import { describe, expect, test } from 'vitest';
import { computeDigest } from '../../../src/base/digest.js';
import type { CustodyPolicy } from '../../../src/custody/index.js';
import { openPredicates } from '../../../src/policy/index.js';
import { DAY } from '../custody/world.js';
import { codeOfAsync } from '../support.js';
import {
  BASE_QA,
  NOW,
  openWorkshop,
  PLACES,
  type Place,
  RELEASE,
  SCAN,
  threeImages,
  upToApp,
  type Workshop,
} from './workshop.js';

const later = (days: number) => new Date(NOW.getTime() + days * DAY);
const minute = (count: number) => new Date(NOW.getTime() + count * 60_000);

async function finished(
  approvals: CustodyPolicy['approvals'],
  place: Place = 'a registry',
): Promise<Workshop & { readonly app: Awaited<ReturnType<typeof upToApp>>['app'] }> {
  const workshop = await openWorkshop(place, () => ({ approvals }));
  const { app } = await upToApp(workshop);
  await workshop.mark('app', { base: 'runtime' });
  return { ...workshop, app };
}

describe.each(PLACES)('in %s', place => {
  test('an approval makes the difference, and travels with the image', async () => {
    const workshop = await finished([SCAN], place);
    expect(await workshop.verify('app')).toMatchObject({ code: 'approval-missing' });
    const written = await workshop.approve('app', 'scan', 'sue');
    expect(written).toMatchObject({ signers: ['sue'], verdict: { verdict: 'pass' } });
    const outcome = await workshop.verify('app');
    expect(outcome.code).toBeNull();
    expect(outcome.custody?.approvals).toMatchObject([{ rule: 'scan', team: 'security', signers: ['sue'] }]);
  });
});

test('an approval that comes after another names what it has seen', async () => {
  const workshop = await finished([SCAN, { ...RELEASE, threshold: 1 }]);
  const before = workshop.state();
  expect(await codeOfAsync(workshop.approve('app', 'release', 'rob'))).toBe('approval-missing');
  expect(workshop.state()).toBe(before);
  const scan = await workshop.approve('app', 'scan', 'sue');
  const release = await workshop.approve('app', 'release', 'rob');
  const claim = (await workshop.claims('app', workshop.app)).find(({ step }) => step === 'release');
  expect(claim).toMatchObject({ saw: [scan.claim] });
  expect(release.verdict.approvals.map(({ rule }) => rule).sort()).toEqual(['release', 'scan']);
  expect(await workshop.verify('app')).toMatchObject({ code: null });
});

test('given again it is renewed, and the old one is kept', async () => {
  const workshop = await finished([SCAN]);
  const first = await workshop.approve('app', 'scan', 'sue');
  expect(await workshop.verify('app', { now: later(8) })).toMatchObject({ code: 'mark-stale' });
  const second = await workshop.approve('app', 'scan', 'sue', { now: later(8) });
  expect(second.claim).not.toBe(first.claim);
  expect(await workshop.verify('app', { now: later(8) })).toMatchObject({ code: null });
  expect((await workshop.claims('app', workshop.app)).filter(({ step }) => step === 'scan')).toHaveLength(2);
});

test('it ends when it says so', async () => {
  const workshop = await finished([SCAN]);
  await workshop.approve('app', 'scan', 'sue', { expires: later(1) });
  expect(await workshop.verify('app')).toMatchObject({ code: null });
  expect(await workshop.verify('app', { now: later(2) })).toMatchObject({ code: 'mark-expired' });
});

describe('of a threshold of two', () => {
  const both = [SCAN, RELEASE];

  test('the second one signs what the first one began', async () => {
    const workshop = await finished(both);
    await workshop.approve('app', 'scan', 'sue');
    const first = await workshop.approve('app', 'release', 'rob');
    expect(first.signers).toEqual(['rob']);
    expect(await workshop.verify('app')).toMatchObject({ code: 'threshold-not-met' });
    const second = await workshop.approve('app', 'release', 'ria', { now: minute(5) });
    expect(second).toMatchObject({ claim: first.claim, signers: ['ria', 'rob'] });
    expect(await workshop.verify('app', { now: minute(5) })).toMatchObject({ code: null });
  });

  test('the same person twice is one, and writes nothing', async () => {
    const workshop = await finished(both);
    await workshop.approve('app', 'scan', 'sue');
    await workshop.approve('app', 'release', 'rob');
    const before = workshop.state();
    const again = await workshop.approve('app', 'release', 'rob', { now: minute(5) });
    expect(again.signers).toEqual(['rob']);
    expect(workshop.state()).toBe(before);
  });

  test('what was taken back or has grown old is not signed once more', async () => {
    const workshop = await finished([SCAN, { ...RELEASE, maxAge: DAY }]);
    await workshop.approve('app', 'scan', 'sue');
    const first = await workshop.approve('app', 'release', 'rob');
    await workshop.withdraw('app', 'rob', { now: minute(1) });
    const second = await workshop.approve('app', 'release', 'ria', { now: minute(2) });
    expect(second.claim).not.toBe(first.claim);
    const third = await workshop.approve('app', 'release', 'rob', { now: later(2) });
    expect(third.claim).not.toBe(second.claim);
    const fourth = await workshop.approve('app', 'release', 'ria', { now: later(2) });
    expect(fourth).toMatchObject({ claim: third.claim, signers: ['ria', 'rob'] });
  });
});

test('of an earlier step is given to the image that the step made, on its way', async () => {
  const workshop = await openWorkshop('a registry', () => ({ approvals: [BASE_QA] }));
  const { base, runtime, app } = threeImages();
  await workshop.push('base', base);
  await workshop.mark('base');
  await workshop.push('runtime', runtime);
  expect(await codeOfAsync(workshop.mark('runtime', { base: 'base' }))).toBe('approval-missing');
  await workshop.approve('base', 'base-qa', 'sue');
  await workshop.mark('runtime', { base: 'base' });
  await workshop.push('app', app);
  const error = await workshop.approve('runtime', 'base-qa', 'sue').catch(e => e);
  expect(error).toMatchObject({ code: 'prev-mismatch', hint: 'approve the image that step base made' });
  await workshop.mark('app', { base: 'runtime' });
  const outcome = await workshop.verify('app');
  expect(outcome).toMatchObject({ code: null });
  expect(outcome.custody?.approvals.map(({ rule }) => rule)).toEqual(['base-qa']);
});

test('what it rests on stands in the claim', async () => {
  const rule = { ...SCAN, evidence: ['scan-report'] };
  const workshop = await finished([rule]);
  const before = workshop.state();
  expect(await codeOfAsync(workshop.approve('app', 'scan', 'sue'))).toBe('evidence-missing');
  expect(workshop.state()).toBe(before);
  const evidence = [{ type: 'scan-report', digest: computeDigest(Buffer.from('report')) }];
  await workshop.approve('app', 'scan', 'sue', { evidence });
  expect((await workshop.claims('app', workshop.app)).find(({ step }) => step === 'scan')).toMatchObject({
    evidence,
  });
  expect(await workshop.verify('app')).toMatchObject({ code: null });
});

test.each([
  [
    'an approval that the policy does not ask for',
    'scna',
    'sue',
    {},
    'usage-argument',
    /^did you mean scan\?/,
  ],
  [
    'a team that the policy does not know',
    'scan',
    'sue',
    { team: 'securty' },
    'usage-argument',
    /mean security\?/,
  ],
  ['a team that may not', 'scan', 'alan', {}, 'key-not-authorised', /^team security approves it$/],
  [
    'a key of another team',
    'scan',
    'alan',
    { team: 'security' },
    'key-not-authorised',
    /a key that the policy lists/,
  ],
])('%s is refused, and nothing is written', async (_, step, by, options, code, hint) => {
  const workshop = await finished([SCAN], 'a layout');
  const before = workshop.state();
  const error = await workshop.approve('app', step, by, options).catch(e => e);
  expect(error).toMatchObject({ code });
  expect(error.hint ?? '').toMatch(hint);
  expect(workshop.state()).toBe(before);
});

test('an image that does not pass is not approved', async () => {
  const workshop = await openWorkshop('a layout', () => ({ approvals: [SCAN] }));
  await upToApp(workshop);
  expect(await codeOfAsync(workshop.approve('app', 'scan', 'sue'))).toBe('no-marks');
  // Half-way it is no finished image.
  expect(await codeOfAsync(workshop.approve('runtime', 'scan', 'sue'))).toBe('step-missing');
});

test('layers are read when the policy asks for it, before anybody approves', async () => {
  const workshop = await openWorkshop('a registry', () => ({ approvals: [SCAN], evidence: 'blobs' }));
  const { app } = await upToApp(workshop);
  await workshop.mark('app', { base: 'runtime' });
  const layer = app.layers[0]?.descriptor;
  workshop.registry?.repository('shop/app').blobs.set(layer?.digest ?? '', new Uint8Array(layer?.size ?? 0));
  const before = workshop.state();
  expect(await codeOfAsync(workshop.approve('app', 'scan', 'sue'))).toBe('blob-digest-mismatch');
  expect(workshop.state()).toBe(before);
});

test('a predicate that asks for the approval does not stand in its way', async () => {
  const compile = await openPredicates();
  const asked = await compile(
    'approvals.exists(a, a.name == "scan" && a.signers == ["sue"]) && layers.all(l, l.evidence == "blobs") && setBy.size() >= 0',
  );
  if ('problem' in asked) throw new Error(asked.problem);
  const predicate = { name: 'scanned', expression: '', message: undefined, ...asked };
  const workshop = await openWorkshop('a registry', () => ({
    approvals: [{ ...SCAN, threshold: 1 }],
    evidence: 'blobs',
    predicates: [predicate],
  }));
  await upToApp(workshop);
  await workshop.mark('app', { base: 'runtime' });
  await workshop.approve('app', 'scan', 'sue');
  // Evidence and the configs of ancestors are there before it is asked.
  expect(await workshop.verify('app')).toMatchObject({ code: null });
  expect(await workshop.verify('app', { level: 'manifest' })).toMatchObject({
    code: 'evidence-insufficient',
  });
});
