import type { Meter } from './meter.js';
import { requireInt } from './operators.js';
import { CelFault, type CelValue, isMap, typeName } from './value.js';

/** Functions and methods that expressions may call. Whatever is not here is refused when an expression is compiled. */

export type CelFunction = (meter: Meter, ...values: readonly CelValue[]) => CelValue;

/** By name and count of arguments: `size/1`. */
export const FUNCTIONS: ReadonlyMap<string, CelFunction> = new Map<string, CelFunction>([
  ['size/1', (meter, value = null) => sizeOf(value, meter)],
  ['int/1', (_, value = null) => toInt(value)],
  ['double/1', (_, value = null) => toDouble(value)],
  ['string/1', (meter, value = null) => toText(value, meter)],
  ['dyn/1', (_, value = null) => value],
]);

/** By name and count of arguments behind the receiver, which comes first: `startsWith/1`. */
export const METHODS: ReadonlyMap<string, CelFunction> = new Map<string, CelFunction>([
  ['size/0', (meter, value = null) => sizeOf(value, meter)],
  ['startsWith/1', withTexts((meter, text, part) => charge(meter, part.length, text.startsWith(part)))],
  ['endsWith/1', withTexts((meter, text, part) => charge(meter, part.length, text.endsWith(part)))],
  ['contains/1', withTexts(contains)],
  ['lowerAscii/0', withText((meter, text) => mapText(meter, text, /[A-Z]+/g, run => run.toLowerCase()))],
  ['upperAscii/0', withText((meter, text) => mapText(meter, text, /[a-z]+/g, run => run.toUpperCase()))],
  ['trim/0', withText((meter, text) => charge(meter, text.length, text.trim()))],
  ['split/1', withTexts(split)],
  ['join/0', (meter, list = null) => join(meter, list, '')],
  ['join/1', (meter, list = null, separator = null) => join(meter, list, requireText(separator))],
]);

/** Names in both tables and those of the macros: what a misspelt one may have been meant to be. */
export function functionNames(more: Iterable<string>): readonly string[] {
  return [...new Set([...FUNCTIONS.keys(), ...METHODS.keys(), ...more].map(key => key.replace(/\/.*/, '')))];
}

function withText(use: (meter: Meter, text: string) => CelValue): CelFunction {
  return (meter, value = null) => use(meter, requireText(value));
}

function withTexts(use: (meter: Meter, text: string, other: string) => CelValue): CelFunction {
  return (meter, value = null, other = null) => use(meter, requireText(value), requireText(other));
}

/** @throws CelFault */
export function requireText(value: CelValue): string {
  if (typeof value !== 'string') throw new CelFault(`a string is needed, not a ${typeName(value)}`);
  return value;
}

function charge<T extends CelValue>(meter: Meter, characters: number, result: T): T {
  meter.spendText(characters);
  return result;
}

/** The search of a long part in a long text may go back for each character, so both together are what it costs. */
function contains(meter: Meter, text: string, part: string): boolean {
  meter.spendText(searchCost(text, part));
  return text.includes(part);
}

function searchCost(text: string, part: string): number {
  return text.length * (1 + part.length / 16);
}

function split(meter: Meter, text: string, separator: string): CelValue {
  meter.spendText(searchCost(text, separator));
  const parts = text.split(separator);
  meter.spend(parts.length);
  return parts;
}

function join(meter: Meter, list: CelValue, separator: string): string {
  if (!Array.isArray(list)) throw new CelFault(`a list is needed, not a ${typeName(list)}`);
  const texts = list.map(item => charge(meter, 16 + separator.length, requireText(item)));
  meter.spendText(texts.reduce((sum, text) => sum + text.length, 0));
  return texts.join(separator);
}

function mapText(meter: Meter, text: string, runs: RegExp, change: (run: string) => string): string {
  meter.spendText(4 * text.length);
  return text.replace(runs, change);
}

function sizeOf(value: CelValue, meter: Meter): bigint {
  if (typeof value === 'string') {
    meter.spendText(4 * value.length);
    let size = 0;
    for (const _ of value) size++;
    return BigInt(size);
  }
  if (Array.isArray(value)) return BigInt(value.length);
  if (value !== null && isMap(value)) return BigInt(value.size);
  throw new CelFault(`a ${typeName(value)} has no size`);
}

function toInt(value: CelValue): bigint {
  if (typeof value === 'bigint') return value;
  if (typeof value === 'number' && Number.isFinite(value)) return requireInt(BigInt(Math.trunc(value)));
  if (typeof value === 'string' && /^-?[0-9]{1,19}$/.test(value)) return requireInt(BigInt(value));
  throw new CelFault('it is no whole number');
}

function toDouble(value: CelValue): number {
  if (typeof value === 'number') return value;
  if (typeof value === 'bigint') return Number(value);
  if (typeof value === 'string' && /^-?[0-9]{1,300}(?:\.[0-9]{1,300})?(?:[eE][+-]?[0-9]{1,3})?$/.test(value))
    return Number(value);
  throw new CelFault('it is no number');
}

function toText(value: CelValue, meter: Meter): string {
  if (typeof value === 'string') return charge(meter, value.length, value);
  if (typeof value === 'bigint' || typeof value === 'number' || typeof value === 'boolean')
    return String(value);
  throw new CelFault(`a ${typeName(value)} is not turned into a string`);
}
