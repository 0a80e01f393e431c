import type { ReasonCode } from '../base/codes.js';
import { mapConcurrently } from '../base/concurrency.js';
import { type TouchmarkError, toTouchmarkError } from '../base/errors.js';
import type { LayerFact, LayerFault } from '../custody/index.js';
import { type LayerMeasure, type MeasureOptions, measureLayer } from '../layers/index.js';
import type { Descriptor } from '../oci/descriptor.js';
import type { ImageManifest } from '../oci/manifest.js';
import type { Store } from '../oci/store.js';

/** Layers that are read at once: this thread hashes while others unpack. A third one costs more memory than it saves time. */
const CONCURRENCY = 2;

const FAULTS: Partial<Readonly<Record<ReasonCode, LayerFault>>> = {
  'oci-digest-mismatch': 'digest-mismatch',
  'oci-size-mismatch': 'digest-mismatch',
  'blob-corrupt': 'corrupt',
  'blob-trailing-data': 'trailing-data',
  'layer-compression-unsupported': 'compression-unsupported',
  'limit-exceeded': 'limit-exceeded',
};

/** What says nothing about the layer. */
const STOPPED: readonly ReasonCode[] = ['internal', 'interrupted', 'terminated'];

/** Reads one layer to its end; throws as `measureLayer`. `fault`: why tools would not agree on its files; absent: nobody looked. */
export type LayerReader = (
  open: Store['openBlob'],
  descriptor: Descriptor,
  options: Pick<MeasureOptions, 'signal' | 'onBytes'>,
) => Promise<LayerMeasure & { readonly fault?: TouchmarkError | undefined }>;

export interface LayerEvidenceOptions {
  readonly signal?: AbortSignal;
  readonly concurrency?: number;
  /** Default: what the layer unpacks to, and nothing about what is in it. */
  readonly read?: LayerReader;
  /** Bytes of layers that have been read, of those that will be. A layer that is given up counts as read. */
  readonly onProgress?: (done: number, total: number) => void;
}

/**
 * Reads the wanted layers of an image and finds what each unpacks to; each blob once, however often the image lists it.
 * Foreign layers count as any other: they are looked for in the store, and their urls are never asked.
 * @param wanted indexes into the manifest's layers
 * @returns in the order of `wanted`; what went wrong with a layer is in its fact
 * @throws the signal's reason; TouchmarkError `internal`, `interrupted`, `terminated`
 */
export async function collectLayerFacts(
  store: Store,
  manifest: ImageManifest,
  wanted: readonly number[],
  { signal, concurrency = CONCURRENCY, read = measureLayer, onProgress }: LayerEvidenceOptions = {},
): Promise<readonly LayerFact[]> {
  const layers = wanted.flatMap(index => {
    const descriptor = manifest.layers[index];
    return descriptor ? [{ index, descriptor, key: keyOf(descriptor) }] : [];
  });
  const blobs = new Map(layers.map(({ key, descriptor }) => [key, descriptor]));
  const total = [...blobs.values()].reduce((sum, { size }) => sum + size, 0);
  let done = 0;
  const advance = (count: number): void => {
    done += count;
    onProgress?.(done, total);
  };
  const facts = await mapConcurrently([...blobs], concurrency, async ([key, descriptor]) => {
    let seen = 0;
    const onBytes = (count: number): void => {
      seen += count;
      advance(count);
    };
    const fact = await factOf(store, descriptor, read, { signal, onBytes });
    if (seen !== descriptor.size) advance(descriptor.size - seen);
    return [key, fact] as const;
  });
  const known = new Map(facts);
  return layers.flatMap(({ index, key }) => {
    const fact = known.get(key);
    return fact ? [{ ...fact, index }] : [];
  });
}

/** One digest under two sizes or media types is two questions. */
function keyOf({ digest, size, mediaType }: Descriptor): string {
  return `${digest} ${size} ${mediaType}`;
}

async function factOf(
  store: Store,
  descriptor: Descriptor,
  read: LayerReader,
  options: Parameters<LayerReader>[2],
): Promise<LayerFact> {
  const { digest, urls } = descriptor;
  try {
    const layer = await read(blob => store.openBlob(blob), descriptor, options);
    return { index: 0, digest, outcome: 'read', diffID: layer.diffID, ...tarOf(layer) };
  } catch (cause) {
    options.signal?.throwIfAborted();
    const { code, message } = toTouchmarkError(cause);
    if (STOPPED.includes(code)) throw cause;
    const outcome = FAULTS[code] ?? 'unavailable';
    const isForeign = code === 'layer-unavailable' && urls !== undefined && urls.length > 0;
    const reason = isForeign ? `${message}: it is a foreign layer, and its urls are never fetched` : message;
    return { index: 0, digest, outcome, reason };
  }
}

function tarOf(layer: Awaited<ReturnType<LayerReader>>): Pick<LayerFact & { outcome: 'read' }, 'tar'> {
  if (!('fault' in layer)) return {};
  return { tar: layer.fault ? { code: layer.fault.code, message: layer.fault.message } : 'sound' };
}
