/**
 * The use cases that write. Each is plan, write, read back: what was written must verify before success is reported,
 * running the same again changes nothing, and what others wrote meanwhile is kept.
 */
export {
  ATTACHMENT_SUFFIXES,
  type CopyOptions,
  type CopyProgress,
  type CopyResult,
  copyImage,
} from './copy-image.js';
export { type PlannedSignature, planSignatures, type SignOptions } from './plan.js';
export { type SignImageOptions, signImage, type WrittenSignature } from './sign-image.js';
