import { compileGlob, type Glob } from '../base/glob.js';
import { type EntryPath, pathText } from './entry-path.js';

/** Says whether a path is named by one of several patterns. */
export type PathMatch = (path: EntryPath) => boolean;

/** @throws TouchmarkError `policy-invalid` for a pattern that is none */
export function matchPaths(patterns: readonly string[]): PathMatch {
  const globs: readonly Glob[] = patterns.map(pattern => compileGlob(pattern));
  return path => {
    if (globs.length === 0) return false;
    const text = `/${pathText(path)}`;
    return globs.some(glob => glob(text));
  };
}
