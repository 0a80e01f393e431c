import { fail } from '../base/errors.js';
import { LIMITS } from '../base/limits.js';
import { type EntryPath, REBUILD, showPath } from './entry-path.js';
import { ENTRY } from './layer-index.js';
import { contentOf, pathOf, type Tree, type TreeNode } from './tree.js';

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
    fail('layer-ambiguous', `the entry ${showPath(path)} lies below ${showPath(pathOf(link))}, ${problem}`, {
      hint: REBUILD,
    });
  // All of them count, not how deep they lie: links that lead through links would take for ever.
  if (++hops.count > LIMITS.symlinkHops) refuse('one of too many symbolic links, or of a circle');
  const target = contentOf(tree, link)?.link ?? '';
  link.used = layer;
  let at = target.startsWith('/') ? tree.root : (link.parent ?? tree.root);
  for (const name of target.split('/')) {
    if (name === '' || name === '.') continue;
    if (name === '..') {
      at = at.parent ?? tree.root;
      continue;
    }
    const next = at.children?.get(name) ?? refuse('a symbolic link to what is not there');
    at = next.kind === ENTRY.symlink ? followLink(tree, next, layer, path, hops) : next;
    if (at.kind !== ENTRY.dir) refuse('a symbolic link to what is no folder');
    at.used = layer;
  }
  return at;
}
