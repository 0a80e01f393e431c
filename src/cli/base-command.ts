import { Command, type Interfaces } from '@oclif/core';
import { type ExitCode, exitCodeOf } from '../base/codes.js';
import type { TouchmarkError } from '../base/errors.js';
import type { PasswordSource } from '../crypto/keys.js';
import type { StoreOptions } from '../oci/context.js';
import { checkFlags } from './command-line.js';
import { type DocumentFacts, serializeDocument, successDocument } from './document.js';
import { withEnvironment } from './environment.js';
import { formatError, formatErrorLine } from './error-text.js';
import { chooseExitCode } from './exit-codes.js';
import { outputFlags } from './flags/output.js';
import { loadStoreOptions, type RegistryFlagValues, readTimeout } from './flags/registry.js';
import { passwordOptions, type SigningFlagValues } from './flags/signing.js';
import { createLifetime } from './lifetime.js';
import { toReportedError } from './oclif-errors.js';
import { type OutputSettings, readOutputSettings } from './output-settings.js';
import { createPasswords, type PasswordOptions, type Passwords } from './password.js';
import { createProgress, type Progress } from './progress.js';
import { reportFailure } from './report-failure.js';
import { createStandardInput, writeStderr, writeStdout } from './stdio.js';
import { confirm, mayPrompt, openTerminal, type Terminal } from './terminal.js';
import { guardTerminal, printable, type Styler } from './text.js';

/**
 * What every command is: it reads its flags, calls one use case and hands back the result; this class does the rest.
 *
 * What must hold: stdout carries the result and nothing else, with `-o json` exactly one document, on failure too;
 * the exit code is the same for text and JSON; it is 0 only after `execute` returned and the result was written.
 */
export abstract class TouchmarkCommand<Result extends object> extends Command {
  static override baseFlags = outputFlags;
  /** The published schema that the JSON result follows. */
  static schema: string;
  /** Exit codes that help lists, besides 0, 1 and 2. */
  static exitCodes: readonly ExitCode[] = [];

  readonly #started = new Date();
  readonly #lifetime = createLifetime();
  readonly #stdin = createStandardInput(undefined, this.#lifetime.signal);
  readonly #warnings: string[] = [];
  #settings: OutputSettings = readOutputSettings(this.argv);
  #noInput = false;
  #progress: Progress | undefined;

  /** Does the work. A negative answer is part of the result (see {@link problems}); what could not be decided is thrown. */
  protected abstract execute(): Promise<Result>;

  /** The result for people, without a line break at the end. Values from outside go through `printable`. */
  protected abstract text(result: Result, style: Styler): string;

  /**
   * Why the result is not a yes: each is printed to stderr, and their codes give the exit code.
   * An empty list is exit code 0.
   */
  protected problems(_result: Result): readonly TouchmarkError[] {
    return [];
  }

  /** Aborted by Ctrl-C, SIGTERM and the deadline. */
  protected get signal(): AbortSignal {
    return this.#lifetime.signal;
  }

  protected get settings(): OutputSettings {
    return this.#settings;
  }

