import { decodeUtf8 } from './bytes.js';
import type { ReasonCode } from './codes.js';
import { fail } from './errors.js';
import { LIMITS } from './limits.js';

/** Objects have no prototype, so `__proto__` and `constructor` are ordinary keys. */
export type JsonObject = { readonly [key: string]: JsonValue };
export type JsonValue = null | boolean | number | string | readonly JsonValue[] | JsonObject;

/** A value of {@link parseExactJson}: whole numbers beyond 2^53 are bigints, so none is ever rounded. */
export type ExactJson = null | boolean | number | bigint | string | readonly ExactJson[] | ExactJsonObject;
export type ExactJsonObject = { readonly [key: string]: ExactJson };

export interface JsonLimits {
  /** The reason code of every failure: the document's own, such as `format-manifest`. */
  readonly code?: ReasonCode;
  readonly maxSize?: number;
  readonly maxDepth?: number;
  readonly maxValues?: number;
  /** Numbers that JavaScript rounds are read as it rounds them: for documents in which no number decides anything. */
  readonly rounds?: boolean;
}

/** Where a member of the outermost object stands, in UTF-16 units of the text. */
export interface MemberSpan {
  readonly start: number;
  readonly end: number;
  /**
   * Its tokens are those of OLPC canonical JSON: keys in ascending order of code points, only quotes and backslashes escaped.
   * Such a slice needs no more than the space between its tokens taken out.
   */
  readonly canonical: boolean;
  /** There is space between its tokens. */
  readonly spaced: boolean;
}

export interface ExactDocument {
  readonly value: ExactJson;
  readonly text: string;
  /** The members of the outermost value; none when it is not an object. */
  readonly members: ReadonlyMap<string, MemberSpan>;
}

/**
 * Reads one JSON text (RFC 8259) strictly: valid UTF-8, no byte order mark, no duplicate keys at any depth,
 * no number that JavaScript would round, bounded size and depth. The reading of a document that was signed must not
 * depend on which parser read it, so everything that parsers disagree on is refused.
 *
 * @throws TouchmarkError with `limits.code` (default `format-json`); the message says where, in characters
 */
export function parseJson(bytes: Uint8Array, what: string, limits: JsonLimits = {}): JsonValue {
  // Without bigints, which only the exact reading makes, every value is a JsonValue.
  return openReader(bytes, what, limits, false).document() as JsonValue;
}

/**
 * Reads one JSON text as {@link parseJson} does, but for documents in which every number is a whole one of any size, as
 * canonical JSON has them: fractions and exponents are refused, and nothing is rounded.
 *
 * @throws TouchmarkError with `limits.code` (default `format-json`); the message says where, in characters
 */
export function parseExactJson(bytes: Uint8Array, what: string, limits: JsonLimits = {}): ExactDocument {
  const reader = openReader(bytes, what, limits, true);
  const value = reader.document();
  return { value, text: reader.text, members: reader.members };
}

function openReader(bytes: Uint8Array, what: string, limits: JsonLimits, exact: boolean): Reader {
  const code = limits.code ?? 'format-json';
  const maxSize = limits.maxSize ?? LIMITS.manifestSize;
  if (bytes.length > maxSize)
    fail('limit-exceeded', `${what} has ${bytes.length} bytes; at most ${maxSize} are read`);
  const text = decodeUtf8(bytes);
  if (text === undefined) return fail(code, `${what} is not valid UTF-8`);
  return new Reader(text, what, code, limits, exact);
}

/** Orders text by code points, which is also the order of its UTF-8 bytes; UTF-16 puts U+FB33 behind U+1F600. */
export function compareCodePoints(a: string, b: string): number {
  const shorter = Math.min(a.length, b.length);
  for (let i = 0; i < shorter; i++) {
    const x = a.charCodeAt(i);
    const y = b.charCodeAt(i);
    if (x === y) continue;
    const above = isSurrogate(x);
    return above === isSurrogate(y) ? x - y : above ? 1 : -1;
  }
  return a.length - b.length;
}

function isSurrogate(unit: number): boolean {
  return unit >= 0xd800 && unit <= 0xdfff;
}

