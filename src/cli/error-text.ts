import { exitCodeOf } from '../base/codes.js';
import type { Detail, TouchmarkError } from '../base/errors.js';
import { isCommandLine, shellQuote } from '../base/shell-quote.js';
import { hintOf } from './hints.js';
import { printable, type Styler, TEXT_COLUMNS, wrapText } from './text.js';

/** An error for people: what, where, found, why, fix, code. A line that adds nothing is left out. */
export function formatError(error: TouchmarkError, style: Styler, debug = false): string {
  const rows: [string, string][] = Object.entries(error.details)
    .filter(([, value]) => value !== null && value !== '')
    .map(([name, value]) => [printable(name), formatDetail(name, value)]);
  const hint = hintOf(error);
  if (hint !== undefined) rows.push(['fix', hint]);
  rows.push(['code', `${error.code} (exit ${exitCodeOf(error.code)})`]);
  const width = Math.max(...rows.map(([name]) => name.length)) + 2;
  const lines = rows.flatMap(([name, text]) =>
    text
      .split('\n')
      .flatMap(line =>
        isCommandLine(line) ? [printable(line)] : wrapText(printable(line), TEXT_COLUMNS - 2 - width),
      )
      .map((line, index) => `  ${style('dim', (index === 0 ? name : '').padEnd(width))}${line}`),
  );
  const trace = debug ? formatCauses(error) : [];
  return `${[`touchmark: ${style('red', 'error:')} ${printable(error.message)}`, ...lines, ...trace].join('\n')}\n`;
}

/** The same in one line, for stderr beside a JSON document. */
export function formatErrorLine(error: TouchmarkError): string {
  return `touchmark: error: ${printable(error.message)} (${error.code}, exit ${exitCodeOf(error.code)})\n`;
}

function formatDetail(name: string, value: Detail): string {
  // Sentences, a line each; other lists are words that people copy.
  if (name === 'problems' && Array.isArray(value)) return value.join('\n');
  return Array.isArray(value) ? value.map(entry => shellQuote(String(entry))).join(' ') : String(value);
}

/** Stacks down to the first cause; five are enough for a chain that ends, and end one that does not. */
function formatCauses(error: Error): string[] {
  const lines: string[] = [];
  let current: unknown = error;
  for (let depth = 0; depth < 5 && current instanceof Error; depth++) {
    lines.push(...(current.stack ?? String(current)).split('\n').map(line => `    ${printable(line)}`));
    current = current.cause;
  }
  return lines;
}
