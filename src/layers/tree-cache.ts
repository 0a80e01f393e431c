import { endianness } from 'node:os';
import { join } from 'node:path';
import { computeDigest, type Digest, digestHex } from '../base/digest.js';
import { loadCached, saveCached } from './cache-file.js';
import { COLUMN_NAMES, type Column, makeRows } from './rows.js';
import type { Entries, Tree } from './tree.js';
import { restoreTree } from './tree.js';

/**
 * Trees by the diffIDs of their layers, beside the indexes of those and under the same conditions: safe to delete, and no
 * verdict may rest on it. What is there was put together once without a fault, as the same layers always are.
 */
export interface TreeCache {
  /** @param layers the entries of those with the diffIDs. @throws TouchmarkError `io-failed` when it cannot be read */
  load(diffIDs: readonly Digest[], layers: readonly Entries[]): Promise<Tree | undefined>;
  /** @throws TouchmarkError `io-failed`, `io-no-space` */
  save(diffIDs: readonly Digest[], tree: Tree): Promise<void>;
}

/** Of use only while layers are put on, or made again when they are. */
const LEFT_OUT: readonly Column[] = ['newer', 'chain', 'used'];
const KEPT = COLUMN_NAMES.filter(name => !LEFT_OUT.includes(name));
/** Rows, bytes of names, names that are gone. */
const HEAD = 3;

/** @param folder of the indexes; made when something is saved */
export function openTreeCache(folder: string): TreeCache {
  const aboutOf = (diffIDs: readonly Digest[]): string => `${endianness()} ${diffIDs.join(' ')}`;
  const fileOf = (about: string): string =>
    join(folder, 'trees', `${digestHex(computeDigest(Buffer.from(about)))}.tree`);
  return {
    async load(diffIDs, layers) {
      const about = aboutOf(diffIDs);
      const body = await loadCached(fileOf(about), about);
      return body && parse(body, layers);
    },
    async save(diffIDs, { rows, names, gone }) {
      const about = aboutOf(diffIDs);
      const head = Int32Array.of(rows.count, names.size, gone.length);
      const columns = KEPT.map(name => rows[name].subarray(0, rows.count));
      const parts = [head, ...columns, Int32Array.from(gone)].map(asBytes);
      await saveCached(fileOf(about), about, [...parts, names.bytes.subarray(0, names.size)]);
    },
  };
}

function parse(body: Buffer, layers: readonly Entries[]): Tree {
  let at = 0;
  const take = (length: number): Buffer => {
    const part = body.subarray(at, at + length);
    at += length;
    return part;
  };
  const head = new Int32Array(HEAD);
  asBytes(head).set(take(head.byteLength));
  const [count = 0, nameBytes = 0, goneCount = 0] = head;
  const rows = makeRows(count);
  rows.count = count;
  for (const name of KEPT) {
    const bytes = asBytes(rows[name]);
    bytes.set(take(bytes.length));
  }
  const gone = new Int32Array(goneCount);
  asBytes(gone).set(take(gone.byteLength));
  // A copy: what was read need not stay.
  return restoreTree(rows, Buffer.from(take(nameBytes)), gone, layers);
}

function asBytes({ buffer, byteOffset, byteLength }: NodeJS.TypedArray): Uint8Array {
  return new Uint8Array(buffer, byteOffset, byteLength);
}
