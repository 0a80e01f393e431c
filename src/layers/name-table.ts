import { randomFillSync } from 'node:crypto';
import type { Rows } from './rows.js';

/** Whoever builds an image chooses its names. Without a secret he could choose such that all fall into one bucket. */
const SECRET = randomFillSync(new Int32Array(2));

/** The longest name that comes here is a path's: room for one more is always there. */
const ROOM = 8192;

/** Steps from name to name: some milliseconds. */
const PATIENCE = 100_000;

/** The names of rows, as bytes one behind the other, and which row a name in a folder is. */
export class NameTable {
  bytes: Buffer;
  size: number;
  readonly #rows: Rows;
  readonly #root: number;
  /** The first row of each bucket; a power of two of them. */
  #buckets: Int32Array;
  #filled = 0;
  /** Names that may still be looked at one after the other, before a hash table is made of those that were there. */
  #patience: number;

  /** @param names of the rows that are there already, all in or below the folder `root` */
  constructor(rows: Rows, root: number, names: Buffer = Buffer.alloc(0)) {
    this.#rows = rows;
    this.#root = root;
    this.bytes = names;
    this.size = names.length;
    this.#patience = names.length > 0 ? PATIENCE : 0;
    this.#buckets = new Int32Array(64).fill(-1);
  }

  /** The bytes of a row's name, one character each. */
  text(row: number): string {
    const start = this.#rows.nameStart[row] as number;
    return this.bytes.toString('latin1', start, start + (this.#rows.nameLength[row] as number));
  }

  /** Whether a row has this name. */
  is(row: number, name: string): boolean {
    if (this.#rows.nameLength[row] !== name.length) return false;
    const start = this.#rows.nameStart[row] as number;
    for (let i = 0; i < name.length; i++) if (this.bytes[start + i] !== name.charCodeAt(i)) return false;
    return true;
  }

  /** @returns -1 when the folder has no such name */
  find(folder: number, name: string): number {
    if (this.#patience > 0) return this.#search(folder, name);
    const end = this.#write(name);
    const { parent, chain } = this.#rows;
    let row = this.#buckets[this.#bucketOf(folder, end, name.length)] as number;
    while (row >= 0 && !(parent[row] === folder && this.is(row, name))) row = chain[row] as number;
    return row;
  }

  /** One path is found sooner like this than by a table of all. */
  #search(folder: number, name: string): number {
    const { first, older } = this.#rows;
    let row = first[folder] as number;
    while (row >= 0 && !this.is(row, name)) {
      this.#patience--;
      row = older[row] as number;
    }
    if (this.#patience <= 0) this.#addBelow(this.#root);
    return row;
  }

  #addBelow(folder: number): void {
    const { first, older } = this.#rows;
    const stack = [folder];
    for (let at = stack.pop(); at !== undefined; at = stack.pop()) {
      for (let row = first[at] as number; row >= 0; row = older[row] as number) {
        this.add(row);
        stack.push(row);
      }
    }
  }

  /** Gives a row a name; its folder has none like it. */
  name(row: number, name: string): void {
    this.#rows.nameStart[row] = this.#write(name);
    this.#rows.nameLength[row] = name.length;
    this.size += name.length;
    this.add(row);
  }

  /** Lets a row be found, by the name and folder that it has. */
  add(row: number): void {
    this.reserve(1);
    this.#filled++;
    this.#put(row);
  }

  /** Makes room for so many names more. */
  reserve(more: number): void {
    let buckets = this.#buckets.length;
    while (buckets < this.#filled + more) buckets *= 2;
    if (buckets > this.#buckets.length) this.#enlarge(buckets);
  }

  remove(row: number): void {
    const { chain } = this.#rows;
    const bucket = this.#bucketOfRow(row);
    const first = this.#buckets[bucket] as number;
    if (first === row) this.#buckets[bucket] = chain[row] as number;
    else {
      let before = first;
      while (before >= 0 && chain[before] !== row) before = chain[before] as number;
      chain[before] = chain[row] as number;
    }
    this.#filled--;
  }

  /** Behind the last name, where it stays when a row gets it. */
  #write(name: string): number {
    if (this.size + ROOM > this.bytes.length) {
      const larger = Buffer.allocUnsafeSlow(Math.ceil(this.size * 1.5) + 2 * ROOM);
      this.bytes.copy(larger, 0, 0, this.size);
      this.bytes = larger;
    }
    for (let i = 0; i < name.length; i++) this.bytes[this.size + i] = name.charCodeAt(i);
    return this.size;
  }

  #put(row: number): void {
    const bucket = this.#bucketOfRow(row);
    this.#rows.chain[row] = this.#buckets[bucket] as number;
    this.#buckets[bucket] = row;
  }

  #enlarge(buckets: number): void {
    const old = this.#buckets;
    this.#buckets = new Int32Array(buckets).fill(-1);
    for (const first of old) {
      for (let row = first; row >= 0; ) {
        const next = this.#rows.chain[row] as number;
        this.#put(row);
        row = next;
      }
    }
  }

  #bucketOfRow(row: number): number {
    const { parent, nameStart, nameLength } = this.#rows;
    return this.#bucketOf(parent[row] as number, nameStart[row] as number, nameLength[row] as number);
  }

  /** HalfSipHash-1-3 of the folder and the name (Aumasson and Bernstein). */
  #bucketOf(folder: number, start: number, length: number): number {
    const { bytes } = this;
    const byte = (at: number): number => (at < length ? (bytes[start + at] as number) : 0);
    let v0 = SECRET[0] as number;
    let v1 = SECRET[1] as number;
    let v2 = v0 ^ 0x6c796765;
    let v3 = v1 ^ 0x74656462;
    // The folder, the name, its length; then three rounds of nothing.
    const words = 2 + Math.ceil(length / 4);
    for (let i = 0; i < words + 3; i++) {
      let word = 0;
      if (i === 0) word = folder;
      else if (i < words - 1) {
        const at = 4 * i - 4;
        word = byte(at) | (byte(at + 1) << 8) | (byte(at + 2) << 16) | (byte(at + 3) << 24);
      } else if (i === words - 1) word = length;
      else if (i === words) v2 ^= 0xff;
      v3 ^= word;
      v0 = (v0 + v1) | 0;
      v1 = ((v1 << 5) | (v1 >>> 27)) ^ v0;
      v0 = (v0 << 16) | (v0 >>> 16);
      v2 = (v2 + v3) | 0;
      v3 = ((v3 << 8) | (v3 >>> 24)) ^ v2;
      v0 = (v0 + v3) | 0;
      v3 = ((v3 << 7) | (v3 >>> 25)) ^ v0;
      v2 = (v2 + v1) | 0;
      v1 = ((v1 << 13) | (v1 >>> 19)) ^ v2;
      v2 = (v2 << 16) | (v2 >>> 16);
      v0 ^= word;
    }
    return (v1 ^ v3) & (this.#buckets.length - 1);
  }
}
