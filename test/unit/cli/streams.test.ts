import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { schemaUri } from '../../../src/cli/document.js';
import { SCHEMAS } from '../../../src/cli/schemas.js';
import { BIN, runCli, temporaryFolder } from './run-cli.js';

const ESCAPE = '\u001b';
const password = { TOUCHMARK_PASSWORD: 'secret' };

describe('standard output', () => {
  it('is exactly one document that follows its schema, for every command that needs no image', async () => {
    const cwd = temporaryFolder();
    const runs: [keyof typeof SCHEMAS, string[]][] = [
      ['key-generate', ['key', 'generate', 'k']],
      ['key-list', ['key', 'list']],
      ['key-show', ['key', 'show', 'k.key']],
      ['key-export', ['key', 'export', 'k.key']],
      ['key-import', ['key', 'import', 'k.key', 'second']],
      ['key-passwd', ['key', 'passwd', 'k.key']],
      ['schema', ['schema', 'failure']],
      ['schema-list', ['schema']],
      ['help', ['--help']],
      ['help', ['key']],
      ['help', ['help', 'exit-codes']],
      ['help', ['key', 'generate', '--help']],
      ['help', ['--version']],
    ];
    const env = { ...password, TOUCHMARK_NEW_PASSWORD: 'x', TOUCHMARK_SOURCE_PASSWORD: 'secret' };
    const forms = [['-o', 'json'], ['--output=json'], ['--json'], ['-ojson']];
    for (const [index, [name, argv]] of runs.entries()) {
      const { stdout, stderr, exitCode } = await runCli([...argv, ...(forms[index % forms.length] ?? [])], {
        cwd,
        env,
      });
      expect(exitCode, `${argv.join(' ')}: ${stderr}`).toBe(0);
      expect(SCHEMAS[name].parse(JSON.parse(stdout))).toMatchObject({
        schema: schemaUri(name),
        ok: true,
        exitCode: 0,
        error: null,
      });
    }
  });

  it('follows TOUCHMARK_OUTPUT, and a flag wins over it', async () => {
    const env = { TOUCHMARK_OUTPUT: 'json' };
    expect(JSON.parse((await runCli(['schema', 'nope'], { env })).stdout)).toMatchObject({ ok: false });
    expect((await runCli(['schema', 'nope', '-o', 'text'], { env })).stdout).toBe('');
  });

  it('is empty with --quiet in text, and unchanged in JSON', async () => {
    const cwd = temporaryFolder();
    expect(await runCli(['key', 'generate', 'a', '-q'], { cwd, env: password })).toEqual({
      exitCode: 0,
      stdout: '',
      stderr: '',
    });
    const json = await runCli(['key', 'list', '-q', '-o', 'json'], { cwd });
    expect(JSON.parse(json.stdout).keys).toHaveLength(2);
    const failed = await runCli(['key', 'show', 'absent', '-q'], { cwd });
    expect(failed.stderr).toContain('key-not-found');
  });

  it('may go away while it is written to', () => {
    const shell = spawnSync(
      'sh',
      ['-c', `"$0" "$1" help exit-codes; echo "exit $?" >&2`, process.execPath, BIN],
      {
        stdio: ['ignore', 'ignore', 'pipe'],
        encoding: 'utf8',
      },
    );
    expect(shell.stderr).toBe('exit 0\n');
    const closed = spawnSync(
      'sh',
      ['-c', `{ "$0" "$1" schema verify; echo "exit $?" >&2; } | true`, process.execPath, BIN],
      { stdio: ['ignore', 'ignore', 'pipe'], encoding: 'utf8' },
    );
    expect(closed.stderr).toBe('exit 0\n');
  });

  it.runIf(existsSync('/dev/full'))('that is full is an error, in text and JSON', () => {
    for (const mode of ['text', 'json']) {
      const run = (target: string) =>
        spawnSync(
          'sh',
          ['-c', `"$0" "$1" schema failure -o "$2" >"$3"`, process.execPath, BIN, mode, target],
          {
            encoding: 'utf8',
          },
        );
      expect(run('/dev/full')).toMatchObject({ status: 20, stderr: expect.stringContaining('io-no-space') });
      expect(run('/dev/null')).toMatchObject({ status: 0, stderr: '' });
    }
  });
});

