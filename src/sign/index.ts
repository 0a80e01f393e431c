/**
 * The use cases that write. Each is plan, write, read back: what was written must verify before success is reported,
 * running the same again changes nothing, and what others wrote meanwhile is kept.
 */
export { type ApproveOptions, planApproval } from './approve-image.js';
export {
  type AttestOptions,
  attestVerdict,
  SUMMARY_PREDICATE_TYPE,
  type WrittenAttestation,
} from './attest-verdict.js';
export { type CoSignOptions, planCoSignature } from './co-sign-claim.js';
export {
  ATTACHMENT_SUFFIXES,
  type CopyOptions,
  type CopyProgress,
  type CopyResult,
  copyImage,
} from './copy-image.js';
export { type Adoption, type MarkBase, type MarkOptions, type MarkPlan, planMark } from './mark-image.js';
export {
  type Located,
  listImages,
  type MarksOptions,
  type MarksPlan,
  planMarks,
  type WrittenMarks,
  writeMarks,
} from './mark-images.js';
export { type PlannedSignature, planSignatures, type SignOptions } from './plan.js';
export type { ClaimPlan } from './plan-claim.js';
export {
  type PromoteOptions,
  type Promotion,
  type PromotionApproval,
  promoteImage,
} from './promote.js';
export { type SignImageOptions, signImage, type WrittenSignature } from './sign-image.js';
export {
  type IdentitySignOptions,
  signImageWithIdentity,
  type WrittenIdentitySignature,
} from './sign-with-identity.js';
export { planWithdrawals, type WithdrawOptions, type WithdrawPlan } from './withdraw-claim.js';
export { type WrittenClaim, writeClaim, writeClaims } from './write-claim.js';
export { type WrittenStatement, writeStatement } from './write-statement.js';
