import { TouchmarkError, withDetails } from '../base/errors.js';
import { bury } from './bury.js';
import { parentOf } from './entry-path.js';
import { findHidden, type Hiding } from './hidden.js';
import { HiddenPaths } from './hidden-paths.js';
import type { LayerIndex } from './layer-index.js';
import type { Operation } from './operation.js';
import { Placer } from './placer.js';
import { childrenOf, reserveNodes, type Tree } from './tree.js';

/**
 * Puts one more layer on top of a tree (OCI image specification, "Applying Changesets"): first what it hides of the layers
 * below, then its entries in their order. Where runtimes disagree (CUSTODY.md 7.2), or where the order of entries would
 * matter to some and not to others, the layer is refused and the tree is of no use any more.
 * @param tell called with each thing that the layer does, in order
 * @throws TouchmarkError `layer-ambiguous`, `layer-duplicate-entry`, `limit-exceeded`, with the layer in its details
 */
export function applyLayer(
  tree: Tree,
  index: LayerIndex,
  tell: (operation: Operation) => void = () => {},
): void {
  const layer = tree.layers.push(index) - 1;
  reserveNodes(tree, index.count);
  try {
    const hidden = new HiddenPaths();
    const hidings = findHidden(tree, index, layer);
    for (const hiding of hidings) hidden.add(hiding);
    for (const hiding of hidings)
      hidden.refuseBelow(hiding.how === 'opaque' ? hiding.path : parentOf(hiding.path));
    for (const hiding of hidings) hide(tree, layer, hiding, hidden, tell);
    const placer = new Placer(tree, layer, hidden, tell);
    for (const at of index) placer.place(index.entry(at), at);
  } catch (error) {
    throw error instanceof TouchmarkError ? withDetails(error, { layer }) : error;
  }
}

function hide(
  tree: Tree,
  layer: number,
  { how, node, path, literal, through }: Hiding,
  hidden: HiddenPaths,
  tell: (operation: Operation) => void,
): void {
  const targets = node === undefined ? [] : how === 'explicit' ? [node] : childrenOf(tree, node);
  for (const target of targets) {
    bury(tree, layer, target, how, how === 'explicit' ? { literal, through } : { through }, hidden, tell);
  }
  if (targets.length === 0) tell({ kind: 'dangling', how, layer, path, literal, through });
}
