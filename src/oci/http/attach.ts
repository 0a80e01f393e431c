import type { Digest } from '../../base/digest.js';
import { fail, TouchmarkError } from '../../base/errors.js';
import type { Descriptor } from '../descriptor.js';
import { artifactTypeOf, type Manifest, parseManifest, type RawManifest } from '../manifest.js';
import { attachmentTag } from '../reference.js';
import { addReferrer } from './fallback-index.js';
import { putManifest } from './manifests.js';
import { askReferrersApi } from './referrers.js';
import type { Repository } from './repository.js';
import { mergeTag } from './tag-merge.js';

/**
 * Writes a manifest with a subject and sees to it that it is listed: by the registry itself, else under the fallback tag.
 * Whether a registry keeps the list is believed only when it shows the manifest in it: `OCI-Subject` is sent by some that
 * have no API, and not sent by some that have one.
 */
export async function attachManifest(
  repository: Repository,
  manifest: RawManifest,
  subject: Digest,
): Promise<void> {
  const parsed = parseManifest(manifest);
  if (parsed.subject?.digest !== subject) {
    fail(
      'format-manifest',
      `the manifest ${manifest.descriptor.digest} does not have the subject ${subject}`,
    );
  }
  const { digest } = manifest.descriptor;
  const put = await putManifest(repository, manifest, { digest });
  const keeps = put?.keepsReferrers ?? false;
  if (await isListed(repository, subject, digest, keeps)) return;
  await mergeTag(repository, attachmentTag(subject), addReferrer(referrerDescriptor(manifest, parsed)));
}

/** What a list of referrers says of a manifest (distribution specification, "Listing Referrers"). */
export function referrerDescriptor(manifest: RawManifest, parsed: Manifest): Descriptor {
  const artifactType = artifactTypeOf(parsed);
  const { mediaType, digest, size } = manifest.descriptor;
  return {
    mediaType,
    digest,
    size,
    ...(artifactType !== undefined && { artifactType }),
    ...(Object.keys(parsed.annotations).length > 0 && { annotations: parsed.annotations }),
  };
}

/** Asks the API, and again for a moment: some registries index after they have answered. */
async function isListed(
  repository: Repository,
  subject: Digest,
  digest: Digest,
  keeps: boolean,
): Promise<boolean> {
  const polls = keeps ? 6 : 3;
  for (let poll = 0; poll < polls; poll++) {
    if (poll > 0) await repository.tuning.sleep(50 * 2 ** poll, repository.session.signal);
    try {
      const listing = await askReferrersApi(repository, subject);
      if (listing === undefined) return false;
      if (listing.descriptors.some(descriptor => descriptor.digest === digest)) return true;
    } catch (error) {
      // Who may not read the list can still keep the tag.
      if (error instanceof TouchmarkError && error.code === 'oci-unauthorized') return false;
      throw error;
    }
  }
  return false;
}
