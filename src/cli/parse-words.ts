import { fail } from '../base/errors.js';
import { refuseUnknownFlag } from './command-line.js';
import { readVariable } from './environment.js';
import type { AnyFlag, ArgTable, ArgValues, FlagTable, FlagValues } from './flags/kinds.js';

export interface Parsed<F, A> {
  readonly flags: FlagValues<F>;
  readonly args: ArgValues<A>;
  /** Every word that is neither flag nor value, in order. */
  readonly argv: readonly string[];
}

export interface Grammar<F, A> {
  /** For messages: `key generate`. */
  readonly command: string;
  readonly flags: F;
  readonly args: A;
  /** False: any number of arguments may follow those that have a name. */
  readonly strict: boolean;
  readonly environment: Readonly<Record<string, string | undefined>>;
}

/**
 * Reads the words behind a command: `--flag value`, `--flag=value`, `-f value`, `-fvalue`, `-f=value`, switches as `-ab`,
 * `--` before arguments that begin with a hyphen. A flag wins over its variable, that over its default.
 *
 * Every word is understood or refused. A value in a word of its own never begins with a hyphen (`-` alone is one), so
 * that a forgotten value does not swallow the next flag.
 * @throws TouchmarkError `usage-unknown-flag`, `usage-argument`
 */
export function parseWords<F extends FlagTable, A extends ArgTable>(
  words: readonly string[],
  { command, flags, args, strict, environment }: Grammar<F, A>,
): Parsed<F, A> {
  const given = new Map<string, unknown[]>();
  const argv: string[] = [];
  const shortNames = new Map(
    Object.entries(flags).flatMap(([name, { char }]) => (char ? [[char, name]] : [])),
  );

  const take = (name: string, where: string, value: unknown) => {
    const flag = flags[name] as AnyFlag;
    const before = given.get(name) ?? [];
    if (flag.type === 'option' && !flag.multiple && before.length > 0) {
      refuse(command, `--${name} is given more than once`);
    }
    given.set(name, [...before, flag.type === 'option' ? flag.parse(String(value), where) : true]);
  };
  const nextValue = (index: number, where: string): string => {
    const next = words[index + 1];
    if (next === undefined) return refuse(command, `${where} needs a value`);
    if (!next.startsWith('-') || next === '-') return next;
    return fail(
      'usage-argument',
      `${where} needs a value, but ${JSON.stringify(next.startsWith('--') ? nameOf(next) : next.slice(0, 2))} follows`,
      {
        hint: `write ${where}=VALUE when a value begins with a hyphen`,
      },
    );
  };

  for (let index = 0; index < words.length; index++) {
    const word = words[index] as string;
    if (word === '--') {
      argv.push(...words.slice(index + 1));
      break;
    }
    if (!word.startsWith('-') || word === '-') {
      argv.push(word);
    } else if (word.startsWith('--')) {
      const where = nameOf(word);
      const name = where.slice(2);
      const flag = Object.hasOwn(flags, name) ? flags[name] : undefined;
      if (flag === undefined) return refuseUnknownFlag(command, words, index, flags);
      const joined = word.length > where.length ? word.slice(where.length + 1) : undefined;
      if (flag.type === 'option') take(name, where, joined ?? nextValue(index++, where));
      else if (joined === undefined) take(name, where, true);
      else fail('usage-argument', `${where} is a switch and takes no value`);
    } else {
      for (let at = 1; at < word.length; at++) {
        const where = `-${word.charAt(at)}`;
        const name = shortNames.get(word.charAt(at));
        if (name === undefined) return refuseUnknownFlag(command, words, index, flags, where);
        if (flags[name]?.type === 'boolean') {
          take(name, where, true);
          continue;
        }
        const rest = word.slice(at + 1).replace(/^=/, '');
        take(name, where, at + 1 < word.length ? rest : nextValue(index++, where));
        break;
      }
    }
  }
  return {
    flags: settle(command, flags, given, environment) as FlagValues<F>,
    args: nameArguments(command, args, argv, strict) as ArgValues<A>,
    argv,
  };
}

function nameOf(word: string): string {
  const equals = word.indexOf('=');
  return equals < 0 ? word : word.slice(0, equals);
}

function refuse(command: string, problem: string): never {
  return fail('usage-argument', problem, { hint: `touchmark ${command} --help shows how it is called` });
}

/** The value of every flag, from the command line, its variable or its default; and whether they go together. */
function settle(
  command: string,
  flags: FlagTable,
  given: ReadonlyMap<string, readonly unknown[]>,
  environment: Readonly<Record<string, string | undefined>>,
): Record<string, unknown> {
  const values: Record<string, unknown> = {};
  for (const [name, flag] of Object.entries(flags)) {
    const words = given.get(name) ?? readVariable(flag, environment);
    if (flag.type === 'boolean') values[name] = words?.[0] ?? false;
    else if (words !== undefined) values[name] = flag.multiple ? words : words[0];
    else if (flag.default !== undefined) values[name] = flag.default;
    else if (flag.required) refuse(command, `missing required flag --${name}`);
  }
  for (const name of given.keys()) {
    for (const other of flags[name]?.exclusive ?? []) {
      if (given.has(other)) refuse(command, `--${other} cannot stand beside --${name}`);
    }
  }
  for (const [name, { dependsOn = [] }] of Object.entries(flags)) {
    const missing = isOn(values[name]) ? dependsOn.filter(other => !isOn(values[other])) : [];
    if (missing.length > 0)
      refuse(command, `--${name} needs ${missing.map(other => `--${other}`).join(', ')}`);
  }
  return values;
}

function isOn(value: unknown): boolean {
  return value !== undefined && value !== false;
}

function nameArguments(
  command: string,
  args: ArgTable,
  argv: readonly string[],
  strict: boolean,
): Record<string, string | undefined> {
  const names = Object.keys(args);
  const extra = argv.slice(names.length);
  if (strict && extra.length > 0) {
    refuse(command, `unexpected argument: ${extra.map(word => JSON.stringify(word)).join(', ')}`);
  }
  const missing = names.filter((name, index) => args[name]?.required && argv[index] === undefined);
  if (missing.length > 0) {
    refuse(command, `missing argument: ${missing.map(name => name.toUpperCase()).join(', ')}`);
  }
  return Object.fromEntries(names.map((name, index) => [name, argv[index] ?? args[name]?.default]));
}
