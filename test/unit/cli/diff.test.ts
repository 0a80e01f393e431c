import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { buildImage } from '../../../src/testing/image.js';
import { deb } from '../packages/support.js';
import { documentOf, markUpTo, openShop, type Shop } from './custody-shop.js';
import { type CliResult, runCli } from './run-cli.js';

const STATUS = 'var/lib/dpkg/status';
const base = buildImage({
  layers: [
    {
      'etc/os-release': 'ID=demo',
      'usr/lib/libssl.so.3': 'one',
      'usr/share/doc/a': 'a',
      [STATUS]: deb('libc6', '2.36') + deb('openssl', '3.0.1') + deb('netbase', '6.4'),
    },
  ],
  config: { config: { Env: ['PATH=/bin', 'LANG=C'] } },
});
const runtime = buildImage({
  base,
  layers: [
    {
      'usr/lib/libssl.so.3': 'two',
      'usr/share/.wh.doc': '',
      [STATUS]: deb('libc6', '2.36') + deb('openssl', '3.0.2') + deb('node', '20.1'),
    },
  ],
  config: { config: { Env: ['PATH=/bin:/opt/node'] } },
});
const app = buildImage({
  base: runtime,
  layers: [
    {
      'opt/app/main': 'hello',
      'etc/.wh.os-release': '',
      [STATUS]: deb('openssl', '3.0.2') + deb('libc6', '2.36') + deb('node', '20.1') + deb('curl', '8'),
    },
  ],
  config: { config: { Env: ['PATH=/bin:/opt/node'], Cmd: ['/opt/app/main'] } },
});
const broken = buildImage({ base, layers: [{ [STATUS]: 'Package: x\nStatus: install ok installed\n\n' }] });

let cwd: string;
let shop: Shop;
const run = (...argv: string[]): Promise<CliResult> =>
  runCli(['diff', ...argv], { cwd, env: { CI: 'true', XDG_CACHE_HOME: join(cwd, 'cache') } });

beforeAll(async () => {
  cwd = mkdtempSync(join(tmpdir(), 'touchmark-cli-'));
  shop = await openShop(cwd);
  const file = join(cwd, 'policy.yaml');
  writeFileSync(file, readFileSync(file, 'utf8').replace(/approvals:\n.*\n/, ''));
  for (const [tag, image] of Object.entries({ base, runtime, app, broken }))
    await shop.push(`oci:shop:${tag}`, image);
  await markUpTo(shop, 'app');
});
afterAll(() => rmSync(cwd, { recursive: true, force: true }));

test('each difference has the team whose layer made it, not the last one that wrote the database', async () => {
  const { exitCode, stdout, stderr } = await run('--policy', 'policy.yaml', 'oci:shop:base', 'oci:shop:app');
  expect(exitCode, stderr).toBe(0);
  for (const pattern of [
    /^before {2}oci:shop@sha256:[0-9a-f]{64} {2}1 layer\nafter {3}oci:shop@/,
    /\n {2}1 layer shared from the base\npackages \(4\)\n/,
    /\n\+ app {6}layer 2 {3}deb curl 8\n/,
    /\n- runtime {2}layer 1 {3}deb netbase 6\.4 {2}was base’s\n/,
    /\n\+ runtime {2}layer 1 {3}deb node 20\.1\n/,
    /\n~ runtime {2}layer 1 {3}deb openssl 3\.0\.1 to 3\.0\.2 {2}was base’s\n/,
    /\n\+ app {16}Cmd {2}nothing to "\[/,
    /\n- runtime {12}Env LANG {2}"C" to nothing\n/,
    /\n~ runtime {12}Env PATH {2}"\/bin" to "\/bin:\/opt\/node"\n/,
    /\n- app {6}layer 2 {3}\/etc\/os-release {2}was base’s\n/,
    /\n~ runtime {2}layer 1 {3}\/usr\/lib\/libssl\.so\.3 {2}content, was base’s\n/,
    /\n- runtime {2}layer 1 {3}\/usr\/share\/doc\/ {2}was base’s\n/,
  ])
    expect(stdout).toMatch(pattern);
});

test('as JSON and CSV, by team, by path, as numbers; with --check a difference is no yes', async () => {
  const images = ['--policy', 'policy.yaml', 'oci:shop:runtime', 'oci:shop:app'];
  const whole = documentOf('diff', await run(...images, '--team', 'app', '--check', '-o', 'json'));
  expect(whole).toMatchObject({ exitCode: 19, proven: true, differs: true, sharedLayers: 2 });
  expect(whole.files.map(({ path, change }: Record<string, string>) => `${change} ${path}`)).toEqual([
    'removed /etc/os-release',
    'added /opt',
    'added /opt/app',
    'added /opt/app/main',
    'changed /var/lib/dpkg/status',
  ]);
  expect(whole.packages).toMatchObject([
    { name: 'curl', change: 'added', layer: 2, team: 'app', before: null },
  ]);
  const csv = await run(...images, '--path', '/opt/app/*', '-o', 'csv');
  expect(csv.stdout.split('\n').slice(1)).toEqual([
    expect.stringMatching(/^file,\/opt\/app\/main,added,,app,2,,,file,,0644 0:0,,sha256:[0-9a-f]{64}$/),
    '',
  ]);
  const { stdout } = await run(...images, '--summary', '--only', 'packages', '--only', 'files');
  expect(stdout).toMatch(/\napp {6}files \+3 -1 ~1, metadata ~0, config ~0, packages ~1\n?$/);
});

test('without a policy any two images are compared, by layer, and nothing is proven', async () => {
  const { exitCode, stdout } = await run('--only', 'packages', 'oci:shop:app', 'oci:shop:base');
  expect(exitCode).toBe(0);
  expect(stdout).toContain('nothing is proven: without --policy no mark was verified');
  expect(stdout).toMatch(/\n\+ layer 0 {3}deb netbase 6\.4\n/);
  expect(stdout).toMatch(/\n- - {9}deb node 20\.1\n/);
  const same = documentOf('diff', await run('--check', 'oci:shop:app', 'oci:shop:app', '-o', 'json'));
  expect(same).toMatchObject({ exitCode: 0, proven: false, differs: false, policy: null, sharedLayers: 3 });
});

test('no answer where one is missing: a chain that does not hold, a damaged database', async () => {
  const unmarked = await run('--policy', 'policy.yaml', 'oci:shop:app', 'oci:shop:broken', '-o', 'json');
  expect(JSON.parse(unmarked.stdout)).toMatchObject({ exitCode: 10, error: { code: 'no-marks' } });
  const damaged = await run('oci:shop:base', 'oci:shop:broken');
  expect(damaged.exitCode).toBe(18);
  expect(damaged.stderr).toMatch(
    /"\/var\/lib\/dpkg\/status" of layer 1 is damaged: the package x has no version/,
  );
  expect(damaged.stderr).toContain('--only');
});