const NUMBER = /-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?/y;
// The longest run of characters that need no thought inside a string.
// biome-ignore lint/suspicious/noControlCharactersInRegex: JSON forbids raw control characters, so the run ends there
const PLAIN = /[^"\\\u0000-\u001f]*/y;
// biome-ignore lint/suspicious/noControlCharactersInRegex: as above
const THOUGHT = /[\\\u0000-\u001f]/;
const ESCAPES: Readonly<Record<string, string>> = {
  '"': '"',
  '\\': '\\',
  '/': '/',
  b: '\b',
  f: '\f',
  n: '\n',
  r: '\r',
  t: '\t',
};

/**
 * An object that inherits nothing, so that every key is an ordinary one. As a class, because objects of a class share their
 * layout: of `Object.create(null)` each one is a hash table, at several times the memory and time.
 */
class Bare {
  [key: string]: ExactJson;
}
Object.setPrototypeOf(Bare.prototype, null);
delete (Bare.prototype as { constructor?: unknown }).constructor;

class Reader {
  #at = 0;
  #values = 0;
  /** No token met since it was set again differs from canonical JSON; and space was met. */
  #canonical = true;
  #spaced = false;
  readonly members = new Map<string, MemberSpan>();
  readonly #maxDepth: number;
  readonly #maxValues: number;
  readonly #rounds: boolean;

  constructor(
    readonly text: string,
    readonly what: string,
    readonly code: ReasonCode,
    limits: JsonLimits,
    readonly exact: boolean,
  ) {
    this.#maxDepth = limits.maxDepth ?? LIMITS.jsonDepth;
    this.#maxValues = limits.maxValues ?? LIMITS.jsonValues;
    this.#rounds = limits.rounds ?? false;
  }

  document(): ExactJson {
    const value = this.#value(0);
    this.#space();
    if (this.#at < this.text.length) this.#fail('unexpected text behind the document');
    return value;
  }

  #fail(problem: string): never {
    return fail(this.code, `${this.what} is not acceptable JSON: ${problem} at character ${this.#at}`);
  }

  #space(): void {
    let at = this.#at;
    for (;;) {
      const c = this.text.charCodeAt(at);
      if (c !== 0x20 && c !== 0x0a && c !== 0x0d && c !== 0x09) break;
      at++;
    }
    if (at === this.#at) return;
    this.#at = at;
    this.#spaced = true;
  }

  #value(depth: number): ExactJson {
    if (depth > this.#maxDepth) this.#fail(`nested deeper than ${this.#maxDepth}`);
    if (++this.#values > this.#maxValues) this.#fail(`more than ${this.#maxValues} values`);
    this.#space();
    switch (this.text[this.#at]) {
      case '{':
        return this.#object(depth);
      case '[':
        return this.#array(depth);
      case '"':
        return this.#string();
      case 't':
        return this.#word('true', true);
      case 'f':
        return this.#word('false', false);
      case 'n':
        return this.#word('null', null);
      default:
        return this.#number();
    }
  }

  #word<T extends ExactJson>(word: string, value: T): T {
    if (!this.text.startsWith(word, this.#at)) this.#fail('unexpected text');
    this.#at += word.length;
    return value;
  }

  #number(): number | bigint {
    NUMBER.lastIndex = this.#at;
    const text = NUMBER.exec(this.text)?.[0];
    if (text === undefined)
      return this.#fail(this.#at >= this.text.length ? 'the text ends early' : 'unexpected text');
    if (this.exact) return this.#integer(text);
    const value = Number(text);
    // A whole number beyond 2^53 would be rounded: two readers would see two numbers.
    const rounded = !Number.isFinite(value) || (Number.isInteger(value) && !Number.isSafeInteger(value));
    if (rounded && !this.#rounds) {
      this.#fail(`the number ${text.slice(0, 40)} cannot be held exactly`);
    }
    this.#at += text.length;
    return value;
  }

  #integer(text: string): number | bigint {
    if (!/^-?[0-9]+$/.test(text)) this.#fail(`the number ${text.slice(0, 40)} is not a whole one`);
    if (text.length > LIMITS.jsonDigits) this.#fail(`a number of more than ${LIMITS.jsonDigits} digits`);
    if (text === '-0') this.#canonical = false;
    this.#at += text.length;
    const value = Number(text);
    return Number.isSafeInteger(value) ? value : BigInt(text);
  }

  #string(): string {
    this.#at++;
    // Most strings hold nothing to think about: one search finds their end.
    const end = this.text.indexOf('"', this.#at);
    const whole = end < 0 ? '' : this.text.slice(this.#at, end);
    if (end >= 0 && !THOUGHT.test(whole)) {
      this.#at = end + 1;
      return whole;
    }
    let out = '';
    for (;;) {
      PLAIN.lastIndex = this.#at;
      const run = PLAIN.exec(this.text)?.[0] ?? '';
      out += run;
      this.#at += run.length;
      const c = this.text[this.#at];
      if (c === '"') {
        this.#at++;
        return out;
      }
      if (c !== '\\')
        return this.#fail(
          c === undefined ? 'the text ends inside a string' : 'a control character in a string',
        );
      out += this.#escape();
    }
  }

  #escape(): string {
    const c = this.text[this.#at + 1] ?? '';
    const plain = ESCAPES[c];
    if (plain !== undefined) {
      if (c !== '"' && c !== '\\') this.#canonical = false;
      this.#at += 2;
      return plain;
    }
    this.#canonical = false;
    if (c !== 'u') return this.#fail('an unknown escape');
    const unit = this.#codeUnit(this.#at + 2);
    this.#at += 6;
    if (unit < 0xd800 || unit > 0xdfff) return String.fromCharCode(unit);
    // A lone surrogate has no UTF-8 form: Go would read U+FFFD where JavaScript keeps it.
    const low = this.text.startsWith('\\u', this.#at) ? this.#codeUnit(this.#at + 2) : 0;
    if (unit > 0xdbff || low < 0xdc00 || low > 0xdfff) return this.#fail('half of a surrogate pair');
    this.#at += 6;
    return String.fromCharCode(unit, low);
  }

  #codeUnit(at: number): number {
    const hex = this.text.slice(at, at + 4);
    if (!/^[0-9a-fA-F]{4}$/.test(hex)) this.#fail('a broken \\u escape');
    return Number.parseInt(hex, 16);
  }

  #array(depth: number): readonly ExactJson[] {
    this.#at++;
    const items: ExactJson[] = [];
    this.#space();
    if (this.text[this.#at] === ']') {
      this.#at++;
      return items;
    }
    for (;;) {
      items.push(this.#value(depth + 1));
      this.#space();
      const c = this.text[this.#at++];
      if (c === ']') return items;
      if (c !== ',') {
        this.#at--;
        this.#fail('a comma or ] is missing');
      }
    }
  }

  #object(depth: number): ExactJsonObject {
    this.#at++;
    const object = new Bare();
    let last: string | undefined;
    this.#space();
    if (this.text[this.#at] === '}') {
      this.#at++;
      return object;
    }
    for (;;) {
      this.#space();
      if (this.text[this.#at] !== '"') this.#fail('a key is missing');
      const key = this.#string();
      if (key in object) this.#fail(`the key ${JSON.stringify(key.slice(0, 60))} stands twice`);
      this.#space();
      if (this.text[this.#at] !== ':') this.#fail('a colon is missing');
      this.#at++;
      if (this.exact && depth === 0) {
        object[key] = this.#member(key);
      } else {
        if (this.exact && last !== undefined && compareCodePoints(last, key) > 0) this.#canonical = false;
        last = key;
        object[key] = this.#value(depth + 1);
      }
      this.#space();
      const c = this.text[this.#at++];
      if (c === '}') return object;
      if (c !== ',') {
        this.#at--;
        this.#fail('a comma or } is missing');
      }
    }
  }

  #member(key: string): ExactJson {
    this.#space();
    const start = this.#at;
    this.#canonical = true;
    this.#spaced = false;
    const value = this.#value(1);
    this.members.set(key, { start, end: this.#at, canonical: this.#canonical, spaced: this.#spaced });
    return value;
  }
}

/** Case folding as Go's `encoding/json` matches keys: U+017F (long s) is an s, U+212A (Kelvin sign) a k. */
export function foldCase(key: string): string {
  return key
    .replace(/\u017f/g, 's')
    .replace(/\u212a/g, 'k')
    .toLowerCase();
}
