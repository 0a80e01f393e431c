import type { Command } from '@oclif/core';
import { fail } from '../base/errors.js';
import { shellQuote } from '../base/shell-quote.js';
import { nearest } from './suggest.js';

type FlagTable = Readonly<Record<string, Command.Flag.Any>>;

/** Words that announce a secret, misspelt ones too. */
const SECRET = /pas+w|pass|secret|token|pwd|credential/i;

/** A command line with such a word is never repeated: what follows the word may be the secret itself. */
export function mayHoldSecret(words: readonly string[]): boolean {
  return words.some(word => SECRET.test(word));
}

/**
 * Refuses what the parser would misread: a long flag that does not exist (it would take the next word for an argument),
 * and a flag without its value (it would swallow the next flag).
 * @throws TouchmarkError `usage-unknown-flag`, `usage-argument`
 */
export function checkFlags(command: string, argv: readonly string[], flags: FlagTable): void {
  const known = new Map<string, Command.Flag.Any>();
  for (const [name, flag] of Object.entries(flags)) {
    known.set(name, flag);
    for (const alias of flag.aliases ?? []) known.set(alias, flag);
    if (flag.type === 'boolean' && flag.allowNo) known.set(`no-${name}`, flag);
  }
  for (const [index, word] of argv.entries()) {
    if (word === '--') return;
    if (!word.startsWith('--')) continue;
    const waiting = valueFlagOf(argv[index - 1], known);
    if (waiting !== undefined) {
      fail('usage-argument', `${waiting} needs a value, but ${JSON.stringify(flagOf(word))} follows`, {
        hint: `write ${waiting}=VALUE when a value begins with two hyphens`,
      });
    }
    const name = flagOf(word).slice(2);
    const flag = known.get(name);
    if (flag === undefined) refuseUnknown(command, argv, index, visibleNames(known));
    else if (flag.type === 'boolean' && word.includes('=')) {
      fail('usage-argument', `--${name} is a switch and takes no value`);
    }
  }
}

function flagOf(word: string): string {
  const equals = word.indexOf('=');
  return equals < 0 ? word : word.slice(0, equals);
}

/** The flag as written when `word` is one that waits for its value in the next word. */
function valueFlagOf(
  word: string | undefined,
  known: ReadonlyMap<string, Command.Flag.Any>,
): string | undefined {
  if (word === undefined || word.includes('=')) return undefined;
  if (word.startsWith('--')) return known.get(word.slice(2))?.type === 'option' ? word : undefined;
  const short = /^-(.)$/.exec(word)?.[1];
  return short !== undefined &&
    [...known.values()].some(flag => flag.char === short && flag.type === 'option')
    ? word
    : undefined;
}

function visibleNames(known: ReadonlyMap<string, Command.Flag.Any>): string[] {
  return [...[...known].filter(([, flag]) => !flag.hidden).map(([name]) => name), 'help'];
}

function refuseUnknown(
  command: string,
  argv: readonly string[],
  index: number,
  names: readonly string[],
): never {
  const word = argv[index] ?? '';
  const name = flagOf(word);
  if (/^--(?:pass|password|pwd)$/.test(name)) {
    return fail(
      'usage-unknown-flag',
      `${name} does not exist: a password is never given on the command line`,
      {
        hint: 'use --password-file FILE, --password-stdin or TOUCHMARK_PASSWORD, or let touchmark ask',
      },
    );
  }
  const meant = nearest(name.slice(2), names);
  if (meant === undefined) {
    return fail('usage-unknown-flag', `unknown flag ${name}`, {
      hint: `touchmark ${command} --help lists the flags`,
    });
  }
  const corrected = argv.map((other, at) => (at === index ? `--${meant}${word.slice(name.length)}` : other));
  const line = ['touchmark', ...command.split(' '), ...corrected.map(shellQuote)].join(' ');
  return fail('usage-unknown-flag', `unknown flag ${name}: did you mean --${meant}?`, {
    hint: mayHoldSecret([...argv, meant]) ? `use --${meant}` : line,
  });
}
