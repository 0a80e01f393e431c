import { type EntryPath, joinPath, pathText } from './entry-path.js';
import { childrenOf, nodeName, ownersOf, pathOf, type Tree, type TreeNode, walk } from './tree.js';

/** Names of one folder that some file systems take for one: on those one file hides the other. */
export interface Collision {
  /** Two or more, in the order in which layers made them. */
  readonly paths: readonly EntryPath[];
  /** Of each, the layer that made the name. */
  readonly layers: readonly number[];
}

/** How many are listed of them. */
const KEPT = 1000;

/**
 * Finds the names of an image that differ in upper and lower case alone, or in how Unicode composes their letters. Below
 * names that collide nothing more is said of what they share.
 * @returns the first ones, and how many there are beside them
 */
export function findCollisions(tree: Tree): {
  readonly collisions: readonly Collision[];
  readonly more: number;
} {
  const collisions: Collision[] = [];
  let more = 0;
  for (const folder of walk(tree)) {
    for (const nodes of collideIn(tree, folder)) {
      if (collisions.length >= KEPT) {
        more++;
        continue;
      }
      const made = (node: TreeNode): number => ownersOf(tree, node).path;
      const sorted = nodes.sort((a, b) => made(a) - made(b));
      const at = pathOf(tree, folder);
      collisions.push({
        paths: sorted.map(node => joinPath(at, nodeName(tree, node))),
        layers: sorted.map(made),
      });
    }
  }
  return { collisions, more };
}

function* collideIn(tree: Tree, folder: TreeNode): Generator<TreeNode[]> {
  const children = childrenOf(tree, folder);
  if (children.length < 2) return;
  const names = new Map<string, TreeNode | TreeNode[]>();
  let hasTwo = false;
  for (const node of children) {
    const folded = foldName(nodeName(tree, node));
    const there = names.get(folded);
    if (there === undefined) names.set(folded, node);
    else {
      hasTwo = true;
      if (Array.isArray(there)) there.push(node);
      else names.set(folded, [there, node]);
    }
  }
  if (!hasTwo) return;
  for (const nodes of names.values()) if (Array.isArray(nodes)) yield nodes;
}

// biome-ignore lint/suspicious/noControlCharactersInRegex: what is not ASCII has to be decoded
const ASCII = /^[\x00-\x7f]*$/;

/** What file systems without case and with one form of Unicode compare, roughly: some tell apart what is one here. */
function foldName(name: string): string {
  if (ASCII.test(name)) return name.toLowerCase();
  return pathText(name).normalize('NFD').toLowerCase().toUpperCase().toLowerCase().normalize('NFC');
}
