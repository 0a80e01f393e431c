import { utf8 } from '../base/bytes.js';
import { computeDigest, digestAlgorithm, isDigest } from '../base/digest.js';
import { MEDIA_TYPES } from '../oci/media-types.js';
import { isTag } from '../oci/reference.js';
import { type Answer, errorAnswer, jsonAnswer, UNKNOWN_ROUTE } from './registry-answer.js';
import type { RegistryCall } from './registry-routes.js';
import { describeManifest, type LooseManifest, readLoosely } from './registry-storage.js';

const DEFAULT_MAX_MANIFEST = 4 * 1024 * 1024;

/** `GET`, `HEAD`, `PUT` and `DELETE /v2/<name>/manifests/<reference>`. */
export function answerManifest(call: RegistryCall, reference: string): Answer {
  if (!isTag(reference) && !isDigest(reference)) return UNKNOWN_ROUTE;
  switch (call.method) {
    case 'GET':
    case 'HEAD':
      return getManifest(call, reference);
    case 'PUT':
      return putManifest(call, reference);
    case 'DELETE':
      return deleteManifest(call, reference);
    default:
      return errorAnswer(405, 'UNSUPPORTED', 'the operation is unsupported');
  }
}

function getManifest({ repository, headers }: RegistryCall, reference: string): Answer {
  const found = repository?.findManifest(reference);
  if (!found) return unknownManifest(reference);
  const { digest, manifest } = found;
  // distribution 2.8: an OCI manifest is served only to who names its type; `*/*` is not enough.
  const accepted = String(headers['accept'] ?? '')
    .split(',')
    .map(type => type.split(';')[0]?.trim());
  if (manifest.mediaType.includes('vnd.oci') && !accepted.includes(manifest.mediaType)) {
    return errorAnswer(404, 'MANIFEST_UNKNOWN', 'OCI manifest found, but accept header does not support it');
  }
  const etag = `"${digest}"`;
  if (headers['if-none-match'] === etag) return { status: 304, headers: { etag } };
  return {
    status: 200,
    headers: { 'content-type': manifest.mediaType, 'docker-content-digest': digest, etag },
    body: manifest.bytes,
  };
}

function unknownManifest(reference: string): Answer {
  return errorAnswer(404, 'MANIFEST_UNKNOWN', 'manifest unknown', [{ Tag: reference }]);
}

function putManifest(call: RegistryCall, reference: string): Answer {
  const { name, headers, body, options, registry } = call;
  if (body.length > (options.maxManifestSize ?? DEFAULT_MAX_MANIFEST)) {
    return errorAnswer(413, 'MANIFEST_INVALID', 'the manifest is too large');
  }
  const document = readLoosely(body);
  if (!document) return errorAnswer(400, 'MANIFEST_INVALID', 'the manifest is not a JSON object');
  const type = String(headers['content-type'] ?? document.mediaType ?? '')
    .split(';')[0]
    ?.trim() as string;
  if (document.mediaType !== undefined && document.mediaType !== type) {
    return errorAnswer(400, 'MANIFEST_INVALID', 'the media type differs from the content type');
  }
  if (document.manifests && (document.layers || document.config)) {
    return errorAnswer(400, 'MANIFEST_INVALID', 'the manifest is both an image and an index');
  }
  const digest = computeDigest(body, isDigest(reference) ? digestAlgorithm(reference) : 'sha256');
  if (isDigest(reference) && reference !== digest) {
    return errorAnswer(400, 'DIGEST_INVALID', 'provided digest did not match uploaded content');
  }
  const repository = registry.repository(name);
  const missing = missingContent(call, document);
  if (missing.length > 0) {
    return errorAnswer(400, 'MANIFEST_BLOB_UNKNOWN', 'blob unknown to registry', missing);
  }
  if (options.conditional && !conditionHolds(call, reference)) {
    return errorAnswer(412, 'PRECONDITION_FAILED', 'the tag points at another manifest');
  }
  repository.manifests.set(digest, describeManifest(body, type));
  if (!isDigest(reference)) repository.tags.set(reference, digest);
  const subject = document.subject?.digest;
  const announce = options.referrers !== false && options.subjectHeader !== false && subject !== undefined;
  return {
    status: 201,
    headers: {
      location: `/v2/${name}/manifests/${digest}`,
      'docker-content-digest': digest,
      ...(announce && { 'oci-subject': subject }),
    },
  };
}

