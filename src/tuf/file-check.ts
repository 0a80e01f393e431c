import { createHash } from 'node:crypto';
import { fail } from '../base/errors.js';
import type { Hashes } from './metadata.js';
import { tryTo } from './trust-checks.js';

/** What is known of a file: its length, its hashes, or both. */
export interface FileFacts {
  readonly length?: number;
  readonly hashes?: Hashes;
}

/** Weak ones are not known here: a file that is listed with one is refused. */
const ALGORITHMS = ['sha256', 'sha384', 'sha512'];

/**
 * Checks a file against everything that is listed of it: the exact length and every one of the hashes.
 * @throws TouchmarkError `tuf-length-mismatch`, `tuf-hash-mismatch`, `tuf-hash-unsupported`
 */
export function requireFile(bytes: Uint8Array, what: string, facts: FileFacts): void {
  if (facts.length !== undefined && bytes.length !== facts.length)
    fail('tuf-length-mismatch', `${what} does not have the ${facts.length} bytes that are listed`, {
      details: { expected: facts.length, actual: bytes.length },
    });
  for (const [algorithm, expected] of Object.entries(facts.hashes ?? {})) {
    if (!ALGORITHMS.includes(algorithm))
      fail('tuf-hash-unsupported', `${what} is listed with a hash that is not trusted here`, {
        details: { algorithm: algorithm.slice(0, 40) },
        hint: `its publisher can list it with ${ALGORITHMS.join(', ')} alone`,
      });
    const actual = createHash(algorithm).update(bytes).digest('hex');
    if (actual !== expected)
      fail('tuf-hash-mismatch', `${what} is not the file that is listed: its ${algorithm} is another`, {
        details: { expected: expected.slice(0, 128), actual },
      });
  }
}

/** Does {@link requireFile} pass? For copies: one that does not hold is fetched anew. */
export function isFile(bytes: Uint8Array, facts: FileFacts): boolean {
  return (
    tryTo(() => {
      requireFile(bytes, 'the copy', facts);
      return true;
    }) ?? false
  );
}
