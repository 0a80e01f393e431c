import type { ReasonCode } from '../base/codes.js';
import { fail } from '../base/errors.js';
import { requireFile } from './file-check.js';
import type { TufKey } from './keys.js';
import type {
  Metadata,
  MetaFile,
  Payload,
  RoleKeys,
  Root,
  Snapshot,
  Targets,
  Timestamp,
  TopLevelRole,
} from './metadata.js';
import { parseTargets } from './parse-targets.js';
import { parseRoot, parseSnapshot, parseTimestamp } from './parse-top-level.js';
import { binOf } from './succinct.js';
import { type ForeignKeyids, requireThreshold } from './threshold.js';
import { keysOf, requireVersion, roleOf, rollback, shown, tryTo } from './trust-checks.js';

export interface TrustOptions {
  /** The time of the whole update: every expiry is judged by it. */
  readonly now: Date;
  readonly foreignKeyids?: ForeignKeyids;
}

/**
 * The metadata that is trusted, one step of the client workflow at a time (TUF specification 5.3 to 5.6). No I/O, no clock.
 *
 * What holds:
 * - Nothing becomes trusted, and nothing that was trusted changes, unless every check of its step passed.
 * - Every file but the first root is signed by the threshold of its role, in distinct public keys, as the trusted file
 *   that delegates to it says; a new root by the threshold of the old root as well as by its own.
 * - Root goes up by exactly one. Only the last root must not be expired; no other role is read before it is.
 * - A timestamp is never older than a stored one that the last root vouches for, nor does it name an older snapshot.
 * - A snapshot has the version, length and hashes that the timestamp lists. No file that a stored snapshot names, if the
 *   last root vouches for that one, is missing from it or older in it: also when the stored one is expired.
 * - Targets and delegated roles alike are in the snapshot, with its version, length and hashes, and are not expired.
 * - A role is believed for a delegator only when its signatures hold with that delegator's keys and threshold, also when
 *   it was loaded for another one before.
 * - Stored files (`recall…`) are evidence of what was seen, no more: one that does not verify is as if it were not there.
 */
export class TrustedSet {
  #root: Metadata<Root>;
  #rootIsLast = false;
  #timestamp: Metadata<Timestamp> | undefined;
  #timestampIsFresh = false;
  #recalledSnapshot: Metadata<Snapshot> | undefined;
  #snapshot: Metadata<Snapshot> | undefined;
  readonly #targets = new Map<string, Metadata<Targets>>();
  /** By role, the delegators its signatures were verified for. */
  readonly #verifiedFor = new Map<string, Set<string>>();
  readonly #now: Date;
  readonly #foreignKeyids: ForeignKeyids;

  /**
   * Starts from a root that is trusted for reasons of the caller's. It must be signed by its own threshold; it may be expired.
   * @throws TouchmarkError `tuf-format`, `tuf-root-threshold`
   */
  constructor(root: Uint8Array, options: TrustOptions) {
    this.#now = options.now;
    this.#foreignKeyids = options.foreignKeyids ?? 'refuse';
    this.#root = parseRoot(root, 'the trusted root.json');
    this.#requireRootKeys(this.#root, this.#root, 'the trusted root.json', 'its own keys');
  }

  get root(): Root {
    return this.#root.payload;
  }

  /** @throws TouchmarkError `internal` before there is one */
  get timestamp(): Timestamp {
    return this.#freshTimestamp();
  }

  get snapshot(): Snapshot {
    return this.#trustedSnapshot();
  }

