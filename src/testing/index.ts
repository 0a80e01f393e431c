/**
 * Test doubles for code that uses touchmark: an in-process registry, and images made in memory.
 * Images depend on nothing but what they are made of. The registry keeps everything in memory and listens on the loopback
 * interface only.
 */
export {
  buildImage,
  buildIndex,
  buildLayer,
  buildTar,
  type ImageOptions,
  type LayerOptions,
  pushImage,
  type TestImage,
  type TestIndex,
  type TestLayer,
} from './image.js';
export {
  countDependentSteps,
  type FaultSource,
  type RecordedRequest,
  type RegistryOptions,
  startRegistry,
  type TestRegistry,
} from './registry.js';
export type { Fault } from './registry-answer.js';
export type { RegistryAuth } from './registry-auth.js';
export { type StoredManifest, TestRepository } from './registry-storage.js';
