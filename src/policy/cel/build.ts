import type { ASTNode } from '@marcbachmann/cel-js';
import { LIMITS } from '../../base/limits.js';
import { nearest } from '../../base/nearest.js';
import { type CelFunction, FUNCTIONS, functionNames, METHODS } from './functions.js';
import { MACROS } from './macros.js';
import type { Meter } from './meter.js';
import { OPERATORS } from './operators.js';
import { CelExhausted, CelFault, type CelValue, isMap, typeName } from './value.js';

/** What an expression is evaluated in. */
export interface Frame {
  readonly meter: Meter;
  readonly facts: ReadonlyMap<string, CelValue>;
  /** The variables of the macros around, innermost first. */
  readonly bound: Bound | undefined;
}

export interface Bound {
  readonly name: string;
  readonly value: CelValue;
  readonly outer: Bound | undefined;
}

/** @throws CelFault, CelExhausted */
export type Run = (frame: Frame) => CelValue;

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

/**
 * Turns a syntax tree into a function. The published evaluators have no bound on what an evaluation costs, and match with
 * the regular expressions of JavaScript, which a label of thirty letters can keep busy for a day; so parser and type check
 * are theirs, and the evaluation is here: every step of it is counted.
 *
 * @throws CelRefused for what is not evaluated here, though CEL has it
 */
export function build(node: ASTNode, scope: Scope): Run {
  const run = buildNode(node, scope);
  return frame => {
    frame.meter.spend(1);
    return run(frame);
  };
}

function buildNode(node: ASTNode, scope: Scope): Run {
  switch (node.op) {
    case 'value':
      return buildLiteral(node.args, node);
    case 'id':
      return buildName(node.args, node, scope);
    case '.': {
      const [object, name] = node.args;
      const run = build(object, scope);
      return frame => memberOf(run(frame), name);
    }
    case '[]': {
      const [list, index] = node.args.map(part => build(part, scope)) as [Run, Run];
      return frame => itemOf(list(frame), index(frame));
    }
    case 'call':
    case 'rcall':
      return buildCall(node, scope);
    case 'list': {
      const items = node.args.map(item => build(item, scope));
      return frame => items.map(item => item(frame));
    }
    case 'map': {
      const entries = node.args.map(([key, value]) => [build(key, scope), build(value, scope)] as const);
      return frame => new Map(entries.map(([key, value]) => [keyOf(key(frame)), value(frame)]));
    }
    case '?:': {
      const [condition, yes, no] = node.args.map(part => build(part, scope)) as [Run, Run, Run];
      return frame => (requireBool(condition(frame)) ? yes(frame) : no(frame));
    }
    case '&&':
    case '||': {
      const [left, right] = node.args.map(part => build(part, scope)) as [Run, Run];
      return either(left, right, node.op === '||');
    }
    case '!_': {
      const run = build(node.args, scope);
      return frame => !requireBool(run(frame));
    }
    case '-_': {
      const run = build(node.args, scope);
      return frame => negate(run(frame));
    }
  }
  const operator = OPERATORS.get(node.op);
  if (!operator || !Array.isArray(node.args))
    throw new CelRefused(`${node.op} is not evaluated here`, node.start);
  const [left, right] = (node.args as readonly ASTNode[]).map(part => build(part, scope)) as [Run, Run];
  return frame => operator(left(frame), right(frame), frame.meter);
}

function buildLiteral(value: unknown, { start }: ASTNode): Run {
  if (
    value === null ||
    typeof value === 'string' ||
    typeof value === 'bigint' ||
    typeof value === 'number' ||
    typeof value === 'boolean'
  )
    return () => value;
  throw new CelRefused('unsigned numbers and bytes are not evaluated here', start, 'write 1, not 1u');
}

function buildName(name: string, { start }: ASTNode, { bound, facts, used }: Scope): Run {
  if (bound.includes(name))
    return frame => {
      for (let at = frame.bound; at; at = at.outer) if (at.name === name) return at.value;
      throw new CelFault(`${name} is not known`);
    };
  if (!facts.includes(name)) {
    const meant = nearest(name, [...bound, ...facts]);
    throw new CelRefused(
      `there is no fact ${JSON.stringify(name)}`,
      start,
      meant === undefined ? `the facts are ${facts.join(', ')}` : `did you mean ${meant}?`,
    );
  }
  used.add(name);
  return ({ facts: values }) => {
    const value = values.get(name);
    if (value === undefined) throw new CelFault(`${name} is not known of this image`);
    return value;
  };
}

