import type { EntryPath } from './entry-path.js';
import type { HiddenPaths } from './hidden-paths.js';
import { ENTRY } from './layer-index.js';
import type { DeletedHow, Operation } from './operation.js';
import { ownersOf, pathOf, removeNode, type Tree, type TreeNode, versionOf } from './tree.js';

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
  for (const gone of removeNode(tree, node)) {
    const path = pathOf(gone);
    if (gone.kind === ENTRY.symlink) hidden?.addLink(path);
    if (gone.kind === ENTRY.dir) hidden?.addFolder(path);
    tree.tombstones.push({ path, layer, how, was: versionOf(tree, gone) });
    tree.history.delete(gone);
    const previous = ownersOf(gone);
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