  /**
   * Takes the next root (5.3). `recovers` is true when the keys of timestamp or snapshot are other ones now: then what is
   * stored of these two must be deleted, before this root is stored, so that versions an attacker drove up are forgotten.
   * @throws TouchmarkError `tuf-format`, `tuf-root-version`, `tuf-root-threshold`
   */
  updateRoot(bytes: Uint8Array): { readonly recovers: boolean } {
    if (this.#rootIsLast) fail('internal', 'a root came after the last one');
    const what = `${this.root.version + 1}.root.json`;
    const next = parseRoot(bytes, what);
    this.#requireRootKeys(next, this.#root, what, 'the keys of the root before it');
    this.#requireRootKeys(next, next, what, 'its own keys');
    if (next.payload.version !== this.root.version + 1)
      fail('tuf-root-version', `${what} holds version ${next.payload.version}`, {
        details: { expected: this.root.version + 1, actual: next.payload.version },
      });
    const recovers = (['timestamp', 'snapshot'] as const).some(
      role => keysOf(this.root, role) !== keysOf(next.payload, role),
    );
    this.#root = next;
    return { recovers };
  }

  /** There is no newer root: from here on this one counts. @throws TouchmarkError `tuf-expired` */
  finishRoots(): void {
    this.#requireFresh(this.root, `root.json, version ${this.root.version},`);
    this.#rootIsLast = true;
  }

  /** Offers the timestamp of an earlier update; expired ones count as well. False when it does not verify. */
  recallTimestamp(bytes: Uint8Array): boolean {
    this.#timestamp = tryTo(() => this.#readTimestamp(bytes));
    return this.#timestamp !== undefined;
  }

  /**
   * Takes the repository's timestamp (5.4). `unchanged`: it has the version that was recalled, which stays, whatever else
   * the new one says.
   * @throws TouchmarkError `tuf-format`, `tuf-threshold`, `tuf-rollback`, `tuf-expired`
   */
  updateTimestamp(bytes: Uint8Array): 'updated' | 'unchanged' {
    const next = this.#readTimestamp(bytes);
    const known = this.#timestamp?.payload;
    if (known && next.payload.version < known.version)
      rollback('timestamp.json', next.payload.version, known.version);
    if (known && next.payload.version === known.version) {
      this.finishTimestamp();
      return 'unchanged';
    }
    if (known && next.payload.snapshot.version < known.snapshot.version)
      rollback(
        'the snapshot.json that timestamp.json names',
        next.payload.snapshot.version,
        known.snapshot.version,
      );
    this.#requireFresh(next.payload, 'timestamp.json');
    this.#timestamp = next;
    this.#timestampIsFresh = true;
    return 'updated';
  }

  /** The recalled timestamp is the one to go by. @throws TouchmarkError `tuf-expired`, `tuf-unavailable` without one */
  finishTimestamp(): void {
    const known =
      this.#timestamp ?? fail('tuf-unavailable', 'there is no stored timestamp.json that verifies');
    this.#requireFresh(known.payload, 'timestamp.json');
    this.#timestampIsFresh = true;
  }

  /** Offers the snapshot of an earlier update. True when it is the one that the timestamp lists: none need be fetched. */
  recallSnapshot(bytes: Uint8Array): boolean {
    const listed = this.#freshTimestamp().snapshot;
    const stored = tryTo(() => this.#readSnapshot(bytes));
    this.#recalledSnapshot = stored;
    const isCurrent = tryTo(() => {
      if (!stored) return false;
      requireFile(bytes, 'snapshot.json', listed);
      this.#requireFresh(stored.payload, 'snapshot.json');
      return stored.payload.version === listed.version;
    });
    if (isCurrent) this.#snapshot = stored;
    return isCurrent === true;
  }

  /**
   * Takes the repository's snapshot (5.5).
   * @throws TouchmarkError `tuf-length-mismatch`, `tuf-hash-mismatch`, `tuf-hash-unsupported`, `tuf-format`,
   * `tuf-threshold`, `tuf-version-mismatch`, `tuf-rollback`, `tuf-expired`
   */
  updateSnapshot(bytes: Uint8Array): void {
    const listed = this.#freshTimestamp().snapshot;
    requireFile(bytes, 'snapshot.json', listed);
    const next = this.#readSnapshot(bytes);
    requireVersion('snapshot.json', next.payload.version, listed);
    const known = this.#recalledSnapshot?.payload;
    if (known && next.payload.version < known.version)
      rollback('snapshot.json', next.payload.version, known.version);
    for (const [name, { version }] of known?.meta ?? []) {
      const now = next.payload.meta.get(name)?.version;
      if (now === undefined)
        fail('tuf-rollback', `snapshot.json no longer names ${shown(name)}`, {
          details: { file: name.slice(0, 200) },
        });
      if (now < version) rollback(shown(name), now, version);
    }
    this.#requireFresh(next.payload, 'snapshot.json');
    this.#snapshot = next;
  }

  /** What the snapshot lists of a role's file. @throws TouchmarkError `tuf-role-unlisted` */
  listed(role: string): MetaFile {
    const entry = this.#trustedSnapshot().meta.get(`${role}.json`);
    if (entry) return entry;
    return fail('tuf-role-unlisted', `snapshot.json does not name the delegated role ${shown(role)}`, {
      details: { role: role.slice(0, 200) },
    });
  }

  /**
   * The metadata of a role as far as it is loaded, believed for this delegator; undefined when it has yet to be loaded.
   * The delegator of `targets` is `root`.
   * @throws TouchmarkError `tuf-threshold` when the delegator's keys did not sign it
   */
  targets(role: string, delegator: string): Targets | undefined {
    const loaded = this.#targets.get(role);
    if (!loaded) return undefined;
    const verifiedFor = this.#verifiedFor.get(role);
    if (!verifiedFor?.has(delegator)) {
      this.#requireDelegated(loaded, role, delegator);
      verifiedFor?.add(delegator);
    }
    return loaded.payload;
  }

  /** Offers a stored file of a role. Undefined when it is not the one to use. @throws TouchmarkError `tuf-role-unlisted` */
  recallTargets(role: string, delegator: string, bytes: Uint8Array): Targets | undefined {
    this.listed(role);
    return tryTo(() => this.updateTargets(role, delegator, bytes));
  }

  /**
   * Takes the metadata of a role from the repository (5.6). Its delegator must be loaded, and delegate to it.
   * @throws TouchmarkError `tuf-role-unlisted`, `tuf-length-mismatch`, `tuf-hash-mismatch`, `tuf-hash-unsupported`,
   * `tuf-format`, `tuf-threshold`, `tuf-version-mismatch`, `tuf-expired`
   */
  updateTargets(role: string, delegator: string, bytes: Uint8Array): Targets {
    const what = `${shown(role)} metadata`;
    const listed = this.listed(role);
    requireFile(bytes, what, listed);
    const next = parseTargets(bytes, what);
    this.#requireDelegated(next, role, delegator);
    requireVersion(what, next.payload.version, listed);
    this.#requireFresh(next.payload, what);
    this.#targets.set(role, next);
    this.#verifiedFor.set(role, new Set([delegator]));
    return next.payload;
  }

  /** Would storing what is trusted now set the store back? True when `stored` verifies and is newer. */
  isOlderThan(role: 'timestamp' | 'snapshot', stored: Uint8Array): boolean {
    const [mine, theirs] =
      role === 'timestamp'
        ? [this.#timestamp, tryTo(() => this.#readTimestamp(stored))]
        : [this.#snapshot, tryTo(() => this.#readSnapshot(stored))];
    return mine !== undefined && theirs !== undefined && theirs.payload.version > mine.payload.version;
  }

  #readTimestamp(bytes: Uint8Array): Metadata<Timestamp> {
    if (!this.#rootIsLast) fail('internal', 'the last root is not known yet');
    const read = parseTimestamp(bytes);
    this.#requireTopLevel(read, 'timestamp');
    return read;
  }

  #readSnapshot(bytes: Uint8Array): Metadata<Snapshot> {
    const read = parseSnapshot(bytes);
    this.#requireTopLevel(read, 'snapshot');
    return read;
  }

  #freshTimestamp(): Timestamp {
    if (!this.#timestamp || !this.#timestampIsFresh) return fail('internal', 'no timestamp is trusted yet');
    return this.#timestamp.payload;
  }

  #trustedSnapshot(): Snapshot {
    return this.#snapshot?.payload ?? fail('internal', 'no snapshot is trusted yet');
  }

  #requireTopLevel(read: Metadata<Payload>, role: TopLevelRole): void {
    this.#requireSigned(read, `${role}.json`, this.root.keys, roleOf(this.root, role), 'tuf-threshold');
  }

  #requireRootKeys(read: Metadata<Root>, by: Metadata<Root>, what: string, whose: string): void {
    const { keys } = by.payload;
    this.#requireSigned(
      read,
      `${what}, by ${whose},`,
      keys,
      roleOf(by.payload, 'root'),
      'tuf-root-threshold',
    );
  }

  #requireDelegated(read: Metadata<Targets>, role: string, delegator: string): void {
    if (role === 'targets') {
      if (delegator !== 'root') fail('internal', 'only root delegates to targets');
      this.#requireTopLevel(read, 'targets');
      return;
    }
    const delegations = this.#targets.get(delegator)?.payload.delegations;
    const succinct = delegations?.succinct;
    const keys =
      succinct && binOf(succinct, role) !== undefined
        ? succinct
        : delegations?.roles.find(({ name }) => name === role);
    if (!delegations || !keys)
      fail('tuf-path-not-delegated', `${shown(delegator)} does not delegate to ${shown(role)}`);
    const what = `${shown(role)} metadata, as ${shown(delegator)} delegates to it,`;
    this.#requireSigned(read, what, delegations.keys, keys, 'tuf-threshold');
  }

  #requireSigned(
    { envelope }: Metadata<Payload>,
    what: string,
    keys: ReadonlyMap<string, TufKey>,
    role: RoleKeys,
    code: ReasonCode,
  ): void {
    requireThreshold(envelope, what, keys, role, this.#foreignKeyids, code);
  }

  #requireFresh({ expires }: Payload, what: string): void {
    if (expires.getTime() > this.#now.getTime()) return;
    fail('tuf-expired', `${what} expired at ${expires.toISOString()}`, {
      details: { expires: expires.toISOString(), now: this.#now.toISOString() },
      hint: 'its publisher must publish a new one; check the clock of this machine as well',
    });
  }
}
