import { createHash, type Hash } from 'node:crypto';
import { fail } from './errors.js';

declare const digestBrand: unique symbol;

/** `sha256:<64 lower-case hex>` or `sha512:<128 lower-case hex>`: a value of this type is well formed and safe in paths. */
export type Digest = string & { readonly [digestBrand]: true };

const DIGEST = /^(?:sha256:[a-f0-9]{64}|sha512:[a-f0-9]{128})$/;

export function isDigest(text: unknown): text is Digest {
  return typeof text === 'string' && DIGEST.test(text);
}

/**
 * Parses a digest (OCI image specification, "Digests").
 * @throws TouchmarkError `format-digest` naming `where` the text stood
 */
export function parseDigest(text: string, where = 'digest'): Digest {
  if (isDigest(text)) return text;
  return fail(
    'format-digest',
    `${where} is not a digest this tool can check: ${JSON.stringify(text.slice(0, 140))}`,
    {
      hint: 'a digest is sha256: and 64 lower-case hex digits (or sha512: and 128)',
    },
  );
}

export type DigestAlgorithm = 'sha256' | 'sha512';

export function digestAlgorithm(digest: Digest): DigestAlgorithm {
  return digest.startsWith('sha256:') ? 'sha256' : 'sha512';
}

/** The part behind the colon. */
export function digestHex(digest: Digest): string {
  return digest.slice(digest.indexOf(':') + 1);
}

export function computeDigest(bytes: Uint8Array, algorithm: DigestAlgorithm = 'sha256'): Digest {
  return `${algorithm}:${createHash(algorithm).update(bytes).digest('hex')}` as Digest;
}

/** The digest that a running hash has come to. */
export function finishDigest(hash: Hash, algorithm: DigestAlgorithm): Digest {
  return `${algorithm}:${hash.digest('hex')}` as Digest;
}
