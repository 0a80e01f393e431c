import { failDamaged } from './package.js';

/** Bytes of which nothing outside is ever read. All offsets and numbers are whole; what lies outside is damage. */
export class BoundedView {
  readonly #bytes: Buffer;

  /** @param name what the bytes are, for messages */
  constructor(
    bytes: Uint8Array,
    readonly name: string,
    readonly littleEndian = false,
  ) {
    this.#bytes = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
  }

  get length(): number {
    return this.#bytes.length;
  }

  u8(at: number): number {
    return this.#bytes[this.#within(at, 1)] as number;
  }

  u16(at: number): number {
    this.#within(at, 2);
    return this.littleEndian ? this.#bytes.readUInt16LE(at) : this.#bytes.readUInt16BE(at);
  }

  u32(at: number): number {
    this.#within(at, 4);
    return this.littleEndian ? this.#bytes.readUInt32LE(at) : this.#bytes.readUInt32BE(at);
  }

  /** The same bytes, not a copy. */
  slice(at: number, length: number): Buffer {
    this.#within(at, length);
    return this.#bytes.subarray(at, at + length);
  }

  /** The bytes up to the next NUL, which must come before `end`. */
  untilNul(at: number, end = this.length): Buffer {
    const nul = this.#bytes.indexOf(0, this.#within(at, 1));
    if (nul < 0 || nul >= end) failDamaged(`${this.name} has a text without an end at byte ${at}`);
    return this.#bytes.subarray(at, nul);
  }

  #within(at: number, length: number): number {
    if (at < 0 || length < 0 || at + length > this.length) {
      failDamaged(
        `${this.name} of ${this.length} bytes is cut short, or points to byte ${at + length} of it`,
      );
    }
    return at;
  }
}
