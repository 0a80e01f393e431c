import { gzipSync } from 'node:zlib';
import { beforeEach, describe, expect, test } from 'vitest';
import type { CustodyPolicy } from '../../../src/custody/index.js';
import { describe as describeBlob } from '../../../src/oci/descriptor.js';
import { MEDIA_TYPES } from '../../../src/oci/media-types.js';
import {
  buildImage,
  buildIndex,
  buildLayer,
  buildTar,
  type TestImage,
  type TestLayer,
} from '../../../src/testing/image.js';
import { DAY } from '../custody/world.js';
import {
  baseImage,
  type MarkDraft,
  NOW,
  onTop,
  openWorkshop,
  threeImages,
  upToApp,
  type Workshop,
  withStep,
} from './workshop.js';

/** Marking fails, with this code, and nothing is written anywhere. */
async function refusal(workshop: Workshop, name: string, options: MarkDraft) {
  const before = workshop.state();
  const error = await workshop.mark(name, options).then(
    () => undefined,
    caught => caught,
  );
  expect(workshop.state()).toBe(before);
  return error;
}

describe('a base that does not pass is not built on', () => {
  const { base, runtime, app } = threeImages();

  test.each<[string, (workshop: Workshop) => Promise<unknown>, MarkDraft, string, RegExp?]>([
    ['unmarked', async () => undefined, {}, 'no-marks', /no team has marked/],
    [
      'too old',
      shop => shop.mark('runtime', { base: 'base', now: NOW }),
      { now: new Date(NOW.getTime() + 40 * DAY) },
      'mark-stale',
    ],
    [
      'meant for another team',
      shop => shop.mark('runtime', { base: 'base', next: ['base'] }),
      {},
      'handover-denied',
    ],
    [
      'taken back',
      async shop => {
        await shop.mark('runtime', { base: 'base' });
        await shop.withdraw('runtime', 'ada');
      },
      {},
      'mark-withdrawn',
    ],
  ])('%s', async (_, prepare, options, code, said) => {
    const workshop = await openWorkshop('a registry', withStep('runtime', { maxAge: 30 * DAY }));
    await workshop.push('base', base);
    await workshop.mark('base');
    await workshop.push('runtime', runtime);
    await prepare(workshop);
    await workshop.push('app', app);
    const error = await refusal(workshop, 'app', { base: 'runtime', ...options });
    expect(error).toMatchObject({ code });
    expect(error.message).toMatch(said ?? /the base does not pass, so nothing is built on it/);
  });

  test('marked by nobody who may', async () => {
    const workshop = await openWorkshop();
    await workshop.push('base', base);
    await workshop.mark('base');
    await workshop.push('runtime', runtime);
    const strict = { ...workshop.policy, teams: workshop.policy.teams.filter(({ name }) => name !== 'base') };
    expect(await refusal(workshop, 'runtime', { base: 'base', policy: strict })).toMatchObject({
      code: 'no-marks',
    });
  });

  test('for another platform', async () => {
    const workshop = await openWorkshop();
    await workshop.push(
      'base',
      buildImage({ layers: [{ a: 'a' }], platform: { os: 'linux', architecture: 'arm64' } }),
    );
    await workshop.mark('base');
    await workshop.push('app', onTop(baseImage(), 'opt/app/main'));
    const error = await refusal(workshop, 'app', { base: 'base' });
    expect(error).toMatchObject({ code: 'platform-mismatch', details: { platforms: ['linux/arm64'] } });
  });

  test('unless that is asked for: the claim says so, and the policy refuses it', async () => {
    const workshop = await openWorkshop('a registry', withStep('runtime', { maxAge: 30 * DAY }));
    await workshop.push('base', base);
    await workshop.mark('base');
    await workshop.push('runtime', runtime);
    await workshop.mark('runtime', { base: 'base' });
    await workshop.push('app', app);
    const now = new Date(NOW.getTime() + 40 * DAY);
    await workshop.mark('app', { base: 'runtime', now, unchecked: true });
    const claims = await workshop.claims('app', app);
    expect(claims.find(({ step }) => step === 'app')).toMatchObject({ checked: { verdict: 'skipped' } });
    const outcome = await workshop.verify('app', { now });
    expect(outcome.custody?.findings.map(({ code }) => code)).toEqual(
      expect.arrayContaining(['mark-stale', 'unchecked-step']),
    );
  });
});

test('a platform without its usual variant is the same platform', async () => {
  const workshop = await openWorkshop();
  const base = baseImage({ platform: { os: 'linux', architecture: 'arm64', variant: 'v8' } });
  await workshop.push('base', base);
  await workshop.mark('base');
  await workshop.push(
    'app',
    onTop(base, 'opt/app/main', { platform: { os: 'linux', architecture: 'arm64' } }),
  );
  await workshop.mark('app', { base: 'base' });
  expect(await workshop.verify('app')).toMatchObject({ code: null });
});

