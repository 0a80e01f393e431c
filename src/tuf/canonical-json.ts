import { utf8 } from '../base/bytes.js';
import { fail } from '../base/errors.js';
import { compareCodePoints, type ExactJson, type ExactJsonObject } from '../base/json.js';

/**
 * OLPC canonical JSON, over which TUF metadata is signed and from which keyids are made: no space, keys in order of code
 * points, whole numbers in their shortest form, and in strings only `"` and `\` escaped: a line break stays a line break,
 * so the result need not be JSON. It is for hashing and signing, never for storing. (TUF specification 4.1.)
 *
 * @throws TouchmarkError `tuf-format` for a number that is not a whole one, or not known exactly
 */
export function encodeCanonical(value: ExactJson): Uint8Array {
  const parts: string[] = [];
  write(value, parts);
  return utf8(parts.join(''));
}

function write(value: ExactJson, parts: string[]): void {
  switch (typeof value) {
    case 'string':
      parts.push(quote(value));
      return;
    case 'number':
      if (!Number.isSafeInteger(value))
        fail('tuf-format', `canonical JSON has no form for the number ${value}`);
      // String(-0) is 0, as elsewhere.
      parts.push(String(value));
      return;
    case 'bigint':
    case 'boolean':
      parts.push(String(value));
      return;
    case 'object':
      if (value === null) parts.push('null');
      else if (Array.isArray(value)) writeArray(value, parts);
      else writeObject(value as ExactJsonObject, parts);
      return;
    default:
      fail('tuf-format', `canonical JSON has no form for ${typeof value}`);
  }
}

function writeArray(items: readonly ExactJson[], parts: string[]): void {
  items.forEach((item, index) => {
    parts.push(index === 0 ? '[' : ',');
    write(item, parts);
  });
  parts.push(items.length === 0 ? '[]' : ']');
}

function writeObject(object: ExactJsonObject, parts: string[]): void {
  const keys = Object.keys(object).sort(compareCodePoints);
  keys.forEach((key, index) => {
    parts.push(index === 0 ? '{' : ',', quote(key), ':');
    write(object[key] as ExactJson, parts);
  });
  parts.push(keys.length === 0 ? '{}' : '}');
}

function quote(text: string): string {
  return `"${text.replace(/["\\]/g, '\\$&')}"`;
}
