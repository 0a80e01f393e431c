/**
 * The chain of custody: claims, how they travel in signatures, and the check of a whole chain.
 *
 * What must hold:
 * - pure: no I/O and no clock; the same input gives the same verdict, and bad bytes give a verdict, not an exception;
 * - nothing in a mark is read before its signature verified over the bytes as found, with a key of a team;
 * - a claim's digest is over its canonical JSON, and links, thresholds and owners go by claim digests only;
 * - unknown material changes no verdict, except by exceeding a limit; what could not be read is never "not there";
 * - a claim that is no yes to an image never travels in a form that cosign takes for one;
 * - only `pass` is a yes.
 */

export type { Approval } from './approvals.js';
export * from './artifact.js';
export type { FoundMark } from './authenticate.js';
export {
  CARRIED,
  CLAIM_PREDICATE_TYPE,
  cosignAnnotations,
  serializeClaimStatement,
  serializeMarkPayload,
  serializeMarkStatement,
} from './carriers.js';
export { computeChainID, extendChain } from './chain-id.js';
export * from './claim.js';
export { canonicalJson, claimDigest, encodeClaim, serializeClaim } from './claim-digest.js';
export { isCustodyName } from './claim-parts.js';
export { comparePrefix, type LayerLists, type PrefixComparison } from './compare-prefix.js';
export { type ConfigChange, compareConfigs } from './config-delta.js';
export { isAllowed } from './config-rules.js';
export {
  atLevel,
  type ContentJudge,
  type ContentOutcome,
  contentSteps,
  neededLevel,
  type RuledLink,
} from './content.js';
export * from './draft-claim.js';
export type { UnreadSource } from './explain.js';
export { type ExportedStatement, exportStatements, serializeStatements } from './export.js';
export {
  FACT_NAMES,
  FACT_TYPES,
  FACTS,
  type FactDescription,
  type FactName,
  STANDINGS,
  type Standing,
} from './fact-table.js';
export * from './facts.js';
export { type Finding, type Severity, sayFinding } from './finding.js';
export { isInScope } from './identity.js';
export { type ImageInput, type ManifestBytes, readConfigDocument } from './image.js';
export { isAboutFinished } from './judge-finished.js';
export {
  LAYER_FAULTS,
  type LayerEvidence,
  type LayerFact,
  type LayerFault,
  type LayerVerdict,
  leastLevel,
  reaches,
  type TarFault,
} from './layers.js';
export { decodeClaim, parseClaim } from './parse-claim.js';
export * from './policy.js';
export type { PredicateOutcome } from './predicates.js';
export { type ReadMark, readMark, type VerifiedDocument } from './read-mark.js';
export { readTeamMarks, type TeamMark } from './team-marks.js';
export * from './trust.js';
export type { ApprovalEntry, ChainEntry, CustodyVerdict, VerdictSubject } from './verdict.js';
export { type VerifyInput, verify } from './verify.js';
export { type IndexVerdict, isAttestation, type VerifyIndexInput, verifyIndex } from './verify-index.js';
export { isAbout } from './walk.js';