describe('an image that does not stand on its base', () => {
  const base = baseImage();
  const [first, second] = base.layers as [TestLayer, TestLayer];
  const own = buildLayer({ 'opt/app/main': 'x' });

  test.each<[string, readonly TestLayer[], string, RegExp]>([
    ['squashed', [own], 'custody-collapsed', /squashed or flattened/],
    ['layers in another order', [second, first, own], 'base-mismatch', /in another order/],
    ['one between them', [first, own, second], 'base-mismatch', /in another order, or with others between/],
    ['an older base', [first], 'base-mismatch', /lacks the last layers/],
    ['another image', [own, buildLayer({ b: 'b' })], 'base-mismatch', /built on another image/],
    ['one layer replaced', [first, buildLayer({ b: 'b' }), own], 'base-mismatch', /base has moved/],
  ])('%s', async (_, layers, code, hint) => {
    const workshop = await openWorkshop('a layout');
    await workshop.push('base', base);
    await workshop.mark('base');
    await workshop.push('app', buildImage({ layers }));
    const error = await refusal(workshop, 'app', { base: 'base' });
    expect(error).toMatchObject({ code, message: expect.stringContaining('does not stand on the base') });
    expect(error.hint).toMatch(hint);
  });

  test('the base itself', async () => {
    const workshop = await openWorkshop('a layout');
    await workshop.push('base', base);
    await workshop.mark('base');
    const error = await refusal(workshop, 'base', { base: 'base', team: 'app' });
    expect(error).toMatchObject({ code: 'usage-argument', hint: expect.stringContaining('custody approve') });
  });
});

/** The layer in other bytes: no compression instead of gzip. */
function stored(layer: TestLayer, bytes: Uint8Array, type: string = MEDIA_TYPES.ociLayer): TestLayer {
  return { descriptor: describeBlob(type, bytes), bytes, diffId: layer.diffId };
}

describe('layers are read, not believed', () => {
  const files = { 'etc/os-release': 'ID=demo' };
  const plain = buildLayer(files);
  const base = buildImage({ layers: [plain] });
  const own = buildLayer({ 'opt/app/main': 'x' });
  const gzip = `${MEDIA_TYPES.ociLayer}+gzip`;

  async function withBase(image: TestImage) {
    const workshop = await openWorkshop();
    await workshop.push('base', base);
    await workshop.mark('base');
    await workshop.push('app', image);
    return workshop;
  }

  test('a base that was compressed anew is read and accepted', async () => {
    const recompressed = stored(plain, gzipSync(buildTar(files), { level: 1 }), gzip);
    expect(recompressed.descriptor.digest).not.toBe(plain.descriptor.digest);
    const workshop = await withBase(buildImage({ layers: [recompressed, own] }));
    await workshop.mark('app', { base: 'base' });
    expect(await workshop.verify('app')).toMatchObject({ code: null });
    expect((await workshop.verify('app', { level: 'blobs' })).custody).toMatchObject({
      level: 'blobs',
      code: null,
    });
  });

  test.each<[string, TestImage]>([
    [
      'a layer of the base',
      buildImage({ layers: [stored(plain, gzipSync(buildTar({ evil: '' })), gzip), own] }),
    ],
    ['an own layer', buildImage({ layers: [plain, stored(own, gzipSync(buildTar({ evil: '' })), gzip)] })],
  ])('a config that lies about %s is refused', async (_, image) => {
    const workshop = await withBase(image);
    expect(await refusal(workshop, 'app', { base: 'base' })).toMatchObject({ code: 'layer-diffid-mismatch' });
  });

  test('what cannot be unpacked is refused', async () => {
    const broken = stored(own, Buffer.from('no gzip at all'), gzip);
    const workshop = await withBase(buildImage({ layers: [plain, broken] }));
    expect(await refusal(workshop, 'app', { base: 'base' })).toMatchObject({ code: 'blob-corrupt' });
  });

  test('a layer that is not there leaves the question open', async () => {
    const workshop = await withBase(buildImage({ layers: [plain, own] }));
    workshop.registry?.repository('shop/app').blobs.delete(own.descriptor.digest);
    expect(await refusal(workshop, 'app', { base: 'base' })).toMatchObject({ code: 'layer-unavailable' });
  });

  test('a layer that is another one under its digest is refused', async () => {
    const workshop = await withBase(buildImage({ layers: [plain, own] }));
    const evil = new Uint8Array(own.bytes.length);
    workshop.registry?.repository('shop/app').blobs.set(own.descriptor.digest, evil);
    expect(await refusal(workshop, 'app', { base: 'base' })).toMatchObject({ code: 'blob-digest-mismatch' });
  });

  test('a config with another number of layers is refused', async () => {
    const image = buildImage({ layers: [plain, own] });
    const config = Buffer.from(Buffer.from(image.config).toString().replace(`,"${own.diffId}"`, ''));
    const manifest = Buffer.from(image.manifest.bytes)
      .toString()
      .replace(describeBlob('', image.config).digest, describeBlob('', config).digest)
      .replace(`"size":${image.config.length}`, `"size":${config.length}`);
    const workshop = await withBase(image);
    const repository = workshop.registry?.repository('shop/app');
    repository?.putBlob(config);
    repository?.putManifest(Buffer.from(manifest), MEDIA_TYPES.ociManifest, '1');
    expect(await refusal(workshop, 'app', { base: 'base' })).toMatchObject({ code: 'layer-count-mismatch' });
  });
});

