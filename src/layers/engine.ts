import type { Transform } from 'node:stream';
import type { LayerInput } from './input.js';

/** A decoder of node:zlib. */
export type Engine = Transform & { readonly bytesWritten: number };

/**
 * Sizes for the decoders of node:zlib. Each call to one is a trip to another thread: with the usual 16 KiB the trips cost
 * more than the decoding. What waits between decoder and reader lets the next trip begin while this thread hashes.
 */
export const ENGINE_OPTIONS = {
  chunkSize: 1024 * 1024,
  readableHighWaterMark: 4 * 1024 * 1024,
  writableHighWaterMark: 2 * 1024 * 1024,
} as const;

/**
 * Passes an input through a decoder, and reads it to its end also when the decoder finds the end sooner.
 * @param onRest called with what the decoder left, in order
 * @throws what the input, the decoder or `onRest` throws; the input's own error before any other
 */
export async function* runEngine(
  engine: Engine,
  input: LayerInput,
  onRest: (rest: Uint8Array) => void,
): AsyncGenerator<Uint8Array> {
  let stopped = false;
  // Errors reach the loop below; one that comes after it must not end the process.
  engine.on('error', () => {});
  const feeding = feed(engine, input, onRest, () => stopped);
  feeding.catch(error => engine.destroy(error));
  try {
    for await (const block of engine) yield block as Uint8Array;
    await feeding;
  } finally {
    stopped = true;
    engine.destroy();
    await feeding.catch(() => {});
  }
}

async function feed(
  engine: Engine,
  input: LayerInput,
  onRest: (rest: Uint8Array) => void,
  stopped: () => boolean,
): Promise<void> {
  let fed = 0;
  let chunk = await input.next();
  while (chunk && !stopped() && !engine.errored) {
    fed += chunk.length;
    // The next chunk is fetched, and hashed by the store, while another thread decodes this one.
    const [written, following] = await Promise.allSettled([write(engine, chunk), input.next()]);
    if (following.status === 'rejected') throw following.reason;
    if (written.status === 'rejected') throw written.reason;
    const left = fed - engine.bytesWritten;
    if (left > 0 && !stopped()) {
      onRest(chunk.subarray(chunk.length - left));
      for (let rest = following.value; rest && !stopped(); rest = await input.next()) onRest(rest);
      return;
    }
    chunk = following.value;
  }
  if (!engine.destroyed) engine.end();
}

/** Resolves when the decoder has taken the chunk, or was closed: then it takes no more. */
function write(engine: Engine, chunk: Uint8Array): Promise<void> {
  return new Promise((resolve, reject) => {
    engine.once('close', resolve);
    engine.write(chunk, error => {
      engine.off('close', resolve);
      if (error) reject(error);
      else resolve();
    });
  });
}
