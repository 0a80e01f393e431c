import { BoundedView } from './bounded-view.js';
import { failDamaged } from './package.js';

const HEADER = 32;
const FRAME = 24;
const VERSION = 3_007_000;
/** The last bit says the byte order of the checksums. */
const MAGIC = 0x377f0682;

/** Pages that a log of SQLite puts in the place of those in the file. */
export interface Wal {
  readonly pages: ReadonlyMap<number, Uint8Array>;
  /** Pages of the database after the last commit; undefined when nothing was committed. */
  readonly count: number | undefined;
}

/**
 * Reads a write-ahead log (sqlite.org, "WAL-mode File Format"): frames count as long as salt and running checksum hold, and of
 * those all up to the last commit.
 * @param wal not empty
 * @param pageSize of the database
 * @throws TouchmarkError `format-packages` when its header is damaged
 */
export function readWal(wal: Uint8Array, pageSize: number): Wal {
  const log = new BoundedView(wal, 'the log of writes');
  const magic = log.u32(0);
  if (magic >>> 1 !== MAGIC >>> 1 || log.u32(4) !== VERSION)
    failDamaged('the log of writes beside it is none');
  if (log.u32(8) !== pageSize) failDamaged('the log of writes beside it is of another database');
  const checksum = createChecksum((magic & 1) === 0);
  checksum.add(log.slice(0, 24));
  if (!checksum.is(log.u32(24), log.u32(28))) failDamaged('the log of writes beside it has a wrong checksum');
  const salt = log.slice(16, 8);
  const pages = new Map<number, Uint8Array>();
  let pending: [number, Uint8Array][] = [];
  let count: number | undefined;
  for (let at = HEADER; at + FRAME + pageSize <= log.length; at += FRAME + pageSize) {
    const page = log.slice(at + FRAME, pageSize);
    checksum.add(log.slice(at, 8));
    checksum.add(page);
    const number = log.u32(at);
    if (
      number === 0 ||
      !log.slice(at + 8, 8).equals(salt) ||
      !checksum.is(log.u32(at + 16), log.u32(at + 20))
    )
      break;
    pending.push([number, page]);
    const committed = log.u32(at + 4);
    if (committed === 0) continue;
    for (const [which, bytes] of pending) pages.set(which, bytes);
    pending = [];
    count = committed;
  }
  return { pages, count };
}

function createChecksum(littleEndian: boolean): {
  /** @param bytes a multiple of eight of them */
  add(bytes: Uint8Array): void;
  is(first: number, second: number): boolean;
} {
  let first = 0;
  let second = 0;
  return {
    add(bytes) {
      const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
      for (let at = 0; at < bytes.length; at += 8) {
        first = (first + view.getUint32(at, littleEndian) + second) >>> 0;
        second = (second + view.getUint32(at + 4, littleEndian) + first) >>> 0;
      }
    },
    is: (one, other) => first === one && second === other,
  };
}
