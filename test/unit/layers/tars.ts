import { gzipSync } from 'node:zlib';
import { createIndexWriter, type LayerIndex } from '../../../src/layers/layer-index.js';
import { createTarReader } from '../../../src/layers/tar-reader.js';
import { tarChecksum } from '../../../src/oci/archive/tar-header.js';
import { chunksOf } from './support.js';

/** One header as bytes, any field of which can be wrong. Text is written as latin1: one byte a character. */
export interface RawEntry {
  readonly path?: string;
  /** The type flag; default `0`, or `5` for a path that ends in a slash. */
  readonly type?: string;
  readonly body?: string | Uint8Array;
  /** What the size field says; default: the size of the body. */
  readonly size?: number | string;
  readonly mode?: number | string;
  readonly uid?: number | string;
  readonly gid?: number | string;
  readonly mtime?: number | string;
  readonly link?: string;
  readonly device?: readonly [major: number | string, minor: number | string];
  readonly magic?: string;
  readonly prefix?: string;
  readonly tail?: string;
  readonly checksum?: number;
  /** A pax header in front. */
  readonly pax?: Readonly<Record<string, string | Uint8Array>> | readonly (readonly [string, string])[];
  /** GNU headers in front: long name, long link. */
  readonly gnuName?: string;
  readonly gnuLink?: string;
}

const bytesOf = (text: string | Uint8Array): Buffer =>
  typeof text === 'string' ? Buffer.from(text, 'latin1') : Buffer.from(text);

function numberField(block: Buffer, at: number, length: number, value: number | string): void {
  const text = typeof value === 'string' ? value : `${value.toString(8).padStart(length - 1, '0')}\0`;
  if (text.length > length) {
    block.writeBigUInt64BE(BigInt(value), at + length - 8);
    block[at] = 0x80;
  } else block.write(text, at, 'latin1');
}

export function pad(bytes: Uint8Array): Buffer {
  return Buffer.concat([bytes, Buffer.alloc((512 - (bytes.length % 512)) % 512)]);
}

export function paxRecord(key: string, value: string | Uint8Array): Buffer {
  const rest = Buffer.concat([Buffer.from(` ${key}=`, 'latin1'), bytesOf(value), Buffer.from('\n')]);
  let length = rest.length + String(rest.length).length;
  if (rest.length + String(length).length !== length) length++;
  return Buffer.concat([Buffer.from(String(length)), rest]);
}

function extension(type: string, body: Buffer): Buffer {
  return entry({ path: '././@Ext', type, body });
}

export function entry(raw: RawEntry): Buffer {
  const block = Buffer.alloc(512);
  const path = raw.path ?? 'file';
  const body = bytesOf(raw.body ?? '');
  block.write(path.slice(0, 100), 0, 'latin1');
  numberField(block, 100, 8, raw.mode ?? (path.endsWith('/') ? 0o755 : 0o644));
  numberField(block, 108, 8, raw.uid ?? 0);
  numberField(block, 116, 8, raw.gid ?? 0);
  numberField(block, 124, 12, raw.size ?? body.length);
  numberField(block, 136, 12, raw.mtime ?? 0);
  block.write(raw.type ?? (path.endsWith('/') ? '5' : '0'), 156, 'latin1');
  block.write((raw.link ?? '').slice(0, 100), 157, 'latin1');
  block.write(raw.magic ?? 'ustar\x0000', 257, 'latin1');
  if (raw.device) {
    numberField(block, 329, 8, raw.device[0]);
    numberField(block, 337, 8, raw.device[1]);
  }
  block.write(raw.prefix ?? '', 345, 'latin1');
  block.write(raw.tail ?? '', 508, 'latin1');
  const sum = raw.checksum ?? tarChecksum(block);
  block.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148, 'latin1');
  const parts: Buffer[] = [];
  const pax = raw.pax && (Array.isArray(raw.pax) ? raw.pax : Object.entries(raw.pax));
  if (pax) {
    parts.push(extension('x', Buffer.concat(pax.map(([key, value]) => paxRecord(key, value)))));
  }
  if (raw.gnuName !== undefined) parts.push(extension('L', Buffer.from(`${raw.gnuName}\0`, 'latin1')));
  if (raw.gnuLink !== undefined) parts.push(extension('K', Buffer.from(`${raw.gnuLink}\0`, 'latin1')));
  return Buffer.concat([...parts, block, pad(body)]);
}

export const END = Buffer.alloc(1024);

export function tar(...entries: readonly (RawEntry | Buffer)[]): Buffer {
  return Buffer.concat([...entries.map(raw => (Buffer.isBuffer(raw) ? raw : entry(raw))), END]);
}

/** Reads a tar in chunks of a size. */
export function readTar(bytes: Uint8Array, chunk = 65_536): LayerIndex {
  const writer = createIndexWriter();
  const reader = createTarReader(writer.add);
  for (const part of chunksOf(bytes, chunk)) reader.write(part);
  reader.end();
  return writer.finish();
}

export const layerOf = (...entries: readonly (RawEntry | Buffer)[]): LayerIndex => readTar(tar(...entries));

export const gzipped = (bytes: Uint8Array): Buffer => gzipSync(bytes);
