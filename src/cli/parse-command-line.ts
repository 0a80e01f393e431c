import { checkFlags } from './command-line.js';
import { type ArgInput, type FlagInput, type OutputArgs, type OutputFlags, parse } from './oclif.js';
import { toReportedError } from './oclif-errors.js';
import { withEnvironment } from './variables.js';

export interface Parsed<F, A> {
  readonly flags: F;
  readonly args: A;
  /** Every word that is neither flag nor value, in order. */
  readonly argv: readonly string[];
  /** Names of the flags that stand among the words, without those that a variable or a default set. */
  readonly typed: ReadonlySet<string>;
}

export interface Grammar<F extends OutputFlags<FlagInput>, A extends OutputArgs<ArgInput>> {
  /** For messages: `key generate`. */
  readonly command: string;
  readonly flags: FlagInput<F>;
  readonly args: ArgInput<A>;
  /** False: any number of arguments may follow those that have a name. */
  readonly strict: boolean;
  readonly environment: Readonly<Record<string, string | undefined>>;
}

/**
 * Reads the words behind a command with oclif's parser, held to more than it asks by itself: every word is understood
 * or refused, a forgotten value never swallows the next flag, and nothing is read from standard input.
 * A flag wins over its variable, that over its default; a switch that nobody set is false.
 * @throws TouchmarkError `usage-unknown-flag`, `usage-argument`
 */
export async function parseCommandLine<F extends OutputFlags<FlagInput>, A extends OutputArgs<ArgInput>>(
  words: readonly string[],
  { command, flags, args, strict, environment }: Grammar<F, A>,
): Promise<Parsed<F, A>> {
  checkFlags(command, words, flags);
  const input = {
    flags: (await withEnvironment(flags, environment)) as FlagInput<F>,
    // Left alone, a missing argument would be read from standard input, which may belong to someone else.
    args: Object.fromEntries(
      Object.entries(args).map(([name, arg]) => [name, { ...arg, ignoreStdin: true }]),
    ) as ArgInput<A>,
    strict,
  };
  for (const flag of Object.values<FlagInput[string]>(input.flags)) {
    // Left alone, `--key a.pub IMAGE` would take IMAGE for a second key.
    if (flag.type === 'option' && flag.multiple) flag.multipleNonGreedy = true;
  }
  try {
    const parsed = await parse<F, OutputFlags<FlagInput>, A>([...words], input);
    const values = parsed.flags as Record<string, unknown>;
    for (const [name, flag] of Object.entries<FlagInput[string]>(flags)) {
      if (flag.type === 'boolean') values[name] ??= false;
    }
    return {
      flags: parsed.flags,
      args: parsed.args,
      // Its own list is sorted by where an equal word, which may be a flag's value, stands first.
      argv: parsed.raw.filter(token => token.type === 'arg').map(token => token.input),
      typed: new Set(parsed.raw.flatMap(token => (token.type === 'flag' ? token.flag : []))),
    };
  } catch (error) {
    throw toReportedError(error, command);
  }
}
