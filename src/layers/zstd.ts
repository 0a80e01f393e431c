import zlib from 'node:zlib';
import { fail } from '../base/errors.js';
import { ENGINE_OPTIONS, type Engine, runEngine } from './engine.js';
import type { LayerInput } from './input.js';
import { createZstdFrames } from './zstd-frames.js';
import { createWasmDecoder } from './zstd-wasm.js';

/** Node's own decoder; there since 22.15. */
const createNative = (zlib as { createZstdDecompress?: (options: object) => Engine }).createZstdDecompress;

export const ZSTD_DECODERS = ['native', 'wasm'] as const;

/** Both are libzstd: the one in Node runs on another thread and twice as fast, the other runs everywhere. */
export type ZstdDecoder = (typeof ZSTD_DECODERS)[number];

export const DEFAULT_ZSTD_DECODER: ZstdDecoder = createNative ? 'native' : 'wasm';

/**
 * Unpacks zstd (RFC 8878): several frames are one stream, skippable frames may stand anywhere.
 * @throws TouchmarkError `blob-corrupt`, `blob-trailing-data`, `limit-exceeded`, `layer-compression-unsupported`; what the
 *   input throws
 */
export function unzstd(input: LayerInput, decoder = DEFAULT_ZSTD_DECODER): AsyncGenerator<Uint8Array> {
  const frames = cutFrames(input);
  return decoder === 'native' && createNative
    ? runNative(createNative(ENGINE_OPTIONS), frames)
    : runWasm(frames);
}

/** The input one frame, or part of one, at a time. */
function cutFrames(input: LayerInput): LayerInput {
  const frames = createZstdFrames();
  let ready: readonly Uint8Array[] = [];
  return {
    next: async () => {
      while (ready.length === 0) {
        const chunk = await input.next();
        if (!chunk) {
          frames.end();
          return undefined;
        }
        ready = frames.cut(chunk);
      }
      const [part, ...rest] = ready;
      ready = rest;
      return part;
    },
  };
}

async function* runNative(engine: Engine, frames: LayerInput): AsyncGenerator<Uint8Array> {
  let isEmpty = true;
  const watched: LayerInput = {
    next: async () => {
      const part = await frames.next();
      if (part) isEmpty = false;
      return part;
    },
  };
  try {
    yield* runEngine(engine, watched, () =>
      fail('blob-corrupt', 'the zstd stream is damaged: a frame ends too soon'),
    );
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    // Skippable frames alone are a stream of nothing.
    if (code === 'Z_BUF_ERROR' && isEmpty) return;
    if (code === 'Z_BUF_ERROR' || code?.startsWith('ZSTD_')) {
      fail('blob-corrupt', `the zstd stream is damaged: ${message}`, { cause: error });
    }
    throw error;
  }
}

async function* runWasm(frames: LayerInput): AsyncGenerator<Uint8Array> {
  const decode = await createWasmDecoder();
  for (let part = await frames.next(); part; part = await frames.next()) yield* decode(part);
}
