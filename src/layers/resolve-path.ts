import { LIMITS } from '../base/limits.js';
import type { EntryPath } from './entry-path.js';
import { ENTRY } from './layer-index.js';
import { childOf, contentOf, folderOf, inodeOf, kindOf, type Tree, type TreeNode } from './tree.js';

/**
 * What a path leads to in the running container: every symbolic link is followed, the last one too, inside the root.
 * @returns undefined when it leads nowhere
 */
export function resolvePath(tree: Tree, path: EntryPath): TreeNode | undefined {
  const rest = path.split('/').reverse();
  let at = tree.root;
  let hops = 0;
  for (let name = rest.pop(); name !== undefined; name = rest.pop()) {
    if (kindOf(tree, at) !== ENTRY.dir) return undefined;
    if (name === '' || name === '.') continue;
    const next: TreeNode | undefined =
      name === '..' ? (folderOf(tree, at) ?? tree.root) : childOf(tree, at, name);
    if (next === undefined) return undefined;
    if (kindOf(tree, next) !== ENTRY.symlink) {
      at = next;
      continue;
    }
    if (++hops > LIMITS.symlinkHops) return undefined;
    const target = contentOf(tree, inodeOf(tree, next))?.link ?? '';
    if (target.startsWith('/')) at = tree.root;
    rest.push(...target.split('/').reverse());
  }
  return at;
}
