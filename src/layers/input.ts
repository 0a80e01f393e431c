import { concatBytes } from '../base/bytes.js';

/** Decoders and hashes are called once a chunk, at a cost: networks hand out less than this at a time. */
const CHUNK = 256 * 1024;

/** The bytes of a blob, to be asked for one chunk at a time. */
export interface LayerInput {
  /** Undefined at the end, which the source has then confirmed. */
  next(): Promise<Uint8Array | undefined>;
}

export interface InputOptions {
  /** Looked at between two chunks; a source that waits for a network has a signal of its own. */
  readonly signal?: AbortSignal | undefined;
  /** Called with how many more bytes were read. */
  readonly onBytes?: ((count: number) => void) | undefined;
}

/** Reads a source in chunks of a size worth working on. `close` must be called, whatever happened. */
export function openInput(
  source: AsyncIterable<Uint8Array>,
  { signal, onBytes }: InputOptions,
): LayerInput & { close(): Promise<void> } {
  const chunks = source[Symbol.asyncIterator]();
  const next = async (): Promise<Uint8Array | undefined> => {
    const parts: Uint8Array[] = [];
    for (let size = 0; size < CHUNK; ) {
      signal?.throwIfAborted();
      const { done, value } = await chunks.next();
      if (done) break;
      onBytes?.(value.length);
      size += value.length;
      if (value.length > 0) parts.push(value);
    }
    return parts.length > 1 ? concatBytes(...parts) : parts[0];
  };
  return {
    next,
    close: async () => {
      await chunks.return?.();
    },
  };
}
