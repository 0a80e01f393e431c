import { PassThrough } from 'node:stream';
import fc from 'fast-check';
import { describe, expect, it, onTestFinished } from 'vitest';
import { EXIT_CODES, type ExitCode } from '../../../src/base/codes.js';
import { TouchmarkError } from '../../../src/base/errors.js';
import { nearest } from '../../../src/base/nearest.js';
import { shellQuote } from '../../../src/base/shell-quote.js';
import { serializeDocument } from '../../../src/cli/document.js';
import { parseDuration } from '../../../src/cli/duration.js';
import { chooseExitCode } from '../../../src/cli/exit-codes.js';
import { loadStoreOptions } from '../../../src/cli/flags/registry.js';
import { readThreshold } from '../../../src/cli/flags/trust.js';
import { createLifetime } from '../../../src/cli/lifetime.js';
import { readOutputSettings } from '../../../src/cli/output-settings.js';
import { createPasswords, type PasswordOptions } from '../../../src/cli/password.js';
import { createProgress, formatBytes } from '../../../src/cli/progress.js';
import { createStandardInput } from '../../../src/cli/stdio.js';
import { askOn, confirm, mayPrompt, type Terminal } from '../../../src/cli/terminal.js';
import { createStyler, formatTable, guardTerminal, printable, textWidth } from '../../../src/cli/text.js';

const codeOf = async (work: () => unknown): Promise<string> => {
  try {
    await work();
    return 'ok';
  } catch (error) {
    return error instanceof TouchmarkError ? error.code : `not ours: ${error}`;
  }
};

const bytes = (text: string) => new TextEncoder().encode(text);
const text = (value: Uint8Array) => new TextDecoder().decode(value);
const stdin = (content: string) =>
  createStandardInput(() => [bytes(content)] as unknown as AsyncIterable<Uint8Array>);

describe('text', () => {
  const UNSAFE = /[\p{Cc}\p{Zl}\p{Zp}\p{Cs}\u200b-\u200f\u202a-\u202e\u2066-\u2069]/u;

  it('printable leaves nothing that acts on a terminal', () => {
    fc.assert(fc.property(fc.string({ unit: 'binary' }), value => !UNSAFE.test(printable(value))));
    expect(printable('a\n\u001b[31m\u202eb é✓')).toBe('a\\u{a}\\u{1b}[31m\\u{202e}b é✓');
  });

  it('guardTerminal keeps line breaks and the own colours only', () => {
    const style = createStyler(true);
    const own = `${style('red', 'no')}\n`;
    expect(guardTerminal(own, true)).toBe(own);
    expect(guardTerminal(own, false)).not.toContain('\u001b');
    for (const evil of ['\u001b[8m', '\u001b[2J', '\u001b]0;title\u0007', '\u009b31m', '\r']) {
      expect(guardTerminal(evil, true)).not.toContain(evil.charAt(0));
    }
  });

  it('serialized documents hold no character that acts on a terminal, and lose nothing', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), value => {
        const json = serializeDocument({ value });
        expect(json.replaceAll('\n', '')).not.toMatch(UNSAFE);
        expect(JSON.parse(json).value).toBe(value);
      }),
    );
  });

  it('tables stay within a hundred columns', () => {
    const table = formatTable([
      ['a'.repeat(90), 'b'.repeat(90), 'c'],
      ['1', '2', '3'],
    ]);
    for (const line of table.split('\n')) expect(textWidth(line)).toBeLessThanOrEqual(100);
    expect(table.split('\n')[1]).toMatch(/^1 +2 +3$/);
  });

  it('quotes for a shell', () => {
    expect(shellQuote('registry.example/app:1@sha256:ab')).toBe('registry.example/app:1@sha256:ab');
    expect(shellQuote(`it's $(x)`)).toBe(`'it'\\''s $(x)'`);
  });
});

describe('suggest', () => {
  it('finds what was meant, and keeps quiet when it cannot know', () => {
    expect(nearest('kye', ['key', 'quiet', 'debug'])).toBe('key');
    expect(nearest('ouput', ['output', 'offline'])).toBe('output');
    expect(nearest('xyz', ['key', 'quiet'])).toBeUndefined();
    expect(nearest('cat', ['bat', 'rat'])).toBeUndefined();
  });
});

