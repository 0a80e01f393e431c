/**
 * Notary v1, which Docker Content Trust was made of: an older TUF with formats of its own. It is read and verified here so
 * that what it says can be taken elsewhere; nothing is published in it.
 *
 * What holds here:
 * - a root is believed for a reason that somebody chose: a key, an authority, an earlier root, or first use;
 * - signatures are over the canonical form of the payload as received; keyids are made anew from the keys;
 * - a role has what its delegator gives it and no more: names follow the tree, prefixes only ever narrow;
 * - the verifier is pure, and a "no" is a problem with a code; roles that were not proven are not in its answer;
 * - whatever a server sends is bounded in size, number and depth before it is believed.
 */
export { type KeyCertificate, parseCertificates } from './certificate.js';
export { collectNotary, type NotaryFiles, type NotaryRequest, type NotarySource } from './collect.js';
export {
  describeNotary,
  describeProven,
  type KeyDescription,
  type NotaryDescription,
  type RoleDescription,
} from './describe.js';
export { isFolderArgument, openTrustFolder } from './folder.js';
export { type Imported, type ImportOptions, importNotary } from './import.js';
export { computeNotaryKeyid, type NotaryKey, type OpenNotaryKey, openNotaryKey } from './keys.js';
export * from './metadata.js';
export { isDelegatedName, parseGun } from './names.js';
export {
  parseNotaryRoot,
  parseNotarySnapshot,
  parseNotaryTargets,
  parseNotaryTimestamp,
} from './parse.js';
export { type ImportPlan, type Loss, type PlannedRole, planImport } from './plan-import.js';
export type { NotaryPin, NotaryTrust } from './root-trust.js';
export { listTags, type NotaryRole, type NotaryTag, readTree } from './tree.js';
export { type NotaryCheck, type NotaryProblem, type NotaryVerdict, verifyNotary } from './verify.js';
