import { type BlameState, type DeletedPath, type PathFilter, stateAt } from './blame.js';
import { type EntryPath, joinPath } from './entry-path.js';
import { ENTRY } from './layer-index.js';
import { childrenOf, inodeOf, kindOf, nodeName, type Tree, type TreeNode } from './tree.js';

/** What differs: the kind of thing, its bytes (of a link the target), mode, owner, extended attributes. */
export type PathAspect = 'type' | 'content' | 'mode' | 'owner' | 'attributes';

/** A path that is not the same in two images. */
export interface PathDifference {
  readonly path: EntryPath;
  /** Undefined: it is not there. */
  readonly before: BlameState | undefined;
  readonly after: BlameState | undefined;
  /** Empty when it is in one of them only. */
  readonly aspects: readonly PathAspect[];
  /** How the second image lost it, when it ever had it. */
  readonly deletion: DeletedPath | undefined;
}

interface Comparison {
  readonly before: Tree;
  readonly after: Tree;
  readonly deletions: ReadonlyMap<EntryPath, DeletedPath>;
  readonly chosen: PathFilter;
}

/**
 * Compares the files of two images, whatever layers they come from: what a container would see. Names of one file that were
 * split, or joined, count for nothing as long as each has the same bytes.
 * @param deletions names that are gone from the second image
 * @returns sorted by the bytes of names, a folder before what is in it
 */
export function compareTrees(
  before: Tree,
  after: Tree,
  deletions: ReadonlyMap<EntryPath, DeletedPath>,
  chosen: PathFilter = () => true,
): Generator<PathDifference> {
  return compareFolders({ before, after, deletions, chosen }, '', before.root, after.root);
}

function* compareFolders(
  comparison: Comparison,
  folder: EntryPath,
  before: TreeNode | undefined,
  after: TreeNode | undefined,
): Generator<PathDifference> {
  const old = namesIn(comparison.before, before);
  const now = namesIn(comparison.after, after);
  for (const name of [...new Set([...old.keys(), ...now.keys()])].sort(byBytes)) {
    const [a, b] = [old.get(name), now.get(name)];
    const path = joinPath(folder, name);
    const difference = compareNodes(comparison, path, a, b);
    if (difference) yield difference;
    if (isFolder(comparison.before, a) || isFolder(comparison.after, b))
      yield* compareFolders(comparison, path, a, b);
  }
}

function isFolder(tree: Tree, node: TreeNode | undefined): boolean {
  return node !== undefined && kindOf(tree, node) === ENTRY.dir;
}

function namesIn(tree: Tree, folder: TreeNode | undefined): ReadonlyMap<string, TreeNode> {
  return new Map(
    folder === undefined ? [] : childrenOf(tree, folder).map(node => [nodeName(tree, node), node] as const),
  );
}

function byBytes(a: string, b: string): number {
  return a < b ? -1 : 1;
}

function compareNodes(
  { before, after, deletions, chosen }: Comparison,
  path: EntryPath,
  a: TreeNode | undefined,
  b: TreeNode | undefined,
): PathDifference | undefined {
  const both = a !== undefined && b !== undefined;
  if ((both && areOneEntry(before, a, after, b)) || !chosen(path)) return undefined;
  const was = a === undefined ? undefined : stateAt(before, a);
  const is = b === undefined ? undefined : stateAt(after, b);
  const aspects = was && is ? compareStates(was, is) : [];
  if (both && aspects.length === 0) return undefined;
  return { path, before: was, after: is, aspects, deletion: is ? undefined : deletions.get(path) };
}

/** Most of what two images have comes from layers that both have: there, nothing needs to be looked up. */
function areOneEntry(before: Tree, a: TreeNode, after: Tree, b: TreeNode): boolean {
  const [was, is] = [inodeOf(before, a), inodeOf(after, b)];
  return (
    was.kind === is.kind &&
    was.contentAt === is.contentAt &&
    was.metaAt === is.metaAt &&
    (was.contentAt < 0 || before.layers[was.contentLayer] === after.layers[is.contentLayer]) &&
    (was.metaAt < 0 || before.layers[was.metaLayer] === after.layers[is.metaLayer])
  );
}

function compareStates(a: BlameState, b: BlameState): readonly PathAspect[] {
  if (a.kind !== b.kind) return ['type'];
  const aspects: PathAspect[] = [];
  if (a.digest !== b.digest || a.link !== b.link) aspects.push('content');
  // The mode of a symbolic link means nothing.
  if (a.mode !== b.mode && a.kind !== ENTRY.symlink) aspects.push('mode');
  if (a.uid !== b.uid || a.gid !== b.gid) aspects.push('owner');
  if (a.attributes !== b.attributes) aspects.push('attributes');
  return aspects;
}
