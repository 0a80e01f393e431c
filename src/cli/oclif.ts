/**
 * What of oclif runs in a command: definitions, the parser and its errors. Everything else imports oclif from here,
 * because its index brings configuration, plugins and hooks, and more than doubles the time to load.
 */
export * as Args from '@oclif/core/args';
export { CLIError } from '@oclif/core/errors';
export * as Flags from '@oclif/core/flags';

import type { FlagInput } from '@oclif/core/parser';

export type { ArgInput, FlagInput, OutputArgs, OutputFlags, ParserOutput } from '@oclif/core/parser';
export { parse } from '@oclif/core/parser';

/** The values that the flags of a command come to. */
export type FlagsOf<C extends { readonly flags: FlagInput }> =
  C['flags'] extends FlagInput<infer F> ? F : never;
