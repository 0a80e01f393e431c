import type { ReasonCode } from './codes.js';
import { type Digest, isDigest } from './digest.js';
import { fail } from './errors.js';
import { foldCase, type JsonObject, type JsonValue } from './json.js';

/**
 * Typed access to a parsed JSON document that names the path of whatever is wrong:
 * `manifest.layers[2].size must be a whole number`.
 */
export class Field {
  constructor(
    readonly value: JsonValue | undefined,
    readonly path: string,
    readonly code: ReasonCode,
  ) {}

  fail(problem: string): never {
    return fail(this.code, `${this.path} ${problem}`);
  }

  get present(): boolean {
    return this.value !== undefined;
  }

  /** True when the field is absent or null, which OCI documents use alike. */
  get empty(): boolean {
    return this.value === undefined || this.value === null;
  }

  object(): JsonObject {
    const value = this.value;
    if (typeof value !== 'object' || value === null || Array.isArray(value))
      return this.fail('must be an object');
    return value as JsonObject;
  }

  /** A member of this object; absent members give an absent field. */
  get(key: string): Field {
    return new Field(this.object()[key], `${this.path}.${key}`, this.code);
  }

  /** Refuses keys that Go's case-blind decoder would take for one of `known`, and, when `closed`, any other key. */
  onlyKeys(known: readonly string[], closed = false): this {
    for (const key of Object.keys(this.object())) {
      if (known.includes(key)) continue;
      const twin = known.find(name => foldCase(name) === foldCase(key));
      if (twin !== undefined)
        this.fail(`has the key ${JSON.stringify(key)}, which some readers take for ${JSON.stringify(twin)}`);
      if (closed) this.fail(`has the unknown key ${JSON.stringify(key.slice(0, 60))}`);
    }
    return this;
  }

  string(maxLength = 1_000_000): string {
    if (typeof this.value !== 'string') return this.fail('must be a string');
    if (this.value.length > maxLength) return this.fail(`has more than ${maxLength} characters`);
    return this.value;
  }

  optionalString(): string | undefined {
    return this.empty ? undefined : this.string();
  }

  /** A whole number from 0 to 2^53-1. */
  size(): number {
    const value = this.value;
    if (typeof value !== 'number' || !Number.isSafeInteger(value) || value < 0)
      return this.fail('must be a whole number');
    return value;
  }

  digest(): Digest {
    const text = this.string();
    return isDigest(text)
      ? text
      : this.fail(`is not a digest this tool can check: ${JSON.stringify(text.slice(0, 140))}`);
  }

  array(maxLength: number): Field[] {
    if (!Array.isArray(this.value)) return this.fail('must be a list');
    if (this.value.length > maxLength)
      fail('limit-exceeded', `${this.path} has ${this.value.length} entries; at most ${maxLength} are read`);
    return this.value.map((item, i) => new Field(item as JsonValue, `${this.path}[${i}]`, this.code));
  }

  /** An object whose values are strings, such as annotations; empty when absent or null. */
  stringMap(): Readonly<Record<string, string>> {
    const map: Record<string, string> = Object.create(null);
    if (this.empty) return map;
    for (const key of Object.keys(this.object())) map[key] = this.get(key).string();
    return map;
  }
}