describe('durations', () => {
  it.each([
    ['30s', 30_000],
    ['5m', 300_000],
    ['250ms', 250],
    ['24h', 86_400_000],
    ['0', 0],
  ])('%s', (value, expected) => expect(parseDuration(value, 'timeout')).toBe(expected));

  it.each(['', '5', '-5s', '1.5m', '25h', '0s', '5 m', '1e3s', 'Infinity'])('refuses %j', async value => {
    expect(await codeOf(() => parseDuration(value, 'timeout'))).toBe('usage-argument');
  });
});

describe('exit codes', () => {
  const all = [...new Set<ExitCode>(Object.values(EXIT_CODES))];
  it('is 0 only when every outcome is', () => {
    fc.assert(
      fc.property(fc.array(fc.constantFrom<ExitCode>(0, ...all), { minLength: 1 }), codes => {
        const chosen = chooseExitCode(codes);
        expect(codes).toContain(chosen);
        expect(chosen === 0).toBe(codes.every(code => code === 0));
      }),
    );
  });

  it('follows the order of the documentation', () => {
    expect(chooseExitCode([20, 10, 18, 0])).toBe(18);
    expect(chooseExitCode([20, 10, 0])).toBe(10);
    expect(chooseExitCode([23, 20, 24])).toBe(24);
  });
});

describe('output settings', () => {
  const read = (argv: string[], environment = {}, isTTY = true) =>
    readOutputSettings(argv, environment, { stdout: { isTTY }, stderr: { isTTY } });

  it('are found without parsing the rest', () => {
    expect(read(['verify', '--nonsense', '-o', 'json']).format).toBe('json');
    expect(read(['-ojson']).format).toBe('json');
    expect(read(['--output=json', '--output=text']).format).toBe('text');
    expect(read(['--', '-o', 'json']).format).toBe('text');
    expect(read([], { TOUCHMARK_OUTPUT: 'json' }).format).toBe('json');
    expect(read([], { TOUCHMARK_QUIET: 'yes', TOUCHMARK_DEBUG: '0' })).toMatchObject({
      quiet: true,
      debug: false,
    });
  });

  it('colour a terminal and nothing else', () => {
    expect(read([]).stdoutColour).toBe(true);
    expect(read([], {}, false).stdoutColour).toBe(false);
    for (const [argv, environment] of [
      [['--no-color'], {}],
      [[], { NO_COLOR: '' }],
      [[], { TERM: 'dumb' }],
      [[], { NO_COLOR: '1', FORCE_COLOR: '1' }],
      [[], { FORCE_COLOR: '0' }],
    ] as const) {
      expect(read([...argv], environment).stdoutColour).toBe(false);
    }
  });
});

/** A person who gives these answers. */
function person(...answers: string[]) {
  const asked: string[] = [];
  const terminal: Terminal = {
    async ask(prompt) {
      asked.push(prompt);
      return answers.shift() ?? '';
    },
  };
  return { asked, terminal };
}

const base: PasswordOptions = {
  variables: ['TOUCHMARK_PASSWORD', 'COSIGN_PASSWORD'],
  flags: { file: 'password-file', stdin: 'password-stdin' },
  environment: {},
  stdin: stdin(''),
  terminal: undefined,
};
const OPEN = { purpose: 'open', what: 'k.key' } as const;
const NEW = { purpose: 'new', what: 'k.key' } as const;

