import { createHash } from 'node:crypto';
import { concatBytes } from '../../base/bytes.js';
import { digestAlgorithm, finishDigest } from '../../base/digest.js';
import { fail } from '../../base/errors.js';
import { LIMITS } from '../../base/limits.js';
import { checkContent, type Descriptor, failDigest, failSize } from '../descriptor.js';
import { discardBody, refuseWebPage } from './body.js';
import { transienceOf } from './faults.js';
import { type Repository, readRequest, writeRequest } from './repository.js';
import type { Answer } from './transport.js';

/** @throws TouchmarkError `limit-exceeded` before anything is asked for, and what {@link openBlob} throws */
export async function fetchBlob(
  repository: Repository,
  descriptor: Descriptor,
  maxSize: number,
): Promise<Uint8Array> {
  if (descriptor.size > maxSize) {
    fail(
      'limit-exceeded',
      `the blob ${descriptor.digest} has ${descriptor.size} bytes; at most ${maxSize} are read`,
      {
        details: { digest: descriptor.digest, size: descriptor.size },
      },
    );
  }
  const parts: Uint8Array[] = [];
  for await (const chunk of openBlob(repository, descriptor)) parts.push(chunk);
  return concatBytes(...parts);
}

/**
 * Streams a blob through its size and digest. A connection that breaks is taken up again where it broke: the hash has seen
 * what was handed out, so the end proves the whole however many connections it took.
 * @throws TouchmarkError `oci-size-mismatch`, `oci-digest-mismatch`, `layer-unavailable`, `net-*`, `oci-*`
 */
export async function* openBlob(repository: Repository, descriptor: Descriptor): AsyncGenerator<Uint8Array> {
  const what = `the blob ${descriptor.digest}`;
  if (descriptor.data) {
    checkContent(descriptor.data, descriptor, `the inlined ${what}`);
    yield descriptor.data;
    return;
  }
  const algorithm = digestAlgorithm(descriptor.digest);
  const hash = createHash(algorithm);
  let have = 0;
  let stuck = 0;
  for (let resumes = 0; ; resumes++) {
    const before = have;
    try {
      const { answer, skip } = await requestFrom(repository, descriptor, have);
      let surplus = skip;
      for await (const chunk of answer.chunks()) {
        const fresh = surplus > 0 ? chunk.subarray(Math.min(surplus, chunk.length)) : chunk;
        surplus -= chunk.length - fresh.length;
        if (fresh.length === 0) continue;
        if (have + fresh.length > descriptor.size) failSize(what, descriptor, have + fresh.length);
        have += fresh.length;
        hash.update(fresh);
        yield fresh;
      }
      if (have !== descriptor.size) failSize(what, descriptor, have);
      break;
    } catch (error) {
      // A server that always breaks at the same byte is given up sooner than one that gets on.
      stuck = have > before ? 0 : stuck + 1;
      if (transienceOf(error) === undefined || stuck > 2 || resumes >= LIMITS.blobResumes) throw error;
      if (stuck > 0) await repository.tuning.sleep(repository.tuning.retryPause, repository.session.signal);
    }
  }
  const actual = finishDigest(hash, algorithm);
  if (actual !== descriptor.digest) failDigest(what, descriptor.digest, actual);
}

/** Asks for the bytes from `offset` on. `skip` says how many of those that come must be passed over. */
function requestFrom(
  repository: Repository,
  descriptor: Descriptor,
  offset: number,
): Promise<{ readonly answer: Answer; readonly skip: number }> {
  const { digest, size } = descriptor;
  const request = readRequest(repository, {
    method: 'GET',
    target: `/v2/${repository.path}/blobs/${digest}`,
    what: `reading ${repository.name}@${digest}`,
    ...(offset > 0 && { headers: { range: `bytes=${offset}-` } }),
  });
  return repository.client.send(request, async answer => {
    const length = answer.headers['content-length'];
    const stated = length === undefined ? undefined : Number(length);
    if (answer.status === 404 || answer.status === 410) {
      await discardBody(answer);
      return fail('layer-unavailable', `${repository.name} does not have the blob ${digest}`, {
        details: { repository: repository.name, digest },
      });
    }
    if (answer.status === 206 && offset > 0) {
      const range = /^bytes (\d+)-\d+\/(\d+|\*)$/.exec(String(answer.headers['content-range'] ?? ''));
      if (Number(range?.[1]) === offset && (range?.[2] === '*' || Number(range?.[2]) === size))
        return { answer, skip: 0 };
      await discardBody(answer);
      return fail(
        'net-protocol',
        `${answer.url.host} sent another part of the blob ${digest} than it was asked for`,
      );
    }
    if (answer.status !== 200) return repository.client.refuse(answer, request);
    if (stated !== undefined && stated !== size) {
      await refuseWebPage(answer, `the blob ${digest}`);
      await discardBody(answer);
      failSize(`the blob ${digest}`, descriptor, stated);
    }
    return { answer, skip: offset };
  });
}

/** True when the repository has the blob. */
export async function headBlob(repository: Repository, descriptor: Descriptor): Promise<boolean> {
  const request = writeRequest(repository, {
    method: 'HEAD',
    target: `/v2/${repository.path}/blobs/${descriptor.digest}`,
    what: `looking for ${repository.name}@${descriptor.digest}`,
  });
  return repository.client.send(request, async answer => {
    if (answer.status !== 200 && answer.status !== 404) return repository.client.refuse(answer, request);
    await discardBody(answer);
    return answer.status === 200;
  });
}
