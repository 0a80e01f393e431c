import type { Digest } from '../../base/digest.js';
import type { Descriptor } from '../descriptor.js';
import type { LayoutIndex } from './layout-index.js';

/** A blob's bytes as they lie there, not checked yet. */
export interface BlobFile {
  readonly size: number;
  /** Chunks of at most 1 MiB; to be read once. */
  read(): AsyncIterable<Uint8Array>;
  /** Must be called when `read` is not run to its end or never begun. */
  close(): Promise<void>;
}

/** Where the parts of an image layout lie: in a folder, or in a tar archive. */
export interface LayoutBackend {
  /** For messages: `the layout DIR`. */
  readonly what: string;
  /** @returns undefined when there is no layout yet, which the first write would make */
  readIndex(): Promise<LayoutIndex | undefined>;
  findBlob(digest: Digest): Promise<BlobFile | undefined>;
  /** Every blob, listed in an index or not. */
  listBlobs(): AsyncIterable<Digest>;
  /** Changes whenever a blob or the index may have; undefined: may have changed. */
  version(): Promise<string | undefined>;
  /** Writes a blob of exactly this size and digest; whole or not at all. */
  storeBlob(
    expected: Pick<Descriptor, 'digest' | 'size'>,
    source: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
  ): Promise<void>;
  /** Changes the index while no other writer can; the same index or undefined: nothing to change. */
  updateIndex(change: (index: LayoutIndex) => Promise<LayoutIndex | undefined>): Promise<void>;
  commit(): Promise<void>;
  close(): Promise<void>;
}
