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
  return utf8(encode(value));
}

function encode(value: ExactJson): string {
  switch (typeof value) {
    case 'string':
      return quote(value);
    case 'number':
      if (!Number.isSafeInteger(value))
        fail('tuf-format', `canonical JSON has no form for the number ${value}`);
      // String(-0) is 0, as elsewhere.
      return String(value);
    case 'bigint':
    case 'boolean':
      return String(value);
    case 'object':
      if (value === null) return 'null';
      return Array.isArray(value) ? `[${value.map(encode).join()}]` : encodeObject(value as ExactJsonObject);
    default:
      return fail('tuf-format', `canonical JSON has no form for ${typeof value}`);
  }
}

function encodeObject(object: ExactJsonObject): string {
  const keys = Object.keys(object);
  // Mostly they are in order already.
  if (keys.some((key, i) => i > 0 && compareCodePoints(keys[i - 1] as string, key) > 0))
    keys.sort(compareCodePoints);
  let out = '';
  for (const key of keys) out += `${out === '' ? '{' : ','}${quote(key)}:${encode(object[key] as ExactJson)}`;
  return out === '' ? '{}' : `${out}}`;
}

function quote(text: string): string {
  return /["\\]/.test(text) ? `"${text.replace(/["\\]/g, '\\$&')}"` : `"${text}"`;
}
