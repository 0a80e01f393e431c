import { fail } from '../base/errors.js';
import { LIMITS } from '../base/limits.js';
import { readPaxRecords } from '../oci/archive/tar-fields.js';
import { REBUILD } from './entry-path.js';

/** What headers in front of an entry say about it: pax (`x`), or GNU's long name (`L`) and long link (`K`). Bytes as latin1. */
export interface Extension {
  readonly from: readonly string[];
  readonly path?: string;
  readonly link?: string;
  readonly size?: number;
  readonly uid?: number;
  readonly gid?: number;
  readonly xattrs: ReadonlyMap<string, string>;
}

export const NO_EXTENSION: Extension = { from: [], xattrs: new Map() };

const XATTR = 'SCHILY.xattr.';
/** Attributes by which overlayfs marks what it hides: a runtime that writes them makes other files than one that does not. */
const OVERLAY = /^(?:trusted|user)\.overlay\./;

/**
 * Adds what one more header says. Where two speak about one entry, readers differ on which of them counts.
 * @throws TouchmarkError `layer-ambiguous`, `layer-not-tar`, `limit-exceeded`
 */
export function extend(so: Extension, flag: string, bytes: Uint8Array): Extension {
  const pax = flag === 'x';
  if (so.from.includes(flag) || so.from.includes('x') || (pax && so.from.length > 0)) {
    ambiguous('an entry has two extended headers');
  }
  const from = [...so.from, flag];
  if (pax) return { ...so, ...readPax(bytes), from };
  const end = bytes.indexOf(0);
  const name = latin1(end < 0 ? bytes : bytes.subarray(0, end));
  if (end >= 0 && bytes.subarray(end).some(byte => byte !== 0)) ambiguous('a long name goes on behind a NUL');
  if (name === '') ambiguous('a long name is empty');
  return flag === 'L' ? { ...so, path: name, from } : { ...so, link: name, from };
}

function readPax(bytes: Uint8Array): Omit<Extension, 'from'> {
  const records = readPaxRecords(bytes);
  if (records === undefined) {
    return fail('layer-not-tar', 'the layer has a broken pax header', { hint: REBUILD });
  }
  const texts = new Map<string, string>();
  const xattrs = new Map<string, string>();
  let size = 0;
  for (const [key, value] of records) {
    if (key.startsWith('GNU.') || key === 'SCHILY.realsize') ambiguous('the layer holds a sparse file');
    const name = key.startsWith(XATTR) ? key.slice(XATTR.length) : undefined;
    const into = name === undefined ? texts : xattrs;
    if (into.has(name ?? key)) ambiguous(`a pax header says ${JSON.stringify(key.slice(0, 80))} twice`);
    into.set(name ?? key, latin1(value));
    if (name === undefined) continue;
    if (OVERLAY.test(name)) ambiguous(`an entry has the attribute ${JSON.stringify(name)} of overlayfs`);
    size += 4 + name.length + value.length;
    if (size > LIMITS.entryXattrs) {
      fail('limit-exceeded', `an entry has more than ${LIMITS.entryXattrs} bytes of extended attributes`);
    }
  }
  const [path, link] = [texts.get('path'), texts.get('linkpath')];
  const numbers = {
    size: readNumber(texts, 'size'),
    uid: readNumber(texts, 'uid'),
    gid: readNumber(texts, 'gid'),
  };
  for (const text of [path, link]) {
    if (text === '' || text?.includes('\0')) ambiguous('a pax header has an empty name, or a NUL in one');
  }
  return {
    xattrs,
    ...(path !== undefined && { path }),
    ...(link !== undefined && { link }),
    ...(numbers.size !== undefined && { size: numbers.size }),
    ...(numbers.uid !== undefined && { uid: numbers.uid }),
    ...(numbers.gid !== undefined && { gid: numbers.gid }),
  };
}

function readNumber(texts: ReadonlyMap<string, string>, key: string): number | undefined {
  const text = texts.get(key);
  if (text === undefined) return undefined;
  return /^[0-9]{1,15}$/.test(text) ? Number(text) : ambiguous(`a pax "${key}" is no plain number`);
}

function latin1(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('latin1');
}

function ambiguous(problem: string): never {
  return fail('layer-ambiguous', problem, { hint: REBUILD });
}
