import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { onTestFinished } from 'vitest';

/** The checkout; the command line under test is its build. */
export const ROOT = fileURLToPath(new URL('../../..', import.meta.url));
export const BIN = join(ROOT, 'dist', 'cli', 'bin.js');

export interface CliResult {
  readonly exitCode: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface CliOptions {
  readonly cwd?: string;
  /** Added to an environment with nothing but PATH and HOME. */
  readonly env?: Readonly<Record<string, string>>;
  /** Text for standard input, which is closed behind it; without it there is no standard input. */
  readonly stdin?: string;
  readonly nodeArguments?: readonly string[];
  /** Called with what stderr holds so far; may send signals. */
  readonly onStderr?: (text: string, kill: (signal: NodeJS.Signals) => void) => void;
  /** Standard input stays open and empty. */
  readonly holdStdin?: boolean;
}

/** Runs the built command line in a process of its own, without a terminal: its session has none. */
export function runCli(argv: readonly string[], options: CliOptions = {}): Promise<CliResult> {
  const { cwd = tmpdir(), env = {}, stdin, nodeArguments = [], onStderr, holdStdin } = options;
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [...nodeArguments, BIN, ...argv], {
      cwd,
      // Node's compile cache goes elsewhere than into the folder that is looked at afterwards.
      env: {
        PATH: process.env['PATH'],
        HOME: cwd,
        XDG_CACHE_HOME: join(tmpdir(), 'touchmark-test-cache'),
        ...env,
      },
      stdio: [stdin === undefined && !holdStdin ? 'ignore' : 'pipe', 'pipe', 'pipe'],
      // A session of its own: otherwise /dev/tty is the terminal that the tests were started from.
      detached: true,
    });
    const output = { stdout: '', stderr: '' };
    child.stdout?.setEncoding('utf8').on('data', text => {
      output.stdout += text;
    });
    child.stderr?.setEncoding('utf8').on('data', text => {
      output.stderr += text;
      onStderr?.(output.stderr, signal => child.kill(signal));
    });
    child.on('error', reject);
    child.on('close', exitCode => resolve({ exitCode, ...output }));
    if (stdin !== undefined) child.stdin?.end(stdin);
  });
}

/** An empty folder that goes away with the test. */
export function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'touchmark-cli-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}
