import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, describe, expect, it } from 'vitest';
import { SCHEMAS } from '../../../src/cli/schemas.js';
import { install } from '../crypto/fixtures.js';
import { edit } from '../policy/support.js';
import { runCli, temporaryFolder } from './run-cli.js';

/** A sound policy with nothing to find but that its teams are small. */
const POLICY = `custody: 1
name: shop
version: 1
expires: ${new Date(Date.now() + 100 * 86_400_000).toISOString().slice(0, 19)}Z
scope:
  repositories: ["registry.example/shop/*"]
teams:
  base:
    signers:
      linus: { keys: ["linus.pub"] }
      grace: { keys: ["grace.pub"] }
  app: { signers: { ada: { keys: ["ada.pub"] } } }
flow:
  - { step: base, team: base, kinds: [add], threshold: 2, maxAge: 60d }
  - { step: app, team: app, kinds: [add, config], threshold: 1, maxAge: 12h }
`;

let cwd: string;
beforeEach(() => {
  cwd = temporaryFolder();
  install('touchmark/ecdsa-p256.pub', cwd, 0o644, 'linus.pub');
  install('touchmark/ed25519.pub', cwd, 0o644, 'grace.pub');
  install('touchmark/ecdsa-p384.pub', cwd, 0o644, 'ada.pub');
  install('touchmark/ecdsa-p256.key', cwd, 0o600, 'linus.key');
});

const check = (...argv: string[]) => runCli(['policy', 'check', ...argv], { cwd });

function write(name: string, document: string): string {
  writeFileSync(join(cwd, name), document);
  return name;
}

async function json(...argv: string[]) {
  const { stdout, exitCode } = await check(...argv, '-o', 'json');
  const document = SCHEMAS['policy-check'].parse(JSON.parse(stdout));
  expect(document.exitCode).toBe(exitCode);
  expect(document.ok).toBe(exitCode === 0);
  return document;
}

describe('policy check of a file that is not sound', () => {
  it.each<[string, string, string, number, string, number, string]>([
    // what, from, to, exit, code, line, fix
    ['a misspelt key', 'maxAge: 60d', 'maxage: 60d', 2, 'policy-invalid', 14, 'did you mean "maxAge"?'],
    ['a key twice', 'version: 1', 'version: 1\nname: b', 2, 'policy-invalid', 4, 'keep one of the two'],
    ['threshold 0', 'threshold: 2', 'threshold: 0', 2, 'policy-invalid', 14, 'ask for 1 signer'],
    [
      'a threshold above the signers',
      'threshold: 2',
      'threshold: 3',
      2,
      'policy-invalid',
      14,
      'add signers to the team',
    ],
    [
      'a repository pattern without a registry',
      '"registry.example/shop/*"',
      '"shop/*"',
      2,
      'policy-invalid',
      6,
      'registry.example/shop/*',
    ],
    [
      'a repository pattern that no name has',
      '"registry.example/shop/*"',
      '"registry.example/.shop/*"',
      2,
      'policy-invalid',
      6,
      'registry.example/shop/*',
    ],
    [
      'a repository pattern with a part that no name has',
      '"registry.example/shop/*"',
      '"registry.example/s..p/*"',
      2,
      'policy-invalid',
      6,
      'registry.example/shop/*',
    ],
    ['a team that is a path', '  app: {', '  teams/app: {', 2, 'policy-invalid', 12, 'such as "app"'],
    ['a team nobody knows', 'team: app', 'team: ap', 2, 'policy-invalid', 15, 'did you mean "app"?'],
    [
      'a pattern of no team',
      'team: app',
      'team: "web-*"',
      2,
      'policy-invalid',
      15,
      'the teams are base, app',
    ],
    ['a key that is not there', 'linus.pub', 'lnius.pub', 22, 'key-not-found', 10, 'touchmark key generate'],
    ['a private key', 'linus.pub', 'linus.key', 22, 'key-not-public', 10, 'touchmark key export'],
  ])('%s', async (_, from, to, exitCode, code, line, fix) => {
    const file = write('shop.yaml', edit(from, to, POLICY));
    const text = await check(file);
    expect(text.exitCode).toBe(exitCode);
    expect(text.stdout.trim()).toBe('');
    expect(text.stderr).toMatch(new RegExp(`\\n  code +${code} \\(exit ${exitCode}\\)\\n`));
    expect(text.stderr).toMatch(new RegExp(`\\n  line +${line}\\n`));
    expect(text.stderr.replaceAll(/\s+/g, ' ')).toContain(fix);
    expect(text.stderr).toMatch(/\n {2}fix {2,}\S/);

    const document = await json(file);
    expect(document.exitCode).toBe(exitCode);
    expect(document.files).toMatchObject([
      { file, ok: false, policy: null, findings: [], error: { code, details: { policy: file, line } } },
    ]);
    write('shop.yaml', POLICY);
    expect((await check(file)).exitCode).toBe(0);
  });

  it('tells every problem, each with its line', async () => {
    const file = write(
      'shop.yaml',
      edit('maxAge: 60d', 'maxage: 60d', edit('version: 1', 'version: 0', POLICY)),
    );
    const { stderr } = await check(file);
    expect(stderr).toMatch(/\n {2}problems +line 3, column 10: version must be at least 1/);
    expect(stderr).toMatch(/\n +line 14, column \d+: flow\[0\]\.maxage is an unknown key/);
  });
});

