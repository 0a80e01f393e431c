import { type ChildProcess, spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';

/** A command line that is timed. */
export interface Candidate {
  readonly name: string;
  readonly file: string;
  /** Arguments of one round: what changes something needs another target each time. */
  readonly args: (round: number) => readonly string[];
}

export interface Place {
  readonly cwd: string;
  readonly env: NodeJS.ProcessEnv;
}

/**
 * Runs the candidates in turn, round after round, so that what else the machine does hits all alike.
 * @returns median wall time of each in milliseconds, from spawn to exit, in the order given
 * @throws Error when one does not exit with 0: a time of something that failed says nothing
 */
export async function compare(
  candidates: readonly Candidate[],
  rounds: number,
  place: Place,
  warmup = 2,
): Promise<readonly number[]> {
  const times: number[][] = candidates.map(() => []);
  for (let round = -warmup; round < rounds; round++) {
    for (const [i, { file, args }] of candidates.entries()) {
      const { milliseconds } = await time(file, args(round + warmup), place);
      if (round >= 0) times[i]?.push(milliseconds);
    }
  }
  return times.map(median);
}

export interface Run {
  readonly milliseconds: number;
  /** The most memory that was resident at once, in MiB; 0 where the system does not tell. */
  readonly peakMiB: number;
  readonly stderr: string;
}

/** Runs one command to its end with its outputs thrown away. */
export function time(file: string, args: readonly string[], { cwd, env }: Place): Promise<Run> {
  return new Promise((done, reject) => {
    const started = performance.now();
    const child = spawn(file, args, { cwd, env, stdio: ['ignore', 'ignore', 'pipe'] });
    const stderr: Buffer[] = [];
    child.stderr?.on('data', (part: Buffer) => stderr.push(part));
    let peakMiB = 0;
    const poll = setInterval(() => {
      peakMiB = Math.max(peakMiB, readPeak(child));
    }, 20);
    child.once('error', reject);
    let milliseconds = 0;
    child.once('exit', () => {
      milliseconds = performance.now() - started;
    });
    child.once('close', code => {
      clearInterval(poll);
      if (code === 0) done({ milliseconds, peakMiB, stderr: Buffer.concat(stderr).toString() });
      else
        reject(
          new Error(`${file} ${args.join(' ').slice(0, 500)}: exit code ${code}\n${Buffer.concat(stderr)}`),
        );
    });
  });
}

/** The kernel keeps the high-water mark, so a look now and then misses only what came after the last one. */
function readPeak(child: ChildProcess): number {
  try {
    const status = readFileSync(`/proc/${child.pid}/status`, 'utf8');
    return Number(/VmHWM:\s+(\d+) kB/.exec(status)?.[1] ?? 0) / 1024;
  } catch {
    return 0;
  }
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  const [low = 0, high = 0] = [sorted[sorted.length % 2 ? middle : middle - 1], sorted[middle]];
  return (low + high) / 2;
}
