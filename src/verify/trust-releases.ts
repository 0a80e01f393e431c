import { type Digest, isDigest } from '../base/digest.js';
import { fail } from '../base/errors.js';
import { Field } from '../base/fields.js';
import { parseJson } from '../base/json.js';
import { LIMITS } from '../base/limits.js';
import { type Finding, failure } from '../custody/finding.js';
import { type ImageReference, isTag } from '../oci/reference.js';
import { channelTarget, releaseTarget } from '../trust/layout.js';
import type { TufClient } from '../tuf/client.js';

/** What a tag means by the newest signed metadata. */
export interface Release {
  /** `registry/path:tag`. */
  readonly name: string;
  /** The role that says so. */
  readonly role: string;
  readonly digest: Digest;
}

/**
 * The release that is recorded for a tag; undefined when none is.
 * @throws TouchmarkError `tuf-format` when it is recorded without a digest; `tuf-…`
 */
export async function readRelease(
  client: TufClient,
  repository: string,
  tag: string,
): Promise<Release | undefined> {
  const path = releaseTarget(repository, tag);
  const found = await client.findTarget(path);
  if (!found) return undefined;
  const digest = `sha256:${found.info.hashes['sha256']}`;
  if (!isDigest(digest)) return fail('tuf-format', `the release ${path} is recorded without its SHA-256`);
  return { name: `${repository}:${tag}`, role: found.chain.at(-1) ?? 'targets', digest };
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
export function checkRelease({ name, role, digest }: Release, served: Digest): readonly Finding[] {
  if (served === digest) return [];
  const message = `${name} is ${digest} by the newest release that ${role} signed; what was served is ${served}`;
  return [failure('release-rollback', 'image', message, `use ${name}@${digest}, or ask who moved the tag`)];
}

/**
 * The releases of a channel, newest first, each by the digests of its index and images; undefined when there is no such
 * channel. The document: `{"releases": [["sha256:…", …], …]}`.
 * @throws TouchmarkError `tuf-format`; `tuf-…`
 */
export async function readChannel(
  client: TufClient,
  name: string,
): Promise<readonly (readonly Digest[])[] | undefined> {
  const found = await client.findTarget(channelTarget(name));
  return found && parseChannel(await client.fetchTarget(found), name);
}

/** @throws TouchmarkError `tuf-format` */
export function parseChannel(bytes: Uint8Array, name: string): readonly (readonly Digest[])[] {
  const what = `the channel ${name}`;
  const options = { code: 'tuf-format', maxSize: LIMITS.channelSize } as const;
  const document = new Field(parseJson(bytes, what, options), what, 'tuf-format');
  return document
    .get('releases')
    .array(LIMITS.channelReleases)
    .map(release => release.array(LIMITS.channelReleases).map(digest => digest.digest()));
}
