import { BoundedView } from './bounded-view.js';
import { failDamaged } from './package.js';
import { readWal } from './sqlite-wal.js';

export const SQLITE_MAGIC = Buffer.from('SQLite format 3\0');

/** Files beside a database that count as well. */
export interface SqliteBeside {
  /** Pages that were committed and not yet copied into the file. */
  readonly wal?: Uint8Array | undefined;
  /** Pages to go back to. */
  readonly journal?: Uint8Array | undefined;
}

/** The pages of a database of SQLite, as its next reader would see them. */
export interface SqlitePages {
  /** Bytes of a page that are in use. */
  readonly usable: number;
  readonly count: number;
  /** Bytes in use of the pages that were taken: what was found in them cannot be more. */
  readonly takenBytes: number;
  /** Each page can be taken once: what leads to one twice is damage. */
  take(number: number): BoundedView;
}

/**
 * Opens a database (sqlite.org, "Database File Format"), with the log of writes beside it. Where SQLite would undo a write that
 * was not finished there is no answer.
 * @throws TouchmarkError `format-packages`
 */
export function openSqlite(bytes: Uint8Array, { wal, journal }: SqliteBeside = {}): SqlitePages {
  if (journal?.subarray(0, 8).some(byte => byte !== 0))
    failDamaged('a write to it was not finished, nor undone');
  const file = new BoundedView(bytes, 'the file');
  const size = pageSize(file);
  if (file.u8(18) > 2 || file.u8(19) > 2) failDamaged('it is of a version that is not known');
  if (file.u8(21) !== 64 || file.u8(22) !== 32 || file.u8(23) !== 32)
    failDamaged('its header is none of SQLite');
  const log = wal && wal.length > 0 ? readWal(wal, size) : undefined;
  const first = new BoundedView(log?.pages.get(1) ?? file.slice(0, size), 'page 1');
  const usable = size - first.u8(20);
  if (usable < 480) failDamaged('it leaves too much of its pages unused');
  if (first.u32(56) > 1) failDamaged('its text is not UTF-8');
  const count = log?.count ?? countPages(first, file, size);
  const taken = new Set<number>();
  return {
    usable,
    count,
    get takenBytes() {
      return taken.size * usable;
    },
    take(number) {
      if (number === 0 || number > count) failDamaged(`there is no page ${number}`);
      if (taken.has(number)) failDamaged(`page ${number} is used twice`);
      taken.add(number);
      const page = log?.pages.get(number) ?? file.slice((number - 1) * size, size);
      return new BoundedView(page, `page ${number}`);
    },
  };
}

function pageSize(file: BoundedView): number {
  const said = file.u16(16);
  const size = said === 1 ? 65_536 : said;
  if (size < 512 || (size & (size - 1)) !== 0) failDamaged(`it has pages of ${size} bytes`);
  return size;
}

/** The header's number counts when it was written with the last change; else the file's length does. */
function countPages(first: BoundedView, file: BoundedView, size: number): number {
  const said = first.u32(28);
  if (said === 0 || first.u32(24) !== first.u32(92)) return Math.floor(file.length / size);
  if (said * size > file.length) failDamaged(`it is cut short: it has no page ${said}`);
  return said;
}
