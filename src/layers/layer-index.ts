import { fail } from '../base/errors.js';
import { LIMITS } from '../base/limits.js';
import type { EntryPath } from './entry-path.js';

/** Kinds of entries; their numbers are tar's. */
export const ENTRY = { file: 0, hardlink: 1, symlink: 2, char: 3, block: 4, dir: 5, fifo: 6 } as const;
export type EntryKind = (typeof ENTRY)[keyof typeof ENTRY];

/** One entry of a layer, as strict as it was read. */
export interface LayerEntry {
  readonly kind: EntryKind;
  readonly path: EntryPath;
  /** Permissions with setuid, setgid and sticky: twelve bits. */
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  /** Of a file's content in bytes; 0 for all else. */
  readonly size: number;
  /** A hard link's target as a path, a symbolic link's as it stands, `major:minor` of a device; else empty. */
  readonly link: string;
  /** Extended attributes in the form of {@link packXattrs}; empty when there are none. */
  readonly xattrs: Uint8Array;
  /** SHA-256 of a file's content; empty for all else. */
  readonly digest: Uint8Array;
}

const FIXED = 26;
const DIGEST = 32;

/**
 * The entries of one layer in their order: records in one buffer, some 120 bytes for an entry. `at` is where a record
 * begins. The same bytes lie in the cache, so nothing is converted when they are read.
 */
export class LayerIndex {
  readonly count: number;
  /** Little-endian: kind, 0, mode (2), uid (4), gid (4), size (8, double), lengths (2 each) of path, link, xattrs; then the parts. */
  readonly bytes: Buffer;

  constructor(bytes: Buffer, count: number) {
    this.bytes = bytes;
    this.count = count;
  }

  /** Where the records begin. */
  *[Symbol.iterator](): Generator<number> {
    for (let at = 0; at < this.bytes.length; at = this.#end(at)) yield at;
  }

  kind(at: number): EntryKind {
    return this.bytes[at] as EntryKind;
  }

  path(at: number): EntryPath {
    const start = at + FIXED + this.#digestLength(at);
    return this.bytes.toString('latin1', start, start + this.bytes.readUInt16LE(at + 20));
  }

  /** Permissions with setuid, setgid and sticky. */
  mode(at: number): number {
    return this.bytes.readUInt16LE(at + 2);
  }

  entry(at: number): LayerEntry {
    const { bytes } = this;
    const digest = at + FIXED;
    const path = digest + this.#digestLength(at);
    const link = path + bytes.readUInt16LE(at + 20);
    const xattrs = link + bytes.readUInt16LE(at + 22);
    return {
      kind: this.kind(at),
      path: bytes.toString('latin1', path, link),
      mode: this.mode(at),
      uid: bytes.readUInt32LE(at + 4),
      gid: bytes.readUInt32LE(at + 8),
      size: bytes.readDoubleLE(at + 12),
      link: bytes.toString('latin1', link, xattrs),
      xattrs: bytes.subarray(xattrs, this.#end(at)),
      digest: bytes.subarray(digest, path),
    };
  }

  #digestLength(at: number): number {
    return this.bytes[at] === ENTRY.file ? DIGEST : 0;
  }

  #end(at: number): number {
    const { bytes } = this;
    const parts = bytes.readUInt16LE(at + 20) + bytes.readUInt16LE(at + 22) + bytes.readUInt16LE(at + 24);
    return at + FIXED + this.#digestLength(at) + parts;
  }
}

/** How many entries there may be, and how many bytes their records may take. */
export interface IndexLimits {
  readonly entries: number;
  readonly bytes: number;
}

const DEFAULT_LIMITS: IndexLimits = { entries: LIMITS.layerEntries, bytes: LIMITS.layerIndexSize };

/** Collects entries into an index. `add` throws TouchmarkError `limit-exceeded` when there are too many. */
export function createIndexWriter(limits: IndexLimits = DEFAULT_LIMITS): {
  add(entry: LayerEntry): void;
  finish(): LayerIndex;
} {
  let buffer = Buffer.allocUnsafe(64 * 1024);
  let size = 0;
  let count = 0;
  return {
    add(entry) {
      const { path, link, xattrs, digest } = entry;
      const length = FIXED + digest.length + path.length + link.length + xattrs.length;
      if (++count > limits.entries || size + length > limits.bytes) {
        fail('limit-exceeded', `the layer has more than ${count - 1} entries, too many to keep`, {
          details: { ...limits },
        });
      }
      if (size + length > buffer.length) {
        const larger = Buffer.allocUnsafeSlow(2 * (size + length));
        buffer.copy(larger, 0, 0, size);
        buffer = larger;
      }
      buffer.writeUInt16LE(entry.kind, size);
      buffer.writeUInt16LE(entry.mode, size + 2);
      buffer.writeUInt32LE(entry.uid, size + 4);
      buffer.writeUInt32LE(entry.gid, size + 8);
      buffer.writeDoubleLE(entry.size, size + 12);
      buffer.writeUInt16LE(path.length, size + 20);
      buffer.writeUInt16LE(link.length, size + 22);
      buffer.writeUInt16LE(xattrs.length, size + 24);
      let at = size + FIXED;
      buffer.set(digest, at);
      at += digest.length;
      at += buffer.write(path, at, 'latin1');
      at += buffer.write(link, at, 'latin1');
      buffer.set(xattrs, at);
      size += length;
    },
    finish: () => new LayerIndex(buffer.subarray(0, size), count),
  };
}
