import { type ExitCode, exitCodeOf } from '../base/codes.js';
import { type TouchmarkError, toTouchmarkError } from '../base/errors.js';
import type { PasswordSource } from '../crypto/keys.js';
import type { StoreOptions } from '../oci/context.js';
import { type DocumentFacts, serializeDocument, successDocument, type ToolInfo } from './document.js';
import { formatError, formatErrorLine } from './error-text.js';
import { chooseExitCode } from './exit-codes.js';
import { outputFlags } from './flags/output.js';
import { loadStoreOptions, type RegistryFlagValues, readTimeout } from './flags/registry.js';
import { passwordOptions, type SigningFlagValues } from './flags/signing.js';
import { createLifetime } from './lifetime.js';
import type { ArgInput, FlagInput, OutputArgs, OutputFlags } from './oclif.js';
import { type OutputSettings, readOutputSettings } from './output-settings.js';
import { type Parsed, parseCommandLine } from './parse-command-line.js';
import { createPasswords, type PasswordOptions, type Passwords } from './password.js';
import { createProgress, type Progress } from './progress.js';
import { reportFailure } from './report-failure.js';
import { createStandardInput, writeStderr, writeStdout } from './stdio.js';
import { confirm, mayPrompt, openTerminal, type Terminal } from './terminal.js';
import { guardTerminal, printable, type Styler } from './text.js';

/** How a command was called. */
export interface CommandCall {
  /** `key generate`. */
  readonly name: string;
  /** The words that named it: the name, or an old one. */
  readonly calledAs: string;
  /** What stands behind them. */
  readonly argv: readonly string[];
  readonly tool: ToolInfo;
  /** The folder with package.json. */
  readonly packageRoot: URL;
}

/**
 * What every command is: it reads its flags, calls one use case and hands back the result; this class does the rest.
 *
 * What must hold: stdout carries the result and nothing else, with `-o json` exactly one document, on failure too;
 * the exit code is the same for text and JSON; it is 0 only after `execute` returned and the result was written.
 */
export abstract class TouchmarkCommand<Result extends object> {
  // The static side is the shape of an oclif command: the build makes the manifest from it. oclif's own Command is not
  // extended: it brings configuration, plugins and help into every start.
  static summary: string;
  static description: string;
  static examples: readonly { readonly description: string; readonly command: string }[] = [];
  static hiddenAliases: readonly string[] = [];
  static args: ArgInput = {};
  static flags: FlagInput = {};
  static baseFlags: typeof outputFlags = outputFlags;
  /** False: any number of arguments may follow the named ones. */
  static strict = true;
  /** The published schema that the JSON result follows. */
  static schema: string;
  /** Exit codes that help lists, besides 0, 1 and 2. */
  static exitCodes: readonly ExitCode[] = [];

  static run(this: new (call: CommandCall) => TouchmarkCommand<object>, call: CommandCall): Promise<void> {
    return new this(call).run();
  }

  readonly #call: CommandCall;
  readonly #started = new Date();
  readonly #lifetime = createLifetime();
  readonly #stdin = createStandardInput(undefined, this.#lifetime.signal);
  readonly #warnings: string[] = [];
  readonly #settings: OutputSettings;
  #noInput = false;
  #progress: Progress | undefined;

  constructor(call: CommandCall) {
    this.#call = call;
    this.#settings = readOutputSettings(call.argv);
  }

  /** Does the work. A negative answer is part of the result (see {@link problems}); what could not be decided is thrown. */
  protected abstract execute(): Promise<Result>;

  /** The result for people, without a line break at the end. Values from outside go through `printable`. */
  protected abstract text(result: Result, style: Styler): string;

  /** The result in a form of its own, where one was asked for: written as it is, whatever --quiet says. */
  protected rendered(_result: Result): string | undefined {
    return undefined;
  }

  /** The published schema that this result follows, where a command has several. */
  protected schemaOf(_result: Result): string {
    return (this.constructor as typeof TouchmarkCommand).schema;
  }

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

  protected get packageRoot(): URL {
    return this.#call.packageRoot;
  }

  /** The tool and its version, as signed documents name who made them: `touchmark/1.4.0`. */
  protected get creator(): string {
    const { name, version } = this.#call.tool;
    return `${name}/${version}`;
  }

  async run(): Promise<void> {
    const { name, calledAs } = this.#call;
    if (calledAs !== name) this.note(`${calledAs} is called ${name} here`);
    try {
      const result = await this.#lifetime.guard(this.execute());
      this.#progress?.end();
      process.exitCode = await this.#report(result);
    } catch (error) {
      this.#progress?.end();
      process.exitCode = await reportFailure(toTouchmarkError(error), this.#settings, this.#facts());
    } finally {
      this.#lifetime.dispose();
    }
  }

  async #report(result: Result): Promise<ExitCode> {
    const { format, quiet, debug, stdout, stderr, stdoutColour } = this.#settings;
    const problems = this.problems(result);
    const exitCode = chooseExitCode(problems.map(problem => exitCodeOf(problem.code)));
    if (format === 'json') {
      const document = successDocument(this.schemaOf(result), result, exitCode, this.#facts());
      await writeStdout(serializeDocument(document));
    } else {
      const rendered = this.rendered(result);
      const text = rendered ?? (quiet ? '' : this.text(result, stdout));
      const end = text === '' || text.endsWith('\n') ? '' : '\n';
      await writeStdout(`${guardTerminal(text, rendered === undefined && stdoutColour)}${end}`);
    }
    for (const problem of problems) {
      if (format === 'text') await writeStderr(formatError(problem, stderr, debug));
      else if (!quiet) await writeStderr(formatErrorLine(problem));
    }
    return exitCode;
  }

  #facts(): DocumentFacts {
    return { tool: this.#call.tool, startedAt: this.#started, warnings: this.#warnings };
  }

  /** Parses the command line: `const { flags, args } = await this.parse(ThisCommand)`. */
  protected async parse<F extends OutputFlags<FlagInput>, A extends OutputArgs<ArgInput>>(command: {
    readonly flags: FlagInput<F>;
    readonly args: ArgInput<A>;
    readonly strict: boolean;
  }): Promise<Parsed<F, A>> {
    const parsed = await parseCommandLine<F, A>(this.#call.argv, {
      command: this.#call.name,
      flags: { ...outputFlags, ...command.flags } as FlagInput<F>,
      args: command.args,
      strict: command.strict,
      environment: process.env,
    });
    this.#noInput = parsed.flags['no-input'];
    return parsed;
  }

  /** Says something that does not change the answer: on stderr, and in the JSON document. */
  protected warn(message: string): void {
    if (this.#warnings.includes(message)) return;
    this.#warnings.push(message);
    this.note(`${this.#settings.stderr('yellow', 'warning:')} ${printable(message)}`);
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
    return loadStoreOptions(flags, {
      stdin: this.#stdin,
      signal: this.signal,
      environment: process.env,
      userAgent: this.creator,
      onWarning: message => this.warn(message),
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
