import { describe, expect, test } from 'vitest';
import { TouchmarkError } from '../../../src/base/errors.js';
import { KEY_KINDS } from '../../../src/crypto/index.js';
import { signImage } from '../../../src/sign/index.js';
import { buildIndex } from '../../../src/testing/image.js';
import { collectSignatures, decide, type JudgedSignature, verifyImage } from '../../../src/verify/index.js';
import { anImage, aSigner, layoutWith, trust } from '../images.js';
import { codeOfAsync } from '../support.js';

const now = new Date('2026-01-02T03:04:05.678Z');

describe('thresholds', () => {
  test('counts distinct keys, not signatures and not how often a key was given', async () => {
    const [ada, ben, cyd] = await Promise.all([aSigner('ada'), aSigner('ben'), aSigner('cyd')]);
    const fixture = await layoutWith();
    await signImage(fixture.store, fixture.image, [ada, ben], { now });
    await signImage(fixture.store, fixture.image, [ada], { now, annotations: { again: '1' } });
    const keys = [trust('ada', ada), trust('ada again', ada), trust('ben', ben), trust('cyd', cyd)];
    const verdictFor = (threshold?: number) =>
      verifyImage(fixture.access, fixture.reference, { keys, ...(threshold && { threshold }) });
    expect(await verdictFor(2)).toMatchObject({ code: null, threshold: { required: 2, valid: 2 } });
    expect(await verdictFor(3)).toMatchObject({ code: 'sig-threshold-not-met', threshold: { valid: 2 } });
    expect((await verdictFor()).code).toBe('sig-threshold-not-met');
    expect(await codeOfAsync(verdictFor(4))).toBe('usage-argument');
    await signImage(fixture.store, fixture.image, [cyd], { now });
    expect((await verdictFor()).code).toBeNull();
  });

  test('without a key nothing is verified', async () => {
    const fixture = await layoutWith();
    expect(await codeOfAsync(verifyImage(fixture.access, fixture.reference, { keys: [] }))).toBe(
      'usage-argument',
    );
  });
});

describe('what could not be checked', () => {
  const judged = (code: JudgedSignature['code'], signer: JudgedSignature['signer']): JudgedSignature => ({
    carrier: 'bundle',
    source: 's',
    code,
    signer,
    scheme: null,
    payloadDigest: 'sha256:x' as JudgedSignature['payloadDigest'],
    claim: null,
    checks: [],
  });
  const problem = (code: ConstructorParameters<typeof TouchmarkError>[0]) => ({
    carrier: 'bundle' as const,
    source: 'referrers',
    error: new TouchmarkError(code, 'it broke'),
  });

  test.each([
    'oci-unavailable',
    'oci-unauthorized',
    'net-timeout',
    'limit-exceeded',
    'layer-unavailable',
  ] as const)('%s is never "unsigned" and never yes', code => {
    expect(decide([], [problem(code)], 1).code).toBe(code);
    expect(decide([judged('sig-no-match', null)], [problem(code)], 1).code).toBe(code);
    expect(decide([], [], 1).code).toBe('sig-none');
  });

  test('bytes that do not match outrank what could not be asked', () => {
    expect(decide([], [problem('oci-unavailable'), problem('oci-digest-mismatch')], 1).code).toBe(
      'oci-digest-mismatch',
    );
  });

  test('a referrer that belongs elsewhere is no reason for anything', () => {
    expect(decide([], [problem('sig-wrong-subject')], 1).code).toBe('sig-none');
  });

  test('enough valid signatures are a yes whatever else could not be read', async () => {
    const signer = trust('ada', await aSigner('ada'));
    expect(
      decide([judged(null, signer)], [problem('oci-unavailable'), problem('oci-digest-mismatch')], 1).code,
    ).toBeNull();
  });
});

