import { join } from 'node:path';
import { describe, expect, it, onTestFinished, test } from 'vitest';
import { utf8 } from '../../../src/base/bytes.js';
import type { JsonObject } from '../../../src/base/json.js';
import { describe as describeBytes } from '../../../src/oci/descriptor.js';
import { serializeManifest } from '../../../src/oci/manifest.js';
import { MEDIA_TYPES } from '../../../src/oci/media-types.js';
import { createStoreAccess } from '../../../src/oci/open.js';
import { buildImage, type TestImage } from '../../../src/testing/image.js';
import { diffConfigs } from '../../../src/verify/diff-config.js';
import { type DiffOptions, diffImages } from '../../../src/verify/diff-images.js';
import { setterOf } from '../../../src/verify/step-configs.js';
import { temporaryFolder } from '../images.js';
import { deb, STATUS } from '../packages/support.js';
import { NOW, openWorkshop, type Workshop } from '../sign/workshop.js';
import { codeOfAsync } from '../support.js';

const run = (config: Record<string, unknown>) => ({ config: { config } });
const base = buildImage({
  layers: [{ 'etc/a': '1', [STATUS]: deb('libc6', '1') + deb('old', '1') }, { 'etc/b': '2' }],
  ...run({ Env: ['LANG=C', 'PATH=/bin'] }),
});
const runtime = buildImage({
  base,
  layers: [{ 'etc/a': 'runtime', [STATUS]: deb('libc6', '2') }],
  ...run({ Env: ['LANG=C', 'PATH=/opt'] }),
});
const app = buildImage({
  base: runtime,
  layers: [{ 'opt/app': 'x', 'etc/.wh.b': '', [STATUS]: `${deb('libc6', '2')}\n` }],
  ...run({ Env: ['LANG=C', 'PATH=/opt'], Cmd: ['/opt/app'], User: '7' }),
});
const CHAIN: Readonly<Record<string, TestImage>> = { base, runtime, app };

async function openShop(place?: Parameters<typeof openWorkshop>[0]) {
  const shop = await openWorkshop(place);
  const access = createStoreAccess({});
  onTestFinished(() => access.close());
  const cacheFolder = join(await temporaryFolder(), 'cache');
  const diff = (before: string, after: string, options: Partial<DiffOptions> = {}) =>
    diffImages(access, [shop.reference(before), shop.reference(after)], {
      now: NOW,
      cacheFolder,
      ...options,
    });
  return { shop, diff };
}

async function markAll(shop: Workshop): Promise<void> {
  let below: string | undefined;
  for (const [name, image] of Object.entries(CHAIN)) {
    await shop.push(name, image);
    await shop.mark(name, below === undefined ? {} : { base: below });
    below = name;
  }
}

test('with a policy: each difference has its team, also where the first image is not finished', async () => {
  const { shop, diff } = await openShop('a registry');
  await markAll(shop);
  shop.registry?.clearRequests();
  const report = await diff('base', 'app', { policy: shop.policy });
  expect(report).toMatchObject({ proven: true, sharedLayers: 2, differs: true });
  const who = report.files.map(one => `${one.path} ${one.change} ${one.team} ${one.layer} ${one.formerTeam}`);
  expect(who).toEqual([
    '/etc/a changed runtime 2 base',
    '/etc/b removed app 3 base',
    '/opt added app 3 null',
    '/opt/app added app 3 null',
    '/var/lib/dpkg/status changed app 3 base',
  ]);
  expect(report.packages).toMatchObject([
    { name: 'libc6', change: 'changed', team: 'runtime', layer: 2, formerTeam: 'base' },
    { name: 'old', change: 'removed', team: 'runtime', layer: 2, formerTeam: 'base' },
  ]);
  // The configs of the images below lie in other repositories: the custody artifact brings them.
  expect(report.config.map(({ key, member, team }) => `${key} ${member} ${team}`)).toEqual([
    'Cmd null app',
    'Env PATH runtime',
    'User null app',
  ]);
  expect(report.summary).toEqual([
    { team: 'runtime', added: 0, removed: 0, changed: 1, metadata: 0, config: 1, packages: 2 },
    { team: 'app', added: 2, removed: 1, changed: 1, metadata: 0, config: 2, packages: 0 },
  ]);
  // Layers that both have are read once, with the databases in them.
  const read = (shop.registry?.requests ?? []).filter(
    ({ method, path }) =>
      method === 'GET' && app.layers.some(layer => path.endsWith(`/${layer.descriptor.digest}`)),
  );
  expect(read).toHaveLength(app.layers.length);
});

test('with a policy: no answer about an image whose chain does not hold, on either side', async () => {
  const { shop, diff } = await openShop('a layout');
  await markAll(shop);
  await shop.push('other', buildImage({ base, layers: [{ 'etc/a': 'x' }] }));
  const { policy } = shop;
  expect(await codeOfAsync(() => diff('app', 'other', { policy }))).toBe('no-marks');
  expect(await codeOfAsync(() => diff('other', 'app', { policy }))).toBe('no-marks');
  expect((await diff('other', 'app')).proven).toBe(false);
  expect(await codeOfAsync(() => diff('base', 'app', { policy, team: 'nobody' }))).toBe('usage-argument');
  expect(await codeOfAsync(() => diff('base', 'app', { team: 'app' }))).toBe('usage-argument');
  expect(await codeOfAsync(() => diff('base', 'app', { path: '/etc', parts: ['config'] }))).toBe(
    'usage-argument',
  );
});

