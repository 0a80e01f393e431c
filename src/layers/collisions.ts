import { type EntryPath, joinPath, pathText } from './entry-path.js';
import { pathOf, type Tree, type TreeNode, walk } from './tree.js';

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
  for (const folder of walk(tree.root)) {
    if ((folder.children?.size ?? 0) < 2) continue;
    for (const nodes of collideIn(folder)) {
      if (collisions.length >= KEPT) {
        more++;
        continue;
      }
      const sorted = nodes.sort((a, b) => a.pathLayer - b.pathLayer);
      const at = pathOf(folder);
      collisions.push({
        paths: sorted.map(({ name }) => joinPath(at, name)),
        layers: sorted.map(({ pathLayer }) => pathLayer),
      });
    }
  }
  return { collisions, more };
}

function* collideIn({ children = new Map() }: TreeNode): Generator<TreeNode[]> {
  const names = new Map<string, TreeNode | TreeNode[]>();
  let hasTwo = false;
  for (const node of children.values()) {
    const folded = foldName(node.name);
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
