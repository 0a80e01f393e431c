import type { FileHandle } from 'node:fs/promises';
import { posix } from 'node:path';
import { decodeUtf8 } from '../../base/bytes.js';
import { fail } from '../../base/errors.js';
import { LIMITS } from '../../base/limits.js';
import { readPaxRecords, readTarNumber, tarChecksumHolds } from './tar-fields.js';
import { TAR_BLOCK, tarPadding } from './tar-header.js';

/** A file in a tar archive: where its bytes lie. */
export interface TarFile {
  readonly path: string;
  readonly offset: number;
  readonly size: number;
}

/** What an archive holds, by path without a leading `./`. */
export interface TarIndex {
  readonly files: ReadonlyMap<string, TarFile>;
  /** Hard and symbolic links and the path they lead to; it may not exist, and `..` leads out of the archive. */
  readonly links: ReadonlyMap<string, string>;
}

const PATH_LENGTH = 1024;
const LINK_HOPS = 8;
const WINDOW = 64 * 1024;

/**
 * Reads the headers of a tar archive (ustar, pax, GNU long names) without its bodies. Whatever two readers could take
 * for different archives is refused: a path twice, a path that leads out, sparse files, a missing end.
 * @throws TouchmarkError `format-archive`, `limit-exceeded`
 */
export async function indexTar(handle: FileHandle, size: number, what: string): Promise<TarIndex> {
  const files = new Map<string, TarFile>();
  const links = new Map<string, string>();
  const read = windowReader(handle);
  const bad = (at: number, problem: string): never =>
    fail('format-archive', `${what} is not a tar archive this tool reads: ${problem} at byte ${at}`, {
      details: { file: what, offset: at },
    });
  let long: LongFields = {};
  let entries = 0;
  for (let at = 0; ; ) {
    if (at + TAR_BLOCK > size) bad(at, 'it ends without an end mark; it may be cut short');
    const block = await read(at, TAR_BLOCK);
    if (block.length < TAR_BLOCK) bad(at, 'it ends inside a header');
    if (block.every(byte => byte === 0)) return { files, links };
    if (++entries > LIMITS.archiveEntries)
      fail('limit-exceeded', `${what} has more than ${LIMITS.archiveEntries} entries`);
    if (!tarChecksumHolds(block)) bad(at, 'a header with a wrong checksum');
    const flag = String.fromCharCode(block[156] as number);
    const bodySize = hasBody(flag)
      ? (long.size ?? readTarNumber(block, 124, 12) ?? bad(at, 'a size that is no number'))
      : 0;
    const body = at + TAR_BLOCK;
    if (body + bodySize > size) bad(at, 'an entry that is longer than the archive; it may be cut short');
    const next = body + bodySize + tarPadding(bodySize);
    if ('xgLK'.includes(flag)) {
      if (bodySize > LIMITS.tarHeaderSize)
        fail('limit-exceeded', `${what} has an extended header of ${bodySize} bytes`);
      const problem = readExtension(flag, await read(body, bodySize), long);
      if (typeof problem === 'string') bad(at, problem);
      else long = problem;
      at = next;
      continue;
    }
    const path = normalizePath(long.path ?? headerPath(block), at, bad);
    if (flag === '0' || flag === '\0' || flag === '7') {
      // A name that ends in a slash was a folder before POSIX had a type for it.
      if (path !== '' && !(long.path ?? headerPath(block))?.endsWith('/')) {
        if (files.has(path) || links.has(path)) bad(at, `the path ${JSON.stringify(path)} a second time`);
        files.set(path, { path, offset: body, size: bodySize });
      }
    } else if (flag === '1' || flag === '2') {
      if (files.has(path) || links.has(path)) bad(at, `the path ${JSON.stringify(path)} a second time`);
      const target = long.linkpath ?? field(block, 157, 100) ?? bad(at, 'a link target that is not UTF-8');
      const base = flag === '2' ? posix.dirname(path) : '.';
      links.set(path, target.startsWith('/') ? '..' : posix.join(base, target));
    } else if (flag !== '5') {
      bad(at, `an entry of the type ${JSON.stringify(flag)}`);
    }
    long = {};
    at = next;
  }
}

