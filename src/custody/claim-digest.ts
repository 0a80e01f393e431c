import canonicalize from 'canonicalize';
import { utf8 } from '../base/bytes.js';
import { computeDigest, type Digest } from '../base/digest.js';
import { TouchmarkError } from '../base/errors.js';
import type { JsonValue } from '../base/json.js';
import type { Claim } from './claim.js';

/** RFC 8785 of a JSON value without numbers or strings that it forbids. */
export function canonicalJson(value: JsonValue | Claim): string {
  const text = canonicalize(value);
  if (text === undefined) throw new TouchmarkError('internal', 'a value without canonical JSON');
  return text;
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
