import { createHash } from 'node:crypto';
import { type Digest, finishDigest } from '../base/digest.js';
import { fail, TouchmarkError, withDetails } from '../base/errors.js';
import { LIMITS } from '../base/limits.js';
import type { Descriptor } from '../oci/descriptor.js';
import type { Store } from '../oci/store.js';
import { type Compression, detectCompression, refuseUnknownType } from './compression.js';
import { gunzip } from './gzip.js';
import { type InputOptions, type LayerInput, openInput } from './input.js';
import { unzstd } from './zstd.js';

export interface LayerMeasure {
  /** Of the bytes that the blob unpacks to. */
  readonly diffID: Digest;
  /** Of the blob, in bytes. */
  readonly size: number;
  /** In bytes. */
  readonly uncompressedSize: number;
  readonly compression: Compression;
}

/** How far a layer may unpack, in bytes: to `size`, and to `ratio` times the blob and `slack` more. */
export interface LayerLimits {
  readonly size: number;
  readonly ratio: number;
  readonly slack: number;
}

export interface MeasureOptions extends InputOptions {
  readonly limits?: LayerLimits;
  /** Gets what the blob unpacks to, in order. What it throws is thrown. */
  readonly sink?: (block: Uint8Array) => void;
}

const DEFAULT_LIMITS: LayerLimits = {
  size: LIMITS.layerSize,
  ratio: LIMITS.layerRatio,
  slack: LIMITS.layerSlack,
};

/**
 * Reads a layer once, from the store to the digest of what it unpacks to. A blob that is damaged is still read to its end:
 * when the store finds that the bytes are not those of the digest, then that is the reason given.
 * @param open the store's; what it throws is thrown
 * @throws TouchmarkError `blob-corrupt`, `blob-trailing-data`, `layer-compression-unsupported`, `limit-exceeded`;
 *   the signal's reason
 */
export async function measureLayer(
  open: Store['openBlob'],
  descriptor: Descriptor,
  { limits = DEFAULT_LIMITS, sink, ...options }: MeasureOptions = {},
): Promise<LayerMeasure> {
  refuseUnknownType(descriptor);
  const limit = Math.min(limits.size, limits.ratio * descriptor.size + limits.slack);
  if (descriptor.size > limit) failLimit(descriptor, limit);
  const input = openInput(open(descriptor), options);
  try {
    return await measure(input, descriptor, limit, sink);
  } catch (error) {
    const code = error instanceof TouchmarkError ? error.code : undefined;
    if (code !== 'blob-corrupt' && code !== 'blob-trailing-data') throw error;
    await readAway(input);
    throw withDetails(error, { digest: descriptor.digest });
  } finally {
    await input.close();
  }
}

async function measure(
  input: LayerInput,
  descriptor: Descriptor,
  limit: number,
  sink: MeasureOptions['sink'],
): Promise<LayerMeasure> {
  const first = await input.next();
  const compression = detectCompression(first ?? new Uint8Array(), descriptor);
  const hash = createHash('sha256');
  let uncompressedSize = 0;
  for await (const block of decode(compression, startingWith(first, input))) {
    uncompressedSize += block.length;
    if (uncompressedSize > limit) failLimit(descriptor, limit);
    hash.update(block);
    sink?.(block);
  }
  const diffID = finishDigest(hash, 'sha256');
  return { diffID, size: descriptor.size, uncompressedSize, compression };
}

function decode(compression: Compression, input: LayerInput): AsyncIterable<Uint8Array> {
  if (compression === 'gzip') return gunzip(input);
  return compression === 'zstd' ? unzstd(input) : pass(input);
}

async function* pass(input: LayerInput): AsyncGenerator<Uint8Array> {
  for (let chunk = await input.next(); chunk; chunk = await input.next()) yield chunk;
}

function startingWith(first: Uint8Array | undefined, input: LayerInput): LayerInput {
  let begun = false;
  return {
    next: async () => {
      if (begun) return input.next();
      begun = true;
      return first;
    },
  };
}

async function readAway(input: LayerInput): Promise<void> {
  while (await input.next());
}

function failLimit({ digest, size }: Descriptor, limit: number): never {
  return fail('limit-exceeded', `the layer ${digest} of ${size} bytes unpacks to more than ${limit} bytes`, {
    details: { digest, size, limit },
  });
}
