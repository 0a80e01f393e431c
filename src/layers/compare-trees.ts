import { type Blame, type BlameState, blamePaths, type DeletedPath, type PathFilter } from './blame.js';
import type { EntryPath } from './entry-path.js';
import { ENTRY } from './layer-index.js';
import type { Tree } from './tree.js';

/** What differs: the kind of thing, its bytes (of a link the target), mode, owner, extended attributes. */
export type PathAspect = 'type' | 'content' | 'mode' | 'owner' | 'attributes';

/** A path that is not the same in two images. */
export interface PathDifference {
  readonly path: EntryPath;
  /** Undefined: it is not there. */
  readonly before: BlameState | undefined;
  readonly after: BlameState | undefined;
  /** Empty when it is in one of them only. */
  readonly aspects: readonly PathAspect[];
  /** How the second image lost it, when it ever had it. */
  readonly deletion: DeletedPath | undefined;
}

/**
 * Compares the files of two images, whatever layers they come from: what a container would see. Names of one file that were
 * split, or joined, count for nothing as long as each has the same bytes.
 * @param deletions names that are gone from the second image
 * @returns sorted by the bytes of names, a folder before what is in it
 */
export function* compareTrees(
  before: Tree,
  after: Tree,
  deletions: ReadonlyMap<EntryPath, DeletedPath>,
  chosen?: PathFilter,
): Generator<PathDifference> {
  const [old, now] = [blamePaths(before, chosen), blamePaths(after, chosen)];
  let [a, b] = [old.next(), now.next()];
  while (!a.done || !b.done) {
    const order = a.done ? 1 : b.done ? -1 : compareOrder(a.value.path, b.value.path);
    const [was, is]: [Blame | undefined, Blame | undefined] = [
      order <= 0 && !a.done ? a.value : undefined,
      order >= 0 && !b.done ? b.value : undefined,
    ];
    const path = (was ?? is)?.path ?? '';
    const aspects = was && is ? compareStates(was, is) : [];
    if (!was || !is || aspects.length > 0)
      yield { path, before: was, after: is, aspects, deletion: is ? undefined : deletions.get(path) };
    if (order <= 0) a = old.next();
    if (order >= 0) b = now.next();
  }
}

/** The order of {@link blamePaths}: name by name. */
function compareOrder(a: EntryPath, b: EntryPath): number {
  if (a === b) return 0;
  return a.replaceAll('/', '\0') < b.replaceAll('/', '\0') ? -1 : 1;
}

function compareStates(a: BlameState, b: BlameState): readonly PathAspect[] {
  if (a.kind !== b.kind) return ['type'];
  const aspects: PathAspect[] = [];
  if (a.digest !== b.digest || a.link !== b.link) aspects.push('content');
  // The mode of a symbolic link means nothing.
  if (a.mode !== b.mode && a.kind !== ENTRY.symlink) aspects.push('mode');
  if (a.uid !== b.uid || a.gid !== b.gid) aspects.push('owner');
  if (a.attributes !== b.attributes) aspects.push('attributes');
  return aspects;
}
