/**
 * The Update Framework (specification 1.0): the client. It tells which metadata and targets of a repository are to be
 * trusted, and notices when they are rolled back, frozen, mixed or signed by too few.
 *
 * What holds here:
 * - signatures are over canonical JSON of the payload as received; nothing is rebuilt from a model, and unknown members
 *   stay and count;
 * - names from metadata live in maps, and become file names and addresses only in an encoded form;
 * - parsing believes nothing: whatever an attacker sends comes to an error with a code, and sizes and work are bounded;
 * - the rules stand in {@link TrustedSet}, without I/O and clock; whatever fetches and stores asks it first;
 * - what the cache holds is verified again by every client that reads it;
 * - it knows nothing of images and registries.
 */

export { createMemoryCache, openFolderCache, type StoredFile, type TufCache } from './cache.js';
export { encodeCanonical } from './canonical-json.js';
export {
  type ClientOptions,
  openClient,
  pinRoot,
  type RoleStatus,
  type TufClient,
  type TufStatus,
} from './client.js';
export { type Envelope, parseEnvelope } from './envelope.js';
export { type FileFacts, requireFile } from './file-check.js';
export { computeKeyid, hasOwnKeyid, openKey, parseKey, type TufKey, type Verifier } from './keys.js';
export * from './metadata.js';
export { cacheName, encodeRole, metadataName, targetName } from './names.js';
export { parseTargets } from './parse-targets.js';
export { parseRoot, parseSnapshot, parseTimestamp } from './parse-top-level.js';
export { matchPath } from './path-pattern.js';
export { delegatesFor, type FoundTarget, type SearchOptions, searchTarget } from './search.js';
export { createMemorySource, openFolderSource, type TufSource } from './source.js';
export { binName, binNameFor, binOf } from './succinct.js';
export { countSignatures, type ForeignKeyids, type Tally } from './threshold.js';
export { TrustedSet, type TrustOptions } from './trusted-set.js';
