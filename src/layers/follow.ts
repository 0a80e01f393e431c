import { fail } from '../base/errors.js';
import { LIMITS } from '../base/limits.js';
import { type EntryPath, REBUILD, showPath } from './entry-path.js';
import { ENTRY } from './layer-index.js';
import {
  childOf,
  contentOf,
  folderOf,
  inodeOf,
  kindOf,
  markUsed,
  pathOf,
  type Tree,
  type TreeNode,
} from './tree.js';

/** A folder that was found, and the first symbolic link on the way to it. */
export interface Place {
  readonly folder: TreeNode;
  readonly through: EntryPath | undefined;
}

/**
 * Finds what a symbolic link to a folder leads to, inside the root as runtimes do. All that was gone through is marked as
 * used by `layer`.
 * @param path of the entry that is placed, for messages
 * @throws TouchmarkError `layer-ambiguous` when it leads to no folder: some runtimes make one there, others give up
 */
export function followLink(
  tree: Tree,
  link: TreeNode,
  layer: number,
  path: EntryPath,
  hops = { count: 0 },
): TreeNode {
  const refuse = (problem: string): never =>
    fail(
      'layer-ambiguous',
      `the entry ${showPath(path)} lies below ${showPath(pathOf(tree, link))}, ${problem}`,
      {
        hint: REBUILD,
      },
    );
  // All of them count, not how deep they lie: links that lead through links would take for ever.
  if (++hops.count > LIMITS.symlinkHops) refuse('one of too many symbolic links, or of a circle');
  const target = contentOf(tree, inodeOf(tree, link))?.link ?? '';
  markUsed(tree, link, layer);
  let at = target.startsWith('/') ? tree.root : (folderOf(tree, link) ?? tree.root);
  for (const name of target.split('/')) {
    if (name === '' || name === '.') continue;
    if (name === '..') {
      at = folderOf(tree, at) ?? tree.root;
      continue;
    }
    const next = childOf(tree, at, name) ?? refuse('a symbolic link to what is not there');
    at = kindOf(tree, next) === ENTRY.symlink ? followLink(tree, next, layer, path, hops) : next;
    if (kindOf(tree, at) !== ENTRY.dir) refuse('a symbolic link to what is no folder');
    markUsed(tree, at, layer);
  }
  return at;
}
