import { createHash } from 'node:crypto';
import { concatBytes } from '../../base/bytes.js';
import { digestAlgorithm, finishDigest } from '../../base/digest.js';
import { fail } from '../../base/errors.js';
import { type Descriptor, failDigest, failSize } from '../descriptor.js';
import type { BlobSource } from '../store.js';

type Expected = Pick<Descriptor, 'digest' | 'size'>;

/**
 * Passes bytes on and checks them: stops at the first byte too many; the last step throws when size or digest differ.
 * @throws TouchmarkError `oci-size-mismatch`, `oci-digest-mismatch`
 */
export async function* checkedContent(
  source: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
  expected: Expected,
  what: string,
): AsyncGenerator<Uint8Array> {
  const algorithm = digestAlgorithm(expected.digest);
  const hash = createHash(algorithm);
  let size = 0;
  for await (const chunk of source) {
    size += chunk.length;
    if (size > expected.size) failSize(what, expected, size);
    hash.update(chunk);
    yield chunk;
  }
  if (size !== expected.size) failSize(what, expected, size);
  const actual = finishDigest(hash, algorithm);
  if (actual !== expected.digest) failDigest(what, expected.digest, actual);
}

/** Collects a bounded stream. */
export async function readAll(source: AsyncIterable<Uint8Array>): Promise<Uint8Array> {
  const parts: Uint8Array[] = [];
  for await (const part of source) parts.push(part);
  return parts.length === 1 && parts[0] ? parts[0] : concatBytes(...parts);
}

/** Refuses to collect what is larger than the caller can take, before a byte is read. */
export function refuseLarge(descriptor: Descriptor, maxSize: number): void {
  if (descriptor.size <= maxSize) return;
  fail('limit-exceeded', `${descriptor.digest} has ${descriptor.size} bytes; at most ${maxSize} are read`, {
    details: { digest: descriptor.digest, size: descriptor.size, limit: maxSize },
  });
}

/** What is thrown for a blob that is listed but not there: withheld evidence, never "no such thing". */
export function failUnavailable(digest: string, where: string): never {
  return fail('layer-unavailable', `${digest} is not in ${where}`, {
    hint: 'copy the image again, whole',
    details: { digest },
  });
}

export function sourceOf(source: Uint8Array | BlobSource): AsyncIterable<Uint8Array> | Iterable<Uint8Array> {
  return source instanceof Uint8Array ? [source] : source();
}
