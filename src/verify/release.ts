import type { Digest } from '../base/digest.js';
import { type ImageReference, isTag } from '../oci/reference.js';

/** What a tag means by the newest signed metadata. */
export interface Release {
  /** `registry/path:tag`. */
  readonly name: string;
  /** The role that says so. */
  readonly role: string;
  readonly digest: Digest;
}

export type ReleaseLookup = (repository: string, tag: string) => Promise<Release | undefined>;

/**
 * The release of the tag that a user named; undefined for what was named by digest, which no tag can lead astray, and for what
 * belongs to no repository.
 * @param repository in whose name the image is checked, where it is not that of the reference
 */
export async function lookUpRelease(
  lookup: ReleaseLookup,
  { transport, location, tag, digest }: ImageReference,
  repository: string | undefined,
): Promise<Release | undefined> {
  const name = repository ?? (transport === 'registry' ? location : undefined);
  if (name === undefined || tag === undefined || digest !== undefined || !isTag(tag)) return undefined;
  return lookup(name, tag);
}

/** A tag that leads elsewhere than its owners last signed was rolled back, or moved without them. */
export function checkRelease({ name, role, digest }: Release, served: Digest): ReleaseFault | undefined {
  if (served === digest) return undefined;
  const message = `${name} is ${digest} by the newest release that ${role} signed; what was served is ${served}`;
  return { code: 'release-rollback', message, hint: `use ${name}@${digest}, or ask who moved the tag` };
}

export interface ReleaseFault {
  readonly code: 'release-rollback';
  readonly message: string;
  readonly hint: string;
}
