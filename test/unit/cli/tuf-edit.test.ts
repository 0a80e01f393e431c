import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { createMemoryCache, openClient, openFolderSource } from '../../../src/tuf/index.js';
import { runCli } from './run-cli.js';
import { authors, published } from './tuf-authors.js';

async function clientOf(cwd: string, now = new Date()) {
  const folder = join(cwd, 'trust');
  return openClient({
    cache: createMemoryCache(),
    now,
    root: readFileSync(join(folder, 'metadata', '1.root.json')),
    source: openFolderSource({ metadata: join(folder, 'metadata'), targets: join(folder, 'targets') }),
  });
}

describe('tuf init', () => {
  it('stages root and targets, and says who signs and what holds how long', async () => {
    const { json } = await authors();
    const init = await json(
      ...['tuf', 'init', 'trust', '--root-key', 'ada.pub', '--root-key', 'Ben in Bern=ben.pub'],
      ...[
        '--targets-key',
        'carl.pub',
        '--snapshot-key',
        'online.pub',
        '--expires',
        'targets=30d,timestamp=2d',
      ],
    );
    expect(init).toMatchObject({ ok: true, dir: 'trust' });
    const summary = init.roles.map(
      (role: { role: string; threshold: number; expiryDays: number; keys: { label: string }[] }) => [
        role.role,
        role.threshold,
        role.expiryDays,
        role.keys.map(({ label }) => label).join(),
      ],
    );
    expect(summary).toEqual([
      ['root', 2, 365, 'ada,Ben in Bern'],
      ['targets', 1, 30, 'carl'],
      ['snapshot', 1, 7, 'online'],
      ['timestamp', 1, 2, 'online'],
    ]);
    expect(init.warnings).toEqual([]);
    const status = await json('tuf', 'status', '--dir', 'trust');
    expect(status.roles.map((role: { published: unknown }) => role.published)).toEqual([
      null,
      null,
      null,
      null,
    ]);
    expect(status.attention.map((entry: { kind: string }) => entry.kind)).toEqual(['unsigned', 'unsigned']);
  });

  it('warns of one root key, and of an online key that signs root', async () => {
    const { json } = await authors();
    const { warnings } = await json(
      'tuf',
      'init',
      'trust',
      '--root-key',
      'ada.pub',
      '--snapshot-key',
      'ada.pub',
    );
    expect(warnings.join('\n')).toMatch(/one key holds the root[\s\S]*ada signs online, and root/);
  });

  it.each([
    ['a threshold out of reach', ['--root-threshold', '3'], 'usage-argument', 2],
    ['one key twice', ['--root-key', 'ada.pub'], 'usage-argument', 2],
    ['a period without unit', ['--expires', 'root=365'], 'usage-argument', 2],
    ['a role of which there is none', ['--expires', 'mirrors=1d'], 'usage-argument', 2],
    ['a private key', ['--root-key', 'ben.key'], 'key-not-public', 22],
    ['a key that is not there', ['--root-key', 'nobody.pub'], 'key-not-found', 22],
  ])('refuses %s, and takes the same without it', async (_what, bad, code, exitCode) => {
    const { json } = await authors();
    const good = ['tuf', 'init', 'trust', '--root-key', 'ada.pub', '--snapshot-key', 'online.pub'];
    expect(await json(...good, ...bad)).toMatchObject({ exitCode, error: { code } });
    expect((await json(...good)).ok).toBe(true);
    expect(await json(...good)).toMatchObject({ exitCode: 2, error: { code: 'usage-file-exists' } });
  });
});

