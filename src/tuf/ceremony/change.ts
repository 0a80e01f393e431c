import type { ExactJsonObject } from '../../base/json.js';

/** A key as people are told of it. */
export interface NamedKey {
  readonly keyid: string;
  /** What its authors call it; undefined when nobody said. */
  readonly label: string | undefined;
}

/** What a target is, as listed. */
export interface ListedTarget {
  readonly length: number;
  /** Lower-case hex; undefined when it is listed by other hashes only. */
  readonly sha256: string | undefined;
  readonly custom: ExactJsonObject | undefined;
}

/**
 * One thing that differs between two versions of a role. `role` is the role that it happens to, which need not be the one
 * whose metadata says so: a root says which keys sign for `targets`. What is `undefined` before was not there.
 */
export type Change =
  | { readonly kind: 'key-added' | 'key-removed'; readonly role: string; readonly key: NamedKey }
  | { readonly kind: 'key-changed'; readonly key: NamedKey }
  | { readonly kind: 'key-unused'; readonly key: NamedKey }
  | { readonly kind: 'label'; readonly keyid: string; readonly before?: string; readonly after?: string }
  | {
      readonly kind: 'threshold';
      readonly role: string;
      readonly before?: Quorum;
      readonly after: Quorum;
    }
  | {
      readonly kind: 'delegation-added';
      readonly role: string;
      readonly paths: readonly string[];
      readonly terminating: boolean;
    }
  | { readonly kind: 'delegation-removed'; readonly role: string }
  | {
      readonly kind: 'delegation-order';
      readonly before: readonly string[];
      readonly after: readonly string[];
    }
  | {
      readonly kind: 'paths-added' | 'paths-removed';
      readonly role: string;
      readonly paths: readonly string[];
    }
  | { readonly kind: 'terminating'; readonly role: string; readonly after: boolean }
  | { readonly kind: 'bins-added' | 'bins-removed'; readonly role: string; readonly count: number }
  | { readonly kind: 'target-added'; readonly path: string; readonly after: ListedTarget }
  | { readonly kind: 'target-removed'; readonly path: string; readonly before: ListedTarget }
  | {
      readonly kind: 'target-changed';
      readonly path: string;
      readonly before: ListedTarget;
      readonly after: ListedTarget;
    }
  | { readonly kind: 'expires'; readonly before?: Date; readonly after: Date }
  | {
      /** Days that versions hold: of the role itself, or as root says for snapshot and timestamp. */
      readonly kind: 'period';
      readonly role?: string;
      readonly before?: number;
      readonly after?: number;
    }
  /** Anything else that would be signed, as JSON: nothing is signed unseen. */
  | { readonly kind: 'other'; readonly where: string; readonly before?: string; readonly after?: string };

/** How many of how many keys sign for a role. */
export interface Quorum {
  readonly threshold: number;
  readonly keys: number;
}

/** Changes of one role, as its next signer sees them. */
export interface RoleChanges {
  readonly role: string;
  readonly version: number;
  /** The version that it is compared with; undefined for the first. */
  readonly before: number | undefined;
  readonly changes: readonly Change[];
}

/** Fewer keys than before can sign for a role after this. */
export function isWeaker(change: Change): boolean {
  return (
    change.kind === 'threshold' &&
    change.before !== undefined &&
    change.after.threshold < change.before.threshold
  );
}
