import type { Digest } from '../../base/digest.js';
import { TouchmarkError } from '../../base/errors.js';
import { LIMITS } from '../../base/limits.js';
import type { Descriptor } from '../descriptor.js';
import { parseManifest, rawManifest } from '../manifest.js';
import { INDEX_TYPES, MEDIA_TYPES } from '../media-types.js';
import { attachmentTag } from '../reference.js';
import type { Referrers } from '../store.js';
import { discardBody, readBody } from './body.js';
import { abortError } from './faults.js';
import { mediaTypeOf } from './headers.js';
import { getManifest } from './manifests.js';
import { nextPage } from './pages.js';
import { type Repository, readRequest } from './repository.js';

/**
 * Asks the referrers API and the fallback tag at the same time: which of them a writer used is not known. What either could
 * not say is a problem beside the list, for the caller to weigh.
 */
export async function listReferrers(repository: Repository, subject: Digest): Promise<Referrers> {
  const [api, fallback] = await Promise.all([
    settle(repository, askReferrersApi(repository, subject)),
    settle(repository, readFallbackTag(repository, subject)),
  ]);
  const byDigest = new Map<Digest, Descriptor>();
  const problems: TouchmarkError[] = [];
  const sources: Referrers['sources'][number][] = [];
  // The API first: registries compute its descriptors, the fallback tag's were written by any client.
  for (const [source, outcome] of [
    ['api', api],
    ['fallback-tag', fallback],
  ] as const) {
    if (outcome instanceof TouchmarkError) problems.push(outcome);
    if (outcome === undefined || outcome instanceof TouchmarkError) continue;
    sources.push(source);
    problems.push(...outcome.problems);
    for (const descriptor of outcome.descriptors) {
      if (!byDigest.has(descriptor.digest)) byDigest.set(descriptor.digest, descriptor);
    }
  }
  const all = [...byDigest.values()];
  if (all.length > LIMITS.referrers) problems.push(tooMany(repository, subject));
  return { descriptors: all.slice(0, LIMITS.referrers), sources, problems };
}

interface Listing {
  readonly descriptors: readonly Descriptor[];
  readonly problems: readonly TouchmarkError[];
}

async function settle(
  repository: Repository,
  listing: Promise<Listing | undefined>,
): Promise<Listing | undefined | TouchmarkError> {
  try {
    return await listing;
  } catch (error) {
    // The end of the whole command is no property of one list.
    if (repository.session.signal?.aborted) throw abortError(repository.session.signal);
    if (error instanceof TouchmarkError && error.code !== 'net-offline' && error.code !== 'internal')
      return error;
    throw error;
  }
}

/** No such route, by status: the registry does not have the API. 400 says so too, but also that the subject is unknown (Quay). */
const NO_API: readonly number[] = [404, 405, 406, 400];

/**
 * Lists referrers by the API (distribution specification, "Listing Referrers"), all pages, unfiltered.
 * @returns undefined when the registry does not have it; that is remembered for the repository
 */
export async function askReferrersApi(repository: Repository, subject: Digest): Promise<Listing | undefined> {
  const known = repository.session.referrersApi;
  if (known.get(repository.name) === false) return undefined;
  const found = new Map<Digest, Descriptor>();
  let target: string | URL | undefined = `/v2/${repository.path}/referrers/${subject}`;
  for (let page = 1; target !== undefined; page++) {
    if (page > LIMITS.referrerPages || found.size > LIMITS.referrers) {
      return { descriptors: [...found.values()], problems: [tooMany(repository, subject)] };
    }
    const next: { url: URL | undefined } | undefined = await referrersPage(
      repository,
      subject,
      target,
      found,
    );
    if (next === undefined) return undefined;
    target = next.url;
  }
  known.set(repository.name, true);
  return { descriptors: [...found.values()], problems: [] };
}

function referrersPage(
  repository: Repository,
  subject: Digest,
  target: string | URL,
  found: Map<Digest, Descriptor>,
): Promise<{ url: URL | undefined } | undefined> {
  const request = readRequest(repository, {
    method: 'GET',
    target,
    headers: { accept: MEDIA_TYPES.ociIndex },
    what: `listing what refers to ${repository.name}@${subject}`,
  });
  return repository.client.send(request, async answer => {
    const isIndex = mediaTypeOf(answer.headers['content-type']) === MEDIA_TYPES.ociIndex;
    const firstPage = typeof target === 'string';
    if (firstPage && (NO_API.includes(answer.status) || (answer.status === 200 && !isIndex))) {
      await discardBody(answer);
      const known = repository.session.referrersApi;
      if (answer.status !== 400 && !known.get(repository.name)) known.set(repository.name, false);
      return undefined;
    }
    if (answer.status !== 200 || !isIndex) return repository.client.refuse(answer, request);
    const bytes = await readBody(answer, LIMITS.manifestSize, 'a page of referrers');
    const index = parseManifest(rawManifest(MEDIA_TYPES.ociIndex, bytes));
    if (index.kind === 'index')
      for (const descriptor of index.manifests) found.set(descriptor.digest, descriptor);
    return { url: nextPage(answer, repository) };
  });
}

/** Reads the fallback tag (distribution specification, "Referrers Tag Schema"); undefined when there is none. */
async function readFallbackTag(repository: Repository, subject: Digest): Promise<Listing | undefined> {
  const tag = attachmentTag(subject);
  const served = await getManifest(repository, { tag });
  if (served === undefined) return undefined;
  const { mediaType } = served.raw.descriptor;
  if (!INDEX_TYPES.includes(mediaType)) {
    repository.session.warn(
      `${repository.name}:${tag} should list what refers to the image, but it is no index: it is ignored`,
    );
    return undefined;
  }
  const index = parseManifest(served.raw);
  return { descriptors: index.kind === 'index' ? index.manifests : [], problems: [] };
}

function tooMany(repository: Repository, subject: Digest): TouchmarkError {
  return new TouchmarkError(
    'limit-exceeded',
    `more than ${LIMITS.referrers} manifests refer to ${repository.name}@${subject}; the rest is not looked at`,
    { details: { repository: repository.name, digest: subject, limit: LIMITS.referrers } },
  );
}
