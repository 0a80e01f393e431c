import { type Descriptor, describe } from '../../../src/oci/descriptor.js';
import { checkedContent } from '../../../src/oci/layout/checked-content.js';
import { MEDIA_TYPES } from '../../../src/oci/media-types.js';

export const LAYER = MEDIA_TYPES.ociLayer;

/** Bytes in chunks of a size. */
export function* chunksOf(bytes: Uint8Array, size: number): Generator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}

/** The same as the decoders ask for it. */
export function inputOf(bytes: Uint8Array, size = 65_536) {
  const chunks = chunksOf(bytes, size);
  return { next: async () => chunks.next().value as Uint8Array | undefined };
}

export async function collect(blocks: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const parts: Uint8Array[] = [];
  for await (const block of blocks) parts.push(block);
  return Buffer.concat(parts);
}

/** A blob in a store that hands it out in chunks, checks it at the end and says what became of each reading. */
export function blobStore(bytes: Uint8Array, mediaType: string, served = bytes, chunk = 65_536) {
  const descriptor: Descriptor = describe(mediaType, bytes);
  const seen = { opened: 0, closed: 0, read: 0 };
  async function* open(wanted: Descriptor): AsyncGenerator<Uint8Array> {
    seen.opened++;
    try {
      for await (const part of checkedContent(chunksOf(served, chunk), wanted, 'the blob')) {
        seen.read += part.length;
        yield part;
      }
    } finally {
      seen.closed++;
    }
  }
  return { descriptor, open, seen };
}

/** Random in every run alike, so that it does not compress. */
export function noise(size: number, seed = 1): Buffer {
  const bytes = Buffer.alloc(size);
  let state = seed;
  for (let i = 0; i < size; i++) {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    bytes[i] = state >>> 24;
  }
  return bytes;
}
