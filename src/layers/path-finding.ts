import type { ReasonCode } from '../base/codes.js';
import { type EntryPath, pathText } from './entry-path.js';

export type PathCode = Extract<
  ReasonCode,
  | 'path-denied'
  | 'path-delete-denied'
  | 'path-link-denied'
  | 'path-mode-denied'
  | 'path-symlink-traversal'
  | 'seal-violated'
  | 'hardlink-cross-layer'
  | 'whiteout-dangling'
  | 'layer-dual-view'
  | 'path-collision'
>;

/** Something that a layer does to a path and should not. */
export interface PathFinding {
  readonly code: PathCode;
  /** A `warning` changes no verdict. */
  readonly severity: 'fail' | 'warning';
  readonly layer: number;
  readonly step: string;
  /** Absolute, as text. */
  readonly path: string;
  readonly message: string;
}

/** Findings of one code in one layer that are kept: a folder of ten thousand files makes as many. */
const KEPT = 20;

export interface PathFindings {
  add(code: PathCode, severity: PathFinding['severity'], path: EntryPath, message: string): void;
  /** In order; where there were more than are kept of a code, the last says how many. */
  list(): readonly PathFinding[];
}

/** Collects what is found in one layer. */
export function collectPathFindings(layer: number, step: string): PathFindings {
  const found = new Map<PathCode, { readonly kept: PathFinding[]; more: number; failing: boolean }>();
  return {
    add(code, severity, path, message) {
      const of = found.get(code) ?? { kept: [], more: 0, failing: false };
      found.set(code, of);
      if (of.kept.length >= KEPT) {
        of.more++;
        of.failing ||= severity === 'fail';
      } else of.kept.push({ code, severity, layer, step, path: `/${pathText(path)}`, message });
    },
    list: () =>
      [...found].flatMap(([code, { kept, more, failing }]) =>
        more === 0
          ? kept
          : [
              ...kept,
              {
                ...{ code, layer, step, path: '/' },
                severity: failing ? 'fail' : 'warning',
                message: `and ${more} more`,
              },
            ],
      ),
  };
}
