import { readFileSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { LIMITS } from '../../../src/base/limits.js';
import { published } from './tuf-authors.js';

/** eve is to become a root holder: ada, ben and eve are asked. */
async function event() {
  const people = await published();
  await people.tuf('role', 'add-key', 'root', 'eve.pub');
  await people.tuf('offline', 'export', '--output-file', join(people.cwd, 'to-sign.json'));
  const sign = (name: string, ...more: string[]) =>
    people.json('tuf', 'offline', 'sign-payload', 'to-sign.json', '--key', `${name}.key`, ...more);
  return { ...people, sign };
}

it('three holders sign a file apart, and it is published', async () => {
  const { cwd, sign, tufJson } = await event();
  for (const name of ['ada', 'ben']) {
    const { ok, warnings, changes } = await sign(name, '--output-file', `${name}.json`, '--yes');
    expect({ ok, warnings }).toEqual({ ok: true, warnings: [] });
    expect(changes[0].changes.map(({ text }: { text: string }) => text).join('\n')).toContain(
      'signs for root',
    );
  }
  const eve = await sign('eve', '--yes');
  expect(eve.warnings.join(), 'she has not seen the root before').toContain('your key has not signed');
  const files = ['ben.json', eve.file, 'ada.json'].map(file => join(cwd, file));
  const { signed } = await tufJson('offline', 'import', ...files, files[0] as string);
  expect(signed.map(({ added }: { added: string[] }) => added.length)).toEqual([3]);
  expect((await tufJson('publish', '--key', 'online.key', '--yes')).versions.root).toBe(2);
});

it('shows the change from the bytes, not from the summary', async () => {
  const { cwd, call, sign } = await event();
  const file = join(cwd, 'to-sign.json');
  writeFileSync(
    file,
    readFileSync(file, 'utf8').replace(/"summary": \[[^\]]*\]/, '"summary": ["nothing at all"]'),
  );
  const { stdout } = await call(
    'tuf',
    'offline',
    'sign-payload',
    'to-sign.json',
    '--key',
    'ada.key',
    '--dry-run',
  );
  expect(stdout).toMatch(/\+ eve \([0-9a-f]{12}\) signs for root/);
  expect(stdout).not.toContain('nothing at all');
  const unasked = await sign('ada');
  expect(unasked).toMatchObject({ exitCode: 2, error: { code: 'usage-no-terminal' } });
});

it.each<[string, string, number, (text: string) => string]>([
  ['changed', 'tuf-hash-mismatch', 17, text => text.replace(/("payload": "e)(.)/, '$1A')],
  ['cut off', 'tuf-format', 17, text => text.slice(0, -20)],
  ['no JSON', 'tuf-format', 17, () => 'payload'],
  ['with a name twice', 'tuf-format', 17, text => text.replace('"role":', '"role": "targets", "role":')],
])('a file to sign that is %s is not signed', async (_what, code, exitCode, change) => {
  const { cwd, sign } = await event();
  const file = join(cwd, 'to-sign.json');
  const good = readFileSync(file, 'utf8');
  writeFileSync(file, change(good));
  expect(await sign('ada', '--yes')).toMatchObject({ exitCode, error: { code } });
  writeFileSync(file, good);
  expect((await sign('ada', '--yes')).ok).toBe(true);
});

it('a file to sign that is too large is not read', async () => {
  const { cwd, sign } = await event();
  truncateSync(join(cwd, 'to-sign.json'), LIMITS.tufPayloadFileSize + 1);
  expect(await sign('ada', '--yes')).toMatchObject({ exitCode: 2, error: { code: 'usage-file' } });
});

it('what was signed before an edit, by nobody who is asked, or twice, is told apart', async () => {
  const { cwd, sign, tuf, tufJson } = await event();
  const stranger = await sign('carl', '--yes');
  expect(stranger).toMatchObject({ exitCode: 12, error: { code: 'key-not-authorised' } });
  const { file } = await sign('ada', '--yes');
  const again = await sign('ada', '--yes');
  expect(again.ok, 'yes also overwrites').toBe(true);
  const signatures = join(cwd, file);
  expect((await tufJson('offline', 'import', signatures)).signed[0].added).toHaveLength(1);
  expect((await tufJson('offline', 'import', signatures)).signed[0].added).toEqual([]);
  await tuf('role', 'add-key', 'root', 'carl.pub');
  const late = await tufJson('offline', 'import', signatures);
  expect(late).toMatchObject({ exitCode: 17, error: { code: 'tuf-payload-other' } });
  const wrong = await tufJson('offline', 'import', join(cwd, 'to-sign.json'));
  expect(wrong).toMatchObject({ exitCode: 17, error: { code: 'tuf-format' } });
});
