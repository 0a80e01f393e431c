import { fail, TouchmarkError } from '../../base/errors.js';
import { requireFile } from '../file-check.js';
import type { RoleKeys } from '../metadata.js';
import type { NotaryFiles } from './collect.js';
import type { NotaryKey } from './keys.js';
import type { NotaryFile, NotaryMetadata, NotaryRoot, NotaryTargets } from './metadata.js';
import { parseNotarySnapshot, parseNotaryTargets, parseNotaryTimestamp } from './parse.js';
import { type NotaryTrust, trustRoot } from './root-trust.js';
import { countValid, requireFresh, requireNoOlder, requireSigned } from './rules.js';
import type { NotaryRole } from './tree.js';

/** Why the answer is no, and which role's metadata makes it so. */
export interface NotaryProblem {
  readonly role: string;
  readonly error: TouchmarkError;
}

export interface NotaryVerdict {
  /** Empty exactly when everything holds. */
  readonly problems: readonly NotaryProblem[];
  /** Roles that were proven, top-level targets first, parents before children. Nothing else is to be believed. */
  readonly roles: readonly NotaryRole[];
  readonly root: NotaryMetadata<NotaryRoot> | undefined;
  readonly snapshot: { readonly version: number; readonly expires: Date } | undefined;
  readonly timestamp: { readonly version: number; readonly expires: Date } | undefined;
}

export interface NotaryCheck extends NotaryTrust {
  readonly now: Date;
  /** Metadata of an earlier check, by role: what is older than these is refused. */
  readonly known?: ReadonlyMap<string, Uint8Array>;
  /** Passes over the expiry of metadata and of certificates: for what was kept on disk, never for what is to be run. */
  readonly insecureIgnoreExpiry?: boolean;
}

/**
 * Verifies all that a repository's Notary metadata says: from a trusted root over timestamp and snapshot to each delegated
 * role. Pure: evidence in, verdict out. What does not hold is a problem with a code; the roles below it are not believed.
 */
export function verifyNotary(files: NotaryFiles, check: NotaryCheck): NotaryVerdict {
  const problems: NotaryProblem[] = [];
  const roles: NotaryRole[] = [];
  /** Runs one step; what it refuses becomes a problem of `role`. */
  const step = <T>(role: string, judge: () => T): T | undefined => {
    try {
      return judge();
    } catch (error) {
      if (!(error instanceof TouchmarkError) || error.code === 'internal') throw error;
      problems.push({ role, error });
      return undefined;
    }
  };
  const fileOf = (role: string): Uint8Array =>
    files.metadata.get(role) ?? fail('tuf-unavailable', `the metadata of ${role} is not there`);
  const hold = (
    role: string,
    metadata: NotaryMetadata,
    keys: ReadonlyMap<string, NotaryKey>,
    by: RoleKeys,
  ) => {
    requireSigned(metadata, role, keys, by);
    requireNoOlder(metadata, role, check.known?.get(role));
    if (!check.insecureIgnoreExpiry) requireFresh(metadata, role, check.now);
  };

  const root = step('root', () => trustRoot(files, check));
  const rootKeys = root?.payload.keys ?? new Map<string, NotaryKey>();
  const speaksFor = (role: string): RoleKeys =>
    root?.payload.roles.get(role) ?? fail('internal', `a root without the role ${role}`);
  const listed = (meta: ReadonlyMap<string, NotaryFile>, role: string, by: string): NotaryFile =>
    meta.get(role) ?? fail('tuf-role-unlisted', `${by} does not name ${role}`);

  const timestamp =
    root &&
    step('timestamp', () => {
      const read = parseNotaryTimestamp(fileOf('timestamp'), 'timestamp.json');
      hold('timestamp', read, rootKeys, speaksFor('timestamp'));
      return read.payload;
    });
  const snapshot =
    timestamp &&
    step('snapshot', () => {
      const bytes = fileOf('snapshot');
      requireFile(bytes, 'snapshot.json', listed(timestamp.meta, 'snapshot', 'timestamp.json'));
      const read = parseNotarySnapshot(bytes, 'snapshot.json');
      hold('snapshot', read, rootKeys, speaksFor('snapshot'));
      return read.payload;
    });
  if (root && snapshot)
    step('root', () =>
      requireFile(root.envelope.bytes, 'root.json', listed(snapshot.meta, 'root', 'snapshot.json')),
    );
  if (root && snapshot) descend('targets', rootKeys, speaksFor('targets'), ['']);

  return { problems, roles, root, snapshot, timestamp };

  function descend(
    role: string,
    keys: ReadonlyMap<string, NotaryKey>,
    by: RoleKeys,
    prefixes: readonly string[],
  ): void {
    const meta = snapshot?.meta ?? new Map<string, NotaryFile>();
    // A delegation to which nothing was ever published has no file; the top level always has one.
    if (role !== 'targets' && !meta.has(role)) {
      roles.push({ name: role, keys, by, prefixes, metadata: undefined, signedBy: [] });
      return;
    }
    const metadata = step(role, () => {
      const bytes = fileOf(role);
      requireFile(bytes, `${role}.json`, listed(meta, role, 'snapshot.json'));
      const read = parseNotaryTargets(bytes, role, `${role}.json`);
      hold(role, read, keys, by);
      requirePaths(read.payload, role, prefixes);
      return read;
    });
    if (metadata === undefined) return;
    const signedBy = countValid(metadata, keys, by).keyids;
    roles.push({ name: role, keys, by, prefixes, metadata, signedBy });
    const { payload } = metadata;
    for (const delegation of payload.delegations) {
      // A child has no more than its parent, whatever the delegation says.
      const within = delegation.prefixes.filter(prefix => prefixes.some(outer => prefix.startsWith(outer)));
      descend(delegation.name, payload.keys, delegation, within);
    }
  }
}

function requirePaths({ targets }: NotaryTargets, role: string, prefixes: readonly string[]): void {
  const outside = [...targets.keys()].filter(name => !prefixes.some(prefix => name.startsWith(prefix)));
  if (outside.length === 0) return;
  fail('tuf-path-not-delegated', `${role} lists ${outside.length} names that it may not speak for`, {
    details: { names: outside.slice(0, 20).map(name => name.slice(0, 200)), prefixes: prefixes.slice(0, 20) },
  });
}
