import { createHash } from 'node:crypto';
import { digestAlgorithm, finishDigest } from '../../base/digest.js';
import { TouchmarkError } from '../../base/errors.js';
import { checkContent, type Descriptor, failDigest, failSize } from '../descriptor.js';
import type { BlobSource } from '../store.js';
import { headBlob } from './blobs.js';
import { discardBody, readErrorBody } from './body.js';
import { markTransient } from './faults.js';
import { resolveLocation } from './redirect.js';
import { type Repository, writeRequest } from './repository.js';
import { withRetries } from './retry.js';
import { repositoryScope } from './scopes.js';
import type { RequestBody } from './transport.js';

/**
 * Writes a blob unless it is there. With `from` (a path of the same registry) the registry is asked to take it over from
 * there; when it does not, the upload session that it opens instead is used.
 * @throws TouchmarkError `oci-size-mismatch`, `oci-digest-mismatch` for a source that is not what the descriptor says
 */
export async function pushBlob(
  repository: Repository,
  descriptor: Descriptor,
  source: Uint8Array | BlobSource,
  from?: string,
): Promise<void> {
  if (source instanceof Uint8Array) checkContent(source, descriptor, `the blob ${descriptor.digest}`);
  let session: URL | undefined;
  if (from !== undefined && from !== repository.path) {
    const mounted = await mountBlob(repository, descriptor, from);
    if (mounted === 'done') return;
    session = mounted;
  } else if (await headBlob(repository, descriptor)) return;
  // One unit: a session that broke cannot be used again, so each attempt begins a new one.
  await withRetries(repository.tuning, repository.session.signal, async () => {
    const location = session ?? (await beginUpload(repository));
    session = undefined;
    await finishUpload(repository, descriptor, location, checkedSource(descriptor, source));
  });
}

async function mountBlob(
  repository: Repository,
  { digest }: Descriptor,
  from: string,
): Promise<'done' | URL | undefined> {
  const request = writeRequest(repository, {
    method: 'POST',
    target: `/v2/${repository.path}/blobs/uploads/?mount=${digest}&from=${encodeURIComponent(from)}`,
    scopes: [repositoryScope(repository.path, 'pull', 'push'), repositoryScope(from, 'pull')],
    what: `mounting ${digest} from ${from} in ${repository.name}`,
  });
  try {
    return await repository.client.send(request, async answer => {
      await discardBody(answer);
      if (answer.status === 201) return 'done';
      return answer.status === 202 ? resolveLocation(answer.url, answer.headers.location) : undefined;
    });
  } catch (error) {
    // Only a shortcut: who may not read there may still be allowed to upload here.
    if (error instanceof TouchmarkError && error.code === 'oci-unauthorized') return undefined;
    throw error;
  }
}

async function beginUpload(repository: Repository): Promise<URL> {
  const request = writeRequest(repository, {
    method: 'POST',
    target: `/v2/${repository.path}/blobs/uploads/`,
    what: `starting an upload to ${repository.name}`,
  });
  return repository.client.send(request, async answer => {
    if (answer.status !== 202) return repository.client.refuse(answer, request);
    await discardBody(answer);
    return resolveLocation(answer.url, answer.headers.location);
  });
}

async function finishUpload(
  repository: Repository,
  { digest }: Descriptor,
  location: URL,
  body: RequestBody,
): Promise<void> {
  const target = new URL(location);
  // The query is the registry's own state: added to, never rewritten.
  target.search = `${location.search}${location.search ? '&' : '?'}digest=${encodeURIComponent(digest)}`;
  const request = writeRequest(repository, {
    method: 'PUT',
    target,
    headers: { 'content-type': 'application/octet-stream' },
    body,
    what: `uploading ${digest} to ${repository.name}`,
    retry: false,
  });
  await repository.client.send(request, async answer => {
    if (answer.status >= 200 && answer.status < 300) return discardBody(answer);
    if (answer.status !== 404) return repository.client.refuse(answer, request);
    await readErrorBody(answer);
    throw markTransient(
      new TouchmarkError('oci-unavailable', `${repository.endpoint.registry} lost an upload under way`, {
        retryable: true,
      }),
    );
  });
}

/** A source that fails before its last byte is sent when it is not what the descriptor says. */
function checkedSource(descriptor: Descriptor, source: Uint8Array | BlobSource): RequestBody {
  if (source instanceof Uint8Array) return source;
  const what = `the blob ${descriptor.digest}`;
  async function* open(): AsyncGenerator<Uint8Array> {
    const algorithm = digestAlgorithm(descriptor.digest);
    const hash = createHash(algorithm);
    let size = 0;
    let held: Uint8Array | undefined;
    for await (const chunk of (source as BlobSource)()) {
      if (chunk.length === 0) continue;
      size += chunk.length;
      if (size > descriptor.size) failSize(what, descriptor, size);
      hash.update(chunk);
      if (held) yield held;
      held = chunk;
    }
    if (size !== descriptor.size) failSize(what, descriptor, size);
    const actual = finishDigest(hash, algorithm);
    if (actual !== descriptor.digest) failDigest(what, descriptor.digest, actual);
    if (held) yield held;
  }
  return { size: descriptor.size, open };
}
