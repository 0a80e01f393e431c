import { utf8 } from '../../base/bytes.js';
import type { Digest } from '../../base/digest.js';
import { fail } from '../../base/errors.js';
import { type JsonObject, type JsonValue, parseJson } from '../../base/json.js';
import { type Descriptor, descriptorJson } from '../descriptor.js';
import { parseManifest, type RawManifest, rawManifest } from '../manifest.js';
import { MEDIA_TYPES } from '../media-types.js';
import type { TagMerge } from '../store.js';

/**
 * The merge that adds a referrer to a fallback index (distribution specification, "Pushing Manifests with Subject").
 * Members and entries of others are kept as they are. Entries are sorted by digest, so that writers who add the same set
 * write the same bytes and come to rest; and what was once seen is put back when a slower writer has overwritten it.
 */
export function addReferrer(descriptor: Descriptor): TagMerge {
  const seen = new Map<Digest, unknown>([[descriptor.digest, descriptorJson(descriptor)]]);
  return current => {
    const document = current ? readIndex(current) : { schemaVersion: 2, mediaType: MEDIA_TYPES.ociIndex };
    const entries = new Map<Digest, unknown>();
    for (const entry of (document['manifests'] ?? []) as readonly JsonObject[])
      entries.set(entry['digest'] as Digest, entry);
    const missing = [...seen].filter(([digest]) => !entries.has(digest));
    for (const [digest, entry] of entries) seen.set(digest, entry);
    if (missing.length === 0) return undefined;
    const union = [...entries, ...missing].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, entry]) => entry);
    return rawManifest(MEDIA_TYPES.ociIndex, utf8(JSON.stringify({ ...document, manifests: union })));
  };
}

function readIndex(raw: RawManifest): Readonly<Record<string, JsonValue>> {
  if (raw.descriptor.mediaType !== MEDIA_TYPES.ociIndex) {
    fail('oci-rejected', `the tag that lists referrers holds something else: ${raw.descriptor.mediaType}`, {
      hint: 'a registry without the referrers API keeps them under the tag sha256-<digest>: free that tag',
      details: { digest: raw.descriptor.digest, mediaType: raw.descriptor.mediaType },
    });
  }
  // Only for its checks: what is written back is the document as it was, unknown members included.
  parseManifest(raw);
  return parseJson(raw.bytes, 'the fallback index', { code: 'format-manifest' }) as JsonObject;
}
