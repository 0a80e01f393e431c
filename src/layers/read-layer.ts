import { TouchmarkError } from '../base/errors.js';
import type { Descriptor } from '../oci/descriptor.js';
import type { Store } from '../oci/store.js';
import { createCapture } from './capture.js';
import type { EntryPath } from './entry-path.js';
import { createIndexWriter, type LayerIndex } from './layer-index.js';
import { type LayerMeasure, type MeasureOptions, measureLayer } from './measure-layer.js';
import { createTarReader } from './tar-reader.js';

/** A layer that was read once: what its blob unpacks to, and what is in it. */
export interface LayerContent extends LayerMeasure {
  /** The entries; or why tools would not agree on them, by the code of a TouchmarkError. */
  readonly entries: LayerIndex | TouchmarkError;
  /** Content of the files that were to be kept, by the path of their entry. Of no use when the entries are refused. */
  readonly captured: ReadonlyMap<EntryPath, Uint8Array>;
}

export interface ReadOptions extends Omit<MeasureOptions, 'sink'> {
  /** Files whose content is kept. A layer in which they are too large is refused: `limit-exceeded`. Default: none. */
  readonly capture?: ((path: EntryPath) => boolean) | undefined;
}

/**
 * {@link measureLayer} with the entries of the tar and the digest of every file, in the same pass. A tar that is refused
 * is still read to its end: the blob has a diffID whatever is in it.
 */
export async function readLayer(
  open: Store['openBlob'],
  descriptor: Descriptor,
  { capture: chosen, ...options }: ReadOptions = {},
): Promise<LayerContent> {
  const writer = createIndexWriter();
  const capture = chosen && createCapture(chosen);
  const reader = createTarReader(writer.add, capture);
  let fault: TouchmarkError | undefined;
  const attempt = (work: () => void): void => {
    if (fault) return;
    try {
      work();
    } catch (error) {
      if (!(error instanceof TouchmarkError)) throw error;
      fault = error;
    }
  };
  const measure = await measureLayer(open, descriptor, {
    ...options,
    sink: block => attempt(() => reader.write(block)),
  });
  attempt(() => reader.end());
  return { ...measure, entries: fault ?? writer.finish(), captured: capture?.files ?? new Map() };
}
