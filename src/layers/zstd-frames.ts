import { fail } from '../base/errors.js';
import { LIMITS } from '../base/limits.js';
import { isSkippable } from './compression.js';

/** Cuts a zstd stream where its frames end. */
export interface ZstdFrames {
  /** The parts to be decoded, each of one frame; what decoders pass over is left out. */
  cut(chunk: Uint8Array): readonly Uint8Array[];
  /** @throws TouchmarkError when the stream does not end with a frame */
  end(): void;
}

const MAGIC = [0x28, 0xb5, 0x2f, 0xfd];
const DICTIONARY_SIZES = [0, 1, 2, 4];
const CONTENT_SIZES = [0, 2, 4, 8];

/**
 * Walks the frames and blocks of zstd (RFC 8878, section 3.1) without decoding them: their sizes stand in front of them.
 * Decoders disagree on everything outside a single frame; node:zlib drops in silence what follows the first one.
 * @throws TouchmarkError `blob-corrupt`, `blob-trailing-data`, `limit-exceeded` for a window that costs too much memory,
 *   `layer-compression-unsupported` for a frame that needs a dictionary
 */
export function createZstdFrames(): ZstdFrames {
  /** A header that is not whole yet, how many bytes it takes, and what is to be done with it. */
  let header: number[] = [];
  let needed = 4;
  let read: (bytes: readonly number[]) => void = readMagic;
  /** Bytes to pass on, or to pass over, before the next header. */
  let body = 0;
  let dropping = false;
  let hasChecksum = false;

  const expect = (size: number, then: (bytes: readonly number[]) => void): void => {
    header = [];
    needed = size;
    read = then;
  };

  function readMagic(bytes: readonly number[]): void {
    dropping = isSkippable(Uint8Array.from(bytes));
    if (!dropping && MAGIC.some((byte, i) => bytes[i] !== byte)) failTrailing();
    if (dropping) expect(4, readSkippable);
    else expect(1, readDescriptor);
  }

  function readSkippable(bytes: readonly number[]): void {
    body = littleEndian(bytes);
    expect(4, readMagic);
  }

  function readDescriptor([flags = 0]: readonly number[]): void {
    if (flags & 8) failCorrupt('a reserved bit is set');
    hasChecksum = (flags & 4) !== 0;
    const single = (flags & 32) !== 0;
    const dictionary = DICTIONARY_SIZES[flags & 3] ?? 0;
    const content = CONTENT_SIZES[flags >> 6] || (single ? 1 : 0);
    expect((single ? 0 : 1) + dictionary + content, rest => {
      const id = rest.slice(single ? 0 : 1).slice(0, dictionary);
      if (id.some(byte => byte !== 0)) {
        fail('layer-compression-unsupported', 'the zstd stream needs a dictionary that is not in it');
      }
      const size = littleEndian(rest.slice(rest.length - content)) + (content === 2 ? 256 : 0);
      const window = single ? size : windowSize(rest[0] ?? 0);
      if (window > LIMITS.zstdWindow) {
        fail('limit-exceeded', `the zstd stream needs a window of ${window} bytes`, {
          details: { limit: LIMITS.zstdWindow },
        });
      }
      expect(3, readBlock);
    });
  }

  function readBlock(bytes: readonly number[]): void {
    const value = littleEndian(bytes);
    const type = (value >> 1) & 3;
    if (type === 3) failCorrupt('a block of a reserved type');
    // A block of the second type is one byte, repeated.
    body = type === 1 ? 1 : value >> 3;
    const isLast = (value & 1) !== 0;
    if (isLast && hasChecksum) body += 4;
    if (isLast) expect(4, readMagic);
    else expect(3, readBlock);
  }

  return {
    cut(chunk) {
      const parts: Uint8Array[] = [];
      let from = 0;
      let at = 0;
      const flush = (): void => {
        if (!dropping && at > from) parts.push(chunk.subarray(from, at));
      };
      while (at < chunk.length) {
        if (body > 0) {
          const step = Math.min(body, chunk.length - at);
          body -= step;
          at += step;
          continue;
        }
        const isMagic = read === readMagic;
        if (isMagic && header.length === 0) flush();
        const taken = chunk.subarray(at, at + needed - header.length);
        header.push(...taken);
        at += taken.length;
        // Until its magic number is whole nobody knows whether a frame is to be passed on.
        if (isMagic) from = at;
        if (header.length < needed) break;
        read(header);
        if (!isMagic || dropping) continue;
        if (taken.length === MAGIC.length) from = at - taken.length;
        else parts.push(Uint8Array.from(MAGIC));
      }
      flush();
      return parts;
    },
    end() {
      if (read !== readMagic || body > 0) failCorrupt('it is cut short');
      if (header.length > 0) failTrailing();
    },
  };
}

/** RFC 8878, section 3.1.1.1.2. */
function windowSize(descriptor: number): number {
  const base = 2 ** (10 + (descriptor >> 3));
  return base + (base / 8) * (descriptor & 7);
}

function littleEndian(bytes: readonly number[]): number {
  return bytes.reduce((value, byte, i) => value + byte * 2 ** (8 * i), 0);
}

function failTrailing(): never {
  return fail('blob-trailing-data', 'there are bytes behind the last zstd frame');
}

function failCorrupt(why: string): never {
  return fail('blob-corrupt', `the zstd stream is damaged: ${why}`);
}
