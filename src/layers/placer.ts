import { equalBytes } from '../base/bytes.js';
import { fail } from '../base/errors.js';
import { bury } from './bury.js';
import { type EntryPath, joinPath, nameOf, parentOf, REBUILD, showPath } from './entry-path.js';
import { followLink, type Place } from './follow.js';
import type { HiddenPaths } from './hidden-paths.js';
import { ENTRY, type LayerEntry } from './layer-index.js';
import type { Operation } from './operation.js';
import {
  addChild,
  childOf,
  childrenOf,
  contentOf,
  type Inode,
  inodeOf,
  kindOf,
  markSeen,
  markUsed,
  metaOf,
  type NodeKind,
  ownersOf,
  pathOf,
  remember,
  setInode,
  setMeta,
  type Tree,
  type TreeNode,
} from './tree.js';
import { parseWhiteout } from './whiteout-name.js';

/** Puts the entries of one layer into a tree, in their order; whiteouts are passed over: they were applied before. */
export class Placer {
  readonly #tree: Tree;
  readonly #layer: number;
  readonly #hidden: HiddenPaths;
  readonly #tell: (operation: Operation) => void;
  /** The folder of the entry before: most often also that of the next. */
  #last: (Place & { readonly path: EntryPath }) | undefined;

  constructor(tree: Tree, layer: number, hidden: HiddenPaths, tell: (operation: Operation) => void) {
    this.#tree = tree;
    this.#layer = layer;
    this.#hidden = hidden;
    this.#tell = tell;
  }

