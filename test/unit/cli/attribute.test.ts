import { mkdtempSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { root } from '../documents.js';
import { base, middle, scanned } from '../scans/scanned-image.js';
import { documentOf, markUpTo, openShop, type Shop } from './custody-shop.js';
import { type CliResult, runCli } from './run-cli.js';

const vector = (name: string) => join(root, 'test/vectors/reports', `${name}.json`);

let cwd: string;
let shop: Shop;
const attribute = (report: string, ...argv: string[]): Promise<CliResult> =>
  runCli(['attribute', '--policy', 'policy.yaml', '--report', report, 'oci:shop:app', ...argv], {
    cwd,
    env: { CI: 'true', XDG_CACHE_HOME: join(cwd, 'cache') },
  });
const json = async (report: string, ...argv: string[]) =>
  documentOf('attribute', await attribute(report, ...argv, '-o', 'json'));
const write = (name: string, text: string): string => {
  writeFileSync(join(cwd, name), text);
  return name;
};
/** The recorded report of Trivy with something else in it. */
const trivy = (name: string, change: (report: Record<string, never>) => object): string =>
  write(name, JSON.stringify(change(JSON.parse(readFileSync(vector('trivy'), 'utf8')))));

beforeAll(async () => {
  cwd = mkdtempSync(join(tmpdir(), 'touchmark-cli-'));
  shop = await openShop(cwd);
  for (const [tag, image] of Object.entries({ base, runtime: middle, app: scanned }))
    await shop.push(`oci:shop:${tag}`, image);
  await markUpTo(shop, 'app');
});
afterAll(() => rmSync(cwd, { recursive: true, force: true }));

test('a table by team, and whose each finding is, before anybody approved the image', async () => {
  const { exitCode, stdout, stderr } = await attribute(vector('trivy'));
  expect([exitCode, stderr]).toEqual([0, '']);
  const lines = stdout.split('\n').map(line => line.replace(/ {2,}/g, '  ').trim());
  expect(lines).toEqual(
    [
      expect.stringMatching(/^oci:shop@sha256:[0-9a-f]{64} {2}content$/),
      'report  trivy, of this image, by its manifest, made 2026-11-20',
      'approved  no approval of the image rests on this report',
      'policy  not satisfied yet: approval-missing',
      '',
      'team  critical  high  medium  low  negligible  unknown  total',
      'base  1  0  0  0  0  0  1',
      'runtime  0  0  1  1  0  0  2',
      'app  1  1  1  0  0  0  3',
      '2 findings that the report puts into a layer of another team than the image does',
      '',
      'critical  base  CVE-2023-45853  zlib1g 1:1.2.13.dfsg-1  layer 0, by package (by layer: app, layer 2)',
      'critical  app  aws-access-key-id  layer 2, /opt/app/.env',
      'medium  runtime  CVE-2023-6129  libssl3 3.0.11-1~deb12u2  layer 1, by package (by layer: app, layer 2)',
      'medium  app  CVE-2023-46218  curl 7.88.1-10+deb12u5  → 7.88.1-10+deb12u6  layer 2, by package',
      'low  runtime  CVE-2023-42282  ip 2.0.0  → 2.0.1, 1.1.9  layer 1, /usr/lib/node_modules/npm/node_modules/ip/package.json',
      '',
    ].toSpliced(
      13,
      0,
      'high  app  CVE-2021-23337  lodash 4.17.20  → 4.17.21  layer 2, /opt/app/node_modules/lodash/package.json',
    ),
  );
});

test('a gate for one team is exit 19; a bill of materials has components by team', async () => {
  const app = await json(vector('trivy'), '--fail-on', 'high', '--team', 'app');
  expect(app).toMatchObject({ ok: false, exitCode: 19, gate: { failing: 2, uncertain: 0, team: 'app' } });
  expect(app.summary.findings).toBe(6);
  const text = await attribute(vector('clair'), '--fail-on', 'medium', '--team', 'base');
  expect(text.exitCode).toBe(19);
  expect(text.stderr).toMatch(
    /1 finding at or above medium, of team base or of nobody[\s\S]*--tolerate[\s\S]*findings-present/,
  );
  const tolerant = await json(
    vector('clair'),
    '--fail-on',
    'medium',
    '--team',
    'base',
    '--tolerate',
    'unattributed',
  );
  expect(tolerant).toMatchObject({ exitCode: 0, summary: { unknownLayers: [`sha256:${'ab'.repeat(32)}`] } });
  const { components } = await json(vector('spdx-syft'));
  expect(components).toMatchObject([
    { package: { name: 'curl' }, owners: [{ team: 'app', by: 'package' }] },
    { package: { name: 'ip' }, owners: [{ team: 'runtime', by: 'path' }] },
  ]);
});

test('an approval that rests on this very report', async () => {
  const none = await attribute(vector('trivy'), '--approved-by', 'security', '--fail-on', 'critical');
  expect(none.exitCode).toBe(15);
  expect(none.stderr).toMatch(
    /no approval of the image by team security .* rests on this report[\s\S]*approval-missing/,
  );

  const approved = await shop.custody(
    'approve',
    'oci:shop:app',
    'security',
    'sue',
    '--step',
    'scan',
    '--evidence',
    `scan-report=${vector('trivy')}`,
  );
  expect(approved.exitCode, approved.stderr).toBe(0);
  const { exitCode, stdout } = await attribute(vector('trivy'), '--approved-by', 'security');
  expect([exitCode, /\n {2}approved {2}security {2}scan, sue, \d+ seconds? ago\n/.test(stdout)]).toEqual([
    0,
    true,
  ]);
  expect(stdout).not.toContain('not satisfied');
  // Another report of the same image, by one space.
  const other = write('other.json', ` ${readFileSync(vector('trivy'), 'utf8')}`);
  expect((await attribute(other, '--approved-by', 'security')).exitCode).toBe(15);
});

test('SARIF and CSV: teams in each, and nothing that a terminal or a spreadsheet would run', async () => {
  const evil = trivy('evil.json', report => ({
    ...report,
    Results: [
      {
        Target: '\u001b[2J/x',
        Class: 'lang-pkgs',
        Type: 'npm',
        Vulnerabilities: [
          {
            VulnerabilityID: '=cmd()',
            PkgName: '\u001b]0;evil\u0007,"',
            Severity: '\u202ehgih',
            Title: '@x\r\n+y',
          },
        ],
      },
    ],
  }));
  const [text, csv, sarif] = await Promise.all([
    attribute(evil),
    attribute(evil, '-o', 'csv'),
    attribute(evil, '-o', 'sarif'),
  ]);
  for (const { stdout, stderr } of [text, csv, sarif])
    expect(stdout + stderr).not.toMatch(/(?!\n)[\p{Cc}\u202e]/u);
  expect(text.stdout).toContain('unknown     nobody  =cmd()');
  const [head, row] = csv.stdout.split('\n');
  expect(head).toBe(
    'severity,id,package,version,fixed-in,team,step,layer,adopted,by,path,unattributed,contradicted-by,title,purl',
  );
  expect(row).toMatch(/^unknown,'=cmd\(\),"\\u\{1b\}\]0;evil\\u\{7\},""",,,,,,,,,path-unknown,,"'@x/);
  expect(JSON.parse(sarif.stdout).runs[0].results[0]).toMatchObject({
    ruleId: '=cmd()',
    properties: { teams: [] },
  });
});

test('a report about another image, or about none', async () => {
  const digest = `sha256:${'0'.repeat(64)}`;
  const other = trivy('another.json', report => ({
    ...report,
    Metadata: { ImageID: digest, RepoDigests: [] },
  }));
  const refused = await attribute(other);
  expect([refused.exitCode, refused.stdout]).toEqual([24, '']);
  expect(refused.stderr).toMatch(/the report is about another image[\s\S]*report-other-image/);
  const silent = trivy('silent.json', report => ({ ...report, Metadata: {} }));
  const report = await json(silent);
  expect(report).toMatchObject({ exitCode: 0, report: { subject: 'unstated' } });
  expect(report.warnings).toEqual([expect.stringContaining('does not say which image')]);
});

test('bad input: a report of 500 MB, none, a format that it is not, a team that is none', async () => {
  write('huge.json', '{');
  truncateSync(join(cwd, 'huge.json'), 500 * 1024 * 1024);
  const cases = await Promise.all([
    attribute('huge.json'),
    attribute(write('text.json', 'hello')),
    attribute(vector('trivy'), '--format', 'grype'),
    attribute(vector('trivy'), '--team', 'ap'),
    attribute(vector('trivy'), '--approved-by', 'securty'),
    attribute('nowhere.json'),
  ]);
  expect(cases.map(({ exitCode, stdout }) => [exitCode, stdout])).toEqual(cases.map(() => [2, '']));
  const says = [
    /larger than 67108864 bytes/,
    /not acceptable JSON/,
    /report\.matches must be a list/,
    /did you mean app\?/,
    /did you mean security\?/,
    /does not exist/,
  ];
  for (const [at, { stderr }] of cases.entries()) expect(stderr).toMatch(says[at] as RegExp);
});

test('without a chain that holds there is no answer', async () => {
  const argv = ['attribute', '--policy', 'policy.yaml', '--report', vector('trivy'), 'oci:shop:runtime'];
  const unfinished = await runCli(argv, { cwd });
  expect([unfinished.exitCode, unfinished.stdout]).toEqual([15, '']);
  expect(unfinished.stderr).toContain('step-missing');
});