describe('an event from edit to publication', () => {
  it('is shown, signed, published, and found by a client', async () => {
    const { cwd, tuf, tufJson, call } = await published();
    writeFileSync(join(cwd, 'claim.json'), '{}');
    const edit = await tufJson(
      'role',
      'delegate',
      'team-base',
      '--paths',
      'custody/base/*/*',
      '--key',
      'bea.pub',
    );
    expect(edit.staged).toMatchObject([
      { role: 'targets', version: 2, changed: true },
      { role: 'team-base', version: 1 },
    ]);
    const add = ['target', 'add', 'claim.json', '--role', 'team-base', '--custom', '{"status":"active"}'];
    const outside = await tufJson(...add, '--path', 'elsewhere/claim.json');
    expect(outside).toMatchObject({ exitCode: 17, error: { code: 'tuf-path-not-delegated' } });
    await tuf(...add, '--path', 'custody/base/1/');
    const diff = await tuf('diff');
    expect(diff).toContain('+ new role team-base for custody/base/*/*');
    expect(diff).toMatch(/\+ bea \([0-9a-f]{12}\) signs for team-base/);
    expect(diff).toContain(
      '+ new target custody/base/1/claim.json, 2 bytes, sha256 44136fa355b3678a…, {"status":"active"}',
    );

    const early = await tufJson('publish', '--key', 'online.key', '--yes');
    expect(early).toMatchObject({ exitCode: 14, error: { code: 'tuf-not-signed' } });
    const half = await tufJson('sign', '--key', 'ada.key', '--yes');
    expect(half.signed.map((role: { added: string[] }) => role.added.length)).toEqual([1, 0]);
    const text = await call('tuf', 'sign', '--dir', 'trust', '--key', 'bea.key', '--yes');
    expect(text.stderr, 'seen before it is signed').toContain('new target custody/base/1/claim.json');
    expect(text.stdout).toMatch(/team-base version 1: 1 signature added\n {2}signed \(1 of 1\)/);
    const { versions } = await tufJson('publish', '--key', 'online.key');
    expect(versions).toEqual({ targets: 2, 'team-base': 1, snapshot: 2, timestamp: 2 });

    const client = await clientOf(cwd);
    const found = await client.findTarget('custody/base/1/claim.json');
    expect(found?.info.length).toBe(2);
    const { targets } = await tufJson('target', 'list');
    expect(targets).toMatchObject([{ role: 'team-base', length: 2, custom: { status: 'active' } }]);
    await tuf('target', 'remove', 'custody/base/1/claim.json', '--role', 'team-base');
    expect((await tufJson('target', 'list')).targets).toEqual([]);
  });

  it('asks before a signature, and takes no key that nobody asked', async () => {
    const { tuf, tufJson } = await published();
    await tuf('role', 'add-key', 'targets', 'eve.pub');
    const unasked = await tufJson('sign', '--key', 'ada.key');
    expect(unasked).toMatchObject({ exitCode: 2, error: { code: 'usage-no-terminal' } });
    const stranger = await tufJson('sign', '--key', 'online.key', '--yes');
    expect(stranger).toMatchObject({ exitCode: 12, error: { code: 'key-not-authorised' } });
    const dry = await tufJson('sign', '--key', 'ada.key', '--dry-run');
    expect(dry).toMatchObject({ ok: true, dryRun: true, signed: [], changes: [{ role: 'root' }] });
    const { roles } = await tufJson('status');
    expect(roles[0].staged.standing.map((one: { signed: unknown[] }) => one.signed.length)).toEqual([0, 0]);
    expect((await tufJson('sign', '--key', 'ada.key', '--yes')).ok).toBe(true);
  });

  it('says that an edit drops signatures', async () => {
    const { cwd, tuf, tufJson } = await published();
    writeFileSync(join(cwd, 'a'), 'a');
    await tuf('target', 'add', 'a');
    await tuf('sign', '--key', 'ada.key', '--yes');
    const again = await tufJson('target', 'add', 'a', '--path', 'b');
    expect(again.staged).toMatchObject([{ role: 'targets', version: 2, droppedSignatures: 1 }]);
    expect(await tuf('target', 'add', 'a', '--path', 'c')).not.toContain('dropped');
  });
});