describe('before a key is asked for', () => {
  let workshop: Workshop;
  let app: TestImage;
  beforeEach(async () => {
    const rules = { app: { allow: ['Cmd', 'User', 'Env:*'], deny: ['User=root', 'Env:LD_*'] } };
    workshop = await openWorkshop('a layout', policy => ({
      ...withStep('app', { kinds: ['add'] })(policy),
      config: rules,
    }));
    ({ app } = await upToApp(workshop));
  });
  /** Nobody signs: what is refused is refused by the plan. */
  const plan = (options: MarkDraft) => refusal(workshop, 'app', { base: 'runtime', by: [], ...options });

  test.each<[string, MarkDraft, string, RegExp]>([
    [
      'a team that the policy does not know',
      { team: 'apps' },
      'usage-argument',
      /^did you mean app\? its teams are base, /,
    ],
    ['a team like no other', { team: '../app' }, 'usage-argument', /^its teams are base, /],
    [
      'a step that the policy does not know',
      { step: 'appp' },
      'step-unknown',
      /^did you mean app\?.*custody approve/,
    ],
    ['a step of another team', { step: 'runtime' }, 'key-not-authorised', /a step of its own/],
    ['a step without the one before', { base: undefined } as never, 'step-missing', /--base IMAGE/],
  ])('%s', async (_, options, code, hint) => {
    const error = await plan(options);
    expect(error).toMatchObject({ code });
    expect(error.hint ?? '').toMatch(hint);
  });

  test.each<[string, Record<string, unknown>, string]>([
    ['a user that the rules deny', { User: 'root' }, 'config-denied'],
    ['a variable that the rules deny', { Env: ['LD_PRELOAD=/x.so'] }, 'config-denied'],
    ['a key that the rules do not name', { Volumes: { '/etc': {} } }, 'config-denied'],
  ])('%s', async (_, config, code) => {
    await workshop.push('app', buildImage({ layers: app.layers, config: { config } }));
    const error = await plan({});
    expect(error).toMatchObject({
      code,
      message: expect.stringContaining('with this claim the chain does not hold'),
    });
  });

  test('a kind that the step does not take', async () => {
    const { layers } = threeImages().runtime;
    await workshop.push('app', buildImage({ layers, config: { config: { Cmd: ['x'] } } }));
    expect(await plan({})).toMatchObject({ code: 'kind-denied' });
  });

  test('a step behind a later one', async () => {
    await workshop.mark('app', { base: 'runtime' });
    await workshop.push('more', onTop(app, 'usr/bin/more'));
    const error = await refusal(workshop, 'more', { base: 'app', team: 'runtime', by: [] });
    expect(error).toMatchObject({ code: 'step-order' });
  });

  test('what holds is not refused', async () => {
    await workshop.push('app', buildImage({ layers: app.layers, config: { config: { Cmd: ['run'] } } }));
    await workshop.mark('app', { base: 'runtime' });
    expect(await workshop.verify('app')).toMatchObject({ code: null });
  });
});

describe('keys', () => {
  test.each([
    ['of another team', 'ada', /it is that of ada of team runtime/],
    ['that nobody has', 'mallory', /the policy shop does not know it/],
    ['beside one of the team', ['alan', 'ada'], /it is that of ada of team runtime/],
    ['unknown, beside one of the team', ['alan', 'mallory'], /does not know it/],
  ])('%s are refused', async (_, by, said) => {
    const workshop = await openWorkshop();
    await upToApp(workshop);
    const error = await refusal(workshop, 'app', { base: 'runtime', by });
    expect(error).toMatchObject({ code: 'key-not-authorised', message: expect.stringMatching(said) });
  });
});

test('a policy that has expired marks nothing', async () => {
  const workshop = await openWorkshop(
    'a layout',
    () => ({ expires: new Date(0) }) satisfies Partial<CustodyPolicy>,
  );
  await workshop.push('base', baseImage());
  expect(await refusal(workshop, 'base', {})).toMatchObject({ code: 'policy-expired' });
});

test('an index inside an index is refused', async () => {
  const workshop = await openWorkshop();
  await workshop.push('base', buildIndex([buildIndex([baseImage()])]));
  expect(await refusal(workshop, 'base', {})).toMatchObject({ code: 'index-nested' });
});
