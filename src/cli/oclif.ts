/**
 * What of oclif runs in a command: definitions, the parser and its errors. Everything else imports oclif from here,
 * because its index brings configuration, plugins and hooks, and more than doubles the time to load.
 */
export * as Args from '@oclif/core/args';
export { CLIError } from '@oclif/core/errors';
export * as Flags from '@oclif/core/flags';
export type { ArgInput, FlagInput, OutputArgs, OutputFlags, ParserOutput } from '@oclif/core/parser';
export { parse } from '@oclif/core/parser';
