import { fail } from '../base/errors.js';
import { shellQuote } from '../base/shell-quote.js';

/** Keys and list indices from the top of a document to a value in it. */
export type DocumentPath = readonly (string | number)[];

/** Both counted from 1; the column in UTF-16 units, as editors count. */
export interface Position {
  readonly line: number;
  readonly column: number;
}

export interface Problem {
  /** Empty or absent: the document as a whole. */
  readonly path?: DocumentPath;
  /** What is wrong, as the end of a sentence that begins with the path. Never the text of a key. */
  readonly problem: string;
  readonly hint?: string;
  readonly position?: Position;
}

const SHOWN = 20;

/** `flow[0].threshold`, `teams.base.signers["a b"]`. */
export function formatPath(path: DocumentPath): string {
  let text = '';
  for (const step of path) {
    if (typeof step === 'number') text += `[${step}]`;
    else if (/^[A-Za-z0-9_-]+$/.test(step)) text += text === '' ? step : `.${step}`;
    else text += `[${JSON.stringify(step.slice(0, 64))}]`;
  }
  return text;
}

/** One line for people: `line 3, column 5: flow[0].threshold must be at least 1`. */
export function formatProblem({ path = [], problem, position }: Problem): string {
  const place = position === undefined ? '' : `line ${position.line}, column ${position.column}: `;
  const space = problem.startsWith(':') ? '' : ' ';
  return `${place}${path.length === 0 ? 'the document' : formatPath(path)}${space}${problem}`;
}

/**
 * Refuses a document: the message has its first problem, the details all of them up to a bound.
 * @throws TouchmarkError `policy-invalid`
 */
export function failPolicy(where: string, first: Problem, ...others: readonly Problem[]): never {
  const problems = [first, ...others];
  const more =
    others.length === 0 ? '' : ` (and ${others.length} more ${others.length === 1 ? 'problem' : 'problems'})`;
  return fail(
    'policy-invalid',
    `the policy ${shellQuote(where)} is not valid: ${formatProblem(first)}${more}`,
    {
      ...(first.hint !== undefined && { hint: first.hint }),
      details: {
        policy: where,
        ...(first.path !== undefined && first.path.length > 0 && { path: formatPath(first.path) }),
        ...(first.position && { line: first.position.line, column: first.position.column }),
        ...(problems.length > 1 && { problems: problems.slice(0, SHOWN).map(formatWithHint) }),
      },
    },
  );
}

function formatWithHint(problem: Problem): string {
  return `${formatProblem(problem)}${problem.hint === undefined ? '' : ` (${problem.hint})`}`;
}

/**
 * A value as a message may show it. A private key that was pasted into the wrong place must not reach a log, so text
 * that could be one is only described.
 */
export function describeFound(value: unknown): string {
  if (value === undefined || value === null) return 'nothing';
  if (Array.isArray(value)) return value.length === 0 ? 'an empty list' : 'a list';
  if (typeof value === 'object') return 'a map';
  if (typeof value !== 'string') return String(value);
  if (value.includes('\n') || value.includes('-----') || /^[A-Za-z0-9+/=]{40,}$/.test(value))
    return `a text of ${value.length} characters`;
  return JSON.stringify(value.length > 60 ? `${value.slice(0, 60)}…` : value);
}