/** The file at a path, through links that stay inside the archive. */
export function findInTar(index: TarIndex, path: string): TarFile | undefined {
  let at = posix.normalize(path);
  for (let hop = 0; hop <= LINK_HOPS; hop++) {
    const file = index.files.get(at);
    if (file) return file;
    const target = index.links.get(at);
    if (target === undefined || target === '..' || target.startsWith('../')) return undefined;
    at = target;
  }
  return undefined;
}

/** What an extended header says about the entry that follows it. */
interface LongFields {
  readonly path?: string;
  readonly linkpath?: string;
  readonly size?: number;
}

/** Links, folders and devices have no body, whatever their size field says. */
function hasBody(flag: string): boolean {
  return '0\x007xgLKS'.includes(flag) || !'123456'.includes(flag);
}

function readExtension(flag: string, bytes: Uint8Array, so: LongFields): LongFields | string {
  if (flag === 'L' || flag === 'K') {
    const end = bytes.indexOf(0);
    const text = decodeUtf8(end < 0 ? bytes : bytes.subarray(0, end));
    if (text === undefined) return 'a long name that is not UTF-8';
    return flag === 'L' ? { ...so, path: so.path ?? text } : { ...so, linkpath: so.linkpath ?? text };
  }
  const fields: { -readonly [K in keyof LongFields]: LongFields[K] } = { ...so };
  const records = readPaxRecords(bytes);
  if (records === undefined) return 'a broken pax header';
  for (const [key, value] of records) {
    if (key.startsWith('GNU.sparse.')) return 'a sparse file';
    if (key !== 'path' && key !== 'linkpath' && key !== 'size') continue;
    // A global header speaks for every entry that follows; readers differ on how long.
    if (flag === 'g') return `a global header that sets "${key}"`;
    const text = decodeUtf8(value);
    if (text === undefined || text.includes('\0')) return `a pax "${key}" that is not text`;
    if (key !== 'size') fields[key] = text;
    else if (/^[0-9]{1,15}$/.test(text)) fields.size = Number(text);
    else return 'a pax size that is no number';
  }
  return fields;
}

function normalizePath(
  path: string | undefined,
  at: number,
  bad: (at: number, problem: string) => never,
): string {
  if (path === undefined) return bad(at, 'a path that is not UTF-8');
  if (path.length > PATH_LENGTH) return bad(at, `a path of ${path.length} characters`);
  const shown = JSON.stringify(path.slice(0, 120));
  if (path.startsWith('/')) return bad(at, `the absolute path ${shown}`);
  if (path.split('/').includes('..')) return bad(at, `the path ${shown}, which leads out of the archive,`);
  const clean = posix.normalize(path).replace(/\/$/, '');
  return clean === '.' ? '' : clean;
}

function headerPath(block: Uint8Array): string | undefined {
  const name = field(block, 0, 100);
  const isPosix = Buffer.from(block.subarray(257, 263)).toString('latin1') === 'ustar\0';
  const prefix = isPosix ? field(block, 345, 155) : '';
  if (name === undefined || prefix === undefined) return undefined;
  return prefix === '' ? name : `${prefix}/${name}`;
}

function field(block: Uint8Array, at: number, length: number): string | undefined {
  const bytes = block.subarray(at, at + length);
  const end = bytes.indexOf(0);
  return decodeUtf8(end < 0 ? bytes : bytes.subarray(0, end));
}

/** Reads headers through a window: they lie close together when bodies are small. */
function windowReader(handle: FileHandle): (at: number, length: number) => Promise<Uint8Array> {
  let start = 0;
  let window: Uint8Array = new Uint8Array();
  return async (at, length) => {
    if (at < start || at + length > start + window.length) {
      const buffer = Buffer.alloc(Math.max(WINDOW, length));
      let have = 0;
      for (;;) {
        const { bytesRead } = await handle.read(buffer, have, buffer.length - have, at + have);
        have += bytesRead;
        if (bytesRead === 0 || have >= length) break;
      }
      start = at;
      window = buffer.subarray(0, have);
    }
    return window.subarray(at - start, at - start + length);
  };
}
