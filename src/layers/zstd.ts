import zlib from 'node:zlib';
import { fail } from '../base/errors.js';
import { ENGINE_OPTIONS, type Engine, runEngine } from './engine.js';
import type { LayerInput } from './input.js';
import { createZstdFrames } from './zstd-frames.js';
import { createWasmDecoder } from './zstd-wasm.js';

/** Node's own decoder; there since 22.15. */
const createNative = (zlib as { createZstdDecompress?: (options: object) => Engine }).createZstdDecompress;

/** Both are libzstd: the one in Node runs on another thread and twice as fast, the other runs everywhere. */
export type ZstdDecoder = 'native' | 'wasm';

/** Those that this Node has, best first. */
export const ZSTD_DECODERS: readonly ZstdDecoder[] = createNative ? ['native', 'wasm'] : ['wasm'];

/**
 * Unpacks zstd (RFC 8878): several frames are one stream, skippable frames may stand anywhere.
 * @throws TouchmarkError `blob-corrupt`, `blob-trailing-data`, `limit-exceeded`, `layer-compression-unsupported`; what the
 *   input throws
 */
export function unzstd(input: LayerInput, decoder = ZSTD_DECODERS[0]): AsyncGenerator<Uint8Array> {
  const frames = cutFrames(input);
  return decoder === 'native' && createNative
    ? runNative(createNative(ENGINE_OPTIONS), frames)
    : runWasm(frames);
}

/** The input one frame, or part of one, at a time. */
function cutFrames(input: LayerInput): LayerInput {
  const frames = createZstdFrames();
  let ready: Iterator<Uint8Array> = [].values();
  return {
    next: async () => {
      for (;;) {
        const { value, done } = ready.next();
        if (!done) return value;
        const chunk = await input.next();
        if (!chunk) break;
        ready = frames.cut(chunk).values();
      }
      frames.end();
      return undefined;
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
    // Too little memory says nothing about the layer.
    if (code === 'Z_BUF_ERROR' || (code?.startsWith('ZSTD_') && !code.endsWith('memory_allocation'))) {
      fail('blob-corrupt', `the zstd stream is damaged: ${message}`, { cause: error });
    }
    throw error;
  }
}

async function* runWasm(frames: LayerInput): AsyncGenerator<Uint8Array> {
  const decode = await createWasmDecoder();
  for (let part = await frames.next(); part; part = await frames.next()) yield* decode(part);
}