/** Digests that the manifest needs and the repository lacks. A `subject` may be missing; so may foreign layers. */
function missingContent({ repository }: RegistryCall, document: LooseManifest): string[] {
  const missing: string[] = [];
  for (const blob of [document.config, ...(document.layers ?? [])]) {
    if (blob?.digest === undefined || blob.urls) continue;
    if (!repository?.blobs.has(blob.digest)) missing.push(blob.digest);
  }
  for (const child of document.manifests ?? []) {
    if (child.digest !== undefined && !repository?.manifests.has(child.digest)) missing.push(child.digest);
  }
  return missing;
}

function conditionHolds({ repository, headers }: RegistryCall, reference: string): boolean {
  const current = repository?.findManifest(reference)?.digest;
  const match = headers['if-match'];
  if (match !== undefined && match !== `"${current}"`) return false;
  return !(headers['if-none-match'] === '*' && current !== undefined);
}

function deleteManifest({ repository }: RegistryCall, reference: string): Answer {
  const digest = repository?.findManifest(reference)?.digest;
  if (!repository || digest === undefined) return unknownManifest(reference);
  if (!isDigest(reference)) {
    repository.tags.delete(reference);
    return { status: 202 };
  }
  repository.manifests.delete(digest);
  for (const [tag, target] of repository.tags) if (target === digest) repository.tags.delete(tag);
  return { status: 202 };
}

/** `GET /v2/<name>/tags/list?n=&last=`: sorted, with a `Link` to the next page. */
export function answerTags({ repository, name, query, options }: RegistryCall): Answer {
  if (!repository)
    return errorAnswer(404, 'NAME_UNKNOWN', 'repository name not known to registry', [{ name }]);
  const last = query.get('last');
  const limit = pageLimit(query.get('n'), options.tagsPageSize);
  const rest = [...repository.tags.keys()].sort().filter(tag => last === null || tag > last);
  const page = rest.slice(0, limit);
  const more = rest.length > page.length && page.length > 0;
  const next = `/v2/${name}/tags/list?n=${limit}&last=${encodeURIComponent(page.at(-1) ?? '')}`;
  return jsonAnswer(200, { name, tags: page }, more ? { link: `<${next}>; rel="next"` } : {});
}

function pageLimit(asked: string | null, cap = Number.POSITIVE_INFINITY): number {
  const wanted = asked === null || !/^\d+$/.test(asked) ? cap : Number(asked);
  return Math.min(wanted, cap);
}

/** `GET /v2/<name>/referrers/<digest>?artifactType=`: an index of what has this subject. */
export function answerReferrers({ repository, name, query, options }: RegistryCall, digest: string): Answer {
  if (options.referrers === false) return UNKNOWN_ROUTE;
  if (!isDigest(digest)) return errorAnswer(400, 'DIGEST_INVALID', 'not a digest');
  const wanted = options.filterReferrers === false ? null : query.get('artifactType');
  const last = query.get('last');
  const all = [...(repository?.manifests ?? [])]
    .filter(([, manifest]) => manifest.subject === digest)
    .filter(([, manifest]) => wanted === null || manifest.artifactType === wanted)
    .map(([id, manifest]) => ({
      mediaType: manifest.mediaType,
      size: manifest.bytes.length,
      digest: id,
      ...(manifest.annotations && { annotations: manifest.annotations }),
      ...(manifest.artifactType !== undefined && { artifactType: manifest.artifactType }),
    }))
    .sort((a, b) => (a.digest < b.digest ? -1 : 1))
    .filter(descriptor => last === null || descriptor.digest > last);
  const page = all.slice(0, options.referrersPageSize ?? all.length);
  const filter = wanted === null ? '' : `artifactType=${encodeURIComponent(wanted)}&`;
  const next = `/v2/${name}/referrers/${digest}?${filter}last=${page.at(-1)?.digest ?? ''}`;
  return {
    status: 200,
    headers: {
      'content-type': MEDIA_TYPES.ociIndex,
      ...(wanted !== null && { 'oci-filters-applied': 'artifactType' }),
      ...(page.length < all.length && { link: `<${next}>; rel="next"` }),
    },
    body: utf8(JSON.stringify({ schemaVersion: 2, mediaType: MEDIA_TYPES.ociIndex, manifests: page })),
  };
}
