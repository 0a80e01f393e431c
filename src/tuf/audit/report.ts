import type { AuditFinding } from './finding.js';

/** A role as it is published now. */
export interface AuditedRole {
  readonly name: string;
  readonly version: number;
  readonly expires: string;
  readonly threshold: number;
  readonly keys: number;
  /** Distinct keys whose signatures verify. */
  readonly signed: number;
  /** Who delegates to it: `root` for the top-level roles. */
  readonly delegators: readonly string[];
  /** Bytes of its file. */
  readonly size: number;
  /** Targets that it lists. */
  readonly targets: number;
}

export interface AuditReport {
  /** Versions of the first and the last root that follow from the given one, and that one. */
  readonly roots: { readonly first: number; readonly given: number; readonly last: number };
  /** Bins are in `bins` when there are many of them. */
  readonly roles: readonly AuditedRole[];
  readonly bins: { readonly count: number; readonly targets: number; readonly nextExpiry: string } | null;
  /** Versions that were looked at besides the current ones; null where no history could be listed. */
  readonly history: number | null;
  /** Targets whose content was read; null when that was not asked for. */
  readonly contents: number | null;
  readonly findings: readonly AuditFinding[];
}
