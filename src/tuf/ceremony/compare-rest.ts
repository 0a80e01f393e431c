import { isDeepStrictEqual } from 'node:util';
import type { ExactJson, ExactJsonObject } from '../../base/json.js';
import type { Change } from './change.js';

export function isObject(value: ExactJson | undefined): value is ExactJsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** A member that is an object; an empty one for anything else. */
export function memberOf(object: ExactJsonObject | undefined, name: string): ExactJsonObject {
  const value = object?.[name];
  return isObject(value) ? value : Object.create(null);
}

/** The object without these members. */
export function omit(object: ExactJsonObject | undefined, names: readonly string[]): ExactJsonObject {
  const rest: Record<string, ExactJson> = Object.assign(Object.create(null), object);
  for (const name of names) delete rest[name];
  return rest;
}

/**
 * Where two values differ, as deep as both are objects: for the parts of a payload that no other change tells of. What is
 * signed must not hold anything that its signer was not shown.
 */
export function* compareRest(
  before: ExactJson | undefined,
  after: ExactJson | undefined,
  where: string,
): Generator<Change> {
  if (isObject(before) && isObject(after)) {
    for (const name of new Set([...Object.keys(before), ...Object.keys(after)]))
      yield* compareRest(before[name], after[name], where === '' ? name : `${where}.${name}`);
    return;
  }
  if (isDeepStrictEqual(before, after)) return;
  yield {
    kind: 'other',
    where,
    ...(before !== undefined && { before: textOf(before) }),
    ...(after !== undefined && { after: textOf(after) }),
  };
}

function textOf(value: ExactJson): string {
  return JSON.stringify(value, (_, part) => (typeof part === 'bigint' ? `${part}` : part));
}
