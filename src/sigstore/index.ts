/**
 * Verifying sigstore bundles: who signed, by the certificate of an authority or a key; that transparency logs have it; and when, by
 * logs and timestamp authorities. A bundle, a trusted root and a policy in, a result out; nothing here does I/O or knows the time.
 *
 * What holds here:
 * - A bundle that is not good is a result with a reason code; an exception means that its bytes are no bundle at all
 *   (`format-bundle`, `limit-exceeded`), or that the policy or the trusted root cannot be used.
 * - Trust comes from the trusted root alone. Certificates, keys, hints, times and digests in a bundle are compared and never believed.
 * - A log entry counts when it is about this signature, this signer and this content; every true entry of another proves nothing here.
 * - A time is what somebody trusted signed: a log with its promise, a timestamp authority with its token. Rekor v2 vouches for none.
 * - A certificate must have been valid, up to its anchor, at every time that is known; today does not matter.
 * - Thresholds count distinct keys, not entries.
 * - What was signed is hashed as it came; the one thing built anew is the certificate as it was before its promise (RFC 6962 3.2).
 */
export {
  type BundleContent,
  type BundleSigner,
  type InclusionProof,
  type LogEntry,
  parseSigstoreBundle,
  type SaidDigest,
  type SigstoreBundle,
} from './bundle.js';
export type {
  AcceptedBundle,
  BundleCheck,
  BundleResult,
  CheckName,
  EvidenceOutcome,
  RefusedBundle,
  VerifiedSigner,
} from './bundle-result.js';
export { type Certificate, type Extension, parseCertificate } from './certificate.js';
export type { Authority, Problem } from './certificate-chain.js';
export {
  CERTIFICATE_CLAIMS,
  type CertificateClaim,
  type CertificateIdentity,
  identityOf,
} from './certificate-identity.js';
export { compilePattern, type IdentityRule, type TextPattern, type TextRule } from './identity-rule.js';
export type { Interval } from './interval.js';
export type { SignatureAlgorithm } from './signature-algorithm.js';
export type { Artifact, PredicateTypes } from './signed-content.js';
export type { TimestampEvidence } from './timestamp-evidence.js';
export { parseTrustedRoot, type TransparencyLog, type TrustedRoot } from './trusted-root.js';
export { verifyBundle } from './verify-bundle.js';
export type { BundlePolicy, SignerRule, TimeRule } from './verify-policy.js';
export type { VouchedTime } from './vouched-times.js';
