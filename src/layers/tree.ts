import { fail } from '../base/errors.js';
import { LIMITS } from '../base/limits.js';
import { type EntryPath, joinPath } from './entry-path.js';
import { ENTRY, type EntryKind, type LayerEntry } from './layer-index.js';
import { NameTable } from './name-table.js';
import type { DeletedHow, Owners, Tombstone, Version } from './operation.js';
import { addRow, copyRow, makeRows, type Rows, reserveRows } from './rows.js';

/**
 * One name in the tree of an image, by its row. What a name is stands in the indexes of the layers, and here is where. Names
 * that share bytes and metadata by place are one inode. A row is never another name's, also when its own is gone.
 */
export type TreeNode = number;

/** Never a hard link: what that leads to. */
export type NodeKind = Exclude<EntryKind, typeof ENTRY.hardlink>;

/** What a name stands for, and where that is described. */
export interface Inode {
  readonly kind: NodeKind;
  readonly contentLayer: number;
  /** Where in the index of that layer; -1 for folders. */
  readonly contentAt: number;
  readonly metaLayer: number;
  /** Where in the index of that layer; -1 for a folder that no entry named. */
  readonly metaAt: number;
}

/** The entries of a layer, by where they stand in its index. */
export interface Entries {
  entry(at: number): LayerEntry;
  path(at: number): EntryPath;
}

/** Attributes of the root, and of a folder that no entry names. */
const IMPLIED: Pick<LayerEntry, 'mode' | 'uid' | 'gid' | 'xattrs'> = {
  mode: 0o755,
  uid: 0,
  gid: 0,
  xattrs: new Uint8Array(),
};

/** The root file system of an image, after so many of its layers. */
export interface Tree {
  readonly root: TreeNode;
  /** Of the layers that were applied, base first. */
  readonly layers: Entries[];
  readonly rows: Rows;
  readonly names: NameTable;
  /** Names that were taken away, in that order. */
  readonly gone: TreeNode[];
  /** How many rows there may be, but the one that is added last; 0 for a tree that was kept, which is only to be read. */
  readonly limit: number;
}

/** @param limit of names and of what they were before */
export function createTree(limit: number = LIMITS.treeNodes): Tree {
  const rows = makeRows();
  addRow(rows);
  const root = addRow(rows);
  rows.nameStart[root] = 0;
  rows.nameLength[root] = 0;
  rows.kind[root] = ENTRY.dir;
  return { root, layers: [], rows, names: new NameTable(rows, root), gone: [], limit: limit + 1 };
}

/** @throws TouchmarkError `limit-exceeded` */
export function addChild(
  tree: Tree,
  parent: TreeNode,
  name: string,
  kind: NodeKind,
  layer: number,
): TreeNode {
  refuseMore(tree);
  const { rows } = tree;
  const node = addRow(rows);
  rows.parent[node] = parent;
  rows.kind[node] = kind;
  rows.pathLayer[node] = layer;
  rows.contentLayer[node] = layer;
  rows.metaLayer[node] = layer;
  const newest = rows.first[parent] as number;
  rows.older[node] = newest;
  if (newest >= 0) rows.newer[newest] = node;
  rows.first[parent] = node;
  tree.names.name(node, name);
  return node;
}

/**
 * A tree as it was when its rows were kept. It is to be read: no layer can be put on it.
 * @param names the bytes of all names
 * @param layers the entries that it was made of
 */
export function restoreTree(
  rows: Rows,
  names: Buffer,
  gone: Iterable<TreeNode>,
  layers: readonly Entries[],
): Tree {
  const table = new NameTable(rows, ROOT, names);
  return { root: ROOT, layers: [...layers], rows, names: table, gone: [...gone], limit: 0 };
}

/** Makes room for so many names more, so that it need not be made bit by bit. */
export function reserveNodes({ rows, names, limit }: Tree, more: number): void {
  if (limit === 0) fail('internal', 'a tree that was kept takes no more layers');
  const room = Math.min(more, Math.max(0, limit - rows.count));
  reserveRows(rows, room);
  names.reserve(room);
}

/** Row 0 is nobody's: a node is never taken for none. */
const ROOT: TreeNode = 1;

function refuseMore({ rows, limit }: Tree): void {
  if (rows.count <= limit) return;
  fail('limit-exceeded', `the image has, or has had, more than ${limit - 1} files and folders`, {
    details: { limit: limit - 1 },
  });
}

/** The last layer with an entry of this path. */
export function markSeen({ rows }: Tree, node: TreeNode, layer: number): void {
  rows.seen[node] = layer;
}

/** The last layer that something of which went through this name, or was linked to it: it must not change after that. */
export function markUsed({ rows }: Tree, node: TreeNode, layer: number): void {
  rows.used[node] = layer;
}

/** Takes a name out, with all below it when it is a folder. @returns them, the folder first */
export function removeNode(tree: Tree, node: TreeNode, layer: number, how: DeletedHow): readonly TreeNode[] {
  const { rows } = tree;
  const [parent, older, newer] = [rows.parent, rows.older, rows.newer].map(
    column => column[node] as number,
  ) as [number, number, number];
  if (older >= 0) rows.newer[older] = newer;
  if (newer >= 0) rows.older[newer] = older;
  else rows.first[parent] = older;
  tree.names.remove(node);
  const removed = [...walk(tree, node)];
  for (const gone of removed) {
    rows.goneLayer[gone] = layer;
    rows.goneHow[gone] = HOWS.indexOf(how);
    tree.gone.push(gone);
  }
  return removed;
}

const HOWS: readonly DeletedHow[] = ['explicit', 'opaque', 'replaced'];