describe('passwords', () => {
  it('come from the variables in order; set but empty counts', async () => {
    const take = async (environment: Record<string, string>) =>
      text(await createPasswords({ ...base, environment }).source(OPEN));
    expect(await take({ TOUCHMARK_PASSWORD: 'a', COSIGN_PASSWORD: 'b' })).toBe('a');
    expect(await take({ COSIGN_PASSWORD: 'b' })).toBe('b');
    expect(await take({ TOUCHMARK_PASSWORD: '', COSIGN_PASSWORD: 'b' })).toBe('');
  });

  it('from standard input lose one line break and nothing else', async () => {
    for (const [given, expected] of [
      ['a b\n', 'a b'],
      ['a\r\n', 'a'],
      ['a\n\n', 'a\n'],
      ['a', 'a'],
    ] as const) {
      const passwords = createPasswords({ ...base, fromStdin: true, stdin: stdin(given) });
      expect(text(await passwords.source(OPEN))).toBe(expected);
    }
  });

  it('are copies, because whoever uses one wipes it', async () => {
    const { source } = createPasswords({ ...base, environment: { TOUCHMARK_PASSWORD: 'a' } });
    (await source(OPEN)).fill(0);
    expect(text(await source(OPEN))).toBe('a');
  });

  it('fail at once when nobody can be asked', async () => {
    expect(await codeOf(() => createPasswords(base).source(OPEN))).toBe('usage-no-terminal');
    const { terminal } = person('typed');
    expect(text(await createPasswords({ ...base, terminal }).source(OPEN))).toBe('typed');
  });

  it('that are new are asked for twice, and must agree and not be empty', async () => {
    const ask = (...answers: string[]) =>
      codeOf(() => createPasswords({ ...base, terminal: person(...answers).terminal }).source(NEW));
    expect(await ask('a', 'a')).toBe('ok');
    expect(await ask('a', 'b')).toBe('usage-declined');
    expect(await ask('', '')).toBe('usage-declined');
  });

  it('typed wrongly are asked for three times in all, others never again', async () => {
    const wrong = new TouchmarkError('key-wrong-password', 'wrong');
    const attempt = (right: string) => async (source: (request: typeof OPEN) => Promise<Uint8Array>) => {
      const given = text(await source(OPEN));
      if (given !== right) throw wrong;
      return given;
    };
    const typing = person('1', '2', '3', '4');
    const passwords = createPasswords({ ...base, terminal: typing.terminal });
    expect(await passwords.retrying(attempt('3'))).toBe('3');
    const never = person('1', '2', '3', '4');
    const all = createPasswords({ ...base, terminal: never.terminal });
    expect(await codeOf(() => all.retrying(attempt('4')))).toBe('key-wrong-password');
    expect(never.asked).toHaveLength(3);
    const given = createPasswords({
      ...base,
      terminal: never.terminal,
      environment: { COSIGN_PASSWORD: 'x' },
    });
    expect(await codeOf(() => given.retrying(attempt('4')))).toBe('key-wrong-password');
    expect(never.asked).toHaveLength(3);
  });
});

describe('the terminal', () => {
  function device() {
    const input = Object.assign(new PassThrough(), { setRawMode: (mode: boolean) => modes.push(mode) });
    const modes: boolean[] = [];
    const output = new PassThrough();
    const shown = () => (output.read() ?? '').toString();
    return { device: { input, output, close() {} }, input, modes, shown };
  }
  const { signal } = new AbortController();

  it('shows nothing of a password and erases the question', async () => {
    const { device: tty, input, modes, shown } = device();
    const answer = askOn(tty, 'Password: ', false, signal);
    input.write('sec');
    input.write('X\x7fret\r');
    expect(await answer).toBe('secret');
    expect(shown()).toBe('Password: \r\u001b[2K');
    expect(modes).toEqual([true, false]);
  });

  it('echoes an answer that is no secret', async () => {
    const { device: tty, input, shown } = device();
    const answer = askOn(tty, 'Sure? ', true, signal);
    input.write('\x1b[A');
    input.write('no\x15yes\n');
    expect(await answer).toBe('yes');
    expect(shown()).toContain('yes');
  });

  it.each([
    ['Ctrl-C', 'ab\x03', 'interrupted'],
    ['Ctrl-D', 'ab\x04', 'usage-declined'],
    ['Enter', 'ab\r', 'ok'],
  ])('%s', async (_name, keys, code) => {
    const { device: tty, input, modes } = device();
    const answer = askOn(tty, '? ', false, signal);
    input.write(keys);
    expect(await codeOf(() => answer)).toBe(code);
    expect(modes.at(-1)).toBe(false);
  });

  it('gives up when the process is told to stop', async () => {
    const controller = new AbortController();
    const { device: tty, modes } = device();
    const answer = askOn(tty, '? ', false, controller.signal);
    controller.abort(new TouchmarkError('terminated', 'terminated'));
    expect(await codeOf(() => answer)).toBe('terminated');
    expect(modes).toEqual([true, false]);
  });

  it('may not ask with --no-input, TOUCHMARK_NO_INPUT or CI', () => {
    expect(mayPrompt(false, {})).toBe(true);
    expect(mayPrompt(true, {})).toBe(false);
    expect(mayPrompt(false, { TOUCHMARK_NO_INPUT: '1' })).toBe(false);
    expect(mayPrompt(false, { CI: 'true' })).toBe(false);
  });

  it('takes nothing but yes for a yes', async () => {
    const ask = (answer: string) =>
      confirm({ question: 'Do it?', yes: false, terminal: person(answer).terminal });
    for (const answer of ['y', 'Y', 'yes', ' yes ']) expect(await codeOf(() => ask(answer))).toBe('ok');
    for (const answer of ['', 'n', 'yep', 'да'])
      expect(await codeOf(() => ask(answer))).toBe('usage-declined');
    const question = { question: 'Do it?', terminal: undefined };
    expect(await codeOf(() => confirm({ ...question, yes: false }))).toBe('usage-no-terminal');
    expect(await codeOf(() => confirm({ ...question, yes: true }))).toBe('ok');
  });
});