describe('questions before what weakens or deletes', () => {
  it.each([
    [
      'a lower threshold',
      ['role', 'threshold', 'root', '1'],
      'Lower the threshold of root from 2 to 1 of 2 keys?',
    ],
    ['a revoked role', ['role', 'revoke', 'team'], 'Revoke team?'],
    ['staged work that is dropped', ['reset'], 'Drop what is staged of 2 roles'],
  ])('%s', async (_what, argv, question) => {
    const { tuf, tufJson } = await published();
    await tuf('role', 'delegate', 'team', '--paths', 'team/*', '--key', 'ben.pub');
    const refused = await tufJson(...argv);
    expect(refused).toMatchObject({ exitCode: 2, error: { code: 'usage-no-terminal' } });
    expect(refused.error.message).toContain(question);
    expect((await tufJson(...argv, '--yes')).ok).toBe(true);
  });

  it('a new root is one too, a higher threshold is not', async () => {
    const { tuf, tufJson } = await published();
    await tuf('role', 'add-key', 'root', 'eve.pub');
    expect((await tufJson('role', 'threshold', 'root', '3')).ok).toBe(true);
    await tuf('sign', '--key', 'ada.key', '--key', 'ben.key', '--key', 'eve.key', '--yes');
    const asked = await tufJson('publish', '--key', 'online.key');
    expect(asked).toMatchObject({ exitCode: 2, error: { code: 'usage-no-terminal' } });
    expect((await tufJson('publish', '--key', 'online.key', '--yes')).versions.root).toBe(2);
  });

  it('the last keys that a threshold needs cannot be taken', async () => {
    const { tufJson, tuf } = await published();
    const last = await tufJson('role', 'remove-key', 'root', 'ben');
    expect(last).toMatchObject({ exitCode: 2, error: { code: 'usage-argument' } });
    await tuf('role', 'add-key', 'root', 'eve.pub');
    expect((await tufJson('role', 'remove-key', 'root', 'ben')).ok).toBe(true);
  });
});

describe('what runs regularly', () => {
  it('refreshes only when it is due, and opens no key before', async () => {
    const { cwd, tufJson } = await published();
    const early = await runCli(
      ['tuf', 'refresh', '--dir', 'trust', '--within', '12h', '--key', 'missing.key', '-o', 'json'],
      { cwd },
    );
    expect(JSON.parse(early.stdout)).toMatchObject({ ok: true, refreshed: false, timestamp: 1 });
    const due = await tufJson('refresh', '--within', '2d', '--key', 'online.key');
    expect(due).toMatchObject({ refreshed: true, timestamp: 2, snapshot: null });
    const wrong = await tufJson('refresh', '--key', 'ada.key');
    expect(wrong).toMatchObject({ exitCode: 12, error: { code: 'key-not-authorised' } });
  });

  it('status --check is 19 when somebody has to act, and 0 else', async () => {
    const { call, tuf, tufJson } = await published();
    const check = (...more: string[]) => call('tuf', 'status', '--dir', 'trust', '--check', ...more);
    expect((await check()).exitCode).toBe(0);
    const soon = await check('--within', '100d');
    expect(soon.exitCode).toBe(19);
    expect(soon.stderr).toMatch(
      /targets expires in 89 days[\s\S]*fix {3}touchmark tuf role renew targets --dir trust/,
    );
    await tuf('role', 'renew', 'targets');
    expect(await tufJson('status', '--check')).toMatchObject({
      exitCode: 19,
      attention: [{ role: 'targets', kind: 'unsigned' }],
    });
    expect((await call('tuf', 'status', '--dir', 'trust')).exitCode).toBe(0);
    await tuf('sign', '--key', 'ada.key', '--yes');
    expect((await tufJson('status')).attention).toMatchObject([{ role: 'targets', kind: 'unpublished' }]);
  });

  it.each(['7', '0d', '1w', '-1d'])('refuses --within %s', async within => {
    const { tufJson } = await authors();
    expect(await tufJson('status', `--within=${within}`)).toMatchObject({
      error: { code: 'usage-argument' },
    });
  });
});

it('spreads targets over bins, which stand as one entry', async () => {
  const { cwd, tuf, tufJson } = await published();
  await tuf('role', 'delegate', 'files', '--bins', '16', '--succinct', '--key', 'online.pub');
  const { roles } = await tufJson('role', 'list');
  expect(roles.at(-1)).toMatchObject({ role: 'files', bins: 16, threshold: 1, keys: [{ label: 'online' }] });
  writeFileSync(join(cwd, 'a'), 'a');
  const { staged } = await tufJson('target', 'add', 'a');
  expect(staged[0].role).toMatch(/^files-[0-9a-f]$/);
  const odd = await tufJson('role', 'delegate', 'more', '--bins', '12', '--key', 'online.pub');
  expect(odd).toMatchObject({ exitCode: 2, error: { hint: '--bins 16' } });
});

it('a folder without a repository is no repository', async () => {
  const { json } = await authors();
  expect(await json('tuf', 'status')).toMatchObject({ exitCode: 2, error: { code: 'usage-file' } });
});
