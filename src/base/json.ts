import { decodeUtf8 } from './bytes.js';
import type { ReasonCode } from './codes.js';
import { fail } from './errors.js';
import { LIMITS } from './limits.js';

/** Objects have no prototype, so `__proto__` and `constructor` are ordinary keys. */
export type JsonObject = { readonly [key: string]: JsonValue };
export type JsonValue = null | boolean | number | string | readonly JsonValue[] | JsonObject;

export interface JsonLimits {
  /** The reason code of every failure: the document's own, such as `format-manifest`. */
  readonly code?: ReasonCode;
  readonly maxSize?: number;
  readonly maxDepth?: number;
}

/**
 * Reads one JSON text (RFC 8259) strictly: valid UTF-8, no byte order mark, no duplicate keys at any depth,
 * no number that JavaScript would round, bounded size and depth. The reading of a document that was signed must not
 * depend on which parser read it, so everything that parsers disagree on is refused.
 *
 * @throws TouchmarkError with `limits.code` (default `format-json`); the message says where, in characters
 */
export function parseJson(bytes: Uint8Array, what: string, limits: JsonLimits = {}): JsonValue {
  const code = limits.code ?? 'format-json';
  const maxSize = limits.maxSize ?? LIMITS.manifestSize;
  if (bytes.length > maxSize)
    fail('limit-exceeded', `${what} has ${bytes.length} bytes; at most ${maxSize} are read`);
  const text = decodeUtf8(bytes);
  if (text === undefined) return fail(code, `${what} is not valid UTF-8`);
  return new Reader(text, what, code, limits).document();
}

const NUMBER = /-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?/y;
// The longest run of characters that need no thought inside a string.
// biome-ignore lint/suspicious/noControlCharactersInRegex: JSON forbids raw control characters, so the run ends there
const PLAIN = /[^"\\\u0000-\u001f]*/y;
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

class Reader {
  #at = 0;
  #values = 0;
  readonly #maxDepth: number;

  constructor(
    readonly text: string,
    readonly what: string,
    readonly code: ReasonCode,
    limits: JsonLimits,
  ) {
    this.#maxDepth = limits.maxDepth ?? LIMITS.jsonDepth;
  }

  document(): JsonValue {
    const value = this.#value(0);
    this.#space();
    if (this.#at < this.text.length) this.#fail('unexpected text behind the document');
    return value;
  }

  #fail(problem: string): never {
    return fail(this.code, `${this.what} is not acceptable JSON: ${problem} at character ${this.#at}`);
  }

  #space(): void {
    for (;;) {
      const c = this.text.charCodeAt(this.#at);
      if (c === 0x20 || c === 0x0a || c === 0x0d || c === 0x09) this.#at++;
      else return;
    }
  }

  #value(depth: number): JsonValue {
    if (depth > this.#maxDepth) this.#fail(`nested deeper than ${this.#maxDepth}`);
    if (++this.#values > LIMITS.jsonValues) this.#fail(`more than ${LIMITS.jsonValues} values`);
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

  #word<T extends JsonValue>(word: string, value: T): T {
    if (!this.text.startsWith(word, this.#at)) this.#fail('unexpected text');
    this.#at += word.length;
    return value;
  }

  #number(): number {
    NUMBER.lastIndex = this.#at;
    const text = NUMBER.exec(this.text)?.[0];
    if (text === undefined)
      return this.#fail(this.#at >= this.text.length ? 'the text ends early' : 'unexpected text');
    const value = Number(text);
    // A whole number beyond 2^53 would be rounded: two readers would see two numbers.
    if (!Number.isFinite(value) || (Number.isInteger(value) && !Number.isSafeInteger(value))) {
      this.#fail(`the number ${text.slice(0, 40)} cannot be held exactly`);
    }
    this.#at += text.length;
    return value;
  }

  #string(): string {
    this.#at++;
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
      this.#at += 2;
      return plain;
    }
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

  #array(depth: number): readonly JsonValue[] {
    this.#at++;
    const items: JsonValue[] = [];
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

  #object(depth: number): JsonObject {
    this.#at++;
    const object: Record<string, JsonValue> = Object.create(null);
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
      object[key] = this.#value(depth + 1);
      this.#space();
      const c = this.text[this.#at++];
      if (c === '}') return object;
      if (c !== ',') {
        this.#at--;
        this.#fail('a comma or } is missing');
      }
    }
  }
}

/** Case folding as Go's `encoding/json` matches keys: U+017F (long s) is an s, U+212A (Kelvin sign) a k. */
export function foldCase(key: string): string {
  return key
    .replace(/\u017f/g, 's')
    .replace(/\u212a/g, 'k')
    .toLowerCase();
}