describe('an index', () => {
  const child = anImage('arm');
  const index = buildIndex([
    anImage('amd'),
    { ...child, platform: { os: 'linux', architecture: 'arm64', variant: 'v8' } },
  ]);

  test('its signature covers a platform image; a platform image’s covers only itself', async () => {
    const ada = await aSigner('ada');
    const keys = [trust('ada', ada)];
    const whole = await layoutWith(index);
    await signImage(whole.store, whole.image, [ada], { now });
    const through = await verifyImage(whole.access, whole.reference, { keys, platform: 'linux/arm64' });
    expect(through).toMatchObject({
      code: null,
      through: whole.digest,
      digest: child.manifest.descriptor.digest,
    });

    const part = await layoutWith(index);
    await signImage(part.store, part.image, [ada], { now, platform: 'linux/arm64' });
    expect(await verifyImage(part.access, part.reference, { keys, platform: 'linux/arm64' })).toMatchObject({
      code: null,
      through: null,
    });
    expect((await verifyImage(part.access, part.reference, { keys })).code).toBe('sig-none');
    expect((await verifyImage(part.access, part.reference, { keys, platform: 'linux/amd64' })).code).toBe(
      'sig-none',
    );
    expect((await verifyImage(part.access, part.reference, { keys, platform: 'linux/s390x' })).code).toBe(
      'oci-not-found',
    );
  });

  test('recursively signed, each of its images verifies by digest', async () => {
    const ada = await aSigner('ada');
    const { store, image, access, folder } = await layoutWith(index);
    const written = await signImage(store, image, [ada], { now, recursive: true });
    expect(new Set(written.map(w => w.subject)).size).toBe(3);
    for (const { manifest } of index.children) {
      const verdict = await verifyImage(access, `oci:${folder}@${manifest.descriptor.digest}`, {
        keys: [trust('ada', ada)],
      });
      expect(verdict.code).toBeNull();
    }
  });
});

test.each(KEY_KINDS)('%s signs and verifies in both carriers', async kind => {
  const signer = await aSigner('any', kind);
  const fixture = await layoutWith();
  await signImage(fixture.store, fixture.image, [signer], { now });
  for (const carrier of ['simplesigning', 'bundle'] as const) {
    const verdict = await verifyImage(fixture.access, fixture.reference, {
      keys: [trust('any', signer)],
      carriers: [carrier],
    });
    expect(verdict).toMatchObject({ code: null, signatures: [{ carrier, scheme: signer.scheme }] });
  }
});

test('stops looking once the threshold is reached', async () => {
  const [ada, ben] = await Promise.all([aSigner('ada'), aSigner('ben')]);
  const fixture = await layoutWith();
  await signImage(fixture.store, fixture.image, [ada, ben], { now });
  const verdict = await verifyImage(fixture.access, fixture.reference, { keys: [trust('ada', ada)] });
  expect(verdict.signatures.map(s => s.carrier)).toEqual(['simplesigning', 'simplesigning']);
  const steps = [];
  for await (const step of collectSignatures(fixture.store, fixture.digest, ['simplesigning', 'bundle']))
    steps.push(step);
  expect(steps.map(s => s.signatures.length)).toEqual([2, 2]);
});

test('a layout belongs to no repository: what was signed for is reported, and compared when asked', async () => {
  const ada = await aSigner('ada');
  const fixture = await layoutWith();
  await signImage(fixture.store, fixture.image, [ada], { now, repository: 'registry.example/app' });
  const keys = [trust('ada', ada)];
  const verdict = await verifyImage(fixture.access, fixture.reference, { keys });
  expect(verdict).toMatchObject({
    code: null,
    level: 'blobs',
    signatures: [{ claim: { repository: 'registry.example/app' } }],
  });
  expect(
    (await verifyImage(fixture.access, fixture.reference, { keys, repository: 'registry.example/other' }))
      .code,
  ).toBe('sig-wrong-reference');
  expect(
    (await verifyImage(fixture.access, fixture.reference, { keys, repository: 'registry.example/app' })).code,
  ).toBeNull();
});

test.each([
  ['a tag that does not exist', 'oci-not-found', (f: string) => `${f.slice(0, -1)}2`],
  ['a folder that does not exist', 'oci-not-found', () => 'oci:/does/not/exist:1'],
  ['a reference that is none', 'usage-reference', () => 'registry.example//app'],
])('%s', async (_, code, reference) => {
  const fixture = await layoutWith();
  const verdict = await verifyImage(fixture.access, reference(fixture.reference), {
    keys: [trust('ada', await aSigner('ada'))],
  });
  expect(verdict).toMatchObject({ code, digest: null });
});