describe('policy check of a sound file', () => {
  it('tells findings with place, severity, code and fix, and takes notes and warnings for a yes', async () => {
    const file = write('shop.yaml', edit('threshold: 2, maxAge: 60d', 'threshold: 1', POLICY));
    const { stdout, stderr, exitCode } = await check(file);
    expect(exitCode, stderr).toBe(0);
    expect(stderr).toBe('');
    const lines = stdout.split('\n');
    expect(lines[0]).toMatch(/^shop\.yaml: ok: shop version 1, 2 teams, expires \d{4}-\d\d-\d\d$/);
    expect(lines.filter(line => /^\S/.test(line)).map(line => line.split(': ')[1])).toEqual([
      'ok',
      'note team-one-signer',
      'warning step-ageless',
      'warning first-step-one-signer',
    ]);
    expect(stdout).toMatch(/^shop\.yaml:14:5: warning step-ageless: .+\n(?: {4}.+\n)* {4}fix: add maxAge/m);
    expect(lines.filter(line => [...line].length > 100)).toEqual([]);
  });

  it.each([
    ['error', 0],
    ['warning', 19],
    ['note', 19],
  ])('--fail-on %s', async (bar, exitCode) => {
    const file = write('shop.yaml', edit(', maxAge: 60d', '', POLICY));
    const { stdout, stderr, exitCode: given } = await check('--fail-on', bar, file);
    expect(given).toBe(exitCode);
    expect(stdout).toContain(exitCode === 0 ? 'shop.yaml: ok: ' : 'shop.yaml: not ok: ');
    expect(/code +policy-unwise \(exit 19\)/.test(stderr)).toBe(exitCode !== 0);
    const document = await json('--fail-on', bar, file);
    expect(document).toMatchObject({ failOn: bar, exitCode, files: [{ ok: exitCode === 0, error: null }] });
    expect(document.files[0]?.findings.map(({ code, line }) => [code, line])).toEqual([
      ['team-one-signer', 12],
      ['step-ageless', 14],
    ]);
  });

  it('has nothing to say about a policy that is well made', async () => {
    install('touchmark/ecdsa-p521.pub', cwd, 0o644, 'ben.pub');
    const both = 'ada: { keys: ["ada.pub"] }, ben: { keys: ["ben.pub"] }';
    const file = write('shop.yaml', edit('ada: { keys: ["ada.pub"] }', both, POLICY));
    const document = await json('--fail-on', 'note', file);
    expect(document).toMatchObject({ exitCode: 0, files: [{ ok: true, findings: [] }] });
    expect(document.files[0]?.policy?.teams).toMatchObject([
      { name: 'base', signers: [{ name: 'linus' }, { name: 'grace' }] },
      { name: 'app', signers: [{ name: 'ada' }, { name: 'ben' }] },
    ]);
  });

  it('says no to what can not work: an expired policy, teams that need the same signer', async () => {
    const expired = write('old.yaml', POLICY.replace(/expires: .*/, 'expires: 2026-01-01T00:00:00Z'));
    const same = write('same.yaml', edit('"ada.pub"', '"grace.pub"', POLICY));
    const document = await json(expired, same);
    expect(document.exitCode).toBe(19);
    expect(
      document.files.map(({ findings }) => findings.find(({ severity }) => severity === 'error')),
    ).toMatchObject([
      { code: 'policy-expired', line: 4 },
      { code: 'policy-unsatisfiable', line: 7 },
    ]);
  });

  it('of several files names each, and gives the code of the worst', async () => {
    const good = write('good.yaml', POLICY);
    const unwise = write('unwise.yaml', POLICY.replace(/expires: .*/, 'expires: 2026-01-01T00:00:00Z'));
    const bad = write('bad.yaml', edit('version: 1', 'version: 0', POLICY));
    expect((await json(good, unwise)).exitCode).toBe(19);
    const all = await json(unwise, good, bad, 'absent.yaml');
    expect(all.exitCode).toBe(2);
    expect(all.files.map(({ file, ok, error }) => [file, ok, error?.code ?? null])).toEqual([
      ['unwise.yaml', false, null],
      ['good.yaml', true, null],
      ['bad.yaml', false, 'policy-invalid'],
      ['absent.yaml', false, 'usage-file'],
    ]);
  });

  it('reads JSON as it reads YAML', async () => {
    const document = {
      custody: 1,
      name: 'shop',
      version: 1,
      scope: { repositories: ['registry.example/shop'] },
      teams: { app: { signers: { ada: { keys: ['ada.pub'] } } } },
      flow: [{ step: 'app', team: 'app', kinds: ['add'], threshold: 1, maxAge: '7d' }],
    };
    const file = write('shop.json', JSON.stringify(document, undefined, 2));
    const { files } = await json(file);
    expect(files[0]?.findings.map(({ code, line }) => [code, line])).toEqual([
      ['policy-expires-never', 1],
      ['team-one-signer', 12],
      ['first-step-one-signer', 28],
    ]);
  });
});
