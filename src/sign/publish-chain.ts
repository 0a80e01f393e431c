import type { Digest } from '../base/digest.js';
import { fail, withDetails } from '../base/errors.js';
import { LIMITS } from '../base/limits.js';
import {
  CUSTODY_ARTIFACT_TYPE,
  type CustodyChain,
  chainManifest,
  holdsChain,
  mergeChains,
  parseChain,
  parseChainManifest,
  serializeChain,
} from '../custody/index.js';
import { type Descriptor, describe } from '../oci/descriptor.js';
import type { RawManifest } from '../oci/manifest.js';
import { MEDIA_TYPES } from '../oci/media-types.js';
import { attachmentTag } from '../oci/reference.js';
import type { Store } from '../oci/store.js';
import { EMPTY_CONFIG } from '../signature/referrer.js';
import { CUSTODY_SUFFIX } from '../verify/collect-marks.js';

/**
 * Adds marks and documents to an image's custody artifact: under its `.custody` tag, which keeps it from being collected as
 * garbage, and among the image's referrers, where tools that copy an image with all that belongs to it find it. What others
 * wrote before or meanwhile is kept.
 *
 * @param includes manifests whose marks are all in `chain`: the caller has read them. What an artifact that lies there says
 *   of itself is not repeated, for nobody signed it.
 * @returns the digest of the artifact that holds everything
 * @throws TouchmarkError `format-payload`, `format-manifest`, `sig-wrong-subject`, `layer-unavailable` when what lies there
 *   is damaged: it is not overwritten; `limit-exceeded`; what the store throws
 */
export async function publishChain(
  store: Store,
  subject: Descriptor,
  chain: CustodyChain,
  includes: Iterable<Digest>,
): Promise<Digest> {
  let known = chain;
  const covered = new Set(includes);
  let newest: RawManifest | undefined;
  /** By document. An archive merges once more as it is written: the same must come out for the same. */
  const made = new Map<Digest, RawManifest>();
  const tag = attachmentTag(subject.digest, CUSTODY_SUFFIX);
  await store.updateTag(tag, async current => {
    const existing = current && (await readChain(store, current, subject.digest, tag));
    if (existing && current) {
      known = mergeChains([known, existing]);
      // All that it holds is in `known` now, so the next artifact stands for it.
      if (holdsChain(existing, known)) {
        newest = current;
        return undefined;
      }
      covered.add(current.descriptor.digest);
    }
    const document = serializeChain(known);
    const blob = describe(CUSTODY_ARTIFACT_TYPE, document);
    newest = made.get(blob.digest) ?? chainManifest(document, subject, covered);
    if (!made.has(blob.digest)) {
      await store.writeBlob(describe(MEDIA_TYPES.ociEmpty, EMPTY_CONFIG), EMPTY_CONFIG);
      await store.writeBlob(blob, document);
      made.set(blob.digest, newest);
    }
    // Where another writer comes between, the registry may list this one for ever: the next stands for it too.
    covered.add(newest.descriptor.digest);
    return newest;
  });
  for (;;) {
    const listed = newest ?? fail('internal', `nothing was written under ${tag}`);
    await store.attach(listed, subject.digest);
    await store.commit();
    // An archive may have found there what another process has written meanwhile.
    if (newest === listed) return listed.descriptor.digest;
  }
}

/**
 * Reads the document of a custody artifact that lies under `tag`.
 * @throws TouchmarkError as {@link publishChain} about what is damaged
 */
export async function readChain(
  store: Store,
  raw: RawManifest,
  subject: Digest,
  tag: string,
): Promise<CustodyChain> {
  try {
    const manifest = parseChainManifest(raw, subject);
    if (!manifest) return fail('format-manifest', 'the tag of the custody artifact holds something else');
    return parseChain(await store.fetchBlob(manifest.document, LIMITS.custodyChainSize));
  } catch (error) {
    throw withDetails(error, { tag, found: raw.descriptor.digest });
  }
}
