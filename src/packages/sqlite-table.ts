import { BoundedView } from './bounded-view.js';
import { failDamaged, refuseTooMany } from './package.js';
import type { SqlitePages } from './sqlite-pages.js';

const LEAF = 0x0d;
const INTERIOR = 0x05;
const MAX_DEPTH = 20;
/** Of the tables that are read, the widest has five columns. */
const MAX_VALUES = 16;

/**
 * Every record of a table with rows, in the order of their numbers (sqlite.org, "B-tree Pages").
 * @param root number of the table's first page
 * @throws TouchmarkError `format-packages`, `limit-exceeded`
 */
export function* readTable(pages: SqlitePages, root: number): Generator<Uint8Array> {
  let last: number | undefined;
  let count = 0;
  let size = 0;
  for (const { row, record } of readPage(pages, root, 0)) {
    if (last !== undefined && row <= last) failDamaged(`row ${row} comes behind row ${last}`);
    last = row;
    size += record.length;
    if (size > pages.takenBytes) failDamaged('its rows lie one on the other');
    refuseTooMany(++count);
    yield record;
  }
}

interface Row {
  readonly row: number;
  readonly record: Uint8Array;
}

function* readPage(pages: SqlitePages, number: number, depth: number): Generator<Row> {
  if (depth > MAX_DEPTH) failDamaged('its tree is too deep');
  const page = pages.take(number);
  // The file's own header is in front of the first page's.
  const head = number === 1 ? 100 : 0;
  const kind = page.u8(head);
  if (kind !== LEAF && kind !== INTERIOR) failDamaged(`${page.name} is no page of a table`);
  const cells = page.u16(head + 3);
  const pointers = head + (kind === LEAF ? 8 : 12);
  for (let cell = 0; cell < cells; cell++) {
    const at = page.u16(pointers + 2 * cell);
    if (kind === LEAF) yield readCell(pages, page, at);
    else yield* readPage(pages, page.u32(at), depth + 1);
  }
  if (kind === INTERIOR) yield* readPage(pages, page.u32(head + 8), depth + 1);
}

function readCell(pages: SqlitePages, page: BoundedView, at: number): Row {
  const size = readVarint(page, at);
  const row = readVarint(page, size.end);
  const local = localSize(size.value, pages.usable);
  const here = page.slice(row.end, local);
  if (local === size.value) return { row: row.value, record: here };
  const first = page.u32(row.end + local);
  return { row: row.value, record: readOverflow(pages, here, first, size.value) };
}

/** How much of a record stands in the cell itself. */
function localSize(size: number, usable: number): number {
  const most = usable - 35;
  if (size <= most) return size;
  const least = Math.floor(((usable - 12) * 32) / 255) - 23;
  const wanted = least + ((size - least) % (usable - 4));
  return wanted <= most ? wanted : least;
}

function readOverflow(pages: SqlitePages, start: Uint8Array, first: number, size: number): Uint8Array {
  const parts = [start];
  let left = size - start.length;
  for (let next = first; left > 0; ) {
    const page = pages.take(next);
    const part = page.slice(4, Math.min(left, pages.usable - 4));
    parts.push(part);
    left -= part.length;
    next = page.u32(0);
    if (left === 0 && next !== 0) failDamaged(`${page.name} goes on behind the end of a record`);
  }
  return Buffer.concat(parts);
}

/** A value of a record: what SQLite keeps as a number, as text or as bytes. */
export type SqliteValue = null | number | string | Uint8Array;

/**
 * The values of a record ("Record Format"); real numbers are passed over as null.
 * @throws TouchmarkError `format-packages`
 */
export function readRecord(bytes: Uint8Array): readonly SqliteValue[] {
  const record = new BoundedView(bytes, 'a record');
  const head = readVarint(record, 0);
  const values: SqliteValue[] = [];
  let body = head.value;
  for (let at = head.end; at < head.value; ) {
    const type = readVarint(record, at);
    at = type.end;
    if (values.length === MAX_VALUES) failDamaged('a record has too many values');
    const size = sizeOfType(type.value);
    values.push(readValue(record.slice(body, size), type.value));
    body += size;
  }
  if (body !== record.length) failDamaged(`a record has ${record.length} bytes and describes ${body}`);
  return values;
}

function sizeOfType(type: number): number {
  if (type >= 12) return Math.floor((type - 12) / 2);
  return [0, 1, 2, 3, 4, 6, 8, 8, 0, 0][type] ?? failDamaged(`a record has a value of type ${type}`);
}

function readValue(bytes: Buffer, type: number): SqliteValue {
  if (type >= 12) return type % 2 === 0 ? bytes : bytes.toString('latin1');
  if (type === 8 || type === 9) return type - 8;
  return type >= 1 && type <= 5 ? bytes.readIntBE(0, bytes.length) : null;
}

/** A number of one to nine bytes; one that does not fit is damage. */
function readVarint(view: BoundedView, at: number): { readonly value: number; readonly end: number } {
  let value = 0;
  for (let end = at; end < at + 8; ) {
    const byte = view.u8(end++);
    value = value * 128 + (byte & 0x7f);
    if (byte < 128) {
      if (!Number.isSafeInteger(value)) break;
      return { value, end };
    }
  }
  return failDamaged(`${view.name} has a number that is too large at byte ${at}`);
}
