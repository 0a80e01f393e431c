import type { ASTNode } from '@marcbachmann/cel-js';
import { LIMITS } from '../../base/limits.js';
import { nearest } from '../../base/nearest.js';
import { itemsOf } from './access.js';
import { type CelFunction, FUNCTIONS, functionNames, METHODS } from './functions.js';
import { MACROS, type Macro } from './macros.js';
import type { Run } from './run.js';
import { CelRefused, type Scope } from './scope.js';
import { CelFault, isMap, typeName } from './value.js';

type Build = (node: ASTNode, scope: Scope) => Run;

/** @param build makes the parts of the call. @throws CelRefused */
export function buildCall(node: Extract<ASTNode, { op: 'call' | 'rcall' }>, scope: Scope, build: Build): Run {
  const [name, receiver, args] =
    node.op === 'call' ? [node.args[0], undefined, node.args[1]] : [node.args[0], node.args[1], node.args[2]];
  const key = `${name}/${args.length}`;
  if (receiver === undefined && key === 'has/1') return buildHas(args[0] as ASTNode, scope, build);
  const macro = receiver && MACROS.get(key);
  if (macro) return buildMacro(macro, receiver, args, node, scope, build);
  if (receiver && key === 'matches/1') return buildMatches(receiver, args[0] as ASTNode, scope, build);
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
  macro: Macro,
  list: ASTNode,
  [variable, ...bodies]: readonly ASTNode[],
  { start }: ASTNode,
  scope: Scope,
  build: Build,
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
function buildHas(field: ASTNode, scope: Scope, build: Build): Run {
  if (field.op !== '.') throw new CelRefused('has() asks for a member: has(created.age)', field.start);
  const [object, name] = field.args;
  const run = build(object, scope);
  return frame => {
    const value = run(frame);
    return value !== null && isMap(value) && value.has(name);
  };
}

/** The pattern stands in the expression: one that came with the image would be an attacker's to choose. */
function buildMatches(text: ASTNode, pattern: ASTNode, scope: Scope, build: Build): Run {
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