/** A node and all below it, folders before what is in them. */
export function* walk(tree: Tree, node: TreeNode = tree.root): Generator<TreeNode> {
  const { rows } = tree;
  const stack = [node];
  for (let next = stack.pop(); next !== undefined; next = stack.pop()) {
    yield next;
    for (let child = rows.first[next] as number; child >= 0; child = rows.older[child] as number)
      stack.push(child);
  }
}

/** What is in a folder, in the order in which it came. */
export function childrenOf({ rows }: Tree, node: TreeNode): TreeNode[] {
  const children: TreeNode[] = [];
  for (let child = rows.first[node] as number; child >= 0; child = rows.older[child] as number)
    children.push(child);
  return children.reverse();
}

export function childOf(tree: Tree, folder: TreeNode, name: string): TreeNode | undefined {
  const node = tree.names.find(folder, name);
  return node < 0 ? undefined : node;
}

/** The folder that a node is in; undefined for the root. */
export function folderOf({ rows }: Tree, node: TreeNode): TreeNode | undefined {
  const parent = rows.parent[node] as number;
  return parent < 0 ? undefined : parent;
}

export function kindOf({ rows }: Tree, node: TreeNode): NodeKind {
  return rows.kind[node] as NodeKind;
}

export function nodeName({ names }: Tree, node: TreeNode): string {
  return names.text(node);
}

export function pathOf(tree: Tree, node: TreeNode): EntryPath {
  const parent = folderOf(tree, node);
  return parent === undefined ? '' : joinPath(pathOf(tree, parent), nodeName(tree, node));
}

/** The node at a path; no link is followed. */
export function findNode(tree: Tree, path: EntryPath): TreeNode | undefined {
  let node: TreeNode | undefined = tree.root;
  if (path === '') return node;
  for (const name of path.split('/')) {
    if (node === undefined) return undefined;
    node = childOf(tree, node, name);
  }
  return node;
}

export function ownersOf({ rows }: Tree, node: TreeNode): Owners {
  return {
    path: rows.pathLayer[node] as number,
    content: rows.contentLayer[node] as number,
    meta: rows.metaLayer[node] as number,
  };
}

export function inodeOf({ rows }: Tree, node: TreeNode): Inode {
  return {
    kind: rows.kind[node] as NodeKind,
    contentLayer: rows.contentLayer[node] as number,
    contentAt: rows.contentAt[node] as number,
    metaLayer: rows.metaLayer[node] as number,
    metaAt: rows.metaAt[node] as number,
  };
}

export function setInode({ rows }: Tree, node: TreeNode, inode: Inode): void {
  rows.kind[node] = inode.kind;
  rows.contentLayer[node] = inode.contentLayer;
  rows.contentAt[node] = inode.contentAt;
  setMeta({ rows }, node, inode.metaLayer, inode.metaAt);
}

export function setMeta({ rows }: Pick<Tree, 'rows'>, node: TreeNode, layer: number, at: number): void {
  rows.metaLayer[node] = layer;
  rows.metaAt[node] = at;
}

/** What a name is, or was last, and what it was before. */
export function versionOf(tree: Tree, node: TreeNode): Version {
  return { ...plainVersion(tree, node), history: historyOf(tree, node) };
}

/** What a path was before, oldest first; few were anything else. */
export function historyOf(tree: Tree, node: TreeNode): readonly Version[] {
  const { earlier } = tree.rows;
  const history: Version[] = [];
  for (let at = earlier[node] as number; at >= 0; at = earlier[at] as number)
    history.push({ ...plainVersion(tree, at), history: [] });
  return history.reverse();
}

function plainVersion(tree: Tree, node: TreeNode): Omit<Version, 'history'> {
  const { kind, contentAt, metaAt } = inodeOf(tree, node);
  return { ...ownersOf(tree, node), kind, contentAt, metaAt };
}

/** Keeps what a path is, before something else comes there. */
export function remember(tree: Tree, node: TreeNode): void {
  refuseMore(tree);
  tree.rows.earlier[node] = copyRow(tree.rows, node);
}

/** A name that is gone, and who took it away. */
export function tombstoneOf(tree: Tree, node: TreeNode): Tombstone {
  const { goneLayer, goneHow } = tree.rows;
  const how = HOWS[goneHow[node] as number] ?? 'explicit';
  return { path: pathOf(tree, node), layer: goneLayer[node] as number, how, was: versionOf(tree, node) };
}

/** Those of all names that are gone, or of one path. */
export function* tombstones(tree: Tree, path?: EntryPath): Generator<Tombstone> {
  const name = path?.slice(path.lastIndexOf('/') + 1);
  for (const node of tree.gone) {
    if (name !== undefined && !tree.names.is(node, name)) continue;
    const tombstone = tombstoneOf(tree, node);
    if (path === undefined || tombstone.path === path) yield tombstone;
  }
}

/** The entry whose bytes, link target or device numbers are seen; undefined for folders. */
export function contentOf(
  tree: Tree,
  { contentLayer, contentAt }: Pick<Inode, 'contentLayer' | 'contentAt'>,
): LayerEntry | undefined {
  return contentAt < 0 ? undefined : tree.layers[contentLayer]?.entry(contentAt);
}

/** Mode, owner and extended attributes as they are seen. */
export function metaOf(
  tree: Tree,
  { metaLayer, metaAt }: Pick<Inode, 'metaLayer' | 'metaAt'>,
): typeof IMPLIED {
  return (metaAt < 0 ? undefined : tree.layers[metaLayer]?.entry(metaAt)) ?? IMPLIED;
}
