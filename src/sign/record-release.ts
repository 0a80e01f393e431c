import type { Digest } from '../base/digest.js';
import { fail } from '../base/errors.js';
import type { ExactJsonObject } from '../base/json.js';
import { LIMITS } from '../base/limits.js';
import type { RawManifest } from '../oci/manifest.js';
import { channelTarget, releaseTarget } from '../trust/layout.js';
import type { TargetEntry } from '../tuf/repository/index.js';
import { tryParse } from '../verify/custody-target.js';

/**
 * What a tag means, as a target: the file is the manifest, so that the hash in TUF is the image's digest.
 * @param repository `registry/path`
 * @throws TouchmarkError `manifest-unsupported` for what is no image and no index, or not addressed by SHA-256
 */
export function recordRelease(repository: string, tag: string, image: RawManifest): TargetEntry {
  const { digest, mediaType } = image.descriptor;
  releaseDigests(image);
  const custom: ExactJsonObject = Object.assign(Object.create(null), { repo: repository, tag, mediaType });
  if (!digest.startsWith('sha256:'))
    fail('manifest-unsupported', `${digest} cannot be recorded: releases go by SHA-256`);
  return { path: releaseTarget(repository, tag), bytes: image.bytes, custom };
}

/**
 * A channel with one more release, the newest; one that is in it already moves to the front.
 * @param before the channel as {@link parseChannel} reads it; undefined for a new one
 */
export function recordInChannel(
  name: string,
  before: readonly (readonly Digest[])[] | undefined,
  image: RawManifest,
): TargetEntry {
  const digests = releaseDigests(image);
  const rest = (before ?? []).filter(release => !release.some(digest => digests.includes(digest)));
  const releases = [digests, ...rest].slice(0, LIMITS.channelReleases);
  return { path: channelTarget(name), bytes: new TextEncoder().encode(`${JSON.stringify({ releases })}\n`) };
}

/** An index and its images, or the one image: claims are about images, whatever tags lead to. */
function releaseDigests(image: RawManifest): readonly Digest[] {
  const manifest = tryParse(image);
  if (!manifest)
    return fail('manifest-unsupported', `${image.descriptor.digest} is neither an image nor an index`);
  const children = manifest.kind === 'index' ? manifest.manifests.map(({ digest }) => digest) : [];
  return [image.descriptor.digest, ...children];
}
