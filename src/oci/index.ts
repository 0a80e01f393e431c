/**
 * Images and where they are kept: references, descriptors, manifests, and one store interface over registries, layouts on
 * disk and archives.
 *
 * What must hold: bytes that are handed out match the digest and size they were asked by; a parsed manifest always has its
 * raw bytes beside it, and only those are hashed or written; "not there" is a value, every other failure is thrown.
 */

export type { ReasonCode } from '../base/codes.js';
export { computeDigest, type Digest, isDigest, parseDigest } from '../base/digest.js';
export { type ErrorFacts, TouchmarkError } from '../base/errors.js';
export { type ImageConfig, parseConfig } from './config.js';
export type { RegistryCredentials, RequestEvent, StoreOptions } from './context.js';
export { type Descriptor, describe, type Platform } from './descriptor.js';
export {
  artifactTypeOf,
  type ImageIndex,
  type ImageManifest,
  type Manifest,
  type NewManifest,
  parseManifest,
  type RawManifest,
  rawManifest,
  serializeManifest,
} from './manifest.js';
export { MEDIA_TYPES } from './media-types.js';
export { createStoreAccess, openStore, resolveImage, type StoreAccess, withImage } from './open.js';
export { formatPlatform, matchesPlatform, parsePlatform, selectPlatform } from './platform.js';
export {
  attachmentTag,
  formatReference,
  type ImageReference,
  parseReference,
  pinReference,
  sameRepository,
} from './reference.js';
export type { BlobSource, Referrers, Store, TagMerge } from './store.js';
export { type WalkedManifest, walkManifests } from './walk.js';
