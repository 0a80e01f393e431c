import type { ExactJson } from '../../base/json.js';

/** What an expression computes with. Whole numbers are bigints, as CEL has 64 bits for them; any other number is a double. */
export type CelValue =
  | null
  | boolean
  | bigint
  | number
  | string
  | readonly CelValue[]
  | ReadonlyMap<string, CelValue>;

/** Why an expression has no value for these facts: a key that is not there, an overflow, a division by zero. */
export class CelFault extends Error {}

/** The bound on the work of one evaluation is reached. Nothing absorbs it, as `||` absorbs a fault. */
export class CelExhausted extends Error {}

/** JSON as an expression sees it. Objects become maps, so that no key is special. */
export function toCelValue(json: ExactJson): CelValue {
  if (typeof json === 'number') return Number.isSafeInteger(json) ? BigInt(json) : json;
  if (typeof json !== 'object' || json === null) return json;
  if (Array.isArray(json)) return json.map(toCelValue);
  return new Map(
    Object.entries(json).flatMap(([key, value]) =>
      value === undefined ? [] : [[key, toCelValue(value)] as const],
    ),
  );
}

export function isMap(value: CelValue): value is ReadonlyMap<string, CelValue> {
  return value instanceof Map;
}

export function isNumber(value: CelValue): value is bigint | number {
  return typeof value === 'bigint' || typeof value === 'number';
}

/** The name of a value's type, for messages. */
export function typeName(value: CelValue): string {
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'list';
  if (isMap(value)) return 'map';
  if (typeof value === 'bigint') return 'int';
  if (typeof value === 'number') return 'double';
  return typeof value === 'boolean' ? 'bool' : 'string';
}
