import { fail } from '../base/errors.js';
import { type EntryPath, joinPath, nameOf, parentOf, REBUILD, showPath } from './entry-path.js';

const PREFIX = '.wh.';
const OPAQUE = '.wh..wh..opq';

/** What an entry hides of the layers below it (OCI image specification, "Whiteouts"). */
export interface Whiteout {
  /** `opaque`: all that lies in the folder; `explicit`: the one path. */
  readonly how: 'explicit' | 'opaque';
  /** What is hidden, or the folder whose contents are. */
  readonly path: EntryPath;
}

/**
 * Reads a path as a whiteout; undefined when it is none.
 * @throws TouchmarkError `layer-ambiguous`, `layer-path-invalid` for names that runtimes take for different things
 */
export function parseWhiteout(path: EntryPath): Whiteout | undefined {
  if (!path.includes(PREFIX)) return undefined;
  const [folder, name] = [parentOf(path), nameOf(path)];
  if (folder.startsWith(PREFIX) || folder.includes(`/${PREFIX}`)) refuse(path, 'lies below a whiteout');
  if (!name.startsWith(PREFIX)) return undefined;
  if (name === OPAQUE) return { how: 'opaque', path: folder };
  if (name.startsWith('.wh..wh.')) refuse(path, 'is a mark of AUFS, which others take for a whiteout');
  const hidden = name.slice(PREFIX.length);
  if (hidden === '' || hidden === '.' || hidden === '..') {
    fail('layer-path-invalid', `the whiteout ${showPath(path)} names nothing`, { hint: REBUILD });
  }
  return { how: 'explicit', path: joinPath(folder, hidden) };
}

function refuse(path: EntryPath, problem: string): never {
  return fail('layer-ambiguous', `the entry ${showPath(path)} ${problem}`, { hint: REBUILD });
}
