import { chmodSync, cpSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { EXIT_CODES, type ReasonCode } from '../../../src/base/codes.js';
import { TouchmarkError } from '../../../src/base/errors.js';
import { failureDocument } from '../../../src/cli/document.js';
import { formatError, formatErrorLine } from '../../../src/cli/error-text.js';
import { SCHEMAS } from '../../../src/cli/schemas.js';
import { createStyler } from '../../../src/cli/text.js';
import { runCli, temporaryFolder } from './run-cli.js';

interface Case {
  readonly code: ReasonCode;
  readonly argv: readonly string[];
  /** The same command line with the one defect gone. */
  readonly cured: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  readonly curedEnv?: Readonly<Record<string, string>>;
}

const password = { TOUCHMARK_PASSWORD: 'secret' };
const plain = ['--no-password', '--insecure-plaintext-key'];

const CASES: readonly Case[] = [
  { code: 'usage-unknown-command', argv: ['schem'], cured: ['schema'] },
  { code: 'usage-unknown-command', argv: ['key', 'lst'], cured: ['key', 'list'] },
  { code: 'usage-unknown-flag', argv: ['key', 'list', '--quite'], cured: ['key', 'list', '--quiet'] },
  { code: 'usage-unknown-flag', argv: ['key', 'list', '-Z'], cured: ['key', 'list', '-q'] },
  { code: 'usage-argument', argv: ['schema', 'failur'], cured: ['schema', 'failure'] },
  { code: 'usage-argument', argv: ['key', 'show'], cured: ['key', 'show', 'k.pub'] },
  { code: 'usage-argument', argv: ['key', 'list', '.', 'b'], cured: ['key', 'list', '.'] },
  {
    code: 'usage-argument',
    argv: ['key', 'generate', 'n', ...plain, '--kind', 'dsa'],
    cured: ['key', 'generate', 'n', ...plain, '--kind', 'ed25519'],
  },
  {
    code: 'usage-argument',
    argv: ['key', 'generate', 'n', ...plain, '--kind', '--no-color'],
    cured: ['key', 'generate', 'n', ...plain, '--kind', 'ed25519', '--no-color'],
  },
  {
    code: 'usage-argument',
    argv: ['key', 'generate', 'n', '--no-password'],
    cured: ['key', 'generate', 'n', '--no-password', '--insecure-plaintext-key'],
  },
  {
    code: 'usage-argument',
    argv: ['key', 'list'],
    cured: ['key', 'list'],
    env: { TOUCHMARK_QUIET: 'maybe' },
    curedEnv: { TOUCHMARK_QUIET: 'true' },
  },
  {
    code: 'usage-no-terminal',
    argv: ['key', 'generate', 'n'],
    cured: ['key', 'generate', 'n'],
    curedEnv: password,
  },
  {
    code: 'usage-file-exists',
    argv: ['key', 'generate', 'k'],
    cured: ['key', 'generate', 'k', '--yes'],
    env: password,
    curedEnv: password,
  },
  {
    code: 'usage-file',
    argv: ['key', 'export', 'k.key', '--password-file', 'absent.txt'],
    cured: ['key', 'export', 'k.key', '--password-file', 'password.txt'],
  },
  { code: 'key-not-found', argv: ['key', 'show', 'absent.pub'], cured: ['key', 'show', 'k.pub'] },
  { code: 'key-empty', argv: ['key', 'show', 'empty.pub'], cured: ['key', 'show', 'k.pub'] },
  { code: 'key-permissions', argv: ['key', 'show', 'open.key'], cured: ['key', 'show', 'k.key'] },
  { code: 'key-not-private', argv: ['key', 'passwd', 'k.pub'], cured: ['key', 'passwd', 'k.key'], ...both() },
  {
    code: 'key-wrong-password',
    argv: ['key', 'export', 'k.key'],
    cured: ['key', 'export', 'k.key'],
    env: { TOUCHMARK_PASSWORD: 'wrong' },
    curedEnv: password,
  },
];

function both() {
  const env = { ...password, TOUCHMARK_NEW_PASSWORD: 'other' };
  return { env, curedEnv: env };
}

let fixture: string;
beforeAll(async () => {
  fixture = mkdtempSync(join(tmpdir(), 'touchmark-errors-'));
  const made = await runCli(['key', 'generate', 'k'], { cwd: fixture, env: password });
  expect(made.exitCode, made.stderr).toBe(0);
  const plainKey = await runCli(['key', 'generate', 'open', ...plain], { cwd: fixture });
  expect(plainKey.exitCode, plainKey.stderr).toBe(0);
  chmodSync(join(fixture, 'open.key'), 0o644);
  writeFileSync(join(fixture, 'password.txt'), 'secret\n');
  writeFileSync(join(fixture, 'empty.pub'), '');
});
afterAll(() => rmSync(fixture, { recursive: true, force: true }));

describe('each error gives one exit code, in text and in JSON', () => {
  it.each(CASES)('$code: $argv', async ({ code, argv, cured, env, curedEnv }) => {
    const cwd = temporaryFolder();
    cpSync(fixture, cwd, { recursive: true });
    const text = await runCli(argv, { cwd, ...(env && { env }) });
    const json = await runCli([...argv, '-o', 'json'], { cwd, ...(env && { env }) });
    expect(text.exitCode, text.stderr).toBe(EXIT_CODES[code]);
    expect(text.stdout).toBe('');
    expect(text.stderr).toMatch(
      new RegExp(`^touchmark: error: .+\\n(?:  .+\\n)*  code +${code} \\(exit ${EXIT_CODES[code]}\\)\\n$`),
    );
    expect(text.stderr, 'every error says what to do').toMatch(/\n {2}fix {2,}\S/);

    expect(json.exitCode).toBe(EXIT_CODES[code]);
    const document = SCHEMAS.failure.parse(JSON.parse(json.stdout));
    expect(document).toMatchObject({ error: { code } });
    expect(document.exitCode).toBe(json.exitCode);
    expect(json.stderr.split('\n')).toHaveLength(2);

    const good = await runCli(cured, { cwd, ...(curedEnv && { env: curedEnv }) });
    expect(good.exitCode, good.stderr).toBe(0);
  });

  it.each(Object.keys(EXIT_CODES) as ReasonCode[])('%s in both forms', code => {
    const error = new TouchmarkError(code, 'something', { hint: 'do this', details: { image: 'a' } });
    const facts = { tool: { name: 'touchmark', version: '0' }, startedAt: new Date(0), warnings: [] };
    const document = SCHEMAS.failure.parse(failureDocument(error, facts));
    expect(document.exitCode).toBe(EXIT_CODES[code]);
    expect(formatError(error, createStyler(false))).toBe(
      `touchmark: error: something\n  image  a\n  fix    do this\n  code   ${code} (exit ${EXIT_CODES[code]})\n`,
    );
    expect(formatErrorLine(error)).toContain(`(${code}, exit ${EXIT_CODES[code]})`);
  });
});

describe('suggestions', () => {
  it('give the corrected command line', async () => {
    const { stderr } = await runCli(['key', 'generate', 'my key', '--knid', 'ed25519']);
    expect(stderr).toContain('did you mean --kind?');
    expect(stderr).toContain("touchmark key generate 'my key' --kind ed25519\n");
  });

  it('never repeat a command line with a secret in it', async () => {
    for (const argv of [
      ['key', 'generate', 'n', '--password=hunter2'],
      ['key', 'generate', 'n', '--pasword-file', 'hunter2'],
      ['key', 'generat', 'n', '--password', 'hunter2'],
      ['key', 'generate', 'n', '--registry-token', 'hunter2'],
    ]) {
      for (const mode of [['--debug'], ['-o', 'json']]) {
        const { stdout, stderr, exitCode } = await runCli([...argv, ...mode]);
        expect(exitCode).toBe(2);
        expect(stdout + stderr).not.toContain('hunter2');
      }
    }
  });
});
