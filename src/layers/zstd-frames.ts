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
 * @throws TouchmarkError `blob-corrupt`, `blob-trailing-data`, `limit-exceeded` for a window that takes too much memory or
 *   too many frames, `layer-compression-unsupported` for a frame that needs a dictionary
 */
export function createZstdFrames(): ZstdFrames {
  /** The header that is being read: how much of it is there, how much it takes, and what is to be done with it. */
  const header = new Uint8Array(16);
  let have = 0;
  let needed = MAGIC.length;
  let read = readMagic;
  /** Bytes to pass on, or to pass over, before the next header. */
  let body = 0;
  let dropping = false;
  let flags = 0;
  let frames = 0;

  function expect(size: number, then: () => void): void {
    have = 0;
    needed = size;
    read = then;
  }

  function readMagic(): void {
    dropping = isSkippable(header);
    if (!dropping && MAGIC.some((byte, i) => header[i] !== byte)) failTrailing();
    if (++frames > LIMITS.zstdFrames) {
      fail('limit-exceeded', `the zstd stream has more than ${LIMITS.zstdFrames} frames`);
    }
    if (dropping) expect(4, readSkippable);
    else expect(1, readFlags);
  }

  function readSkippable(): void {
    body = littleEndian(header, 0, 4);
    expect(MAGIC.length, readMagic);
  }

  function readFlags(): void {
    flags = header[0] ?? 0;
    if (flags & 8) failCorrupt('a reserved bit is set');
    const { window, dictionary, content } = headerSizes(flags);
    expect(window + dictionary + content, readFrameHeader);
  }

  function readFrameHeader(): void {
    const sizes = headerSizes(flags);
    if (littleEndian(header, sizes.window, sizes.dictionary) !== 0) {
      fail('layer-compression-unsupported', 'the zstd stream needs a dictionary that is not in it');
    }
    const content = littleEndian(header, sizes.window + sizes.dictionary, sizes.content);
    const window = sizes.window > 0 ? windowSize(header[0] ?? 0) : content + (sizes.content === 2 ? 256 : 0);
    if (window > LIMITS.zstdWindow) {
      fail('limit-exceeded', `the zstd stream needs a window of ${window} bytes`, {
        details: { limit: LIMITS.zstdWindow },
      });
    }
    expect(3, readBlock);
  }

  function readBlock(): void {
    const value = littleEndian(header, 0, 3);
    const type = (value >> 1) & 3;
    if (type === 3) failCorrupt('a block of a reserved type');
    // A block of the second type is one byte, repeated.
    body = type === 1 ? 1 : value >> 3;
    if ((value & 1) === 0) {
      expect(3, readBlock);
      return;
    }
    const hasChecksum = (flags & 4) !== 0;
    if (hasChecksum) body += 4;
    expect(MAGIC.length, readMagic);
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
        if (isMagic && have === 0) flush();
        const before = at;
        while (have < needed && at < chunk.length) header[have++] = chunk[at++] ?? 0;
        // Until its magic number is whole nobody knows whether a frame is to be passed on.
        if (isMagic) from = at;
        if (have < needed) break;
        read();
        if (!isMagic || dropping) continue;
        if (at - before === MAGIC.length) from = before;
        else parts.push(Uint8Array.from(MAGIC));
      }
      flush();
      return parts;
    },
    end() {
      if (read !== readMagic || body > 0) failCorrupt('it is cut short');
      if (have > 0) failTrailing();
    },
  };
}

/** How many bytes the parts of a frame header take. */
function headerSizes(flags: number): {
  readonly window: number;
  readonly dictionary: number;
  readonly content: number;
} {
  const isSingle = (flags & 32) !== 0;
  return {
    window: isSingle ? 0 : 1,
    dictionary: DICTIONARY_SIZES[flags & 3] ?? 0,
    content: CONTENT_SIZES[flags >> 6] || (isSingle ? 1 : 0),
  };
}

/** RFC 8878, section 3.1.1.1.2. */
function windowSize(descriptor: number): number {
  const base = 2 ** (10 + (descriptor >> 3));
  return base + (base / 8) * (descriptor & 7);
}

function littleEndian(bytes: Uint8Array, start: number, length: number): number {
  let value = 0;
  for (let i = length - 1; i >= 0; i--) value = value * 256 + (bytes[start + i] ?? 0);
  return value;
}

function failTrailing(): never {
  return fail('blob-trailing-data', 'there are bytes behind the last zstd frame');
}

function failCorrupt(why: string): never {
  return fail('blob-corrupt', `the zstd stream is damaged: ${why}`);
}
