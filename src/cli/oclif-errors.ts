import { stripVTControlCharacters } from 'node:util';
import { TouchmarkError, toTouchmarkError } from '../base/errors.js';
import { CLIError } from './oclif.js';

/** Whatever the parser threw as ours: what it refuses is a usage error, the rest is judged by kind. */
export function toReportedError(error: unknown, command: string): TouchmarkError {
  if (!(error instanceof CLIError)) return toTouchmarkError(error);
  return new TouchmarkError('flags' in error ? 'usage-unknown-flag' : 'usage-argument', describe(error), {
    hint: `touchmark ${command} --help shows how it is called`,
    cause: error,
  });
}

function describe(error: Error): string {
  const { args } = error as { args?: readonly (string | { readonly name: string })[] };
  if (Array.isArray(args) && args.length > 0) {
    const names = args.map(arg => (typeof arg === 'string' ? JSON.stringify(arg) : arg.name.toUpperCase()));
    const missing = typeof args[0] !== 'string';
    return missing ? `missing argument: ${names.join(', ')}` : `unexpected argument: ${names.join(', ')}`;
  }
  const text = describeParserMessage(error);
  return text.charAt(0).toLowerCase() + text.slice(1);
}

/** The parser's message as one line, without the colours and the advice around it. */
export function describeParserMessage(error: Error): string {
  return stripVTControlCharacters(error.message)
    .replace(/See more help with --help/g, '')
    .replace(/^The following errors? occurred:/, '')
    .replace(/^Nonexistent flags?:/, 'unknown flag')
    .replace(/^Parsing (--\S+)\s+Expected/, '$1: expected')
    .replace(/(Missing required flag) (?=\w)/g, '$1 --')
    .replace(/\s+/g, ' ')
    .trim();
}
