import canonicalize from 'canonicalize';
import { utf8 } from '../base/bytes.js';
import { computeDigest, type Digest } from '../base/digest.js';
import { TouchmarkError } from '../base/errors.js';
import type { JsonValue } from '../base/json.js';
import type { Claim } from './claim.js';

/** RFC 8785 of a JSON value without numbers or strings that it forbids. */
export function canonicalJson(value: JsonValue | Claim): string {
  // With its keys in order a value's canonical form is what JSON.stringify writes, in a tenth of the time. An escaped
  // surrogate there may be half of a pair, which only `canonicalize` refuses.
  const quick = isInOrder(value) ? JSON.stringify(value) : undefined;
  const text = quick === undefined || quick.includes('\\ud') ? canonicalize(value) : quick;
  if (text === undefined) throw new TouchmarkError('internal', 'a value without canonical JSON');
  return text;
}

/** Are all keys in the order of their UTF-16 code units, and all numbers such as JSON has? */
function isInOrder(value: unknown): boolean {
  if (typeof value === 'number') return Number.isFinite(value);
  if (typeof value !== 'object' || value === null) return true;
  if (Array.isArray(value)) return value.every(isInOrder);
  let last: string | undefined;
  for (const key of Object.keys(value)) {
    if (last !== undefined && key < last) return false;
    if (!isInOrder((value as Record<string, unknown>)[key])) return false;
    last = key;
  }
  return true;
}

/** A claim's canonical bytes (RFC 8785): the form its digest is over, and the form it is stored in. */
export function serializeClaim(claim: Claim): Uint8Array {
  return utf8(canonicalJson(claim));
}

/** What identifies a claim and what `prev` and `saw` name; the same whatever carried the claim and whoever signed it. */
export function claimDigest(claim: Claim): Digest {
  return computeDigest(serializeClaim(claim));
}

/** A claim as one word of unpadded base64url, for `cosign sign -a custody64=…`. */
export function encodeClaim(claim: Claim): string {
  return Buffer.from(serializeClaim(claim)).toString('base64url');
}
