import { compileGlob, type Glob } from '../base/glob.js';
import { type EntryPath, pathText } from './entry-path.js';

/** What a step may do to the files of an image (CUSTODY.md 7.3). Patterns are anchored and begin with a slash. */
export interface PathRules {
  /** Where it may add and change; what neither list names is denied. */
  readonly allow: readonly string[];
  /** Wins over the other lists. */
  readonly deny: readonly string[];
  /** Where it may delete, or put something else in a folder's place. */
  readonly delete: readonly string[];
  readonly modes: ModeRules;
  /** Layers with a table of contents, by which some runtimes read other files than the tar has. */
  readonly tables: 'allow' | 'deny';
}

/** What modes, owners and links may be; each says `deny` unless a policy says otherwise. */
export interface ModeRules {
  readonly setuid: 'allow' | 'deny';
  readonly setgid: 'allow' | 'deny';
  /** `security.capability` of a file. */
  readonly capabilities: 'allow' | 'deny';
  readonly devices: 'allow' | 'deny';
  /** Folders with the sticky bit too: who needs `/tmp` says so. */
  readonly worldWritable: 'allow' | 'deny';
  /** Symbolic links to where the step may not write. */
  readonly outwardLinks: 'allow' | 'deny';
  /** Least and most; undefined: any. */
  readonly uid?: readonly [number, number] | undefined;
  readonly gid?: readonly [number, number] | undefined;
}

export const STRICT_MODES: ModeRules = {
  setuid: 'deny',
  setgid: 'deny',
  capabilities: 'deny',
  devices: 'deny',
  worldWritable: 'deny',
  outwardLinks: 'deny',
};

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
