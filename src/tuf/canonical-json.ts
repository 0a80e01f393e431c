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

/** JSON in UTF-8 without the space between its tokens, which must be sound: what is in strings stays. */
export function stripSpace(json: Uint8Array): Uint8Array {
  const out = new Uint8Array(json.length);
  let length = 0;
  let inString = false;
  for (let i = 0; i < json.length; i++) {
    const byte = json[i] as number;
    if (inString) {
      // What is escaped does not end the string.
      if (byte === BACKSLASH) out[length++] = json[i++] as number;
      else if (byte === QUOTE) inString = false;
    } else if (byte <= SPACE) continue;
    else if (byte === QUOTE) inString = true;
    out[length++] = json[i] as number;
  }
  return out.subarray(0, length);
}

const [SPACE, QUOTE, BACKSLASH] = [0x20, 0x22, 0x5c];

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
  let out = '';
  for (const key of sortKeys(Object.keys(object)))
    out += `${out === '' ? '{' : ','}${quote(key)}:${encode(object[key] as ExactJson)}`;
  return out === '' ? '{}' : `${out}}`;
}

/** In order of code points, which without surrogates is the order that JavaScript has, many times as fast. */
function sortKeys(keys: string[]): string[] {
  if (keys.some(key => SURROGATE.test(key))) return keys.sort(compareCodePoints);
  // Mostly they are in order already.
  return keys.some((key, i) => i > 0 && (keys[i - 1] as string) > key) ? keys.sort() : keys;
}

const SURROGATE = /[\ud800-\udfff]/;

function quote(text: string): string {
  return /["\\]/.test(text) ? `"${text.replace(/["\\]/g, '\\$&')}"` : `"${text}"`;
}
