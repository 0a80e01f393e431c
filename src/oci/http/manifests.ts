import { computeDigest, type Digest, digestAlgorithm, isDigest } from '../../base/digest.js';
import { fail, TouchmarkError } from '../../base/errors.js';
import { Field } from '../../base/fields.js';
import { parseJson } from '../../base/json.js';
import { LIMITS } from '../../base/limits.js';
import { describe, failDigest } from '../descriptor.js';
import type { RawManifest } from '../manifest.js';
import { MANIFEST_ACCEPT } from '../media-types.js';
import { discardBody, readBody, refuseWebPage } from './body.js';
import { markTransient } from './faults.js';
import { clean, mediaTypeOf } from './headers.js';
import {
  type ManifestSelector,
  type Repository,
  readRequest,
  selectorText,
  writeRequest,
} from './repository.js';
import type { Answer } from './transport.js';

/** A manifest with the entity tag under which the registry served it. */
export interface ServedManifest {
  readonly raw: RawManifest;
  readonly etag?: string;
}

/**
 * Fetches a manifest and hashes it. The registry's own digest header is a hint, and a registry that gets it wrong can be read
 * all the same; but bytes under a tag that are not what the registry says they are may have been changed where they lie, so
 * they are asked for once more by that digest.
 * @returns undefined when the registry says that there is none (404)
 * @throws TouchmarkError `oci-digest-mismatch`, `limit-exceeded`, `oci-unauthorized`, `oci-unavailable`, `net-*`
 */
export async function getManifest(
  repository: Repository,
  selector: ManifestSelector,
  options: GetOptions = {},
): Promise<ServedManifest | undefined> {
  const served = await requestManifest(repository, selector, options);
  if (!served?.stated || 'digest' in selector || served.stated === served.raw.descriptor.digest)
    return served;
  const stated = await requestManifest(repository, { digest: served.stated }, options);
  if (stated) return stated;
  repository.session.warn(`${repository.endpoint.registry} states digests that its manifests do not have`);
  return served;
}

interface GetOptions {
  readonly write?: boolean;
  readonly retry?: number;
}

async function requestManifest(
  repository: Repository,
  selector: ManifestSelector,
  options: GetOptions,
): Promise<(ServedManifest & { readonly stated?: Digest }) | undefined> {
  const text = selectorText(selector);
  const what = `reading ${repository.name}${'digest' in selector ? '@' : ':'}${text}`;
  const request = (options.write ? writeRequest : readRequest)(repository, {
    method: 'GET',
    target: `/v2/${repository.path}/manifests/${text}`,
    headers: { accept: MANIFEST_ACCEPT },
    what,
    ...(options.retry !== undefined && { retry: options.retry }),
  });
  return repository.client.send(request, async answer => {
    // A 404 with a web page comes from something in front of the registry: it does not say that there is no such manifest.
    await refuseWebPage(answer, 'a manifest');
    if (answer.status === 404) {
      await discardBody(answer);
      return undefined;
    }
    if (answer.status !== 200) return repository.client.refuse(answer, request);
    const bytes = await readBody(answer, LIMITS.manifestSize, 'the manifest');
    const expected = 'digest' in selector ? selector.digest : undefined;
    const digest = computeDigest(bytes, expected ? digestAlgorithm(expected) : 'sha256');
    if (expected && digest !== expected)
      failDigest(`the manifest that ${repository.endpoint.registry} sent`, expected, digest);
    const mediaType = servedType(answer, bytes);
    const etag = answer.headers.etag;
    const stated = answer.headers['docker-content-digest'];
    return {
      raw: { descriptor: describe(mediaType, bytes, { digest }), bytes },
      ...(etag && { etag }),
      ...(isDigest(stated) && digestAlgorithm(stated) === 'sha256' && { stated }),
    };
  });
}

const GENERIC = ['', 'application/json', 'application/octet-stream', 'binary/octet-stream', 'text/plain'];

function servedType(answer: Answer, bytes: Uint8Array): string {
  const type = mediaTypeOf(answer.headers['content-type']);
  if (!GENERIC.includes(type)) return type;
  const document = new Field(
    parseJson(bytes, 'the manifest', { code: 'format-manifest' }),
    'manifest',
    'format-manifest',
  );
  return document.get('mediaType').optionalString() ?? (type || 'application/octet-stream');
}

export interface PutManifest {
  /** The registry says that it keeps the list of referrers (`OCI-Subject`). */
  readonly keepsReferrers: boolean;
}

/**
 * Puts a manifest under its digest or a tag, once (`retry` false) or until it is taken.
 * @returns undefined when a condition was given and did not hold (412)
 * @throws TouchmarkError `oci-rejected` with the registry's reason; `oci-unauthorized`, `oci-unavailable`, `net-*`
 */
export async function putManifest(
  repository: Repository,
  manifest: RawManifest,
  selector: ManifestSelector,
  options: { readonly retry?: false; readonly condition?: Readonly<Record<string, string>> } = {},
): Promise<PutManifest | undefined> {
  const text = selectorText(selector);
  const { digest, mediaType } = manifest.descriptor;
  const request = writeRequest(repository, {
    method: 'PUT',
    target: `/v2/${repository.path}/manifests/${text}`,
    headers: { 'content-type': mediaType, ...options.condition },
    body: manifest.bytes,
    what: `writing ${repository.name}${'digest' in selector ? '@' : ':'}${text}`,
    ...(options.retry === false && { retry: false as const }),
  });
  return repository.client.send(request, async answer => {
    if (answer.status === 412 && options.condition) {
      await discardBody(answer);
      return undefined;
    }
    if (answer.status < 200 || answer.status > 299) {
      return repository.client.refuse(answer, request).catch(error => {
        throw isLinkRace(error) ? markTransient(error) : error;
      });
    }
    await discardBody(answer);
    const stored = answer.headers['docker-content-digest'];
    if (typeof stored === 'string' && stored !== digest && digestAlgorithm(digest) === 'sha256') {
      fail(
        'oci-digest-mismatch',
        `${repository.endpoint.registry} stored something else than it was sent: ${clean(stored, 140)}`,
        {
          details: { expected: digest, actual: clean(stored, 140) },
        },
      );
    }
    return { keepsReferrers: answer.headers['oci-subject'] !== undefined };
  });
}

/**
 * distribution 2.8 rewrites the link of a blob in place when it is uploaded again. Who writes a manifest with that blob at
 * this moment finds the link empty, and is told that a digest is invalid, although a manifest put under a tag states none.
 */
function isLinkRace(error: unknown): error is TouchmarkError {
  return (
    error instanceof TouchmarkError &&
    error.details['status'] === 400 &&
    error.details['registryCode'] === 'DIGEST_INVALID'
  );
}
