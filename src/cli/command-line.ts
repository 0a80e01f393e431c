import { fail } from '../base/errors.js';
import { shellQuote } from '../base/shell-quote.js';
import type { FlagTable } from './flags/kinds.js';
import { nearest } from './suggest.js';

/** Words that announce a secret, misspelt ones too. */
const SECRET = /pas+w|pass|secret|token|pwd|credential/i;

/** A command line with such a word is never repeated: what follows the word may be the secret itself. */
export function mayHoldSecret(words: readonly string[]): boolean {
  return words.some(word => SECRET.test(word));
}

/**
 * Refuses a flag that does not exist, with the one that was probably meant and the corrected command line.
 * @param name the flag in the word at `index`; by default that word up to its `=`
 * @throws TouchmarkError `usage-unknown-flag`
 */
export function refuseUnknownFlag(
  command: string,
  argv: readonly string[],
  index: number,
  flags: FlagTable,
  name = /^[^=]*/.exec(argv[index] ?? '')?.[0] ?? '',
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
