import type { Meter } from './meter.js';

/** What is known while an expression is built. */
export interface Scope {
  readonly facts: readonly string[];
  /** Those that have been spoken of. */
  readonly used: Set<string>;
  /** Variables of the macros around. */
  readonly bound: readonly string[];
  /** Says whether a text matches a pattern, which has been compiled before. */
  readonly matches: (pattern: string, text: string, meter: Meter) => boolean;
}

/** Why an expression cannot be used, and where, in UTF-16 units of it. */
export class CelRefused extends Error {
  constructor(
    message: string,
    readonly at: number,
    readonly hint?: string,
  ) {
    super(message);
  }
}