describe('escape sequences', () => {
  it('are not in a pipe, nor with NO_COLOR, but with FORCE_COLOR', async () => {
    const cwd = temporaryFolder();
    for (const argv of [['--help'], ['key', 'show', 'absent'], ['help', 'exit-codes']]) {
      const piped = await runCli(argv, { cwd });
      expect(piped.stdout + piped.stderr).not.toContain(ESCAPE);
      const refused = await runCli(argv, { cwd, env: { FORCE_COLOR: '1', NO_COLOR: '1' } });
      expect(refused.stdout + refused.stderr).not.toContain(ESCAPE);
      const flag = await runCli([...argv, '--no-color'], { cwd, env: { FORCE_COLOR: '1' } });
      expect(flag.stdout + flag.stderr).not.toContain(ESCAPE);
      const forced = await runCli(argv, { cwd, env: { FORCE_COLOR: '1' } });
      expect(forced.stdout + forced.stderr).toContain(ESCAPE);
    }
  });

  it('in what the user gave come out harmless', async () => {
    const { stderr, stdout } = await runCli(['key', 'show', `a${ESCAPE}[2J\u009b1m\u202eb`, '-o', 'json']);
    for (const text of [stderr, stdout]) {
      for (const evil of [ESCAPE, '\u009b', '\u202e']) expect(text).not.toContain(evil);
    }
    expect(JSON.parse(stdout).error.message).toContain(`${ESCAPE}[2J`);
  });
});

describe('nothing waits for a human who is not there', () => {
  const asking = [
    ['key', 'generate', 'n'],
    ['key', 'export', 'k.key'],
    ['key', 'passwd', 'k.key'],
  ];
  it.each(asking)('%s %s', async (...argv) => {
    const cwd = temporaryFolder();
    await runCli(['key', 'generate', 'k'], { cwd, env: password });
    const before = readdirSync(cwd);
    for (const env of [{}, { CI: 'true' }, { TOUCHMARK_NO_INPUT: '1' }]) {
      const open = await runCli(argv, { cwd, env, holdStdin: true });
      expect(open.exitCode).toBe(2);
      expect(open.stderr).toContain('usage-no-terminal');
      expect(open.stderr).toContain('--password-file FILE');
      const piped = await runCli(argv, { cwd, env, stdin: 'secret\n' });
      expect(piped.exitCode, 'standard input is not read unless asked').toBe(2);
    }
    expect(readdirSync(cwd)).toEqual(before);
  });

  it('reads a password from standard input when asked to', async () => {
    const cwd = temporaryFolder();
    const made = await runCli(['key', 'generate', 'k', '--password-stdin'], { cwd, stdin: 'from stdin\n' });
    expect(made.exitCode).toBe(0);
    const opened = await runCli(['key', 'export', 'k.key'], { cwd, env: { COSIGN_PASSWORD: 'from stdin' } });
    expect(opened.exitCode).toBe(0);
    const first = { TOUCHMARK_PASSWORD: 'wrong', COSIGN_PASSWORD: 'from stdin' };
    expect((await runCli(['key', 'export', 'k.key'], { cwd, env: first })).exitCode).toBe(22);
  });
});

describe('signals', () => {
  it.each([
    ['SIGINT', 130, 'interrupted'],
    ['SIGTERM', 143, 'terminated'],
  ] as const)('%s ends with %i and leaves nothing behind', async (signal, exitCode, code) => {
    for (const mode of ['text', 'json']) {
      const cwd = temporaryFolder();
      let sent = false;
      const result = await runCli(['generate-key-pair', 'k', '--password-stdin', '-o', mode], {
        cwd,
        holdStdin: true,
        onStderr(text, kill) {
          // The note about the new name is printed when the command is running and listens.
          if (sent || !text.includes('is called key generate here')) return;
          sent = true;
          kill(signal);
        },
      });
      expect(result.exitCode).toBe(exitCode);
      expect(result.stderr).toContain(code);
      if (mode === 'json') expect(JSON.parse(result.stdout)).toMatchObject({ exitCode, error: { code } });
      expect(readdirSync(cwd)).toEqual([]);
    }
  });
});
