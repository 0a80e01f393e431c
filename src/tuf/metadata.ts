import type { ExactJsonObject } from '../base/json.js';
import type { Envelope } from './envelope.js';
import type { TufKey } from './keys.js';

/** The four roles that every repository has; no delegated role may have one of these names. */
export const TOP_LEVEL_ROLES = ['root', 'timestamp', 'snapshot', 'targets'] as const;
export type TopLevelRole = (typeof TOP_LEVEL_ROLES)[number];

/** What every payload holds. */
export interface Payload {
  readonly specVersion: string;
  /** 1 to 2^53-1. */
  readonly version: number;
  readonly expires: Date;
  /** The payload as received, members that nobody knows included. */
  readonly raw: ExactJsonObject;
}

/** A file and what it says. Nothing here is verified: that is the trusted set's business. */
export interface Metadata<T extends Payload> {
  readonly envelope: Envelope;
  readonly payload: T;
}

/** Which keys speak for a role, and how many of them must. */
export interface RoleKeys {
  /** Each once. */
  readonly keyids: readonly string[];
  /** 1 or more. It may exceed the number of keys; then nothing satisfies it. */
  readonly threshold: number;
}

export interface Root extends Payload {
  /** False also when absent. */
  readonly consistentSnapshot: boolean;
  readonly keys: ReadonlyMap<string, TufKey>;
  readonly roles: ReadonlyMap<TopLevelRole, RoleKeys>;
}

/**
 * Hex by algorithm, over the file as published: the object as received, which inherits nothing. All of them must hold, so one
 * that is not known fails the file.
 */
export type Hashes = Readonly<Record<string, string>>;

/** What is known of a metadata file before it is read. */
export interface MetaFile {
  readonly version: number;
  /** Bytes of the file as published. */
  readonly length?: number;
  readonly hashes?: Hashes;
}

export interface Timestamp extends Payload {
  readonly snapshot: MetaFile;
}

export interface Snapshot extends Payload {
  /** By file name without the version: `targets.json`, `team-base.json`. */
  readonly meta: ReadonlyMap<string, MetaFile>;
}

export interface TargetInfo {
  readonly length: number;
  readonly hashes: Hashes;
  /** As received. */
  readonly custom?: ExactJsonObject;
}

export interface Targets extends Payload {
  readonly targets: ReadonlyMap<string, TargetInfo>;
  readonly delegations?: Delegations;
}

export interface Delegations {
  readonly keys: ReadonlyMap<string, TufKey>;
  /** In order of priority; empty when {@link succinct} is there. */
  readonly roles: readonly DelegatedRole[];
  readonly succinct?: SuccinctRoles;
}

export interface DelegatedRole extends RoleKeys {
  readonly name: string;
  /** When a path matches, no role behind this one is asked. */
  readonly terminating: boolean;
  /** Patterns of target paths; or, the other way to say it, prefixes of the hex SHA-256 of a target path. */
  readonly paths: readonly string[] | undefined;
  readonly pathHashPrefixes: readonly string[] | undefined;
}

/** TAP 15: 2^bitLength bins that share their keys, each named after the prefix and its number. */
export interface SuccinctRoles extends RoleKeys {
  /** 1 to 32. */
  readonly bitLength: number;
  readonly namePrefix: string;
}
