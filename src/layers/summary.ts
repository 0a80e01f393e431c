import type { PathFilter } from './blame.js';
import { type EntryPath, parentOf } from './entry-path.js';
import { ENTRY } from './layer-index.js';
import type { Owners } from './operation.js';
import {
  contentOf,
  findNode,
  inodeOf,
  type NodeKind,
  ownersOf,
  pathOf,
  type Tree,
  type TreeNode,
  tombstones,
  versionOf,
  walk,
} from './tree.js';

/** What somebody did to an image, in numbers of names. */
export interface Tally {
  /** Files with its bytes, and those bytes: names of one file count once there. */
  files: number;
  bytes: number;
  /** Folders, links, devices and pipes that it made. */
  others: number;
  /** Times that it put something of its own in the place of somebody else's file or link. */
  replaced: number;
  /** Times that it set mode, owner or attributes of what is somebody else's. */
  metadata: number;
  /** Names that it took away and that are gone, and those among them that were somebody else's. */
  deleted: number;
  deletedOfOthers: number;
}

/** One part of an image by owner: all of it, or what lies directly in one folder. */
export type Tallies<Owner> = Map<Owner, { readonly all: Tally; readonly folders: Map<EntryPath, Tally> }>;

/**
 * Counts what each owner of layers has in an image and did to the others' part of it.
 * @param ownerOf of a layer of the tree; undefined for -1, which is none
 */
export function summarize<Owner>(
  tree: Tree,
  ownerOf: (layer: number) => Owner | undefined,
  chosen: PathFilter = () => true,
): Tallies<Owner> {
  const tallies: Tallies<Owner> = new Map();
  const count = (layer: number, path: EntryPath, change: (tally: Tally) => void): void => {
    const owner = ownerOf(layer);
    if (owner === undefined) return;
    const of = tallies.get(owner) ?? { all: nothing(), folders: new Map<EntryPath, Tally>() };
    tallies.set(owner, of);
    const folder = parentOf(path);
    const there = of.folders.get(folder) ?? nothing();
    of.folders.set(folder, there);
    for (const tally of [of.all, there]) change(tally);
  };
  const inodes = new Set<string>();
  for (const node of walk(tree)) {
    const path = pathOf(tree, node);
    if (path === '' || !chosen(path)) continue;
    countNode(tree, node, path, inodes, count);
    countChanges(tree, node, path, ownerOf, count);
  }
  for (const { path, layer, was } of tombstones(tree)) {
    if (!chosen(path) || findNode(tree, path) !== undefined) continue;
    const isOthers = ownerOf(layer) !== ownerOf(mainOf(was));
    count(layer, path, tally => {
      tally.deleted++;
      if (isOthers) tally.deletedOfOthers++;
    });
  }
  return tallies;
}

type Count = (layer: number, path: EntryPath, change: (tally: Tally) => void) => void;

function countNode(tree: Tree, node: TreeNode, path: EntryPath, inodes: Set<string>, count: Count): void {
  const { kind, contentLayer, contentAt } = inodeOf(tree, node);
  if (kind !== ENTRY.file) {
    count(kind === ENTRY.dir ? ownersOf(tree, node).path : contentLayer, path, tally => void tally.others++);
    return;
  }
  const inode = `${contentLayer} ${contentAt}`;
  const size = inodes.has(inode) ? 0 : (contentOf(tree, { contentLayer, contentAt })?.size ?? 0);
  inodes.add(inode);
  count(contentLayer, path, tally => {
    tally.files++;
    tally.bytes += size;
  });
}

/** From each version of a name to the next. */
function countChanges(
  tree: Tree,
  node: TreeNode,
  path: EntryPath,
  ownerOf: (layer: number) => unknown,
  count: Count,
): void {
  const { history, ...now } = versionOf(tree, node);
  let before: (Owners & { readonly kind: NodeKind }) | undefined;
  for (const version of [...history, now]) {
    if (before && version.path !== before.path && before.kind !== ENTRY.dir) {
      if (ownerOf(version.path) !== ownerOf(mainOf(before)))
        count(version.path, path, tally => void tally.replaced++);
    } else if (before && version.meta !== before.meta && ownerOf(version.meta) !== ownerOf(mainOf(before))) {
      count(version.meta, path, tally => void tally.metadata++);
    }
    before = version;
  }
}

/** Folders have no bytes: theirs is who made them. */
function mainOf({ content, path, kind }: Owners & { readonly kind: NodeKind }): number {
  return kind === ENTRY.dir ? path : content;
}

function nothing(): Tally {
  return { files: 0, bytes: 0, others: 0, replaced: 0, metadata: 0, deleted: 0, deletedOfOthers: 0 };
}
