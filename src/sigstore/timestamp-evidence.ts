import { equalBytes } from '../base/bytes.js';
import type { Certificate } from './certificate.js';
import {
  type Authority,
  asProblem,
  checkTime,
  findPaths,
  isProblem,
  type Problem,
  problem,
  readCertificate,
} from './certificate-chain.js';
import { PURPOSE, usageOf } from './certificate-usage.js';
import { hashBytes, isSigned } from './signature-algorithm.js';
import { parseTimestamp, type Timestamp } from './timestamp.js';

/** A time that a trusted authority vouches for. */
export interface TimestampEvidence {
  /** Hex SHA-256 of the authority's key: two entries of one authority are one source. */
  readonly authority: string;
  readonly uri: string;
  /** Milliseconds since 1970. */
  readonly time: number;
}

/** Did a trusted authority stamp this signature, and when? Its certificates need only have been valid then (RFC 3161 4). */
export function checkTimestamp(
  bytes: Uint8Array,
  signature: Uint8Array,
  authorities: readonly Authority[],
): TimestampEvidence | Problem {
  const timestamp = asProblem(() => parseTimestamp(bytes));
  if (isProblem(timestamp)) return timestamp;
  const { imprint, content, signer, time } = timestamp;
  if (!equalBytes(hashBytes(imprint.algorithm, signature), imprint.digest))
    return problem('timestamp-mismatch', 'the timestamp is of another signature');
  if (!equalBytes(hashBytes(signer.hash, content), signer.contentDigest))
    return problem('timestamp-mismatch', 'what the authority signed is not the content of the timestamp');
  for (const authority of authorities) {
    const leaf = signerIn(timestamp, authority);
    if (
      leaf === undefined ||
      !isSigned(leaf.publicKey, signer.algorithm, signer.signedBytes, signer.signature)
    )
      continue;
    if (isTrusted(leaf, authority, time))
      return { authority: leaf.publicKey.keyid, uri: authority.uri, time };
  }
  return problem('timestamp-untrusted', 'no authority that was trusted at its time made the timestamp');
}

/**
 * The certificate the timestamp names. Where the trusted root has the authority's leaf, it is that one and no other; else it may come
 * along with the timestamp, and must then lead to the authority.
 */
function signerIn(timestamp: Timestamp, authority: Authority): Certificate | undefined {
  const listed = leafOf(authority);
  const candidates = listed === undefined ? timestamp.certificates.map(readCertificate) : [listed];
  return candidates.find(
    (candidate): candidate is Certificate => !isProblem(candidate) && isNamed(timestamp, candidate),
  );
}

function leafOf(authority: Authority): Certificate | undefined {
  const [first] = authority.certificates;
  const usage = first && asProblem(() => usageOf(first));
  return usage && !isProblem(usage) && !usage.authority ? first : undefined;
}

function isNamed({ signer }: Timestamp, { issuer, serialNumber, der }: Certificate): boolean {
  const { id, certificateDigest: named } = signer;
  if (named !== undefined && !equalBytes(hashBytes(named.algorithm, der), named.digest)) return false;
  // A key identifier is a hint; the signature decides.
  return (
    'keyIdentifier' in id || (equalBytes(id.issuer, issuer) && equalBytes(id.serialNumber, serialNumber))
  );
}

function isTrusted(leaf: Certificate, authority: Authority, time: number): boolean {
  const usage = asProblem(() => usageOf(leaf));
  // RFC 3161 2.3: for this purpose alone, and critical, so that the key signs nothing but timestamps.
  if (isProblem(usage) || !usage.purposesCritical || usage.purposes?.length !== 1) return false;
  const paths = findPaths(leaf, PURPOSE.timeStamping, [authority]);
  return !isProblem(paths) && paths.some(path => checkTime(path, time));
}