  place(entry: LayerEntry, at: number): void {
    if (entry.kind === ENTRY.file && parseWhiteout(entry.path)) return;
    const layer = this.#layer;
    if (entry.path === '') {
      this.#setFolder(this.#tree.root, entry, at, { layer, path: '', literal: '', through: undefined });
      return;
    }
    const { folder, through } = this.#open(parentOf(entry.path), entry.path);
    const name = nameOf(entry.path);
    const path = through === undefined ? entry.path : joinPath(pathOf(this.#tree, folder), name);
    this.#hidden.refuseAt(path);
    const about = { layer, path, literal: entry.path, through };
    const there = childOf(this.#tree, folder, name);
    if (there !== undefined && this.#isSeen(there)) {
      fail('layer-duplicate-entry', `the layer has two entries for ${showPath(path)}`, { hint: REBUILD });
    }
    if (entry.kind === ENTRY.dir && there !== undefined && kindOf(this.#tree, there) === ENTRY.dir) {
      this.#setFolder(there, entry, at, about);
      return;
    }
    if (there !== undefined && this.#tree.rows.used[there] === layer)
      this.#refuse(entry, 'changes what an entry before it went through or links to');
    if (entry.kind === ENTRY.hardlink) this.#link(folder, name, there, entry, about);
    else this.#put(folder, name, there, entry, at, about);
  }

  /** The folder at a path, made where it is missing, through whatever links stand on the way. */
  #open(path: EntryPath, of: EntryPath): Place {
    if (this.#last?.path === path) return this.#last;
    const tree = this.#tree;
    let folder = tree.root;
    let through: EntryPath | undefined;
    for (const name of path === '' ? [] : path.split('/')) {
      let next = childOf(tree, folder, name);
      if (next === undefined) {
        next = addChild(tree, folder, name, ENTRY.dir, this.#layer);
        const made = pathOf(tree, next);
        this.#hidden.refuseImplied(made);
        this.#tell({ kind: 'implied-dir', layer: this.#layer, path: made, literal: made, through });
      } else if (kindOf(tree, next) === ENTRY.symlink) {
        through ??= pathOf(tree, next);
        next = followLink(tree, next, this.#layer, of);
      } else if (kindOf(tree, next) !== ENTRY.dir) {
        fail(
          'layer-ambiguous',
          `the entry ${showPath(of)} lies below ${showPath(pathOf(tree, next))}, which is no folder`,
          {
            hint: REBUILD,
          },
        );
      }
      markUsed(tree, next, this.#layer);
      folder = next;
    }
    this.#last = { path, folder, through };
    return this.#last;
  }

  #setFolder(node: TreeNode, entry: LayerEntry, at: number, about: About): void {
    const tree = this.#tree;
    if (this.#isSeen(node)) {
      fail('layer-duplicate-entry', `the layer has two entries for ${showPath(about.path)}`, {
        hint: REBUILD,
      });
    }
    markSeen(tree, node, this.#layer);
    // A folder that the same layer made for what is in it becomes what its entry says.
    const owners = ownersOf(tree, node);
    const isNew = owners.path === this.#layer;
    const previous = isNew ? undefined : owners;
    if (!isNew && sameMeta(entry, metaOf(tree, inodeOf(tree, node)))) {
      this.#tell({ kind: 'noop', entry, previous, ...about });
      return;
    }
    if (!isNew) remember(tree, node);
    setMeta(tree, node, this.#layer, at);
    this.#tell({ kind: isNew ? 'add' : 'metadata', entry, previous, ...about });
  }

  /** Anything but a hard link, in the place of anything but a folder by a folder. */
  #put(
    folder: TreeNode,
    name: string,
    there: TreeNode | undefined,
    entry: LayerEntry,
    at: number,
    about: About,
  ): void {
    const layer = this.#layer;
    this.#set(folder, name, there, entry, about, {
      kind: entry.kind as NodeKind,
      contentLayer: layer,
      contentAt: entry.kind === ENTRY.dir ? -1 : at,
      metaLayer: layer,
      metaAt: at,
    });
  }

  #link(folder: TreeNode, name: string, there: TreeNode | undefined, entry: LayerEntry, about: About): void {
    const tree = this.#tree;
    const { node: target, through } = this.#findTarget(entry);
    if (target === there) this.#refuse(entry, 'is a hard link to itself');
    const inode = inodeOf(tree, target);
    const meta = metaOf(tree, inode);
    // Some runtimes give the file what stands in the header of its link, others leave it as it is.
    const says = entry.xattrs.length === 0 ? { ...entry, xattrs: meta.xattrs } : entry;
    const isSymlink = inode.kind === ENTRY.symlink;
    if (!sameMeta(isSymlink ? { ...says, mode: meta.mode } : says, meta)) {
      this.#refuse(entry, 'is a hard link with another mode, owner or attributes than its target');
    }
    markUsed(tree, target, this.#layer);
    if (this.#isSeen(target)) {
      const content = contentOf(tree, inode);
      if (content === undefined) return;
      this.#set(folder, name, there, { ...content, ...meta, path: entry.path }, about, inode, true);
      return;
    }
    const targetOwners = ownersOf(tree, target);
    const previous = there === undefined ? undefined : ownersOf(tree, there);
    const to = { target: pathOf(tree, target), targetThrough: through, targetOwners };
    this.#replace(folder, name, there, about, inode);
    this.#tell({ kind: 'link', entry, ...to, previous, ...about });
  }

  #findTarget(entry: LayerEntry): { readonly node: TreeNode; readonly through: EntryPath | undefined } {
    const tree = this.#tree;
    const missing = (): never =>
      this.#refuse(entry, `is a hard link to ${showPath(entry.link)}, which is no file`);
    let node = tree.root;
    let through: EntryPath | undefined;
    const names = entry.link.split('/');
    for (const [i, name] of names.entries()) {
      let next = childOf(tree, node, name) ?? missing();
      if (i < names.length - 1) {
        if (kindOf(tree, next) === ENTRY.symlink) {
          through ??= pathOf(tree, next);
          next = followLink(tree, next, this.#layer, entry.path);
        }
        if (kindOf(tree, next) !== ENTRY.dir) missing();
        markUsed(tree, next, this.#layer);
      } else if (kindOf(tree, next) === ENTRY.dir) missing();
      node = next;
    }
    return { node, through };
  }

  #set(
    folder: TreeNode,
    name: string,
    there: TreeNode | undefined,
    entry: LayerEntry,
    about: About,
    inode: Inode,
    isLink = false,
  ): void {
    const tree = this.#tree;
    const previous = there === undefined ? undefined : ownersOf(tree, there);
    const before = there === undefined ? undefined : inodeOf(tree, there);
    if (there !== undefined && before?.kind === inode.kind) {
      const old = contentOf(tree, before);
      const meta = metaOf(tree, before);
      // A name that becomes one more of another file is no repetition, whatever is in the two: who writes to one writes to both.
      const joins = isLink && !isSameInode(before, inode);
      if (old && sameContent(entry, old) && !(joins && sameMeta(entry, meta))) {
        markSeen(tree, there, this.#layer);
        // Nobody can set the mode of a symbolic link.
        if (sameMeta(inode.kind === ENTRY.symlink ? { ...entry, mode: meta.mode } : entry, meta)) {
          this.#tell({ kind: 'noop', entry, previous, ...about });
          return;
        }
        remember(tree, there);
        setMeta(tree, there, inode.metaLayer, inode.metaAt);
        this.#tell({ kind: 'metadata', entry, previous, ...about });
        return;
      }
    }
    this.#replace(folder, name, there, about, inode);
    this.#tell({ kind: there === undefined ? 'add' : 'modify', entry, previous, ...about });
  }

  #replace(folder: TreeNode, name: string, there: TreeNode | undefined, about: About, inode: Inode): void {
    const tree = this.#tree;
    let node = there;
    if (node === undefined) node = addChild(tree, folder, name, inode.kind, this.#layer);
    else {
      remember(tree, node);
      for (const child of childrenOf(tree, node)) {
        bury(tree, this.#layer, child, 'replaced', { through: about.through }, undefined, this.#tell);
      }
    }
    tree.rows.pathLayer[node] = this.#layer;
    markSeen(tree, node, this.#layer);
    setInode(tree, node, inode);
  }

  #isSeen(node: TreeNode): boolean {
    return this.#tree.rows.seen[node] === this.#layer;
  }

  #refuse(entry: LayerEntry, problem: string): never {
    return fail('layer-ambiguous', `the entry ${showPath(entry.path)} ${problem}`, { hint: REBUILD });
  }
}

type About = Pick<Operation, 'layer' | 'path' | 'literal' | 'through'>;

function isSameInode(a: Inode, b: Inode): boolean {
  return (
    a.contentLayer === b.contentLayer &&
    a.contentAt === b.contentAt &&
    a.metaLayer === b.metaLayer &&
    a.metaAt === b.metaAt
  );
}

function sameContent(a: LayerEntry, b: LayerEntry): boolean {
  return a.size === b.size && a.link === b.link && equalBytes(a.digest, b.digest);
}

function sameMeta(
  a: Pick<LayerEntry, 'mode' | 'uid' | 'gid' | 'xattrs'>,
  b: Pick<LayerEntry, 'mode' | 'uid' | 'gid' | 'xattrs'>,
): boolean {
  return a.mode === b.mode && a.uid === b.uid && a.gid === b.gid && equalBytes(a.xattrs, b.xattrs);
}
