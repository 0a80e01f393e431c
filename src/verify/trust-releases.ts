import { type Digest, isDigest } from '../base/digest.js';
import { fail } from '../base/errors.js';
import { Field } from '../base/fields.js';
import { parseJson } from '../base/json.js';
import { LIMITS } from '../base/limits.js';
import { channelTarget, releaseTarget } from '../trust/layout.js';
import type { TufClient } from '../tuf/client.js';
import type { Release } from './release.js';

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
