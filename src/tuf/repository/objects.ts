import type { ExactJson, ExactJsonObject } from '../../base/json.js';

/** An object that inherits nothing: `__proto__` and `constructor` are names like any other. */
export function record(members: Readonly<Record<string, ExactJson>>): ExactJsonObject {
  return Object.assign(Object.create(null), members);
}

/** The same object with one member set, or taken out when the value is undefined. */
export function withMember(
  object: ExactJsonObject,
  name: string,
  value: ExactJson | undefined,
): ExactJsonObject {
  const copy: Record<string, ExactJson> = Object.assign(Object.create(null), object);
  if (value === undefined) delete copy[name];
  else copy[name] = value;
  return copy;
}

/** A member that is an object; an empty one where there is none. */
export function objectAt(object: ExactJsonObject, name: string): ExactJsonObject {
  const value = object[name];
  const isObject = typeof value === 'object' && value !== null && !Array.isArray(value);
  return isObject ? (value as ExactJsonObject) : record({});
}

export function arrayAt(object: ExactJsonObject, name: string): readonly ExactJson[] {
  const value = object[name];
  return Array.isArray(value) ? value : [];
}
