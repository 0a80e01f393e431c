import { compareCodePoints } from '../../base/json.js';
import type { Meter } from './meter.js';
import { CelFault, type CelValue, isMap, isNumber, typeName } from './value.js';

/** What the binary operators of CEL do, but for `&&` and `||`, which need not look at both sides. */

export type Operator = (left: CelValue, right: CelValue, meter: Meter) => CelValue;

export const OPERATORS: ReadonlyMap<string, Operator> = new Map<string, Operator>([
  ['==', isEqual],
  ['!=', (left, right, meter) => !isEqual(left, right, meter)],
  ['<', (left, right, meter) => compare(left, right, meter) < 0],
  ['<=', (left, right, meter) => compare(left, right, meter) <= 0],
  ['>', (left, right, meter) => compare(left, right, meter) > 0],
  ['>=', (left, right, meter) => compare(left, right, meter) >= 0],
  ['in', isIn],
  ['+', add],
  ['-', (left, right) => compute('-', left, right)],
  ['*', (left, right) => compute('*', left, right)],
  ['/', (left, right) => compute('/', left, right)],
  ['%', (left, right) => compute('%', left, right)],
]);

const INT_MIN = -(2n ** 63n);
const INT_MAX = 2n ** 63n - 1n;

/** @throws CelFault for what 64 bits do not hold */
export function requireInt(value: bigint): bigint {
  if (value < INT_MIN || value > INT_MAX) throw new CelFault('a number does not fit 64 bits');
  return value;
}

/** Equal in depth; a whole number and a double of the same worth are equal, any other two types are not. */
export function isEqual(left: CelValue, right: CelValue, meter: Meter): boolean {
  meter.spend(1);
  if (isNumber(left) && isNumber(right)) return left <= right && left >= right;
  if (typeof left === 'string' && typeof right === 'string') {
    if (left.length !== right.length) return false;
    meter.spendText(left.length);
    return left === right;
  }
  if (Array.isArray(left) && Array.isArray(right))
    return left.length === right.length && left.every((item, at) => isEqual(item, right[at], meter));
  if (left !== null && right !== null && isMap(left) && isMap(right)) {
    if (left.size !== right.size) return false;
    for (const [key, value] of left) {
      const other = right.get(key);
      if (other === undefined || !isEqual(value, other, meter)) return false;
    }
    return true;
  }
  return left === right;
}

function compare(left: CelValue, right: CelValue, meter: Meter): number {
  if (typeof left === 'string' && typeof right === 'string') {
    meter.spendText(Math.min(left.length, right.length));
    return compareCodePoints(left, right);
  }
  if (isNumber(left) && isNumber(right))
    return left < right ? -1 : left > right ? 1 : left === right ? 0 : order(left, right);
  if (typeof left === 'boolean' && typeof right === 'boolean') return Number(left) - Number(right);
  throw new CelFault(`${typeName(left)} and ${typeName(right)} have no order`);
}

/** Of numbers of two types, or of which one is no number at all. */
function order(left: bigint | number, right: bigint | number): number {
  return left <= right && left >= right ? 0 : Number.NaN;
}

function isIn(value: CelValue, list: CelValue, meter: Meter): boolean {
  if (Array.isArray(list)) return list.some(item => isEqual(value, item, meter));
  if (list !== null && isMap(list)) return typeof value === 'string' && list.has(value);
  throw new CelFault(`nothing is in a ${typeName(list)}`);
}

function add(left: CelValue, right: CelValue, meter: Meter): CelValue {
  if (typeof left === 'string' && typeof right === 'string') {
    meter.spendText(left.length + right.length);
    return left + right;
  }
  if (Array.isArray(left) && Array.isArray(right)) {
    meter.spend(left.length + right.length);
    return [...left, ...right];
  }
  return compute('+', left, right);
}

function compute(operator: '+' | '-' | '*' | '/' | '%', left: CelValue, right: CelValue): CelValue {
  if (typeof left === 'bigint' && typeof right === 'bigint')
    return requireInt(computeInts(operator, left, right));
  if (typeof left === 'number' && typeof right === 'number' && operator !== '%')
    return operator === '+'
      ? left + right
      : operator === '-'
        ? left - right
        : operator === '*'
          ? left * right
          : left / right;
  throw new CelFault(`${typeName(left)} ${operator} ${typeName(right)} means nothing`);
}

function computeInts(operator: '+' | '-' | '*' | '/' | '%', left: bigint, right: bigint): bigint {
  switch (operator) {
    case '+':
      return left + right;
    case '-':
      return left - right;
    case '*':
      return left * right;
  }
  if (right === 0n) throw new CelFault('it divides by zero');
  return operator === '/' ? left / right : left % right;
}
