/** Reads the length-prefixed structures of TLS (RFC 8446 3) from the front; `refuse` throws when they end early or late. */
export class ByteReader {
  #at = 0;

  constructor(
    private readonly source: Uint8Array,
    private readonly refuse: () => never,
  ) {}

  get rest(): number {
    return this.source.length - this.#at;
  }

  bytes(length: number): Uint8Array {
    if (length > this.rest) return this.refuse();
    this.#at += length;
    return this.source.subarray(this.#at - length, this.#at);
  }

  /** A big-endian number of up to six bytes. */
  number(size: number): number {
    return this.bytes(size).reduce((value, byte) => value * 256 + byte, 0);
  }

  /** A reader of the next `length` bytes. */
  part(length: number): ByteReader {
    return new ByteReader(this.bytes(length), this.refuse);
  }

  end(): void {
    if (this.rest > 0) this.refuse();
  }
}
