import { globProblem } from './glob.js';

/**
 * The words in which policies and claims speak about the files of an image (CUSTODY.md 7.3). Patterns are anchored and begin
 * with a slash; `*` stays within one folder, `**` goes through all.
 */

/** What a step may do to the files of an image. */
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

/** What can be done to a path, as far as a seal may forbid it. */
export const SEALED_OPERATIONS = ['add', 'modify', 'metadata', 'link', 'delete'] as const;

/** A promise of a step below about paths: steps above may not do these operations there. */
export interface Seal {
  /** Whose promise it is. */
  readonly step: string;
  readonly paths: readonly string[];
  readonly ops: readonly string[];
  /** Paths that the policy takes out of it. */
  readonly except: readonly string[];
}

/** A step of the chain, and what its layers are held to. */
export interface ContentStep {
  readonly step: string;
  /** Indexes of its layers: from, and up to but not including to. */
  readonly span: { readonly from: number; readonly to: number };
  /** Undefined: free, as far as no seal says otherwise. What a team adopted it did not build: then too. */
  readonly rules: PathRules | undefined;
  /** Of the steps below it. */
  readonly seals: readonly Seal[];
}

/** What is wrong with a pattern over paths, as the end of a sentence; undefined when it is sound. */
export function pathPatternProblem(pattern: string): string | undefined {
  if (!pattern.startsWith('/')) return 'does not begin with a slash';
  const segments = pattern.slice(1).split('/');
  // The paths that are matched are plain ones: such a pattern would never fit.
  if (segments.includes('')) return 'has an empty part between slashes, or a slash at its end';
  if (segments.some(segment => segment === '.' || segment === '..')) return 'has . or .. as a part';
  return globProblem(pattern);
}
