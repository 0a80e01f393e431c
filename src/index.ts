/**
 * touchmark as a library: open stores, sign, verify, copy, inspect; mark images and verify their chain of custody.
 * Subpaths hold the parts: `touchmark/crypto`, `touchmark/oci`, `touchmark/signature`, and `touchmark/testing` for tests.
 */
export { type ExitCode, exitCodeOf, type ReasonCode } from './base/codes.js';
export { TouchmarkError } from './base/errors.js';
export { EXIT_MEANINGS } from './base/exit-meanings.js';
export { loadPublicKey, loadSigner } from './crypto/key-reference.js';
export type { KeyKind, PublicKey, Signer } from './crypto/keys.js';
export * from './inspect/index.js';
export { createStoreAccess, openStore, resolveImage, type StoreAccess } from './oci/open.js';
export { parseReference } from './oci/reference.js';
export type { Store } from './oci/store.js';
export * from './sign/index.js';
export { reportCustody, reportCustodyIndex } from './verify/custody-report.js';
export * from './verify/index.js';
export type { CustodyOptions } from './verify/judge-custody.js';
export { type VerifyCustodiesOptions, verifyCustodies } from './verify/verify-custodies.js';
export { type CustodyOutcome, verifyCustody } from './verify/verify-custody.js';