function buildCall(node: Extract<ASTNode, { op: 'call' | 'rcall' }>, scope: Scope): Run {
  const [name, receiver, args] =
    node.op === 'call' ? [node.args[0], undefined, node.args[1]] : [node.args[0], node.args[1], node.args[2]];
  const key = `${name}/${args.length}`;
  if (receiver === undefined && key === 'has/1') return buildHas(args[0] as ASTNode, scope);
  const macro = receiver && MACROS.get(key);
  if (macro) return buildMacro(macro, receiver, args, node, scope);
  if (receiver && key === 'matches/1') return buildMatches(receiver, args[0] as ASTNode, scope);
  const use = (receiver ? METHODS : FUNCTIONS).get(key);
  if (!use) {
    const names = functionNames([...MACROS.keys(), 'has', 'matches']);
    const meant = nearest(name, names);
    throw new CelRefused(
      `there is no function ${JSON.stringify(name)} of ${args.length} ${args.length === 1 ? 'argument' : 'arguments'} here`,
      node.start,
      meant === undefined || meant === name ? `functions are ${names.join(', ')}` : `did you mean ${meant}?`,
    );
  }
  return callOf(
    use,
    (receiver ? [receiver, ...args] : args).map(part => build(part, scope)),
  );
}

function callOf(use: CelFunction, runs: readonly Run[]): Run {
  return frame => use(frame.meter, ...runs.map(run => run(frame)));
}

function buildMacro(
  macro: NonNullable<ReturnType<typeof MACROS.get>>,
  list: ASTNode,
  [variable, ...bodies]: readonly ASTNode[],
  { start }: ASTNode,
  scope: Scope,
): Run {
  if (variable?.op !== 'id')
    throw new CelRefused('the name of a variable is needed here', variable?.start ?? start);
  const bound = [variable.args, ...scope.bound];
  if (bound.length > LIMITS.celNesting)
    throw new CelRefused(`lists are gone through more than ${LIMITS.celNesting} deep`, start);
  const over = build(list, scope);
  const runs = bodies.map(body => build(body, { ...scope, bound }));
  return frame => macro(itemsOf(over(frame)), variable.args, runs, frame);
}

/** `has(a.b)`: everything but the last step must be there. */
function buildHas(field: ASTNode, scope: Scope): Run {
  if (field.op !== '.') throw new CelRefused('has() asks for a member: has(created.age)', field.start);
  const [object, name] = field.args;
  const run = build(object, scope);
  return frame => {
    const value = run(frame);
    return value !== null && isMap(value) && value.has(name);
  };
}

/** The pattern stands in the expression: one that came with the image would be an attacker's to choose. */
function buildMatches(text: ASTNode, pattern: ASTNode, scope: Scope): Run {
  if (pattern.op !== 'value' || typeof pattern.args !== 'string')
    throw new CelRefused('the pattern of matches() must be written out', pattern.start);
  const run = build(text, scope);
  const source = pattern.args;
  return frame => {
    const value = run(frame);
    if (typeof value !== 'string') throw new CelFault(`matches() needs a string, not a ${typeName(value)}`);
    return scope.matches(source, value, frame.meter);
  };
}

function memberOf(value: CelValue, name: string): CelValue {
  if (value === null || !isMap(value)) throw new CelFault(`a ${typeName(value)} has no members`);
  const member = value.get(name);
  if (member === undefined) throw new CelFault(`there is no ${JSON.stringify(name.slice(0, 100))}`);
  return member;
}

function itemOf(value: CelValue, index: CelValue): CelValue {
  if (!Array.isArray(value)) return memberOf(value, keyOf(index));
  const item = typeof index === 'bigint' && index >= 0n ? value[Number(index)] : undefined;
  if (item === undefined) throw new CelFault(`the list has no item ${String(index).slice(0, 30)}`);
  return item;
}

function keyOf(value: CelValue): string {
  if (typeof value !== 'string') throw new CelFault(`a ${typeName(value)} is no key: keys are strings`);
  return value;
}

function itemsOf(value: CelValue): Iterable<CelValue> {
  if (Array.isArray(value)) return value;
  if (value !== null && isMap(value)) return value.keys();
  throw new CelFault(`a ${typeName(value)} cannot be gone through`);
}

/** @throws CelFault */
export function requireBool(value: CelValue): boolean {
  if (typeof value !== 'boolean') throw new CelFault(`true or false is needed, not a ${typeName(value)}`);
  return value;
}

function negate(value: CelValue): CelValue {
  if (typeof value === 'bigint' && value !== -(2n ** 63n)) return -value;
  if (typeof value === 'number') return -value;
  throw new CelFault(`a ${typeName(value)} has no negative`);
}

/** `&&` and `||`: one side that decides is enough, whatever is wrong with the other. */
function either(left: Run, right: Run, decides: boolean): Run {
  return frame => {
    const first = attempt(left, frame);
    if (first === decides) return decides;
    const second = attempt(right, frame);
    if (second === decides) return decides;
    for (const side of [first, second]) if (side instanceof CelFault) throw side;
    return !decides;
  };
}

/** A bool, or why there is none. */
export function attempt(run: Run, frame: Frame): boolean | CelFault {
  try {
    return requireBool(run(frame));
  } catch (error) {
    if (error instanceof CelFault && !(error instanceof CelExhausted)) return error;
    throw error;
  }
}
