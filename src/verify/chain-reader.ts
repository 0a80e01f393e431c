import type { Digest } from '../base/digest.js';
import { TouchmarkError, toTouchmarkError } from '../base/errors.js';
import { LIMITS } from '../base/limits.js';
import { type ChainManifest, marksOfChain, parseChain, parseChainManifest } from '../custody/index.js';
import type { RawManifest } from '../oci/manifest.js';
import type { Store } from '../oci/store.js';
import type { MarkSource } from './mark-pile.js';

export interface OpenedChain {
  /** Undefined when the manifest is another artifact's. */
  readonly chain?: ChainManifest | undefined;
  readonly error?: TouchmarkError;
}

/** Reads the manifest of what may be a custody artifact of an image. */
export function openChain(raw: RawManifest, image: Digest): OpenedChain {
  try {
    return { chain: parseChainManifest(raw, image) };
  } catch (error) {
    return { error: toTouchmarkError(error) };
  }
}

export interface ChainReader {
  /** The document of an artifact whose manifest is known. */
  read(source: string, artifact: Digest, chain: ChainManifest): Promise<MarkSource>;
  /** A referrer; undefined when it is no custody artifact. */
  readListed(digest: Digest): Promise<MarkSource | undefined>;
}

/**
 * Reads custody artifacts of one image, together no more than `LIMITS.custodyArtifactsSize` bytes. What cannot be read is a
 * problem of its place, never an exception.
 */
export function createChainReader(store: Store, image: Digest): ChainReader {
  let left: number = LIMITS.custodyArtifactsSize;

  async function read(source: string, artifact: Digest, { document }: ChainManifest): Promise<MarkSource> {
    if (document.size > left) {
      const message = `has ${document.size} bytes; with the other custody artifacts that is more than is read`;
      return failed(source, new TouchmarkError('limit-exceeded', message));
    }
    left -= document.size;
    try {
      const chain = parseChain(await store.fetchBlob(document, LIMITS.custodyChainSize));
      const marks = marksOfChain(chain, source);
      return { source, marks, documents: chain.documents, artifact, problems: [] };
    } catch (error) {
      return failed(source, toTouchmarkError(error));
    }
  }

  async function readListed(digest: Digest): Promise<MarkSource | undefined> {
    try {
      const raw = await store.fetchManifest({ digest });
      if (!raw) {
        const message = `the referrer ${digest} is listed but not there`;
        return failed(digest, new TouchmarkError('layer-unavailable', message));
      }
      const { chain, error } = openChain(raw, image);
      if (error) return failed(digest, error);
      return chain && read(digest, digest, chain);
    } catch (error) {
      return failed(digest, toTouchmarkError(error));
    }
  }

  return { read, readListed };
}

function failed(source: string, error: TouchmarkError): MarkSource {
  return { source, marks: [], problems: [{ source, error }] };
}