  override async run(): Promise<void> {
    const command = (this.ctor.id ?? '').replaceAll(':', ' ');
    const called = process.argv[2] ?? '';
    if (this.ctor.hiddenAliases.includes(called)) this.note(`${called} is called ${command} here`);
    try {
      const result = await this.#lifetime.guard(this.execute());
      this.#progress?.end();
      process.exitCode = await this.#report(result);
    } catch (error) {
      this.#progress?.end();
      process.exitCode = await reportFailure(toReportedError(error, command), this.#settings, this.#facts());
    } finally {
      this.#lifetime.dispose();
    }
  }

  async #report(result: Result): Promise<ExitCode> {
    const { format, quiet, debug, stdout, stderr, stdoutColour } = this.#settings;
    const problems = this.problems(result);
    const exitCode = chooseExitCode(problems.map(problem => exitCodeOf(problem.code)));
    if (format === 'json') {
      const { schema } = this.ctor as typeof TouchmarkCommand;
      await writeStdout(serializeDocument(successDocument(schema, result, exitCode, this.#facts())));
    } else if (!quiet) {
      const text = this.text(result, stdout);
      await writeStdout(text === '' ? '' : `${guardTerminal(text, stdoutColour)}\n`);
    }
    for (const problem of problems) {
      if (format === 'text') await writeStderr(formatError(problem, stderr, debug));
      else if (!quiet) await writeStderr(formatErrorLine(problem));
    }
    return exitCode;
  }

  #facts(): DocumentFacts {
    const { name, version } = this.config;
    return { tool: { name, version }, startedAt: this.#started, warnings: this.#warnings };
  }

  /** Parses the command line: `const { flags, args } = await this.parse(ThisCommand)`. */
  protected override async parse<
    F extends Interfaces.OutputFlags<Interfaces.FlagInput>,
    B extends Interfaces.OutputFlags<Interfaces.FlagInput>,
    A extends Interfaces.OutputArgs<Interfaces.ArgInput>,
  >(options?: Interfaces.Input<F, B, A>, argv = this.argv): Promise<Interfaces.ParserOutput<F, B, A>> {
    const { flags = {}, baseFlags = {}, args = {} } = options ?? (this.ctor as Interfaces.Input<F, B, A>);
    const all = { ...baseFlags, ...flags } as unknown as Record<string, Command.Flag.Any>;
    checkFlags((this.ctor.id ?? '').replaceAll(':', ' '), argv, all);
    for (const flag of Object.values(all)) {
      // Left alone, `--key a.pub IMAGE` would take IMAGE for a second key.
      if (flag.type === 'option' && flag.multiple) flag.multipleNonGreedy = true;
    }
    // Left alone, a missing argument would be read from standard input, which may belong to someone else.
    for (const arg of Object.values<Command.Arg.Any>(args)) arg.ignoreStdin = true;
    const input = {
      ...(options ?? this.ctor),
      args,
      baseFlags: {},
      flags: await withEnvironment(all, process.env),
    } as unknown as Interfaces.Input<F, B, A>;
    const parsed = await super.parse(input, argv);
    const values = parsed.flags as { 'no-input'?: boolean; output?: string; json?: boolean };
    if (values.json) values.output = 'json';
    this.#noInput = values['no-input'] ?? false;
    return parsed;
  }

  /** Says something that does not change the answer: on stderr, and in the JSON document. */
  override warn(input: Error | string): Error | string {
    const message = typeof input === 'string' ? input : input.message;
    if (this.#warnings.includes(message)) return input;
    this.#warnings.push(message);
    this.note(`${this.#settings.stderr('yellow', 'warning:')} ${printable(message)}`);
    return input;
  }

  /** A line on stderr that no script should read; nothing with --quiet. */
  protected note(line: string): void {
    if (this.#settings.quiet) return;
    const text = `touchmark: ${line}`;
    if (this.#progress) this.#progress.line(text);
    else void writeStderr(`${text}\n`);
  }

  /** How stores reach the outside, from the registry flags. Starts the deadline. */
  protected async storeOptions(flags: RegistryFlagValues): Promise<StoreOptions> {
    this.#lifetime.setDeadline(readTimeout(flags));
    const { name, version } = this.config;
    return loadStoreOptions(flags, {
      stdin: this.#stdin,
      signal: this.signal,
      environment: process.env,
      userAgent: `${name}/${version}`,
      onWarning: message => void this.warn(message),
      ...(this.#settings.debug && {
        onRequest: ({ method, url, status, milliseconds, error }) =>
          void writeStderr(
            `touchmark: debug: ${new Date().toISOString()} ${method} ${printable(url)} ` +
              `${status ?? printable(error?.message ?? 'no answer')} ${Math.round(milliseconds)}ms\n`,
          ),
      }),
    });
  }

  /**
   * Passwords of private keys, from the signing flags, the environment, or a person.
   * @param options where else to look, for a command that needs two
   */
  protected passwords(
    flags: SigningFlagValues,
    options: Pick<PasswordOptions, 'file' | 'fromStdin' | 'variables' | 'flags'> = passwordOptions(flags),
  ): Passwords {
    return createPasswords({
      ...options,
      environment: process.env,
      stdin: this.#stdin,
      terminal: this.terminal(),
    });
  }

  /** The password for a private key that is written now. An empty one is taken only from where it can be meant. */
  protected newPassword(flags: SigningFlagValues): PasswordSource {
    const { source } = this.passwords(flags);
    return async request => {
      const password = await source(request);
      if (password.length === 0) {
        this.warn(`the password of ${request.what} is empty: whoever can read the file can sign`);
      }
      return password;
    };
  }

  /** The person at the terminal; undefined when there is none or asking is forbidden. */
  protected terminal(): Terminal | undefined {
    return mayPrompt(this.#noInput) ? openTerminal(this.signal) : undefined;
  }

  /**
   * Asks before something that cannot be taken back.
   * @throws TouchmarkError `usage-no-terminal`, `usage-declined`
   */
  protected async confirm(question: string, flags: { readonly yes: boolean }): Promise<void> {
    await confirm({ question, yes: flags.yes, terminal: flags.yes ? undefined : this.terminal() });
  }

  /** Standard input as the value of a file argument `-`. */
  protected readStdin(purpose: string, maxSize: number): Promise<Uint8Array> {
    return this.#stdin.read(purpose, maxSize);
  }

  /** Shows how far the work is; give `progress.report` to the use case. */
  protected progress(): Progress {
    const { quiet } = this.#settings;
    this.#progress ??= createProgress({
      write: text => void (quiet || writeStderr(text)),
      isTTY: process.stderr.isTTY === true && process.env['TERM'] !== 'dumb',
      columns: process.stderr.columns ?? 80,
      now: () => performance.now(),
      groups: process.env['GITHUB_ACTIONS'] === 'true',
    });
    return this.#progress;
  }
}
