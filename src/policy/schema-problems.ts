import * as z from 'zod';
import type { JsonValue } from '../base/json.js';
import { nearest } from '../base/nearest.js';
import type { DocumentSource } from './document-source.js';
import { type DocumentPath, describeFound, failPolicy, formatPath, type Problem } from './problem.js';
import { laterReason, nameProblem, type PolicyDocument, policyDocumentSchema } from './schema.js';

/** A problem that has yet to be looked up in the text. */
export interface UnplacedProblem extends Omit<Problem, 'path' | 'position'> {
  readonly path: DocumentPath;
  /** Default: the value. */
  readonly part?: 'key' | 'value';
  /** Of an unknown key: the one that it was probably meant to be. */
  readonly meant?: string;
}

/**
 * Holds a document against the schema. All problems are found at once and told in the order of the text.
 * @throws TouchmarkError `policy-invalid`
 */
export function checkShape(source: DocumentSource): PolicyDocument {
  const result = policyDocumentSchema.safeParse(source.value);
  if (result.success) return result.data;
  const problems = result.error.issues.flatMap(issue => problemsOf(issue, source.value));
  // A key that is misspelt is one problem, not an unknown key and a missing one.
  const meant = new Set(
    problems.flatMap(({ path, meant: key }) =>
      key === undefined ? [] : formatPath([...path.slice(0, -1), key]),
    ),
  );
  return refuseDocument(
    source,
    problems.filter(({ path, problem }) => problem !== MISSING || !meant.has(formatPath(path))),
  );
}

const MISSING = 'is missing';

/**
 * Refuses a document for these problems, the first in the text first.
 * @throws TouchmarkError `policy-invalid`
 */
export function refuseDocument(source: DocumentSource, problems: readonly UnplacedProblem[]): never {
  const placed = problems
    .map(({ part = 'value', meant: _, ...problem }): Problem => {
      // What is missing is shown where it should stand: in the nearest thing above that is there.
      for (let length = problem.path.length; length >= 0; length--) {
        const position = source.locate(problem.path.slice(0, length), length > 0 ? part : 'value');
        if (position !== undefined) return { ...problem, position };
      }
      return problem;
    })
    .sort(
      (a, b) =>
        (a.position?.line ?? 0) - (b.position?.line ?? 0) ||
        (a.position?.column ?? 0) - (b.position?.column ?? 0),
    );
  const [first, ...others] = placed;
  return failPolicy(source.where, first ?? { problem: 'is not valid' }, ...others);
}

const EXPECTED: Readonly<Record<string, string>> = {
  object: 'a map',
  record: 'a map',
  array: 'a list',
  tuple: 'a list of two numbers',
  string: 'a text',
  number: 'a whole number',
  int: 'a whole number',
  boolean: 'true or false',
};

type Issue = z.core.$ZodIssue;

function problemsOf(issue: Issue, document: JsonValue): UnplacedProblem[] {
  const path = issue.path as DocumentPath;
  const found = valueAt(document, path);
  if (issue.code === 'unrecognized_keys') return issue.keys.map(key => unknownKey(path, key));
  if (issue.code === 'invalid_key') {
    const problem = issue.issues[0]?.message ?? 'cannot be used as a key';
    return [
      {
        path,
        part: 'key',
        problem: `: ${describeFound(path.at(-1))} ${problem}`,
        ...nameHint(path.at(-1), problem),
      },
    ];
  }
  if (found === undefined) {
    const parent = describePlace(path.slice(0, -1));
    return [{ path, problem: MISSING, hint: `add ${JSON.stringify(path.at(-1))} to ${parent}` }];
  }
  if (issue.code === 'invalid_type') {
    const expected = EXPECTED[issue.expected] ?? issue.expected;
    const quote = issue.expected === 'string' && typeof found !== 'object';
    return [
      {
        path,
        problem: `must be ${expected}, not ${describeFound(found)}`,
        ...(quote && { hint: 'put it in quotes' }),
      },
    ];
  }
  if (issue.code === 'invalid_value') return [notOneOf(path, found, issue.values)];
  if (issue.code === 'invalid_format')
    return [
      { path, problem: `: ${describeFound(found)} ${issue.message}`, ...nameHint(found, issue.message) },
    ];
  if (
    (issue.code === 'too_small' || issue.code === 'too_big') &&
    Array.isArray(found) &&
    path.at(-1) === 'count'
  ) {
    return [{ path, problem: 'must be a list of two numbers, least and most' }];
  }
  const hint =
    path.at(-1) === 'threshold' ? 'ask for 1 signer, or for more when the team has more' : undefined;
  return [
    {
      path,
      problem: `${issue.message}${typeof found === 'number' ? `, not ${found}` : ''}`,
      ...(hint !== undefined && { hint }),
    },
  ];
}

