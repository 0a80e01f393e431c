import { fail } from '../base/errors.js';
import { nearest } from '../base/nearest.js';
import { shellQuote } from '../base/shell-quote.js';
import type { FlagInput } from './oclif.js';

/** Words that announce a secret, misspelt ones too. */
const SECRET = /pas+w|pass|secret|token|pwd|credential/i;

/** A command line with such a word is never repeated: what follows the word may be the secret itself. */
export function mayHoldSecret(words: readonly string[]): boolean {
  return words.some(word => SECRET.test(word));
}

type Flag = FlagInput[string];

/**
 * Refuses what the parser would misread: a flag that does not exist (it would take the next word, or `-1` itself, for an
 * argument), and a flag without its value (it would swallow the next flag). A value in a word of its own never begins
 * with a hyphen; `-` alone is one.
 * @throws TouchmarkError `usage-unknown-flag`, `usage-argument`
 */
export function checkFlags(command: string, words: readonly string[], flags: FlagInput): void {
  const known = new Map<string, Flag>();
  const short = new Map<string, Flag>();
  for (const [name, flag] of Object.entries(flags)) {
    known.set(name, flag);
    if (flag.char) short.set(flag.char, flag);
  }
  for (let index = 0; index < words.length; index++) {
    const word = words[index] ?? '';
    if (word === '--') return;
    if (!word.startsWith('-') || word === '-') continue;
    if (word.startsWith('--')) {
      const where = flagOf(word);
      const flag = known.get(where.slice(2));
      if (flag === undefined) refuseUnknownFlag(command, words, index, flags);
      else if (flag.type === 'boolean') {
        if (word !== where) fail('usage-argument', `${where} is a switch and takes no value`);
      } else if (word === where) requireValue(words[++index], where);
      continue;
    }
    // Switches in one word, the last of them perhaps a flag with a value: -qa, -qkVALUE, -k=VALUE.
    for (let at = 1; at < word.length; at++) {
      const where = `-${word.charAt(at)}`;
      const flag = short.get(word.charAt(at));
      if (flag === undefined) refuseUnknownFlag(command, words, index, flags, where);
      else if (flag.type === 'boolean') {
        if (word[at + 1] === '=') fail('usage-argument', `${where} is a switch and takes no value`);
      } else {
        if (at + 1 === word.length) requireValue(words[++index], where);
        break;
      }
    }
  }
}

function requireValue(next: string | undefined, where: string): void {
  if (next === undefined) fail('usage-argument', `${where} needs a value`);
  if (!next.startsWith('-') || next === '-') return;
  const other = next.startsWith('--') ? flagOf(next) : next.slice(0, 2);
  fail('usage-argument', `${where} needs a value, but ${JSON.stringify(other)} follows`, {
    hint: `write ${where}=VALUE when a value begins with a hyphen`,
  });
}

function flagOf(word: string): string {
  return /^[^=]*/.exec(word)?.[0] ?? '';
}

/**
 * Refuses a flag that does not exist, with the one that was probably meant and the corrected command line.
 * @param name the flag in the word at `index`; by default that word up to its `=`
 * @throws TouchmarkError `usage-unknown-flag`
 */
function refuseUnknownFlag(
  command: string,
  argv: readonly string[],
  index: number,
  flags: FlagInput,
  name = flagOf(argv[index] ?? ''),
): never {
  const word = argv[index] ?? '';
  if (/^--(?:pass|password|pwd)$/.test(name)) {
    return fail(
      'usage-unknown-flag',
      `${name} does not exist: a password is never given on the command line`,
      {
        hint: 'use --password-file FILE, --password-stdin or TOUCHMARK_PASSWORD, or let touchmark ask',
      },
    );
  }
  const names = Object.keys(flags).filter(known => !flags[known]?.hidden);
  const meant = name.startsWith('--') ? nearest(name.slice(2), [...names, 'help']) : undefined;
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
