import { mkdtempSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { buildImage } from '../../../src/testing/image.js';
import { documentOf, markUpTo, openShop, type Shop } from './custody-shop.js';
import { type CliResult, runCli } from './run-cli.js';

const base = buildImage({
  layers: [
    {
      'etc/os-release': 'ID=demo',
      'usr/lib/libssl.so.3': 'one',
      'usr/share/doc/a': 'a',
      'usr/share/doc/b': 'b',
    },
  ],
});
const runtime = buildImage({ base, layers: [{ 'usr/lib/libssl.so.3': 'two', 'usr/share/.wh.doc': '' }] });
const app = buildImage({
  base: runtime,
  layers: [{ 'opt/app/main': 'hello', 'etc/.wh.os-release': '', 'opt/app/=cmd': '' }],
});
/** One layer says a thing and its opposite. */
const odd = buildImage({ base: runtime, layers: [{ 'opt/app/main': 'hello', 'opt/app/.wh.main': '' }] });

let cwd: string;
let shop: Shop;
const cache = () => join(cwd, 'cache');
const blame = (...argv: string[]): Promise<CliResult> =>
  runCli(['blame', '--policy', 'policy.yaml', ...argv], {
    cwd,
    env: { CI: 'true', XDG_CACHE_HOME: cache() },
  });
const json = async (...argv: string[]) => documentOf('blame', await blame(...argv, '-o', 'json'));

beforeAll(async () => {
  cwd = mkdtempSync(join(tmpdir(), 'touchmark-cli-'));
  shop = await openShop(cwd);
  const file = join(cwd, 'policy.yaml');
  writeFileSync(file, readFileSync(file, 'utf8').replace(/approvals:\n.*\n/, ''));
  for (const [tag, image] of Object.entries({ base, runtime, app, odd }))
    await shop.push(`oci:shop:${tag}`, image);
  await markUpTo(shop, 'app');
  const marked = await shop.custody(
    'mark',
    'oci:shop:odd',
    'app',
    'alan',
    '--step',
    'app',
    '--base',
    'oci:shop:runtime',
  );
  expect(marked.exitCode, marked.stderr).toBe(0);
});
afterAll(() => rmSync(cwd, { recursive: true, force: true }));

test('one path in full: who wrote it, and what it was before', async () => {
  const { exitCode, stdout, stderr } = await blame('oci:shop:app', '/usr/lib/libssl.so.3');
  expect(exitCode, stderr).toBe(0);
  expect(stdout.split('\n')[0]).toMatch(/^oci:shop@sha256:[0-9a-f]{64} {2}content$/);
  expect(stdout).toMatch(/\n\/usr\/lib\/libssl\.so\.3 {2}file, 0644 0:0, 3 bytes, sha256:/);
  expect(stdout).toMatch(/\n {2}bytes {7}runtime {2}layer 1, step runtime, ada, \d{4}-/);
  expect(stdout).toMatch(/\n {2}before {6}base {2}layer 0, step base, grace and linus, /);
  expect((await blame('oci:shop:app', 'usr/lib/libssl.so.3')).stdout).toBe(stdout);
});

test('many paths, a line each, and as JSON by layer', async () => {
  const { stdout } = await blame('oci:shop:app', '/**');
  expect(stdout).toMatch(/\nruntime {2}layer 1 {3}\/usr\/lib\/libssl\.so\.3 {2}changed 1×\n/);
  expect(stdout).toMatch(/\napp {6}layer 2 {3}\/opt\/app\/main\n/);
  const report = await json('oci:shop:app', '/opt/**');
  expect(report).toMatchObject({ exitCode: 0, level: 'content', policy: { name: 'shop' }, deleted: [] });
  expect(
    report.layers.map(({ team, signers }: { team: string; signers: string[] }) => [team, ...signers]),
  ).toEqual([
    ['base', 'grace', 'linus'],
    ['runtime', 'ada'],
    ['app', 'alan'],
  ]);
  expect(report.paths.map(({ path, content }: { path: string; content: number }) => [path, content])).toEqual(
    [
      ['/opt/app', 2],
      ['/opt/app/=cmd', 2],
      ['/opt/app/main', 2],
    ],
  );
});

test('what is gone, who deleted it and whose it was', async () => {
  const { deleted, paths } = await json('oci:shop:app', '--deleted');
  expect(paths).toEqual([]);
  expect(
    deleted.map(
      ({
        path,
        deletedBy,
        how,
        was,
      }: {
        path: string;
        deletedBy: number;
        how: string;
        was: { name: number };
      }) => [path, deletedBy, how, was.name],
    ),
  ).toEqual([
    ['/usr/share/doc', 1, 'explicit', 0],
    ['/usr/share/doc/a', 1, 'explicit', 0],
    ['/usr/share/doc/b', 1, 'explicit', 0],
    ['/etc/os-release', 2, 'explicit', 0],
  ]);
  const one = await blame('oci:shop:app', '/etc/os-release');
  expect(one.exitCode).toBe(0);
  expect(one.stdout).toMatch(/\/etc\/os-release {2}is gone\n {2}deleted {5}app {2}layer 2/);
  expect((await blame('oci:shop:app', '--deleted', '/usr/**')).stdout).toContain(
    'deleted by runtime, layer 1',
  );
});

test('the image as a step handed it on', async () => {
  const report = await json('oci:shop:app', '--at', 'runtime', '/etc/os-release');
  expect(report.layers).toHaveLength(2);
  expect(report.paths).toMatchObject([{ path: '/etc/os-release', content: 0 }]);
  const { exitCode, stderr } = await blame('oci:shop:app', '--at', 'runtme');
  expect(exitCode).toBe(2);
  expect(stderr).toContain('its steps are: base, runtime, app');
});

test('CSV: a header, a line each, and no cell that a spreadsheet would run', async () => {
  const { stdout } = await blame('oci:shop:app', '-o', 'csv', '/opt/app/*');
  const [head, ...rows] = stdout.split('\n');
  expect(head).toBe(
    'path,kind,team,step,layer,metadata-team,name-team,mode,uid,gid,size,digest,deleted-by,how',
  );
  expect(rows[0]).toMatch(/^\/opt\/app\/=cmd,file,app,app,2,app,app,0644,0,0,0,sha256:[0-9a-f]{64},,$/);
  expect(rows).toHaveLength(3);
});

test('numbers for each team, and of one team its folders', async () => {
  const { stdout } = await blame('oci:shop:app', '--summary');
  const rows = stdout.split('\n').map(row => row.trim().split(/ {2,}/));
  expect(rows.slice(1, 5)).toEqual([
    ['team', 'files', 'bytes', 'others', 'replaced', 'metadata', 'deleted'],
    ['base', '0', '0', '4', '0', '0', '0'],
    ['runtime', '1', '3', '0', '1', '0', '3 (3)'],
    ['app', '2', '5', '2', '0', '0', '1 (1)'],
  ]);
  const report = await json('oci:shop:app', '--summary', '--team', 'runtime');
  expect(report).toMatchObject({ paths: [], deleted: [], collisions: [] });
  expect(report.summary).toMatchObject([
    {
      ...{ team: 'runtime', layers: [1], files: 1, bytes: 3, replaced: 1, deleted: 3, deletedOfOthers: 3 },
      folders: [{ path: '/usr/share/doc' }, { path: '/usr/lib' }, { path: '/usr/share' }],
    },
  ]);
  const csv = await blame('oci:shop:app', '--summary', '--team', 'app', '-o', 'csv');
  expect(csv.stdout.split('\n').slice(0, 3)).toEqual([
    'team,folder,files,bytes,others,replaced,metadata,deleted,deleted-of-others',
    'app,,2,5,2,0,0,1,1',
    'app,/etc,0,0,0,0,0,1,1',
  ]);
});

test('only what is one team’s', async () => {
  const { paths } = await json('oci:shop:app', '--team', 'runtime');
  expect(paths.map(({ path }: { path: string }) => path)).toEqual(['/usr/lib/libssl.so.3']);
  const { deleted } = await json('oci:shop:app', '--team', 'app', '--deleted');
  expect(deleted.map(({ path }: { path: string }) => path)).toEqual(['/etc/os-release']);
  const { exitCode, stderr } = await blame('oci:shop:app', '--team', 'ap');
  expect(exitCode).toBe(2);
  expect(stderr).toContain('its teams are: base, runtime, app');
});

test('without a chain that holds there is no answer, nor for a layer that tools read differently', async () => {
  const nobody = buildImage({ layers: [{ a: 'a' }] });
  await shop.push('oci:shop:nobody', nobody);
  const unmarked = await blame('oci:shop:nobody', '/a');
  expect([unmarked.exitCode, unmarked.stdout]).toEqual([10, '']);
  const unfinished = await blame('oci:shop:runtime', '/etc/os-release');
  expect([unfinished.exitCode, unfinished.stdout]).toEqual([15, '']);
  expect(unfinished.stderr).toContain('touchmark custody verify');
  const ambiguous = await blame('oci:shop:odd', '/opt/app/main');
  expect([ambiguous.exitCode, ambiguous.stdout]).toEqual([18, '']);
  expect(ambiguous.stderr).toContain('layer-ambiguous');
});

test.each([
  ['/none', /never had/],
  ['/a/../b', /is no path/],
  ['/a/**b', /is no path/],
])('a path that is not there, or none: %s', async (path, says) => {
  const { exitCode, stderr, stdout } = await blame('oci:shop:app', path);
  expect([exitCode, stdout]).toEqual([2, '']);
  expect(stderr).toMatch(says);
  expect(stderr).toMatch(/\n {2}fix {2,}\S/);
});

test('what was read once is known by its diffID, and is read again when the cache is damaged or gone', async () => {
  const folder = join(cache(), 'touchmark', 'layers', 'sha256');
  await blame('oci:shop:app', '/opt/app/main');
  expect(readdirSync(folder).length).toBeGreaterThanOrEqual(3);
  const blob = join(cwd, 'shop', 'blobs', 'sha256', (app.layers[2]?.descriptor.digest ?? '').slice(7));
  renameSync(blob, `${blob}.away`);
  expect((await blame('oci:shop:app', '/opt/app/main')).exitCode).toBe(0);
  const index = join(folder, `${app.layers[2]?.diffId.slice(7)}.index`);
  const bytes = readFileSync(index);
  writeFileSync(index, bytes.fill(0, bytes.length - 40, bytes.length - 33));
  expect((await blame('oci:shop:app', '/opt/app/main')).exitCode).toBe(24);
  renameSync(`${blob}.away`, blob);
  expect((await blame('oci:shop:app', '/opt/app/main')).exitCode).toBe(0);
  rmSync(cache(), { recursive: true });
  expect((await blame('oci:shop:app', '/opt/app/main')).exitCode).toBe(0);
});

test('a layer whose bytes are not those that its team signed is refused', async () => {
  rmSync(cache(), { recursive: true, force: true });
  const blob = join(cwd, 'shop', 'blobs', 'sha256', (runtime.layers[1]?.descriptor.digest ?? '').slice(7));
  const good = readFileSync(blob);
  const bad = Buffer.from(good);
  bad[bad.length - 20] = (bad.at(-20) ?? 0) ^ 1;
  writeFileSync(blob, bad);
  const { exitCode, stderr } = await blame('oci:shop:app', '/opt/app/main');
  expect([exitCode, stderr.includes('oci-digest-mismatch')]).toEqual([18, true]);
  writeFileSync(blob, good);
  expect((await blame('oci:shop:app', '/opt/app/main')).exitCode).toBe(0);
});
