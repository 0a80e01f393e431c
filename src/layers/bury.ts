import type { EntryPath } from './entry-path.js';
import type { HiddenPaths } from './hidden-paths.js';
import { ENTRY } from './layer-index.js';
import type { DeletedHow, Operation } from './operation.js';
import { kindOf, ownersOf, pathOf, removeNode, type Tree, type TreeNode } from './tree.js';

/** Takes a name and all below it out of the tree, and says so of each. */
export function bury(
  tree: Tree,
  layer: number,
  node: TreeNode,
  how: DeletedHow,
  { literal, through }: { readonly literal?: EntryPath; readonly through?: EntryPath | undefined },
  hidden: HiddenPaths | undefined,
  tell: (operation: Operation) => void,
): void {
  for (const gone of removeNode(tree, node, layer, how)) {
    const path = pathOf(tree, gone);
    const kind = kindOf(tree, gone);
    if (kind === ENTRY.symlink) hidden?.addLink(path);
    if (kind === ENTRY.dir) hidden?.addFolder(path);
    const previous = ownersOf(tree, gone);
    tell({
      kind: 'delete',
      how,
      layer,
      path,
      literal: (gone === node && literal) || path,
      through,
      previous,
    });
  }
}
