import { fail } from '../base/errors.js';
import { type EntryPath, joinPath, nameOf, parentOf, REBUILD, showPath } from './entry-path.js';
import { followLink } from './follow.js';
import { ENTRY, type EntryKind, type LayerIndex } from './layer-index.js';
import { childOf, kindOf, pathOf, type Tree, type TreeNode } from './tree.js';
import { parseWhiteout, type Whiteout } from './whiteout-name.js';

/** A whiteout of one layer, resolved in what lies below that layer. */
export interface Hiding {
  readonly how: Whiteout['how'];
  /** What it hides, or the folder whose contents it hides; undefined when there is nothing. */
  readonly node: TreeNode | undefined;
  readonly path: EntryPath;
  readonly literal: EntryPath;
  readonly through: EntryPath | undefined;
}

interface Placed {
  readonly order: number;
  readonly kind: EntryKind;
}

/**
 * Finds what the whiteouts of a layer hide, before any of them is applied: they are about the layers below, wherever in the
 * archive they stand.
 * @throws TouchmarkError `layer-ambiguous` where it matters to runtimes in which order a layer is read;
 *   `layer-duplicate-entry`
 */
export function findHidden(tree: Tree, index: LayerIndex, layer: number): readonly Hiding[] {
  const found: { readonly whiteout: Whiteout; readonly order: number }[] = [];
  let order = 0;
  for (const at of index) {
    const whiteout = index.kind(at) === ENTRY.file ? parseWhiteout(index.path(at)) : undefined;
    if (whiteout) found.push({ whiteout, order });
    order++;
  }
  if (found.length === 0) return [];
  const names = new Set<string>();
  for (const {
    whiteout: { how, path },
  } of found) {
    if (names.has(`${how} ${path}`)) {
      fail('layer-duplicate-entry', `the layer hides ${showPath(path)} twice`, { hint: REBUILD });
    }
    names.add(`${how} ${path}`);
  }
  const placed = placedAbove(
    index,
    found.map(({ whiteout }) => whiteout.path),
  );
  return found.flatMap(({ whiteout, order }) => resolve(tree, whiteout, order, placed, layer));
}

/** What the layer itself says about the given paths and about all above them. */
function placedAbove(index: LayerIndex, paths: readonly EntryPath[]): ReadonlyMap<EntryPath, Placed> {
  const wanted = new Set<EntryPath>();
  for (const path of paths) {
    for (let at = path; at !== '' && !wanted.has(at); at = parentOf(at)) wanted.add(at);
  }
  const placed = new Map<EntryPath, Placed>();
  let order = 0;
  for (const at of index) {
    const path = index.path(at);
    if (wanted.has(path) && !placed.has(path)) placed.set(path, { order, kind: index.kind(at) });
    order++;
  }
  return placed;
}

function resolve(
  tree: Tree,
  { how, path: literal }: Whiteout,
  order: number,
  placed: ReadonlyMap<EntryPath, Placed>,
  layer: number,
): readonly Hiding[] {
  const refuse = (problem: string): never =>
    fail('layer-ambiguous', `the whiteout of ${showPath(literal)} ${problem}`, { hint: REBUILD });
  const own = how === 'explicit' ? placed.get(literal) : undefined;
  if (own && own.order < order) refuse('stands behind the entry that comes in its place');
  // An entry replaces what was there, with or without a whiteout in front.
  const nothing = (): readonly Hiding[] =>
    own ? [] : [{ how, node: undefined, path: literal, literal, through: undefined }];
  const folderPath = how === 'opaque' ? literal : parentOf(literal);
  let folder = tree.root;
  let through: EntryPath | undefined;
  let walked: EntryPath = '';
  for (const name of folderPath === '' ? [] : folderPath.split('/')) {
    walked = joinPath(walked, name);
    const made = placed.get(walked);
    const lower = childOf(tree, folder, name);
    if (made && made.kind !== ENTRY.dir) refuse('lies below what the same layer makes no folder');
    if (lower === undefined) return nothing();
    const kind = kindOf(tree, lower);
    if (made && kind !== ENTRY.dir) {
      // The layer puts a folder in the place of something else: below it there was nothing to hide.
      if (made.order < order) return [];
      refuse('stands before the folder that it is in');
    }
    if (kind === ENTRY.symlink) {
      through ??= pathOf(tree, lower);
      folder = followLink(tree, lower, layer, literal);
    } else if (kind === ENTRY.dir) folder = lower;
    else return nothing();
  }
  if (how === 'opaque') return [{ how, node: folder, path: pathOf(tree, folder), literal, through }];

  const node = childOf(tree, folder, nameOf(literal));
  if (own?.kind === ENTRY.dir && node !== undefined && kindOf(tree, node) === ENTRY.dir)
    refuse('hides a folder that the same layer makes again');
  if (own) return [];
  return [{ how, node, path: joinPath(pathOf(tree, folder), nameOf(literal)), literal, through }];
}
