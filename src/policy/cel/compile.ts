import type { ASTNode, ParseResult } from '@marcbachmann/cel-js';
import { Environment } from '@marcbachmann/cel-js';
import { LIMITS } from '../../base/limits.js';
import { build } from './build.js';
import { Meter } from './meter.js';
import { compilePatterns } from './patterns.js';
import { attempt, type Run } from './run.js';
import { CelRefused } from './scope.js';
import { CelExhausted, CelFault, type CelValue } from './value.js';

/** What an expression may speak of. Types are written as in CEL: `string`, `list<Layer>`, `map<string, string>`, `dyn`. */
export interface CelDeclarations {
  /** Objects by name: the types of their members. */
  readonly types: Readonly<Record<string, Readonly<Record<string, string>>>>;
  readonly variables: Readonly<Record<string, string>>;
}

/** Why an expression cannot be used. */
export interface CelProblem {
  readonly problem: string;
  /** In UTF-16 units of the expression, from 0. */
  readonly at: number;
  readonly hint?: string;
}

/** What an expression came to. Only `true` is a yes: what could not be evaluated is none. */
export type CelOutcome =
  | { readonly result: true }
  /** `parts`: those of `a && b && c` that are false, as they are written. */
  | { readonly result: false; readonly parts: readonly string[] }
  | { readonly result: 'fault'; readonly part: string; readonly reason: string }
  /** It takes more work than an evaluation may. */
  | { readonly result: 'exhausted'; readonly reason: string };

export interface CelProgram {
  readonly expression: string;
  /** The variables that it speaks of. */
  readonly variables: readonly string[];
  /** Variables that have no value are not known: an expression that needs one has a fault. Never throws. */
  evaluate(facts: ReadonlyMap<string, CelValue>): CelOutcome;
}

/**
 * Compiles expressions over the declared variables. An expression is parsed, its types are checked and it must come to a
 * bool; names and functions that are not there are found now, not when an image is at hand. Of CEL's standard functions
 * those are there that policies need; `matches` is RE2, in time linear in the text.
 */
export function openCel({
  types,
  variables,
}: CelDeclarations): (expression: string) => Promise<CelProgram | CelProblem> {
  const environment = new Environment({
    limits: { maxAstNodes: LIMITS.celNodes, maxDepth: 64, maxListElements: 256, maxMapEntries: 256 },
  });
  for (const [name, schema] of Object.entries(types))
    environment.registerType({ name, schema: { ...schema } });
  for (const [name, type] of Object.entries(variables)) environment.registerVariable(name, type);
  return expression => compile(expression, environment, Object.keys(variables));
}

async function compile(
  expression: string,
  environment: Environment,
  facts: readonly string[],
): Promise<CelProgram | CelProblem> {
  if (expression.trim() === '') return { problem: 'is empty', at: 0 };
  // The parser goes down a level for each of a row of exclamation marks.
  if (expression.length > LIMITS.celLength)
    return { problem: `has ${expression.length} characters; at most ${LIMITS.celLength} are read`, at: 0 };
  try {
    const parsed = environment.parse(expression);
    // Names and functions first: the type check knows neither what is near to one, nor which are evaluated here.
    const matches = await compilePatterns(parsed.ast);
    const used = new Set<string>();
    const parts = conjunctsOf(parsed.ast).map(node => ({
      text: expression.slice(node.start, node.end),
      run: build(node, { facts, used, bound: [], matches }),
    }));
    checkTypes(parsed);
    return { expression, variables: [...used], evaluate: values => evaluate(parts, values) };
  } catch (error) {
    if (error instanceof CelRefused)
      return { problem: error.message, at: error.at, ...(error.hint !== undefined && { hint: error.hint }) };
    return describe(error);
  }
}

function checkTypes(parsed: ParseResult): void {
  const { valid, type, error } = parsed.check();
  if (!valid) throw error ?? new CelRefused('cannot be understood', 0);
  if (type !== 'bool' && type !== 'dyn')
    throw new CelRefused(
      `comes to a ${type}, and must come to true or false`,
      0,
      'compare it with something',
    );
}

/** What the library found wrong; its errors say what and where, in fields of their own. */
function describe(error: unknown): CelProblem {
  const { summary, range, message } = error as {
    summary?: string;
    range?: { start: number };
    message?: string;
  };
  // A row of signs that is too long for its parser ends in an error of the engine.
  if (typeof summary !== 'string')
    return { problem: `cannot be understood: ${String(message).slice(0, 200)}`, at: 0 };
  return { problem: lowerFirst(summary), at: range?.start ?? 0 };
}

function lowerFirst(text: string): string {
  return text.slice(0, 1).toLowerCase() + text.slice(1);
}

/** `a`, `b` and `c` of `a && b && c`. */
function conjunctsOf(node: ASTNode): readonly ASTNode[] {
  return node.op === '&&' ? node.args.flatMap(conjunctsOf) : [node];
}

/** As `&&` does: what is false is false, whatever is wrong with others. */
function evaluate(
  parts: readonly { readonly text: string; readonly run: Run }[],
  facts: ReadonlyMap<string, CelValue>,
): CelOutcome {
  const frame = { meter: new Meter(LIMITS.celSteps), facts, bound: undefined };
  try {
    const results = parts.map(({ text, run }) => ({ text, result: attempt(run, frame) }));
    const wrong = results.filter(({ result }) => result === false);
    if (wrong.length > 0) return { result: false, parts: wrong.map(({ text }) => text) };
    const fault = results.find(({ result }) => result instanceof CelFault);
    if (!fault) return { result: true };
    return { result: 'fault', part: fault.text, reason: (fault.result as CelFault).message };
  } catch (error) {
    if (error instanceof CelExhausted) return { result: 'exhausted', reason: error.message };
    // An expression of the policy against facts of the image: what else goes wrong is no yes either.
    if (error instanceof RangeError) return { result: 'exhausted', reason: 'it is nested too deeply' };
    throw error;
  }
}