describe('without a policy', () => {
  test('what is chosen alone: parts, a folder with all below, a pattern, numbers', async () => {
    const { shop, diff } = await openShop('a layout');
    for (const name of ['base', 'app']) await shop.push(name, CHAIN[name] as TestImage);
    const paths = async (path: string) => {
      const { files, config, packages } = await diff('base', 'app', { path, parts: ['files'] });
      expect([config, packages]).toEqual([[], []]);
      return files.map(file => file.path);
    };
    expect(await paths('/etc')).toEqual(['/etc/a', '/etc/b']);
    expect(await paths('/etc/a')).toEqual(['/etc/a']);
    expect(await paths('/**/app')).toEqual(['/opt/app']);
    const numbers = await diff('base', 'app', { summary: true });
    expect(numbers).toMatchObject({ files: [], config: [], packages: [], differs: true });
    expect(numbers.summary).toEqual([
      { team: null, added: 2, removed: 1, changed: 2, metadata: 0, config: 3, packages: 2 },
    ]);
    expect(await diff('app', 'app')).toMatchObject({ differs: false, summary: [] });
  });

  test('layers that are not what the config says are no answer', async () => {
    const { shop, diff } = await openShop('a layout');
    await shop.push('base', base);
    /** The layers of one image under the config of another. */
    const lie = ({ layers }: TestImage, { config, platform }: TestImage): TestImage => {
      const described = describeBytes(MEDIA_TYPES.ociConfig, config);
      const manifest = serializeManifest({ config: described, layers: layers.map(one => one.descriptor) });
      const blobs = new Map(layers.map(({ descriptor, bytes }) => [descriptor.digest, bytes]));
      return { manifest, config, layers, blobs: blobs.set(described.digest, config), platform };
    };
    const single = buildImage({ layers: [{ 'etc/a': '1' }] });
    await shop.push('wrong', lie(single, buildImage({ layers: [{ 'etc/a': '2' }] })));
    await shop.push('more', lie(single, base));
    expect(await codeOfAsync(() => diff('base', 'wrong'))).toBe('layer-diffid-mismatch');
    expect(await codeOfAsync(() => diff('more', 'base'))).toBe('format-config');
  });

  test('a damaged package database is no answer, and files are compared without it', async () => {
    const { shop, diff } = await openShop('a layout');
    await shop.push('base', base);
    await shop.push('bad', buildImage({ base, layers: [{ [STATUS]: utf8('Package: x') }] }));
    expect(await codeOfAsync(() => diff('base', 'bad'))).toBe('format-packages');
    expect((await diff('base', 'bad', { parts: ['files', 'config'] })).files).toHaveLength(1);
  });
});

describe('keys of two configs', () => {
  const config = (members: JsonObject, more: JsonObject = {}): JsonObject => ({ ...more, config: members });
  const say = (before: JsonObject, after: JsonObject) =>
    diffConfigs(before, after).map(one => [one.key, one.member, one.before, one.after]);

  it('come with both values, by member where they are maps or variables', () => {
    const before = config(
      { Env: ['A=1', 'B=2'], Labels: { x: '1', y: '2' }, ExposedPorts: { '80/tcp': {} }, User: 'root' },
      { architecture: 'amd64', created: '2026-01-01T00:00:00Z' },
    );
    const after = config(
      { Env: ['A=1', 'B=3', 'B=4', 'C='], Labels: { x: '1', y: '3' }, Cmd: ['a'] },
      { architecture: 'arm64', created: '2026-01-01T00:00:00Z', author: 'me' },
    );
    expect(say(before, after)).toEqual([
      ['/architecture', undefined, 'amd64', 'arm64'],
      ['/author', undefined, undefined, 'me'],
      ['Cmd', undefined, undefined, '["a"]'],
      ['Env', 'B', '2', '3\n4'],
      ['Env', 'C', undefined, ''],
      ['ExposedPorts', '80/tcp', '{}', undefined],
      ['Labels', 'y', '2', '3'],
      ['User', undefined, 'root', undefined],
    ]);
    expect(say(before, before)).toEqual([]);
  });

  it('belong to the step that set them last; where a config is missing nobody is named', () => {
    const step = (name: string, user?: string, known = true) => ({
      ...{ step: name, team: name },
      config: known ? config(user === undefined ? {} : { User: user }) : undefined,
    });
    const setter = (...steps: readonly ReturnType<typeof step>[]) => setterOf(steps, 'User', undefined)?.step;
    expect(setter(step('base', '1'), step('app', '1'))).toBe('base');
    expect(setter(step('base', '1'), step('runtime', '2'), step('app', '2'))).toBe('runtime');
    expect(setter(step('base', '1'), step('runtime'), step('app'))).toBe('runtime');
    expect(setter(step('base', '1'), step('runtime', '', false), step('app', '1'))).toBeUndefined();
    expect(setter(step('base', '', false), step('runtime', '1'), step('app', '2'))).toBe('app');
  });
});
