import { describe, expect, it } from 'vitest';
import type { ReasonCode } from '../../../src/base/codes.js';
import { TouchmarkError } from '../../../src/base/errors.js';
import { Args, Flags } from '../../../src/cli/oclif.js';
import { parseCommandLine } from '../../../src/cli/parse-command-line.js';

const flags = {
  key: Flags.string({ summary: 'many', char: 'k', multiple: true, env: 'T_KEY' }),
  as: Flags.string({ summary: 'one', env: 'T_AS', exclusive: ['any'] }),
  count: Flags.integer({ summary: 'a number', char: 'n', min: 1, max: 9, default: 3, env: 'T_COUNT' }),
  format: Flags.string({ summary: 'a choice', char: 'f', options: ['text', 'json'], default: 'text' }),
  any: Flags.boolean({ summary: 'a switch', char: 'a', env: 'T_ANY' }),
  quiet: Flags.boolean({ summary: 'a switch', char: 'q' }),
  plain: Flags.boolean({ summary: 'a switch', dependsOn: ['quiet'] }),
};
const args = { image: Args.string({ description: 'an image' }) };

function parse(words: readonly string[], environment: Record<string, string> = {}, strict = false) {
  return parseCommandLine(words, { command: 'test', flags, args, strict, environment });
}

async function codeOf(...given: Parameters<typeof parse>): Promise<ReasonCode | undefined> {
  try {
    await parse(...given);
    return undefined;
  } catch (error) {
    if (error instanceof TouchmarkError) return error.code;
    throw error;
  }
}

describe('words that are refused, beside the same without the defect', () => {
  const CASES: readonly [ReasonCode, readonly string[], readonly string[]][] = [
    ['usage-unknown-flag', ['--kee', 'a'], ['--key', 'a']],
    ['usage-unknown-flag', ['--constructor'], ['--quiet']],
    ['usage-unknown-flag', ['-x'], ['-q']],
    ['usage-unknown-flag', ['-qx'], ['-qa']],
    ['usage-unknown-flag', ['--no-quiet'], ['--quiet']],
    ['usage-argument', ['--key'], ['--key', 'a']],
    ['usage-argument', ['-k'], ['-k', 'a']],
    ['usage-argument', ['--key', '--other'], ['--key=--other']],
    ['usage-argument', ['--key', '-x'], ['--key=-x']],
    ['usage-argument', ['--key', '--quiet'], ['--key', 'a', '--quiet']],
    ['usage-argument', ['-qk', '-a'], ['-qk', 'b', '-a']],
    // A value that is itself the name of a flag is none, however it is written.
    ['usage-argument', ['--key=--quiet'], ['--key=./--quiet']],
    ['usage-argument', ['--quiet=true'], ['--quiet']],
    ['usage-argument', ['-q=true'], ['-q']],
    ['usage-unknown-flag', ['-1'], ['--', '-1']],
    ['usage-argument', ['--as', 'a', '--as', 'b'], ['--as', 'a']],
    ['usage-argument', ['--as', 'a', '--any'], ['--any']],
    ['usage-argument', ['--plain'], ['--plain', '--quiet']],
    ['usage-argument', ['--format', 'xml'], ['--format', 'json']],
    ...['0', '10', '1.5', '1e0', ' 1', '', '-1', '0x1'].map((word): [ReasonCode, string[], string[]] => [
      'usage-argument',
      [`--count=${word}`],
      ['--count=1'],
    ]),
  ];
  it.each(CASES)('%s: %j', async (code, words, cured) => {
    expect(await codeOf(words)).toBe(code);
    expect(await codeOf(cured)).toBeUndefined();
  });

  it('more arguments than have names, unless any number may come', async () => {
    expect(await codeOf(['a', 'b'], {}, true)).toBe('usage-argument');
    expect(await codeOf(['a'], {}, true)).toBeUndefined();
    expect((await parse(['a', 'b', '-q', 'c'])).argv).toEqual(['a', 'b', 'c']);
  });

  it('what is required and missing', async () => {
    const grammar = { command: 'test', strict: true, environment: {} };
    const run = (words: string[]) =>
      parseCommandLine(words, {
        ...grammar,
        flags: { key: Flags.string({ summary: 'one', required: true }) },
        args: { image: Args.string({ description: 'an image', required: true }) },
      });
    await expect(run(['a'])).rejects.toThrow('missing required flag --key');
    await expect(run(['--key', 'k'])).rejects.toThrow('missing argument: IMAGE');
    expect(await run(['--key', 'k', 'a'])).toMatchObject({ flags: { key: 'k' }, args: { image: 'a' } });
  });
});

describe('arguments', () => {
  it('keep their order, whatever else holds the same word', async () => {
    expect((await parse(['--as', 'x', 'y', 'x', '--', '-q', 'y'])).argv).toEqual(['y', 'x', '-q', 'y']);
  });

  it('are as many as are given: a flag with many values takes one at a time', async () => {
    const { flags, argv } = await parse(['--key', 'a', 'image', '-k', 'b']);
    expect([flags.key, argv]).toEqual([['a', 'b'], ['image']]);
  });
});

describe('switches', () => {
  it('are false when nobody set them, and a variable that is off is not one that is set', async () => {
    expect((await parse([])).flags).toMatchObject({ any: false, quiet: false, plain: false });
    expect(await codeOf(['--as', 'a'], { T_ANY: 'false' })).toBeUndefined();
    expect(await codeOf(['--as', 'a', '--any'])).toBe('usage-argument');
  });
});

describe('variables', () => {
  it('are read like the flag, and the flag wins', async () => {
    const environment = { T_KEY: 'a, b', T_COUNT: '2', T_ANY: 'yes' };
    expect((await parse([], environment)).flags).toMatchObject({ key: ['a', 'b'], count: 2, any: true });
    expect((await parse(['--key', 'c', '--count', '4'], environment)).flags).toMatchObject({
      key: ['c'],
      count: 4,
    });
    expect((await parse([], { T_KEY: ' , ', T_COUNT: '', T_ANY: '' })).flags).toMatchObject({
      count: 3,
      any: false,
    });
  });

  it.each([{ T_COUNT: '0' }, { T_COUNT: '10' }, { T_COUNT: 'two' }, { T_ANY: 'maybe' }])(
    '%j is refused',
    async environment => {
      expect(await codeOf([], environment)).toBe('usage-argument');
    },
  );
});
