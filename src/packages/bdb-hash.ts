import { BoundedView } from './bounded-view.js';
import { failDamaged, refuseTooMany } from './package.js';

const MAGIC = 0x061561;
/** Where the magic number is, in the byte order of the machine that made the file. */
const MAGIC_AT = 12;
const META_PAGE = 8;
const HASH_PAGES = [2, 13];
const OVERFLOW_PAGE = 7;
const PAGE_HEADER = 26;
const ITEM = { onPage: 1, offPage: 3 } as const;

/** Whether a file is a hash of Berkeley DB, and of which byte order. */
export function bdbByteOrder(bytes: Uint8Array): 'little' | 'big' | undefined {
  if (bytes.length < MAGIC_AT + 4) return undefined;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  if (view.getUint32(MAGIC_AT, true) === MAGIC) return 'little';
  return view.getUint32(MAGIC_AT) === MAGIC ? 'big' : undefined;
}

/** The pages of the file. Each is used once: what leads back to one, or to one that is used elsewhere, is damage. */
class Pages {
  readonly #file: BoundedView;
  readonly #used = new Set<number>();

  constructor(
    file: BoundedView,
    readonly size: number,
    readonly last: number,
  ) {
    this.#file = file;
  }

  take(number: number): BoundedView {
    if (number === 0 || number > this.last) failDamaged(`there is no page ${number}`);
    if (this.#used.has(number)) failDamaged(`page ${number} is used twice`);
    this.#used.add(number);
    const bytes = this.#file.slice(number * this.size, this.size);
    const page = new BoundedView(bytes, `page ${number}`, this.#file.littleEndian);
    if (page.u32(8) !== number) failDamaged(`page ${number} says that it is another`);
    return page;
  }
}

/**
 * The headers in the hash of Berkeley DB that older rpm keeps as `Packages` (hash access method, versions 8 to 10): all buckets,
 * their pages, and the pages that large values go on in. The layout is that of Berkeley DB's `db_page.h`.
 * @throws TouchmarkError `format-packages`, `limit-exceeded`
 */
export function readBdbHash(bytes: Uint8Array): readonly Uint8Array[] {
  const file = new BoundedView(bytes, 'the file', bdbByteOrder(bytes) === 'little');
  const version = file.u32(16);
  const size = file.u32(20);
  if (version < 8 || version > 10) failDamaged(`it is of version ${version} of its format`);
  if (size < 512 || size > 65_536 || (size & (size - 1)) !== 0) failDamaged(`it has pages of ${size} bytes`);
  if (file.u8(24) !== 0) failDamaged('it is encrypted');
  if (file.u8(25) !== META_PAGE) failDamaged('its first page is none that describes a hash');
  const last = file.u32(32);
  if ((last + 1) * size > file.length) failDamaged(`it is cut short: it has no page ${last}`);
  const pages = new Pages(file, size, last);
  const buckets = file.u32(72);
  if (buckets > last) failDamaged(`it has ${buckets} buckets on ${last} pages`);
  const found: Uint8Array[] = [];
  for (let bucket = 0; bucket <= buckets; bucket++) {
    // Buckets come in groups that double; each group says how many other pages are before it.
    const group = 32 - Math.clz32(bucket);
    for (let next = bucket + file.u32(96 + 4 * group); next !== 0; ) {
      const page = pages.take(next);
      for (const value of readItems(page, pages)) {
        found.push(value);
        refuseTooMany(found.length);
      }
      next = page.u32(16);
    }
  }
  return found;
}

/** Items stand from the end of the page downwards: a key, its value, the next key. */
function* readItems(page: BoundedView, pages: Pages): Generator<Uint8Array> {
  const count = page.u16(20);
  if (!HASH_PAGES.includes(page.u8(25)) && count > 0) failDamaged(`${page.name} is no page of a hash`);
  if (count % 2 !== 0) failDamaged(`${page.name} has a key without a value`);
  let end = page.length;
  for (let index = 0; index < count; index += 2) {
    const key = readItem(page, index, end, pages);
    const value = readItem(page, index + 1, key.start, pages);
    end = value.start;
    const number = key.bytes();
    if (number.length !== 4) failDamaged(`${page.name} has a key of ${number.length} bytes`);
    // Number 0 is no package: it says which number comes next.
    if (number.some(byte => byte !== 0)) yield value.bytes();
  }
}

function readItem(
  page: BoundedView,
  index: number,
  end: number,
  pages: Pages,
): { readonly start: number; bytes(): Uint8Array } {
  const start = page.u16(PAGE_HEADER + 2 * index);
  if (start >= end || start < PAGE_HEADER + 2 * page.u16(20))
    failDamaged(`an item of ${page.name} lies outside of it`);
  const kind = page.u8(start);
  if (kind === ITEM.onPage) return { start, bytes: () => page.slice(start + 1, end - start - 1) };
  if (kind !== ITEM.offPage || end - start !== 12)
    failDamaged(`${page.name} has an item of a kind that rpm never writes`);
  return { start, bytes: () => readOverflow(pages, page.u32(start + 4), page.u32(start + 8)) };
}

function readOverflow(pages: Pages, first: number, length: number): Uint8Array {
  const parts: Uint8Array[] = [];
  let left = length;
  for (let next = first; next !== 0; ) {
    const page = pages.take(next);
    if (page.u8(25) !== OVERFLOW_PAGE) failDamaged(`${page.name} is none that a value goes on in`);
    const part = page.slice(PAGE_HEADER, page.u16(22));
    parts.push(part);
    left -= part.length;
    next = page.u32(16);
  }
  if (left !== 0) failDamaged(`a value of ${length} bytes has ${length - left}`);
  return Buffer.concat(parts);
}
