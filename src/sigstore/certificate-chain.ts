import { equalBytes } from '../base/bytes.js';
import type { ReasonCode } from '../base/codes.js';
import { TouchmarkError } from '../base/errors.js';
import { type Certificate, parseCertificate } from './certificate.js';
import { allowsBelow, type CertificateUsage, usageOf } from './certificate-usage.js';
import { contains, type Interval } from './interval.js';
import { formatObjectId, type ObjectId } from './object-id.js';
import { isSigned } from './signature-algorithm.js';

/** A certificate authority of the trusted root: its certificates, the one that signs leaves first, the anchor last. */
export interface Authority {
  readonly uri: string;
  readonly certificates: readonly Certificate[];
  readonly validFor: Interval;
}

/** Why something does not hold; a value, because "no" is an answer. */
export interface Problem {
  readonly code: ReasonCode;
  readonly message: string;
}

export function problem(code: ReasonCode, message: string): Problem {
  return { code, message };
}

export function isProblem<T extends object>(value: T | Problem): value is Problem {
  return 'code' in value && 'message' in value;
}

/** Parses a certificate out of a bundle or timestamp, whose author may be anybody: what is wrong with it is an answer. */
export function readCertificate(bytes: Uint8Array): Certificate | Problem {
  return asProblem(() => parseCertificate(bytes));
}

/** Runs a parser of untrusted bytes; its refusal becomes a {@link Problem}. */
export function asProblem<T extends object>(parse: () => T): T | Problem {
  try {
    return parse();
  } catch (error) {
    if (error instanceof TouchmarkError) return problem(error.code, error.message);
    throw error;
  }
}

/** What a leaf was issued by, once its signatures are known to be good. Times are another question: {@link checkTime}. */
export interface Path {
  readonly authority: Authority;
  /** The leaf, and all above it up to the anchor. */
  readonly certificates: readonly Certificate[];
}

/**
 * Finds the authorities that issued `leaf` for `purpose` (RFC 5280 6.1, on the fixed chains of a trusted root): names chain,
 * signatures hold, each issuer is an authority within its path length that may certify, and its purposes allow this one.
 * Several can fit, when a key was certified twice.
 */
export function findPaths(
  leaf: Certificate,
  purpose: ObjectId,
  authorities: readonly Authority[],
): readonly Path[] | Problem {
  const usage = asProblem(() => usageOf(leaf));
  if (isProblem(usage)) return usage;
  const misuse = leafMisuse(usage, purpose);
  if (misuse !== undefined) return problem('certificate-misused', misuse);
  const paths = authorities.flatMap(authority => pathIn(leaf, purpose, authority) ?? []);
  return paths.length > 0
    ? paths
    : problem('certificate-untrusted', 'the certificate was issued by none of the trusted authorities');
}

function leafMisuse(usage: CertificateUsage, purpose: ObjectId): string | undefined {
  if (usage.authority) return 'the certificate is that of an authority, not of a signer';
  if (!usage.maySign) return 'the certificate is not for signatures';
  if (!usage.purposes?.includes(purpose))
    return `the certificate is not for the purpose ${formatObjectId(purpose)}`;
  return undefined;
}

function pathIn(leaf: Certificate, purpose: ObjectId, authority: Authority): Path | undefined {
  for (const [i, issuer] of authority.certificates.entries()) {
    // The leaf of a timestamp authority is listed with its chain; it is not its own issuer.
    if (!equalBytes(leaf.issuer, issuer.subject) || !isIssuer(authority, i, purpose)) continue;
    if (isSigned(issuer.publicKey, leaf.algorithm, leaf.toBeSigned.bytes, leaf.signature))
      return { authority, certificates: [leaf, ...authority.certificates.slice(i)] };
  }
  return undefined;
}

/** Does the chain from this certificate to the anchor hold? It is the same for every leaf, and so is asked once. */
function isIssuer(authority: Authority, from: number, purpose: ObjectId): boolean {
  const known = issuers.get(authority) ?? new Map<string, boolean>();
  issuers.set(authority, known);
  const key = `${from} ${purpose}`;
  const holds = known.get(key) ?? checkIssuer(authority.certificates, from, purpose);
  known.set(key, holds);
  return holds;
}

const issuers = new WeakMap<Authority, Map<string, boolean>>();

function checkIssuer(chain: readonly Certificate[], from: number, purpose: ObjectId): boolean {
  return chain.slice(from).every((certificate, below) => {
    const usage = asProblem(() => usageOf(certificate));
    if (isProblem(usage) || !usage.authority || !usage.mayCertify || !allowsBelow(usage, purpose))
      return false;
    if (usage.pathLength !== undefined && usage.pathLength < below) return false;
    const issuer = chain[from + below + 1];
    if (issuer === undefined) return true;
    return (
      equalBytes(certificate.issuer, issuer.subject) &&
      isSigned(issuer.publicKey, certificate.algorithm, certificate.toBeSigned.bytes, certificate.signature)
    );
  });
}

/** Were all certificates of the path, and the trust in its authority, valid at this moment? */
export function checkTime(path: Path, time: number): boolean {
  return (
    contains(path.authority.validFor, time) &&
    path.certificates.every(({ notBefore, notAfter }) => contains({ start: notBefore, end: notAfter }, time))
  );
}
