import { TAR_BLOCK, tarChecksum } from './tar-header.js';

/** Octal digits, or base-256 when the first bit is set; undefined when it is neither, negative, or too large to be real. */
export function readTarNumber(block: Uint8Array, at: number, length: number): number | undefined {
  const first = block[at] as number;
  if (first & 0x80) {
    if (first !== 0x80) return undefined;
    let value = 0;
    for (let i = at + 1; i < at + length; i++) value = value * 256 + (block[i] as number);
    return Number.isSafeInteger(value) ? value : undefined;
  }
  // Spaces in front, digits, then nothing but spaces and NULs.
  const end = at + length;
  let i = at;
  while (i < end && block[i] === 0x20) i++;
  let value = 0;
  for (; i < end; i++) {
    const digit = (block[i] as number) - 0x30;
    if (digit < 0 || digit > 7) break;
    value = value * 8 + digit;
  }
  for (; i < end; i++) if (block[i] !== 0x20 && block[i] !== 0) return undefined;
  return value;
}

/** Accepts the sum of signed bytes too, which old writers stored. */
export function tarChecksumHolds(block: Uint8Array): boolean {
  const stored = readTarNumber(block, 148, 8);
  const sum = tarChecksum(block);
  if (stored === sum) return true;
  let high = 0;
  for (let i = 0; i < TAR_BLOCK; i++) if ((i < 148 || i >= 156) && (block[i] as number) > 127) high++;
  return stored === sum - 256 * high;
}

/** Keys are ASCII by rule and read as latin1; values are bytes: those of extended attributes are no text. */
export type PaxRecord = readonly [key: string, value: Uint8Array];

/** Reads `<length> <key>=<value>\n` records (POSIX.1-2017 pax, "pax Extended Header"); undefined when one is broken. */
export function readPaxRecords(bytes: Uint8Array): readonly PaxRecord[] | undefined {
  const records: PaxRecord[] = [];
  for (let at = 0; at < bytes.length; ) {
    const space = bytes.indexOf(0x20, at);
    const digits =
      space < 0 || space - at > 8 ? '' : Buffer.from(bytes.subarray(at, space)).toString('latin1');
    const length = /^[1-9][0-9]*$/.test(digits) ? Number(digits) : 0;
    const end = at + length;
    if (length === 0 || end > bytes.length || end <= space + 1 || bytes[end - 1] !== 0x0a) return undefined;
    const equals = bytes.indexOf(0x3d, space);
    if (equals < 0 || equals >= end) return undefined;
    const key = Buffer.from(bytes.subarray(space + 1, equals)).toString('latin1');
    records.push([key, bytes.subarray(equals + 1, end - 1)]);
    at = end;
  }
  return records;
}
