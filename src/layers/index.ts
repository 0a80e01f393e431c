/**
 * Layers: what a blob unpacks to, measured in one pass over it; what is in it; and the files of an image, with the layer
 * that each part of them comes from.
 *
 * What must hold:
 * - nothing is said about a layer before its last byte was read and the store has compared size and digest;
 * - which compression it is the bytes say, and a media type that says another is refused: tools would not agree on what is in it;
 * - what is not part of the layer is never passed over in silence: bytes behind the end are a fault;
 * - a tar that container runtimes read differently is refused, and so is a layer whose effect depends on the runtime;
 * - paths are bytes: nothing is folded or decoded before it is shown or matched;
 * - memory does not grow with the bytes of a layer, only with its entries, and both are bounded;
 * - whatever happens, source and decoder are closed when the call returns.
 */
export { applyLayer } from './apply-layer.js';
export {
  type Blame,
  type BlameState,
  blamePath,
  blamePaths,
  type DeletedPath,
  deletedAt,
  deletedPaths,
  type PathFilter,
} from './blame.js';
export { type Collision, findCollisions } from './collisions.js';
export { compareTrees, type PathAspect, type PathDifference } from './compare-trees.js';
export type { Compression } from './compression.js';
export { type EntryPath, parsePathText, pathText, showPath } from './entry-path.js';
export { type IndexCache, openIndexCache } from './index-cache.js';
export {
  type ContentLayer,
  type ContentVerdict,
  judgeContent,
} from './judge-content.js';
export { ENTRY, type EntryKind, type LayerEntry, LayerIndex } from './layer-index.js';
export { type LayerLimits, type LayerMeasure, type MeasureOptions, measureLayer } from './measure-layer.js';
export type { DeletedHow, Operation, OperationKind, Owners, Tombstone, Version } from './operation.js';
export type { PathCode, PathFinding } from './path-finding.js';
export { type LayerContent, type ReadOptions, readLayer } from './read-layer.js';
export { resolvePath } from './resolve-path.js';
export { summarize, type Tallies, type Tally } from './summary.js';
export {
  childrenOf,
  createTree,
  inodeOf,
  nodeName,
  ownersOf,
  pathOf,
  type Tree,
  type TreeNode,
} from './tree.js';
export { openTreeCache, type TreeCache } from './tree-cache.js';
