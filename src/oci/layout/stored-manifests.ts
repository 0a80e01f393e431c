import { computeDigest, type Digest, digestAlgorithm } from '../../base/digest.js';
import { fail } from '../../base/errors.js';
import { Field } from '../../base/fields.js';
import { parseJson } from '../../base/json.js';
import { LIMITS } from '../../base/limits.js';
import { checkContent, type Descriptor, failDigest } from '../descriptor.js';
import type { RawManifest } from '../manifest.js';
import { MEDIA_TYPES } from '../media-types.js';
import type { LayoutBackend } from './backend.js';
import { failUnavailable, readAll } from './checked-content.js';

/**
 * Reads a manifest that index.json lists.
 * @throws TouchmarkError `layer-unavailable` when its bytes are not there, `oci-size-mismatch`, `oci-digest-mismatch`
 */
export async function loadListed(backend: LayoutBackend, listed: Descriptor): Promise<RawManifest> {
  if (listed.data) return { descriptor: bare(listed), bytes: listed.data };
  const bytes = await readManifestBytes(backend, listed.digest);
  if (!bytes) return failUnavailable(listed.digest, `${backend.what} although its index.json lists it`);
  checkContent(bytes, listed, `the manifest ${listed.digest}`);
  return { descriptor: bare(listed), bytes };
}

function bare({ mediaType, digest, size }: Descriptor): Descriptor {
  return { mediaType, digest, size };
}

/** Reads a manifest that only its digest names: what it is, it says itself. */
export async function loadUnlisted(backend: LayoutBackend, digest: Digest): Promise<RawManifest | undefined> {
  const bytes = await readManifestBytes(backend, digest);
  if (!bytes) return undefined;
  const actual = computeDigest(bytes, digestAlgorithm(digest));
  if (actual !== digest) failDigest(`the manifest ${digest}`, digest, actual);
  return { descriptor: { mediaType: statedType(bytes), digest, size: bytes.length }, bytes };
}

/**
 * The media type of manifest bytes that nobody described. OCI documents may leave it out; then the members decide.
 * @throws TouchmarkError `format-manifest`
 */
export function statedType(bytes: Uint8Array): string {
  const value = parseJson(bytes, 'the manifest', { code: 'format-manifest' });
  const field = new Field(value, 'manifest', 'format-manifest');
  const stated = field.get('mediaType').optionalString();
  if (stated !== undefined) return stated;
  const isImage = field.get('config').present || field.get('layers').present;
  const isIndex = field.get('manifests').present;
  if (isImage === isIndex)
    field.fail(isImage ? 'is both an image and an index' : 'is neither an image nor an index');
  return isIndex ? MEDIA_TYPES.ociIndex : MEDIA_TYPES.ociManifest;
}

async function readManifestBytes(backend: LayoutBackend, digest: Digest): Promise<Uint8Array | undefined> {
  const file = await backend.findBlob(digest);
  if (!file) return undefined;
  if (file.size > LIMITS.manifestSize) {
    await file.close();
    fail(
      'limit-exceeded',
      `the manifest ${digest} has ${file.size} bytes; at most ${LIMITS.manifestSize} are read`,
    );
  }
  return readAll(file.read());
}