describe('standard input', () => {
  it('is read once', async () => {
    const input = stdin('abc');
    expect(text(await input.read('--a', 10))).toBe('abc');
    expect(await codeOf(() => input.read('--b', 10))).toBe('usage-argument');
  });

  it('is bounded', async () => {
    expect(await codeOf(() => stdin('abc').read('--a', 2))).toBe('usage-file');
    expect(await codeOf(() => stdin('abc').read('--a', 3))).toBe('ok');
  });
});

describe('registry flags', () => {
  const flags = { timeout: '5m', concurrency: 8 };
  const load = (more: object, content = '') =>
    loadStoreOptions({ ...flags, ...more }, { stdin: stdin(content), userAgent: 'touchmark/0' });

  it('become what stores take', async () => {
    expect(
      await load(
        {
          'insecure-registry': ['r.example:5000'],
          'registry-username': 'u',
          'registry-password-stdin': true,
          offline: true,
        },
        'secret\n',
      ),
    ).toEqual({
      userAgent: 'touchmark/0',
      offline: true,
      insecureRegistries: ['r.example:5000'],
      concurrency: 8,
      credentials: { username: 'u', password: 'secret' },
    });
  });

  it.each([
    [{ 'insecure-registry': ['http://r.example'] }, { 'insecure-registry': ['r.example'] }, 'usage-argument'],
    [
      { 'registry-username': 'u' },
      { 'registry-username': 'u', 'registry-password-stdin': true },
      'usage-argument',
    ],
    [
      { 'registry-password-stdin': true },
      { 'registry-username': 'u', 'registry-password-stdin': true },
      'usage-argument',
    ],
    [{ 'registry-ca': '/nonexistent/ca.pem' }, {}, 'usage-file'],
  ])('refuse %j', async (bad, good, code) => {
    expect(await codeOf(() => load(bad, 'secret'))).toBe(code);
    expect(await codeOf(() => load(good, 'secret'))).toBe('ok');
  });

  it.each([
    ['two\nlines', 'usage-file'],
    ['', 'usage-file'],
    ['one line\n', 'ok'],
  ])('take %j as a password: %s', async (content, code) => {
    const given = { 'registry-username': 'u', 'registry-password-stdin': true };
    expect(await codeOf(() => load(given, content))).toBe(code);
  });

  it('refuse a threshold that can never be met', async () => {
    expect(readThreshold(undefined, 3)).toBe(3);
    expect(readThreshold(2, 3)).toBe(2);
    expect(await codeOf(() => readThreshold(4, 3))).toBe('usage-argument');
  });
});

