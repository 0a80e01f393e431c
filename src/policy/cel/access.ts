import { CelFault, type CelValue, isMap, typeName } from './value.js';

/** @throws CelFault */
export function memberOf(value: CelValue, name: string): CelValue {
  if (value === null || !isMap(value)) throw new CelFault(`a ${typeName(value)} has no members`);
  const member = value.get(name);
  if (member === undefined) throw new CelFault(`there is no ${JSON.stringify(name.slice(0, 100))}`);
  return member;
}

/** An item of a list, or of a map. @throws CelFault */
export function itemOf(value: CelValue, index: CelValue): CelValue {
  if (!Array.isArray(value)) return memberOf(value, keyOf(index));
  const item = typeof index === 'bigint' && index >= 0n ? value[Number(index)] : undefined;
  if (item === undefined) throw new CelFault(`the list has no item ${String(index).slice(0, 30)}`);
  return item;
}

/** @throws CelFault */
export function keyOf(value: CelValue): string {
  if (typeof value !== 'string') throw new CelFault(`a ${typeName(value)} is no key: keys are strings`);
  return value;
}

/** What a macro goes through: items of a list, keys of a map. @throws CelFault */
export function itemsOf(value: CelValue): Iterable<CelValue> {
  if (Array.isArray(value)) return value;
  if (value !== null && isMap(value)) return value.keys();
  throw new CelFault(`a ${typeName(value)} cannot be gone through`);
}

/** @throws CelFault */
export function negate(value: CelValue): CelValue {
  if (typeof value === 'bigint' && value !== -(2n ** 63n)) return -value;
  if (typeof value === 'number') return -value;
  throw new CelFault(`a ${typeName(value)} has no negative`);
}