/** A name that is a path or a sentence, as the name that was probably meant; nothing where the text may be a key. */
function nameHint(found: unknown, problem: string): { readonly hint?: string } {
  if (typeof found !== 'string' || describeFound(found) !== JSON.stringify(found)) return {};
  if (nameProblem(found) !== problem) return {};
  const last = found.split(/[/\\]/).findLast(part => part !== '') ?? '';
  const name = last.replaceAll(/[^A-Za-z0-9._-]+/g, '-').replaceAll(/^[^A-Za-z0-9]+|[^A-Za-z0-9]+$/g, '');
  return nameProblem(name) !== undefined ? {} : { hint: `such as ${JSON.stringify(name)}` };
}

function describePlace(path: DocumentPath): string {
  return path.length === 0 ? 'the document' : formatPath(path);
}

function unknownKey(path: DocumentPath, key: string): UnplacedProblem {
  const schema = schemaAt(path);
  const later = schema && laterReason(schema, key);
  const at = { path: [...path, key], part: 'key' as const };
  if (later !== undefined) return { ...at, problem: later, hint: `leave ${JSON.stringify(key)} out` };
  const known = schema instanceof z.ZodObject ? Object.keys(schema.shape) : [];
  const meant = nearest(key, known) ?? known.find(name => name.toLowerCase() === key.toLowerCase());
  return {
    ...at,
    problem: 'is an unknown key',
    ...(meant !== undefined && { meant }),
    hint:
      meant === undefined ? `known here are ${known.join(', ')}` : `did you mean ${JSON.stringify(meant)}?`,
  };
}

function notOneOf(path: DocumentPath, found: JsonValue, values: readonly unknown[]): UnplacedProblem {
  const schema = schemaAt(path);
  const later = schema && typeof found === 'string' ? laterReason(schema, found) : undefined;
  const known = values.filter(value => typeof value === 'string');
  if (later !== undefined)
    return {
      path,
      problem: `: ${describeFound(found)} ${later}`,
      hint: `this version takes ${known.join(', ')}`,
    };
  const meant = typeof found === 'string' ? nearest(found, known) : undefined;
  return {
    path,
    problem: `must be ${values.map(value => JSON.stringify(value)).join(' or ')}, not ${describeFound(found)}`,
    ...(meant !== undefined && { hint: `did you mean ${JSON.stringify(meant)}?` }),
  };
}

function valueAt(document: JsonValue, path: DocumentPath): JsonValue | undefined {
  let value: unknown = document;
  for (const step of path) {
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, step)) return undefined;
    value = (value as Record<string | number, unknown>)[step];
  }
  return value as JsonValue;
}

/** The schema of what a path leads to, without its optional wrapping. */
function schemaAt(path: DocumentPath): z.ZodType | undefined {
  let schema: unknown = policyDocumentSchema;
  for (const step of path) {
    schema = unwrap(schema);
    if (schema instanceof z.ZodObject) schema = schema.shape[step as string];
    else if (schema instanceof z.ZodRecord) schema = schema.valueType;
    else if (schema instanceof z.ZodArray) schema = schema.element;
    else return undefined;
  }
  schema = unwrap(schema);
  return schema instanceof z.ZodType ? schema : undefined;
}

function unwrap(schema: unknown): unknown {
  return schema instanceof z.ZodOptional ? unwrap(schema.unwrap()) : schema;
}
