import { concatBytes, utf8 } from '../../base/bytes.js';

/** Tar is made of blocks of this many bytes (POSIX.1-2017 pax, "ustar Interchange Format"). */
export const TAR_BLOCK = 512;

/** Two zero blocks end an archive. */
export const TAR_END = new Uint8Array(2 * TAR_BLOCK);

export interface TarEntryHeader {
  readonly path: string;
  /** In bytes. */
  readonly size: number;
  /** `0` file, `1` hard link, `2` symbolic link, `5` folder. Default: a folder when the path ends in a slash, else a file. */
  readonly type?: '0' | '1' | '2' | '5';
  readonly mode?: number;
  readonly linkname?: string;
}

/** Bytes between the end of a body of `size` bytes and the next header. */
export function tarPadding(size: number): number {
  return (TAR_BLOCK - (size % TAR_BLOCK)) % TAR_BLOCK;
}

/**
 * Writes the header of one entry, owner 0 and time 0, so that equal content gives equal archives.
 * A path that the ustar fields cannot hold gets a pax header in front.
 */
export function formatTarHeader(entry: TarEntryHeader): Uint8Array {
  const split = splitPath(entry.path);
  if (split && utf8(entry.linkname ?? '').length <= 100) return header(entry, split);
  const records = utf8(
    paxRecord('path', entry.path) + (entry.linkname ? paxRecord('linkpath', entry.linkname) : ''),
  );
  const short = { name: utf8(entry.path).subarray(0, 100), prefix: new Uint8Array() };
  const pax = header(
    { path: '', size: records.length },
    { name: utf8('PaxHeader'), prefix: new Uint8Array() },
    'x',
  );
  return concatBytes(pax, records, new Uint8Array(tarPadding(records.length)), header(entry, short));
}

interface SplitPath {
  readonly name: Uint8Array;
  readonly prefix: Uint8Array;
}

function splitPath(path: string): SplitPath | undefined {
  const bytes = utf8(path);
  if (bytes.length <= 100) return { name: bytes, prefix: new Uint8Array() };
  for (let i = Math.max(0, bytes.length - 101); i < bytes.length - 1 && i <= 155; i++) {
    if (bytes[i] === 0x2f && i > 0) return { name: bytes.subarray(i + 1), prefix: bytes.subarray(0, i) };
  }
  return undefined;
}

/** `<length> <key>=<value>\n`, where the length counts its own digits. */
function paxRecord(key: string, value: string): string {
  const rest = ` ${key}=${value}\n`;
  const size = utf8(rest).length;
  let length = size + String(size).length;
  if (size + String(length).length !== length) length = size + String(length).length;
  return `${length}${rest}`;
}

function header(entry: TarEntryHeader, { name, prefix }: SplitPath, flag?: string): Uint8Array {
  const block = Buffer.alloc(TAR_BLOCK);
  const type = flag ?? entry.type ?? (entry.path.endsWith('/') ? '5' : '0');
  block.set(name, 0);
  writeNumber(block, 100, 8, entry.mode ?? (type === '5' ? 0o755 : 0o644));
  writeNumber(block, 108, 8, 0);
  writeNumber(block, 116, 8, 0);
  writeNumber(block, 124, 12, entry.size);
  writeNumber(block, 136, 12, 0);
  block.write(type, 156, 'latin1');
  block.set(utf8(entry.linkname ?? '').subarray(0, 100), 157);
  block.write('ustar\u000000', 257, 'latin1');
  block.set(prefix, 345);
  block.write(`${tarChecksum(block).toString(8).padStart(6, '0')}\0 `, 148, 'latin1');
  return block;
}

/** Octal; base-256 (GNU, star) from 8 GiB on, which octal digits cannot hold. */
function writeNumber(block: Buffer, at: number, length: number, value: number): void {
  const octal = value.toString(8);
  if (octal.length < length) {
    block.write(`${octal.padStart(length - 1, '0')}\0`, at, 'latin1');
    return;
  }
  block.writeBigUInt64BE(BigInt(value), at + length - 8);
  block[at] = 0x80;
}

/** The unsigned sum of a header's bytes, its checksum field counted as spaces. */
export function tarChecksum(block: Uint8Array): number {
  let sum = 8 * 0x20;
  for (let i = 0; i < TAR_BLOCK; i++) if (i < 148 || i >= 156) sum += block[i] as number;
  return sum;
}
