import { fail } from '../../base/errors.js';

/**
 * Flags and arguments as plain data, in the shape that oclif's manifest builder reads. Defining them loads nothing:
 * oclif's own builders bring its help, configuration and terminal code into every start.
 */
interface FlagFacts {
  readonly summary: string;
  readonly char?: string;
  /** The variable that sets it. */
  readonly env?: string;
  readonly helpGroup?: string;
  readonly hidden?: boolean;
  /** Flags that must not stand beside it on the command line. */
  readonly exclusive?: readonly string[];
  /** Flags that must be on as well. */
  readonly dependsOn?: readonly string[];
}

export interface SwitchFlag extends FlagFacts {
  readonly type: 'boolean';
  readonly allowNo: false;
}

interface ValueOptions<T> extends FlagFacts {
  readonly helpValue?: string;
  readonly multiple?: boolean;
  readonly required?: boolean;
  readonly default?: T;
  /** The only values there are. */
  readonly options?: readonly string[];
}

/** `Value` is what the parser gives for it: undefined unless the flag is required or has a default. */
export interface ValueFlag<Value = unknown> extends ValueOptions<unknown> {
  readonly type: 'option';
  readonly multiple: boolean;
  /**
   * One word as its value; `where` is how the word was given, for messages.
   * @throws TouchmarkError `usage-argument`
   */
  readonly parse: (word: string, where: string) => unknown;
  /** Never set: carries the type. */
  readonly value?: Value;
}

export type AnyFlag = SwitchFlag | ValueFlag;
export type FlagTable = Readonly<Record<string, AnyFlag>>;

type ValueOf<O, T> = O extends { readonly multiple: true }
  ? O extends { readonly required: true }
    ? T[]
    : T[] | undefined
  : O extends { readonly required: true } | { readonly default: T }
    ? T
    : T | undefined;

function oneOf(options: readonly string[] | undefined, word: string, where: string): string {
  if (options === undefined || options.includes(word)) return word;
  return fail('usage-argument', `${where} takes ${options.join(', ')}, not ${JSON.stringify(word)}`, {
    hint: 'give one of these values',
  });
}

export const Flags = {
  boolean(facts: FlagFacts): SwitchFlag {
    return { ...facts, type: 'boolean', allowNo: false };
  },

  string<const O extends ValueOptions<string>>(options: O): ValueFlag<ValueOf<O, string>> {
    return {
      multiple: false,
      ...options,
      type: 'option',
      parse: (word, where) => oneOf(options.options, word, where),
    };
  },

  /** One of a closed list. */
  option<T extends string>(
    options: ValueOptions<T> & { readonly options: readonly T[]; readonly default: T },
  ): ValueFlag<T> {
    return {
      multiple: false,
      ...options,
      type: 'option',
      parse: (word, where) => oneOf(options.options, word, where),
    };
  },

  integer<const O extends ValueOptions<number> & { readonly min: number; readonly max: number }>(
    options: O,
  ): ValueFlag<ValueOf<O, number>> {
    const { min, max } = options;
    return {
      multiple: false,
      ...options,
      type: 'option',
      parse(word, where) {
        const number = /^\d{1,15}$/.test(word) ? Number(word) : Number.NaN;
        if (number >= min && number <= max) return number;
        return fail(
          'usage-argument',
          `${where} takes a whole number from ${min} to ${max}, not ${JSON.stringify(word)}`,
          { hint: 'give a number in that range' },
        );
      },
    };
  },
};

interface ArgOptions {
  readonly description: string;
  readonly required?: boolean;
  readonly default?: string;
}

export interface Arg<Value = unknown> extends ArgOptions {
  /** Never set: carries the type. */
  readonly value?: Value;
}

export type ArgTable = Readonly<Record<string, Arg>>;

export const Args = {
  string<const O extends ArgOptions>(options: O): Arg<ValueOf<O, string>> {
    return options;
  },
};

/** What the parser gives for a table of flags. */
export type FlagValues<F> = {
  -readonly [K in keyof F]: F[K] extends SwitchFlag ? boolean : F[K] extends ValueFlag<infer V> ? V : never;
};

/** What the parser gives for a table of arguments. */
export type ArgValues<A> = { -readonly [K in keyof A]: A[K] extends Arg<infer V> ? V : never };