describe('the lifetime of a process', () => {
  function source() {
    const listeners = new Map<string, () => void>();
    const exits: unknown[] = [];
    return {
      exits,
      send: (name: string) => listeners.get(name)?.(),
      process: {
        on: (name: string, listener: () => void) => listeners.set(name, listener),
        off: (name: string) => listeners.delete(name),
        exit: (code: unknown) => exits.push(code),
      } as never,
      listeners,
    };
  }

  it('ends with the first signal, and at once with the second', async () => {
    const fake = source();
    const lifetime = createLifetime(fake.process);
    fake.send('SIGINT');
    expect(lifetime.signal.reason).toMatchObject({ code: 'interrupted' });
    expect(fake.exits).toEqual([]);
    fake.send('SIGINT');
    expect(fake.exits).toEqual([130]);
    lifetime.dispose();
    expect(fake.listeners.size).toBe(0);
  });

  it('lets any number of requests listen without a warning', async () => {
    const warnings: string[] = [];
    const onWarning = ({ name }: Error) => warnings.push(name);
    process.on('warning', onWarning);
    onTestFinished(() => void process.off('warning', onWarning));
    const lifetime = createLifetime(source().process);
    for (let i = 0; i < 100; i++) lifetime.signal.addEventListener('abort', () => {});
    await new Promise(done => setImmediate(done));
    expect(warnings).toEqual([]);
    lifetime.dispose();
  });

  it('reports why it ended, whatever the work says', async () => {
    const fake = source();
    const lifetime = createLifetime(fake.process);
    const work = new Promise((_, reject) =>
      lifetime.signal.addEventListener('abort', () => reject(new Error('socket closed'))),
    );
    const guarded = lifetime.guard(work);
    fake.send('SIGTERM');
    expect(await codeOf(() => guarded)).toBe('terminated');
    lifetime.dispose();
  });

  it('does not wait for work that hangs', async () => {
    const lifetime = createLifetime(source().process, 1);
    lifetime.setDeadline(1);
    expect(await codeOf(() => lifetime.guard(new Promise(() => {})))).toBe('net-timeout');
    lifetime.dispose();
    const patient = createLifetime(source().process, 1);
    patient.setDeadline(0);
    expect(await patient.guard(Promise.resolve('done'))).toBe('done');
    patient.dispose();
  });
});

describe('progress', () => {
  function recorder(isTTY: boolean, groups = false) {
    let time = 0;
    let written = '';
    const progress = createProgress({
      write: part => {
        written += part;
      },
      isTTY,
      columns: 40,
      groups,
      now: () => time,
    });
    return { progress, at: (milliseconds: number) => (time = milliseconds), written: () => written };
  }

  it('says nothing about what is over quickly', () => {
    const { progress, at, written } = recorder(true);
    progress.report({ phase: 'verifying', done: 1, total: 2 });
    at(399);
    progress.report({ phase: 'verifying', done: 2, total: 2 });
    progress.end();
    expect(written()).toBe('');
  });

  it('draws one line on a terminal and clears it', () => {
    const { progress, at, written } = recorder(true);
    at(1500);
    progress.report({ phase: 'copying', done: 1, total: 2, bytes: 1_500_000 });
    expect(written()).toBe('\r\u001b[2Kcopying 1/2 1.5 MB sent 1s');
    progress.end();
    expect(written().endsWith('\r\u001b[2K')).toBe(true);
  });

  it('writes a line a phase and one every ten seconds elsewhere', () => {
    const { progress, at, written } = recorder(false);
    for (const time of [500, 600, 10_400, 10_500, 10_600]) {
      at(time);
      progress.report({ phase: 'verifying', done: time, total: 20_000 });
    }
    expect(written()).toBe('touchmark: verifying 500/20000\ntouchmark: verifying 10500/20000 10s\n');
  });

  it('makes what came from outside harmless', () => {
    const { progress, at, written } = recorder(false);
    at(500);
    progress.report({ phase: 'copying', done: 1, finished: 'a\u001b[2J' });
    expect(written()).not.toContain('\u001b');
  });

  it('counts bytes in decimal units', () => {
    expect([0, 999, 1000, 999_949, 1_500_000, 28e6].map(formatBytes)).toEqual([
      '0 B',
      '999 B',
      '1.0 kB',
      '1.0 MB',
      '1.5 MB',
      '28 MB',
    ]);
  });
});
