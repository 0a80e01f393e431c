/**
 * Verifying: collect evidence (requests, no judgement), judge each signature (no requests), decide.
 *
 * What must hold:
 * - nothing in a payload is read before its signature verified over the bytes as they were found;
 * - more evidence never turns a yes into a no, so looking may stop once the threshold is reached;
 * - what could not be fetched or read is a problem in the verdict; a no that rests on it is never "unsigned";
 * - only `code: null` is a yes.
 */
export { type Asking, collectSignatures } from './collect.js';
export { type Decision, decide, type Threshold } from './decide.js';
export { CARRIERS, type Carrier, type Evidence, type FoundSignature, type Problem } from './evidence.js';
export {
  type Check,
  type CheckId,
  type Claim,
  type JudgedSignature,
  judgeSignature,
  type SignaturePolicy,
  type TrustedKey,
} from './judge.js';
export type { Release } from './release.js';
export {
  type ErrorReport,
  type ImageReport,
  reportError,
  reportImage,
  type SignatureReport,
} from './report.js';
export { type ImageVerdict, LEVELS, type Level, type VerifyOptions, verifyImage } from './verify-image.js';
export { type VerifyImagesOptions, verifyImages } from './verify-images.js';
