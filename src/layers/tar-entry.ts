import { fail } from '../base/errors.js';
import { LIMITS } from '../base/limits.js';
import { readTarNumber } from '../oci/archive/tar-fields.js';
import { normalizeEntryPath, REBUILD, showPath } from './entry-path.js';
import { ENTRY, type EntryKind, type LayerEntry } from './layer-index.js';
import type { Extension } from './tar-extension.js';
import { parseWhiteout } from './whiteout-name.js';
import { packXattrs } from './xattrs.js';

/** Forms of a header by the eight bytes at 257: `posix` alone has a prefix for its name. */
const FORMS: Readonly<Record<string, 'posix' | 'gnu' | 'v7'>> = {
  'ustar\x0000': 'posix',
  'ustar  \0': 'gnu',
  '\0\0\0\0\0\0\0\0': 'v7',
};

const KINDS: Readonly<Record<string, EntryKind>> = {
  '0': ENTRY.file,
  '\0': ENTRY.file,
  '1': ENTRY.hardlink,
  '2': ENTRY.symlink,
  '3': ENTRY.char,
  '4': ENTRY.block,
  '5': ENTRY.dir,
  '6': ENTRY.fifo,
};

/** User and group ids are 32 bits wide, and the last of them means "no change". */
const NO_ID = 0xffff_ffff;

/**
 * Reads the header of an entry with what stood in front of it. A file's digest is to be filled in.
 * @param block 512 bytes whose checksum holds
 * @throws TouchmarkError `layer-ambiguous`, `layer-path-invalid`, `layer-not-tar`, `limit-exceeded`
 */
export function parseTarEntry(block: Buffer, extension: Extension): LayerEntry {
  const flag = String.fromCharCode(block[156] as number);
  const ownPath = headerPath(block);
  const rawPath = extension.path ?? ownPath;
  const path = normalizeEntryPath(rawPath);
  const refuse = (problem: string): never =>
    fail('layer-ambiguous', `the entry ${showPath(path)} ${problem}`, { hint: REBUILD });

  const hasSlash = rawPath.endsWith('/');
  const plain = KINDS[flag] ?? refuse(`is of the type ${JSON.stringify(flag)}`);
  // A name that ends in a slash was a folder before POSIX had a type for it.
  const kind = flag === '\0' && hasSlash ? ENTRY.dir : plain;
  if ((hasSlash || path === '') && kind !== ENTRY.dir) refuse('has the name of a folder and is none');

  const numbers = readTarNumbers(block);
  const { mode } = numbers;
  const size = extension.size ?? numbers.size;
  if (size !== 0 && kind !== ENTRY.file) refuse('is no file and has a size');
  const entry: LayerEntry = {
    kind,
    path,
    mode: mode & 0o7777,
    uid: extension.uid ?? numbers.uid,
    gid: extension.gid ?? numbers.gid,
    size,
    link: linkOf(kind, block, numbers.device, extension, refuse),
    xattrs: extension.xattrs.size === 0 ? NOTHING : packXattrs(extension.xattrs),
    digest: NOTHING,
  };
  if (mode > 0o177777) refuse('has a mode beyond sixteen bits');
  if (entry.uid >= NO_ID || entry.gid >= NO_ID) refuse('has an owner beyond 32 bits');
  const whiteout = parseWhiteout(path);
  if (whiteout && (kind !== ENTRY.file || size !== 0)) refuse('is a whiteout and not an empty file');
  return entry;
}

const NOTHING = new Uint8Array();

/**
 * All numbers of a header, of any type: many readers give up where one of them is none, also where it means nothing.
 * @throws TouchmarkError `layer-not-tar`
 */
export function readTarNumbers(block: Buffer) {
  // Times decide nothing here. In base 256 they may be negative: of their twelve bytes eight count.
  if (!block.subarray(136, 140).every(byte => byte === 0xff)) number(block, 136, 12, 'time');
  return {
    mode: number(block, 100, 8, 'mode'),
    uid: number(block, 108, 8, 'uid'),
    gid: number(block, 116, 8, 'gid'),
    /** In bytes. */
    size: number(block, 124, 12, 'size'),
    device: [number(block, 329, 8, 'device number'), number(block, 337, 8, 'device number')] as const,
  };
}

function linkOf(
  kind: EntryKind,
  block: Buffer,
  [major, minor]: readonly [number, number],
  extension: Extension,
  refuse: (problem: string) => never,
): string {
  if (kind === ENTRY.char || kind === ENTRY.block) {
    // That is what overlayfs hides a file with.
    if (kind === ENTRY.char && major === 0 && minor === 0)
      refuse('is the device 0:0, a whiteout of overlayfs');
    return `${major}:${minor}`;
  }
  if (kind !== ENTRY.hardlink && kind !== ENTRY.symlink) return '';
  const target = extension.link ?? text(block, 157, 100);
  if (target === '') refuse('links to nothing');
  if (kind === ENTRY.hardlink) return normalizeEntryPath(target);
  if (target.length > LIMITS.entryPathLength) refuse(`links to a path of ${target.length} bytes`);
  return target;
}

/** The path in the header itself; the form of the header is looked at also where another path counts. */
function headerPath(block: Buffer): string {
  const name = text(block, 0, 100);
  const form = FORMS[block.toString('latin1', 257, 265)];
  if (form === undefined) {
    return fail('layer-not-tar', 'the layer has a header that is neither of POSIX nor of GNU tar', {
      hint: REBUILD,
    });
  }
  // star keeps two times where POSIX has the end of the prefix, and old writers kept a prefix where GNU has times.
  const isStar = form === 'posix' && block.toString('latin1', 508, 512) === 'tar\0';
  const prefix = form === 'posix' ? text(block, 345, 155) : '';
  const hasMore = form !== 'posix' && block.subarray(345, 500).some(byte => byte !== 0);
  if (isStar || hasMore) {
    fail('layer-ambiguous', `the entry ${showPath(name)} has a header that tools read differently`, {
      hint: REBUILD,
    });
  }
  return prefix === '' ? name : `${prefix}/${name}`;
}

/** Up to the first NUL. */
function text(block: Buffer, at: number, length: number): string {
  const end = block.indexOf(0, at);
  return block.toString('latin1', at, end < 0 || end > at + length ? at + length : end);
}

function number(block: Buffer, at: number, length: number, what: string): number {
  const value = readTarNumber(block, at, length);
  return (
    value ?? fail('layer-not-tar', `a header of the layer has a ${what} that is no number`, { hint: REBUILD })
  );
}
