import { toHex } from '../base/bytes.js';
import { type EntryPath, nameOf, parentOf } from './entry-path.js';
import { followLink } from './follow.js';
import { ENTRY } from './layer-index.js';
import type { Owners, Tombstone, Version } from './operation.js';
import {
  childOf,
  childrenOf,
  contentOf,
  findNode,
  kindOf,
  metaOf,
  type NodeKind,
  nodeName,
  pathOf,
  type Tree,
  type TreeNode,
  tombstones,
  versionOf,
} from './tree.js';

/** What there was, or is, at a path, and the layers that it comes from. */
export interface BlameState {
  readonly kind: NodeKind;
  readonly owners: Owners;
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  /** Of a file, in bytes; else 0. */
  readonly size: number;
  /** SHA-256 of a file's content in hex; else undefined. */
  readonly digest: string | undefined;
  /** Target of a symbolic link, numbers of a device, as bytes (latin1); else empty. */
  readonly link: string;
  /** Extended attributes: equal ones are equal text. */
  readonly attributes: string;
}

/** One path of an image and where it comes from (CUSTODY.md 7.4). */
export interface Blame extends BlameState {
  readonly path: EntryPath;
  /** The last layer that wrote it again just as it was; undefined when none did. */
  readonly touched: number | undefined;
  /** What it was before, oldest first. */
  readonly history: readonly BlameState[];
  /** The times that the name was taken away before it came back, oldest first. */
  readonly deletions: readonly DeletedPath[];
}

/** A name that a layer took away. */
export interface DeletedPath {
  readonly path: EntryPath;
  /** Who did it, and how. */
  readonly layer: number;
  readonly how: Tombstone['how'];
  /** What it was, and before that, oldest first. */
  readonly was: BlameState;
  readonly history: readonly BlameState[];
}

/** Chooses among paths. */
export type PathFilter = (path: EntryPath) => boolean;

const ALL: PathFilter = () => true;

/** Every path of the image that is chosen, sorted by its bytes within each folder; folders before what is in them. */
export function* blamePaths(tree: Tree, chosen: PathFilter = ALL): Generator<Blame> {
  const deletions = new Map<EntryPath, Tombstone[]>();
  for (const tombstone of tombstones(tree)) {
    if (!chosen(tombstone.path)) continue;
    const of = deletions.get(tombstone.path);
    if (of) of.push(tombstone);
    else deletions.set(tombstone.path, [tombstone]);
  }
  for (const node of walkSorted(tree)) {
    const path = pathOf(tree, node);
    if (path !== '' && chosen(path)) yield blameNode(tree, node, path, deletions.get(path) ?? []);
  }
}

/**
 * One path of the image, symbolic links above it followed as in the running container; the last part is not followed.
 * @returns undefined when there is no such path
 */
export function blamePath(tree: Tree, path: EntryPath): Blame | undefined {
  const node = findThroughLinks(tree, path);
  if (node === undefined) return undefined;
  const at = pathOf(tree, node);
  return blameNode(tree, node, at, [...tombstones(tree, at)]);
}

/** The names that are gone from the image, in the order in which they went. One that went twice is listed twice. */
export function* deletedPaths(tree: Tree, chosen: PathFilter = ALL): Generator<DeletedPath> {
  for (const tombstone of tombstones(tree)) {
    if (chosen(tombstone.path) && findNode(tree, tombstone.path) === undefined)
      yield describeDeletion(tree, tombstone);
  }
}

/** As {@link deletedPaths}, of one path. */
export function deletedAt(tree: Tree, path: EntryPath): readonly DeletedPath[] {
  if (findNode(tree, path) !== undefined) return [];
  return [...tombstones(tree, path)].map(tombstone => describeDeletion(tree, tombstone));
}

function* walkSorted(tree: Tree): Generator<TreeNode> {
  const stack = [tree.root];
  for (let next = stack.pop(); next !== undefined; next = stack.pop()) {
    yield next;
    const children = childrenOf(tree, next).map(node => ({ node, name: nodeName(tree, node) }));
    for (const { node } of children.sort((a, b) => (a.name < b.name ? 1 : -1))) stack.push(node);
  }
}

function findThroughLinks(tree: Tree, path: EntryPath): TreeNode | undefined {
  const literal = findNode(tree, path);
  if (literal !== undefined) return literal;
  const hops = { count: 0 };
  let folder = tree.root;
  for (const name of parentOf(path).split('/')) {
    if (name === '') continue;
    const next = childOf(tree, folder, name);
    if (next === undefined) return undefined;
    const target = kindOf(tree, next) === ENTRY.symlink ? followSafely(tree, next, path, hops) : next;
    if (target === undefined || kindOf(tree, target) !== ENTRY.dir) return undefined;
    folder = target;
  }
  return childOf(tree, folder, nameOf(path));
}

/** A link that leads nowhere is no path of the image. */
function followSafely(
  tree: Tree,
  link: TreeNode,
  path: EntryPath,
  hops: { count: number },
): TreeNode | undefined {
  try {
    return followLink(tree, link, tree.rows.used[link] as number, path, hops);
  } catch {
    return undefined;
  }
}

function blameNode(tree: Tree, node: TreeNode, path: EntryPath, deletions: readonly Tombstone[]): Blame {
  const { history, ...now } = versionOf(tree, node);
  const since = Math.max(now.path, now.content, now.meta);
  const seen = tree.rows.seen[node] as number;
  return {
    path,
    ...stateOf(tree, now),
    touched: seen > since ? seen : undefined,
    history: history.map(version => stateOf(tree, version)),
    deletions: deletions.map(tombstone => describeDeletion(tree, tombstone)),
  };
}

function describeDeletion(tree: Tree, { path, layer, how, was }: Tombstone): DeletedPath {
  const history = was.history.map(version => stateOf(tree, version));
  return { path, layer, how, was: stateOf(tree, was), history };
}

/** What is at a node now. */
export function stateAt(tree: Tree, node: TreeNode): BlameState {
  return stateOf(tree, versionOf(tree, node));
}

function stateOf(
  tree: Tree,
  { kind, path, content, meta, contentAt, metaAt }: Omit<Version, 'history'>,
): BlameState {
  const seen = contentOf(tree, { contentLayer: content, contentAt });
  const { mode, uid, gid, xattrs } = metaOf(tree, { metaLayer: meta, metaAt });
  const digest = seen && seen.digest.length > 0 ? toHex(seen.digest) : undefined;
  const owners = { path, content, meta };
  const what = { size: seen?.size ?? 0, digest, link: seen?.link ?? '' };
  return { kind, owners, mode, uid, gid, ...what, attributes: toHex(xattrs) };
}
