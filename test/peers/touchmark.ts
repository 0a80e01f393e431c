import { existsSync } from 'node:fs';
import { CHECKOUT, CLI } from './checkout.js';
import { type CommandOptions, describeOutcome, type Outcome, run } from './command.js';
import type { Scratch } from './scratch.js';

export interface TouchmarkOutcome extends Outcome {
  /** The one JSON document on standard output. @throws SyntaxError when there is none, or more */
  json(): Record<string, unknown>;
}

/** Runs the built command line as a user would: a process, its exit code, its two outputs. */
export async function touchmark(
  scratch: Scratch,
  args: readonly string[],
  options: CommandOptions = {},
): Promise<TouchmarkOutcome> {
  if (!existsSync(CLI)) throw new Error(`${CLI} is not there: run npm run build in ${CHECKOUT}`);
  const outcome = await run(process.execPath, [CLI, ...args], {
    cwd: scratch.path,
    ...options,
    env: { ...scratch.env, ...options.env },
  });
  return { ...outcome, json: () => JSON.parse(outcome.stdout) as Record<string, unknown> };
}

/** Runs touchmark and expects success. */
export async function touchmarkOk(
  scratch: Scratch,
  args: readonly string[],
  options: CommandOptions = {},
): Promise<TouchmarkOutcome> {
  const outcome = await touchmark(scratch, args, options);
  if (outcome.code !== 0) throw new Error(describeOutcome(outcome));
  return outcome;
}
