/**
 * The repository side of TUF (specification 1.0, section 6 and the formats of 4): what owners, teams and the machine that
 * renews timestamps do.
 *
 * What holds here:
 * - the published files are never changed; a change is staged, signed by those who speak for the role, and published whole;
 * - payloads are edited as they were read: members that nobody here knows stay;
 * - nothing is written that the client would refuse, or that other clients are known to read differently;
 * - a signature is verified before it is written, and again before it is published;
 * - readers see the old repository or the new one, and so does whoever goes on after a process was killed;
 * - who was slower learns of it (`tuf-conflict`), and keeps what is staged.
 */

export { authoritiesOf, formatHolder, type KeyHolder, type Signed } from './authority.js';
export {
  addRoleKey,
  delegateBins,
  delegateRole,
  discardStaged,
  removeRoleKey,
  renewRole,
  revokeRole,
  setThreshold,
} from './change-roles.js';
export { addTargets, type ListedTarget, listTargets, removeTargets } from './change-targets.js';
export type { BinDelegation, Delegation } from './edit-delegations.js';
export { EXPIRY_DAYS, expiryDaysOf, LABELS, labelOf, ONLINE_DAYS } from './edit-payload.js';
export type { RoleSetup, RootSetup } from './edit-root.js';
export type { TargetEntry } from './edit-targets.js';
export { initRepository, openRepository } from './init.js';
export { formatJson, type SignatureEntry, serializeMetadata } from './json-text.js';
export { type KeyEntry, type LabelledKey, makeKeyEntry, metadataScheme } from './key-entry.js';
export { type Publication, publishStaged } from './publish.js';
export { type Refreshed, refreshOnline } from './refresh-online.js';
export type { Repository } from './repository.js';
export { mergeSignatures, openStaged, type SignedRole, signStaged, stagedPayload } from './sign-staged.js';
export type { StagedRole } from './stage.js';
export { type BinsStanding, type RepositoryStatus, type RoleStanding, readStatus } from './status.js';
