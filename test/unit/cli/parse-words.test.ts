import { Args as OclifArgs, Flags as OclifFlags, Parser } from '@oclif/core';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { ReasonCode } from '../../../src/base/codes.js';
import { TouchmarkError } from '../../../src/base/errors.js';
import { Args, Flags } from '../../../src/cli/flags/kinds.js';
import { parseWords } from '../../../src/cli/parse-words.js';

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
  return parseWords(words, { command: 'test', flags, args, strict, environment });
}

function codeOf(...given: Parameters<typeof parse>): ReasonCode | undefined {
  try {
    parse(...given);
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
    ['usage-argument', ['--key', '--quiet'], ['--key=--quiet']],
    ['usage-argument', ['--key', '-q'], ['--key=-q']],
    ['usage-argument', ['--quiet=true'], ['--quiet']],
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
  it.each(CASES)('%s: %j', (code, words, cured) => {
    expect(codeOf(words)).toBe(code);
    expect(codeOf(cured)).toBeUndefined();
  });

  it('more arguments than have names, unless any number may come', () => {
    expect(codeOf(['a', 'b'], {}, true)).toBe('usage-argument');
    expect(codeOf(['a'], {}, true)).toBeUndefined();
    expect(parse(['a', 'b', '-q', 'c']).argv).toEqual(['a', 'b', 'c']);
  });

  it('what is required and missing', () => {
    const grammar = { command: 'test', strict: true, environment: {} };
    const run = (words: string[]) =>
      parseWords(words, {
        ...grammar,
        flags: { key: Flags.string({ summary: 'one', required: true }) },
        args: { image: Args.string({ description: 'an image', required: true }) },
      });
    expect(() => run(['a'])).toThrow('missing required flag --key');
    expect(() => run(['--key', 'k'])).toThrow('missing argument: IMAGE');
    expect(run(['--key', 'k', 'a'])).toMatchObject({ flags: { key: 'k' }, args: { image: 'a' } });
  });
});

describe('variables', () => {
  it('are read like the flag, and the flag wins', () => {
    const environment = { T_KEY: 'a, b', T_COUNT: '2', T_ANY: 'yes' };
    expect(parse([], environment).flags).toMatchObject({ key: ['a', 'b'], count: 2, any: true });
    expect(parse(['--key', 'c', '--count', '4'], environment).flags).toMatchObject({ key: ['c'], count: 4 });
    expect(parse([], { T_KEY: ' , ', T_COUNT: '', T_ANY: '' }).flags).toMatchObject({ count: 3, any: false });
  });

  it.each([{ T_COUNT: '0' }, { T_COUNT: 'two' }, { T_ANY: 'maybe' }])('%j is refused', environment => {
    expect(codeOf([], environment)).toBe('usage-argument');
  });
});

describe('what it takes, oclif takes in the same way', () => {
  const reference = {
    flags: {
      key: OclifFlags.string({ char: 'k', multiple: true, multipleNonGreedy: true }),
      as: OclifFlags.string({ exclusive: ['any'] }),
      count: OclifFlags.integer({ char: 'n', min: 1, max: 9, default: 3 }),
      format: OclifFlags.string({ char: 'f', options: ['text', 'json'], default: 'text' }),
      any: OclifFlags.boolean({ char: 'a' }),
      quiet: OclifFlags.boolean({ char: 'q' }),
      plain: OclifFlags.boolean({ dependsOn: ['quiet'] }),
    },
    args: { image: OclifArgs.string({ ignoreStdin: true }) },
    strict: false,
  };
  const word = fc.oneof(
    fc.constantFrom('--key', '-k', '--key=', '--as', '--as=x', '--count', '-n', '-n=5', '-n7', '--count=2'),
    fc.constantFrom(
      '--any',
      '-a',
      '-aq',
      '-qk',
      '-qkv',
      '--quiet',
      '--plain',
      '-f',
      '-fjson',
      '--format=text',
    ),
    fc.constantFrom('--', '-', 'json', 'a', 'b', '4', 'x=y', '', '-x', '--other', '-k=x', '--key=a=b'),
  );

  it('for any words', async () => {
    let taken = 0;
    await fc.assert(
      fc.asyncProperty(fc.array(word, { maxLength: 7 }), async words => {
        if (codeOf(words) !== undefined) return;
        taken++;
        const ours = parse(words);
        const theirs = await Parser.parse(words, reference);
        const given = Object.fromEntries(
          Object.entries(ours.flags).filter(([, value]) => value !== undefined && value !== false),
        );
        expect(given).toEqual(
          Object.fromEntries(Object.entries(theirs.flags).filter(([, value]) => value !== false)),
        );
        // oclif sorts its list by first occurrence in the command line.
        expect([...ours.argv].sort()).toEqual([...theirs.argv].sort());
      }),
      { numRuns: 3000 },
    );
    expect(taken).toBeGreaterThan(300);
  });
});
