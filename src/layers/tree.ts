import { fail } from '../base/errors.js';
import { LIMITS } from '../base/limits.js';
import { type EntryPath, joinPath } from './entry-path.js';
import { ENTRY, type EntryKind, type LayerEntry, type LayerIndex } from './layer-index.js';
import type { Owners, Tombstone, Version } from './operation.js';

/**
 * One name in the tree of an image. There may be millions: what a name is stands in the indexes of the layers, and here is
 * where. Names that share bytes and metadata by place are one inode.
 */
export interface TreeNode {
  readonly name: string;
  readonly parent: TreeNode | undefined;
  /** Of folders that have any. */
  children: Map<string, TreeNode> | undefined;
  /** Never a hard link: what that leads to. */
  kind: Exclude<EntryKind, typeof ENTRY.hardlink>;
  pathLayer: number;
  contentLayer: number;
  /** Where in the index of that layer; -1 for folders. */
  contentAt: number;
  metaLayer: number;
  /** Where in the index of that layer; -1 for a folder that no entry named. */
  metaAt: number;
  /** The last layer with an entry of this path. */
  seen: number;
  /** The last layer that something of which went through this name, or was linked to it: it must not change after that. */
  used: number;
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
  readonly layers: LayerIndex[];
  /** What paths were before, oldest first: of the few that were anything else. */
  readonly history: Map<TreeNode, readonly Version[]>;
  /** In the order in which names went. Some may be there again. */
  readonly tombstones: Tombstone[];
  /** Names that are in the tree, and how many there may be. */
  size: number;
  readonly limit: number;
}

export function createTree(limit: number = LIMITS.treeNodes): Tree {
  const root = makeNode('', undefined, ENTRY.dir, -1);
  return { root, layers: [], history: new Map(), tombstones: [], size: 0, limit };
}

function makeNode(
  name: string,
  parent: TreeNode | undefined,
  kind: TreeNode['kind'],
  layer: number,
): TreeNode {
  return {
    name,
    parent,
    children: undefined,
    kind,
    pathLayer: layer,
    contentLayer: layer,
    contentAt: -1,
    metaLayer: layer,
    metaAt: -1,
    seen: -1,
    used: -1,
  };
}

/** @throws TouchmarkError `limit-exceeded` */
export function addChild(
  tree: Tree,
  parent: TreeNode,
  name: string,
  kind: TreeNode['kind'],
  layer: number,
): TreeNode {
  if (++tree.size > tree.limit) {
    fail('limit-exceeded', `the image has more than ${tree.limit} files and folders`, {
      details: { limit: tree.limit },
    });
  }
  // A part of a string keeps the whole of it in memory: a path for every name.
  const own = Buffer.from(name, 'latin1').toString('latin1');
  const node = makeNode(own, parent, kind, layer);
  parent.children ??= new Map();
  parent.children.set(own, node);
  return node;
}

/** Takes a name out, with all below it when it is a folder. @returns them, the folder first */
export function removeNode(tree: Tree, node: TreeNode): readonly TreeNode[] {
  node.parent?.children?.delete(node.name);
  const removed = [...walk(node)];
  tree.size -= removed.length;
  return removed;
}

/** A node and all below it, folders before what is in them. */
export function* walk(node: TreeNode): Generator<TreeNode> {
  const stack = [node];
  for (let next = stack.pop(); next; next = stack.pop()) {
    yield next;
    if (next.children) stack.push(...[...next.children.values()].reverse());
  }
}

export function pathOf(node: TreeNode): EntryPath {
  return node.parent ? joinPath(pathOf(node.parent), node.name) : '';
}

/** The node at a path; no link is followed. */
export function findNode(tree: Tree, path: EntryPath): TreeNode | undefined {
  let node: TreeNode | undefined = tree.root;
  if (path === '') return node;
  for (const name of path.split('/')) node = node?.children?.get(name);
  return node;
}

export function ownersOf(node: TreeNode): Owners {
  return { path: node.pathLayer, content: node.contentLayer, meta: node.metaLayer };
}

export function versionOf(tree: Tree, node: TreeNode): Version {
  const { kind, contentAt, metaAt } = node;
  return { ...ownersOf(node), kind, contentAt, metaAt, history: tree.history.get(node) ?? [] };
}

/** Keeps what a path is, before something else comes there. */
export function remember(tree: Tree, node: TreeNode): void {
  const version = { ...versionOf(tree, node), history: [] };
  tree.history.set(node, [...(tree.history.get(node) ?? []), version]);
}

/** The entry whose bytes, link target or device numbers are seen; undefined for folders. */
export function contentOf(
  tree: Tree,
  node: Pick<TreeNode, 'contentLayer' | 'contentAt'>,
): LayerEntry | undefined {
  return node.contentAt < 0 ? undefined : tree.layers[node.contentLayer]?.entry(node.contentAt);
}

/** Mode, owner and extended attributes as they are seen. */
export function metaOf(tree: Tree, node: Pick<TreeNode, 'metaLayer' | 'metaAt'>): typeof IMPLIED {
  return (node.metaAt < 0 ? undefined : tree.layers[node.metaLayer]?.entry(node.metaAt)) ?? IMPLIED;
}
