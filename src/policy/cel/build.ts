import type { ASTNode } from '@marcbachmann/cel-js';
import { nearest } from '../../base/nearest.js';
import { itemOf, keyOf, memberOf, negate } from './access.js';
import { buildCall } from './calls.js';
import { OPERATORS } from './operators.js';
import { either, type Run, requireBool } from './run.js';
import { CelRefused, type Scope } from './scope.js';
import { CelFault } from './value.js';

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
      return buildCall(node, scope, build);
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
