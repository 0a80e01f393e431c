import { fail } from '../base/errors.js';
import { type EntryPath, parentOf, REBUILD, showPath } from './entry-path.js';
import type { Hiding } from './hidden.js';

/** Paths that whiteouts of a layer name: an entry of the same layer there, or below, is seen by some runtimes only. */
export class HiddenPaths {
  /** True: nothing may come there; false: below it. */
  readonly #paths = new Map<EntryPath, boolean>();
  readonly #folders = new Set<EntryPath>();

  add({ how, path }: Hiding): void {
    if (how === 'opaque') return;
    if (this.#paths.has(path)) {
      fail('layer-duplicate-entry', `the layer hides ${showPath(path)} twice`, { hint: REBUILD });
    }
    this.#paths.set(path, true);
  }

  /** A link that is gone, through which an entry of the same layer may or may not have been written. */
  addLink(path: EntryPath): void {
    if (!this.#paths.has(path)) this.#paths.set(path, false);
  }

  /** A folder that is gone with all that was in the one above. */
  addFolder(path: EntryPath): void {
    this.#folders.add(path);
  }

  /** For a folder that no entry names: some runtimes keep the mode and owner of the one that was there, others do not. */
  refuseImplied(path: EntryPath): void {
    this.refuseAt(path);
    if (this.#folders.has(path)) this.#refuse(path, path);
  }

  refuseAt(path: EntryPath): void {
    if (this.#paths.size === 0) return;
    if (this.#paths.get(path)) this.#refuse(path, path);
    this.refuseBelow(parentOf(path));
  }

  refuseBelow(folder: EntryPath): void {
    if (this.#paths.size === 0) return;
    for (let at = folder; at !== ''; at = parentOf(at)) if (this.#paths.has(at)) this.#refuse(folder, at);
  }

  #refuse(path: EntryPath, hidden: EntryPath): never {
    return fail(
      'layer-ambiguous',
      `the layer hides ${showPath(hidden)} and has an entry at ${showPath(path)}`,
      {
        hint: REBUILD,
      },
    );
  }
}
