import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';

export interface CommandOptions {
  readonly cwd?: string;
  /** The whole environment of the child. Default: this process's own. */
  readonly env?: NodeJS.ProcessEnv;
  /** Written to standard input, which is closed afterwards. */
  readonly input?: string;
  /** Milliseconds; default 120,000. */
  readonly timeout?: number;
}

export interface Outcome {
  /** The command line, for messages. */
  readonly command: string;
  /** 128 + number when a signal ended it, as in a shell. */
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

const SIGNALS: Readonly<Record<string, number>> = { SIGINT: 2, SIGKILL: 9, SIGTERM: 15 };
const OUTPUT_LIMIT = 64 * 1024 * 1024;

/** Children that are alive; whatever ends this process ends them as well. */
const alive = new Set<ChildProcess>();
process.once('exit', () => {
  for (const child of alive) child.kill('SIGKILL');
});

/** Runs a command to its end. Any exit code is an outcome; only a command that cannot be started or times out throws. */
export function run(file: string, args: readonly string[], options: CommandOptions = {}): Promise<Outcome> {
  const command = [file, ...args].join(' ');
  return new Promise((done, reject) => {
    const child = startChild(file, args, options);
    const out: Buffer[] = [];
    const err: Buffer[] = [];
    let size = 0;
    let failure: Error | undefined;
    const keep = (parts: Buffer[]) => (part: Buffer) => {
      size += part.length;
      if (size > OUTPUT_LIMIT) end(`wrote more than ${OUTPUT_LIMIT} bytes`);
      else parts.push(part);
    };
    const end = (why: string) => {
      failure ??= new Error(`${command}: ${why}\n${Buffer.concat(err).toString().slice(-2000)}`);
      child.kill('SIGKILL');
    };
    const timeout = options.timeout ?? 120_000;
    const timer = setTimeout(() => end(`did not end within ${timeout} ms`), timeout);
    child.stdout?.on('data', keep(out));
    child.stderr?.on('data', keep(err));
    child.once('error', error => {
      clearTimeout(timer);
      reject(error);
    });
    child.once('close', (code, signal) => {
      clearTimeout(timer);
      if (failure) return reject(failure);
      const number = code ?? 128 + (SIGNALS[signal ?? ''] ?? 0);
      done({
        command,
        code: number,
        stdout: Buffer.concat(out).toString(),
        stderr: Buffer.concat(err).toString(),
      });
    });
    child.stdin?.on('error', () => {}); // A child that does not read its input is no failure.
    child.stdin?.end(options.input ?? '');
  });
}

/** Runs a command that has to succeed. @throws Error with both outputs when it exits other than 0 */
export async function runOk(
  file: string,
  args: readonly string[],
  options: CommandOptions = {},
): Promise<Outcome> {
  const outcome = await run(file, args, options);
  if (outcome.code !== 0) throw new Error(describeOutcome(outcome));
  return outcome;
}

export function describeOutcome(outcome: Outcome): string {
  return `${outcome.command}\nexit code ${outcome.code}\n${outcome.stdout.slice(-3000)}\n${outcome.stderr.slice(-3000)}`;
}

/** Starts a child that ends with this process, even when this process is killed (where the system has `setpriv`). */
export function startChild(
  file: string,
  args: readonly string[],
  options: CommandOptions = {},
): ChildProcess {
  const bound = existsSync('/usr/bin/setpriv') && process.platform === 'linux';
  const child = spawn(
    bound ? '/usr/bin/setpriv' : file,
    bound ? ['--pdeathsig', 'KILL', '--', file, ...args] : args,
    {
      stdio: ['pipe', 'pipe', 'pipe'],
      ...(options.cwd && { cwd: options.cwd }),
      env: options.env ?? process.env,
    },
  );
  alive.add(child);
  child.once('close', () => alive.delete(child));
  child.once('error', () => alive.delete(child));
  return child;
}
