import { randomUUID } from 'node:crypto';
import { concatBytes } from '../base/bytes.js';
import { computeDigest, digestAlgorithm, isDigest } from '../base/digest.js';
import { type Answer, errorAnswer, UNKNOWN_ROUTE } from './registry-answer.js';
import type { RegistryCall } from './registry-routes.js';

/** `GET` and `HEAD /v2/<name>/blobs/<digest>`, with `Range`. */
export function answerBlob({ repository, method, headers }: RegistryCall, digest: string): Answer {
  const bytes = repository?.blobs.get(digest);
  if (!bytes) return errorAnswer(404, 'BLOB_UNKNOWN', 'blob unknown to registry', [digest]);
  if (method === 'DELETE') {
    repository?.blobs.delete(digest);
    return { status: 202 };
  }
  const common = {
    'content-type': 'application/octet-stream',
    'docker-content-digest': digest,
    etag: `"${digest}"`,
    'accept-ranges': 'bytes',
  };
  const range = /^bytes=(\d+)-(\d*)$/.exec(String(headers['range'] ?? ''));
  if (!range) return { status: 200, headers: common, body: bytes };
  const start = Number(range[1]);
  const end = Math.min(range[2] ? Number(range[2]) : bytes.length - 1, bytes.length - 1);
  if (start > end) return { status: 416, headers: { 'content-range': `bytes */${bytes.length}` } };
  return {
    status: 206,
    headers: { ...common, 'content-range': `bytes ${start}-${end}/${bytes.length}` },
    body: bytes.subarray(start, end + 1),
  };
}

/** `POST /v2/<name>/blobs/uploads/`: begins an upload, takes a whole blob (`digest`), or mounts one (`mount`, `from`). */
export function beginUpload(call: RegistryCall): Answer {
  const { query, name, registry, options } = call;
  const repository = registry.repository(name);
  const mount = query.get('mount');
  const from = query.get('from');
  if (mount && from && options.mount !== false) {
    const bytes = registry.repositories.get(from)?.blobs.get(mount);
    if (bytes) {
      repository.blobs.set(mount, bytes);
      return created(name, mount);
    }
  }
  const digest = query.get('digest');
  if (digest) return storeBlob(call, [call.body], digest);
  const id = randomUUID();
  repository.uploads.set(id, []);
  return uploading(name, id, 0);
}

/** `PATCH`, `PUT`, `GET` and `DELETE` of an upload's location. */
export function continueUpload(call: RegistryCall, id: string): Answer {
  const { method, name, query, body, repository, headers } = call;
  const parts = repository?.uploads.get(id);
  if (!parts) return errorAnswer(404, 'BLOB_UPLOAD_UNKNOWN', 'blob upload unknown to registry');
  const have = parts.reduce((sum, part) => sum + part.length, 0);
  switch (method) {
    case 'PATCH': {
      const range = /^(\d+)-(\d+)$/.exec(String(headers['content-range'] ?? ''));
      if (range && Number(range[1]) !== have) return { status: 416, headers: { range: `0-${have - 1}` } };
      parts.push(body);
      return uploading(name, id, have + body.length);
    }
    case 'PUT': {
      const digest = query.get('digest');
      if (!digest) return errorAnswer(400, 'DIGEST_INVALID', 'the digest is missing');
      const answer = storeBlob(call, [...parts, body], digest);
      if (answer.status === 201) repository?.uploads.delete(id);
      return answer;
    }
    case 'GET':
      return { ...uploading(name, id, have), status: 204 };
    case 'DELETE':
      repository?.uploads.delete(id);
      return { status: 204 };
    default:
      return UNKNOWN_ROUTE;
  }
}

function storeBlob({ registry, name }: RegistryCall, parts: readonly Uint8Array[], digest: string): Answer {
  const bytes = concatBytes(...parts);
  if (!isDigest(digest) || computeDigest(bytes, digestAlgorithm(digest)) !== digest) {
    return errorAnswer(400, 'DIGEST_INVALID', 'provided digest did not match uploaded content', [digest]);
  }
  registry.repository(name).blobs.set(digest, bytes);
  return created(name, digest);
}

function created(name: string, digest: string): Answer {
  return {
    status: 201,
    headers: { location: `/v2/${name}/blobs/${digest}`, 'docker-content-digest': digest },
  };
}

function uploading(name: string, id: string, have: number): Answer {
  return {
    status: 202,
    headers: {
      // Like distribution's: relative here, and with a query of its own that the client must keep.
      location: `/v2/${name}/blobs/uploads/${id}?_state=${have}`,
      range: `0-${Math.max(0, have - 1)}`,
      'docker-upload-uuid': id,
    },
  };
}
