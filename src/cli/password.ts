import { equalBytes, utf8 } from '../base/bytes.js';
import { fail, TouchmarkError } from '../base/errors.js';
import { LIMITS } from '../base/limits.js';
import type { PasswordSource } from '../crypto/keys.js';
import { readSmallFile } from './files.js';
import type { StandardInput } from './stdio.js';
import type { Terminal } from './terminal.js';

export interface PasswordOptions {
  /** `--password-file`. */
  readonly file?: string | undefined;
  /** `--password-stdin`. */
  readonly fromStdin?: boolean | undefined;
  /** Variables in the order they are looked at; set but empty is the empty password. */
  readonly variables: readonly string[];
  /** How the flags are called, for messages. */
  readonly flags: { readonly file: string; readonly stdin?: string };
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly stdin: StandardInput;
  /** Undefined when nobody can or may be asked. */
  readonly terminal: Terminal | undefined;
}

export interface Passwords {
  readonly source: PasswordSource;
  /** True when a flag or variable gives one, so that nobody will be asked. */
  readonly isGiven: boolean;
  /**
   * Runs `attempt` with the source. A wrong password that a person typed is asked for again, twice;
   * one that came from anywhere else would be the same again.
   */
  retrying<T>(attempt: (source: PasswordSource) => Promise<T>): Promise<T>;
}

/** Times that a person may type a password. */
const ATTEMPTS = 3;

/**
 * Finds the password: file, standard input when asked for, environment, a person.
 * What is found is kept: one command that opens a key twice asks once.
 */
export function createPasswords(options: PasswordOptions): Passwords {
  let known: Promise<Uint8Array> | undefined;
  const typed = new Map<string, Uint8Array>();

  const source: PasswordSource = async request => {
    known ??= findGiven(options);
    const given = known && (await known);
    // Copies: whoever uses a password wipes it afterwards.
    if (given !== undefined) return given.slice();
    const { terminal } = options;
    if (terminal === undefined) return nobodyToAsk(request.what, options);
    const before = typed.get(request.what);
    if (before !== undefined) return before.slice();
    const password = await askPassword(terminal, request);
    typed.set(request.what, password.slice());
    return password;
  };

  return {
    source,
    isGiven:
      options.file !== undefined ||
      options.fromStdin === true ||
      options.variables.some(name => options.environment[name] !== undefined),
    async retrying(attempt) {
      for (let tries = 1; ; tries++) {
        try {
          return await attempt(source);
        } catch (error) {
          const wrong = error instanceof TouchmarkError && error.code === 'key-wrong-password';
          if (!wrong || typed.size === 0 || tries === ATTEMPTS) throw error;
          typed.clear();
        }
      }
    },
  };
}

/** Undefined when no file, stream or variable gives one. */
function findGiven(options: PasswordOptions): Promise<Uint8Array> | undefined {
  const { file, flags, stdin } = options;
  if (file !== undefined) {
    return readSmallFile(file, LIMITS.passwordSize, `--${flags.file}`).then(withoutLineBreak);
  }
  if (options.fromStdin) {
    return stdin.read(`--${flags.stdin}`, LIMITS.passwordSize).then(withoutLineBreak);
  }
  for (const name of options.variables) {
    const value = options.environment[name];
    if (value !== undefined) return Promise.resolve(utf8(value));
  }
  return undefined;
}

/** Editors and `echo` end a file with one line break; it is no part of the password. */
function withoutLineBreak(bytes: Uint8Array): Uint8Array {
  const end = bytes.at(-1) === 0x0a ? (bytes.at(-2) === 0x0d ? 2 : 1) : 0;
  return bytes.subarray(0, bytes.length - end);
}

async function askPassword(
  terminal: Terminal,
  { purpose, what }: { readonly purpose: 'open' | 'new'; readonly what: string },
): Promise<Uint8Array> {
  if (purpose === 'open') return utf8(await terminal.ask(`Password for ${what}: `, { echo: false }));
  const first = utf8(await terminal.ask(`New password for ${what}: `, { echo: false }));
  const second = utf8(await terminal.ask('The same again: ', { echo: false }));
  if (!equalBytes(first, second)) fail('usage-declined', 'the two passwords differ: nothing was written');
  if (first.length === 0) {
    fail('usage-declined', 'an empty password protects nothing: nothing was written', {
      hint: 'to write a key that anybody with the file can use, say so with --no-password --insecure-plaintext-key',
    });
  }
  return first;
}

function nobodyToAsk(what: string, { flags, variables }: PasswordOptions): never {
  const ways = [`--${flags.file} FILE`, ...(flags.stdin ? [`--${flags.stdin}`] : []), ...variables];
  return fail('usage-no-terminal', `a password is needed for ${what}, and there is nobody to ask`, {
    hint: `give it with ${ways.slice(0, -1).join(', ')} or ${ways.at(-1)}`,
  });
}
