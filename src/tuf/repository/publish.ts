import { join } from 'node:path';
import { fail } from '../../base/errors.js';
import { LIMITS } from '../../base/limits.js';
import type { Signer } from '../../crypto/keys.js';
import { type Envelope, parseEnvelope } from '../envelope.js';
import { delegatedNames } from '../every-role.js';
import type { Metadata, Root, Targets } from '../metadata.js';
import { countSignatures } from '../threshold.js';
import { roleOf } from '../trust-checks.js';
import {
  authoritiesOf,
  delegatedAuthority,
  formatHolder,
  readSignatures,
  rootAuthority,
} from './authority.js';
import { delegationTo } from './delegation-graph.js';
import { type Move, publishFiles, READY } from './journal.js';
import { serializeMetadata } from './json-text.js';
import { makeSnapshot, makeTimestamp } from './online.js';
import type { Repository } from './repository.js';
import { nothingStaged } from './sign-staged.js';
import { requireNextVersion, signaturesOf } from './stage.js';

export interface Publication {
  /** Every role of which there is a new version now, snapshot and timestamp included. */
  readonly versions: Readonly<Record<string, number>>;
  /**
   * True when a reader that comes between the last two files is refused until it asks again: the keys of a role changed,
   * and those that went have not signed what is new. In a registry nobody comes in between.
   */
  readonly gap: boolean;
}

/** A staged role that may go out. */
interface Ready {
  readonly envelope: Envelope;
  readonly version: number;
  readonly bytes: Uint8Array;
}

/**
 * Publishes everything that is staged, with a new snapshot and timestamp, signed by the online keys among the signers.
 * Readers see the old repository or the new one: target files and versioned metadata come first, timestamp and root last.
 * @throws TouchmarkError `usage-argument` when nothing is staged, `tuf-not-signed` when a role lacks signatures,
 * `key-not-authorised` when an online key is missing, `tuf-conflict`
 */
export async function publishStaged(
  repository: Repository,
  { signers }: { readonly signers: readonly Signer[] },
): Promise<Publication> {
  return repository.locked(async () => {
    const roles = await repository.stagedRoles();
    if (roles.length === 0) nothingStaged();
    const stagedRoot = await repository.stagedRoot();
    const root = await repository.nextRoot();
    const ready = await checkStaged(repository, roles);
    await checkUntouched(repository, root, ready);
    const targets = new Map([...ready].filter(([role]) => role !== 'root'));
    const snapshot = makeSnapshot(repository, root, targets, signers);
    const timestamp = makeTimestamp(repository, root, snapshot, signers);
    const gap =
      stagedRoot !== undefined &&
      !(await isReadableBefore(repository, ready, snapshot.bytes, timestamp.bytes));

    const { folder } = repository;
    const moves: Move[] = [];
    const prepare = async (name: string, bytes: Uint8Array): Promise<Move> => {
      await folder.write(`${READY}/${name}`, bytes);
      return { from: `${READY}/${name}`, to: name };
    };
    for (const name of await stagedTargetFiles(repository)) {
      moves.push({ from: `staged/targets/${name}`, to: `targets/${name}` });
    }
    for (const [role, { envelope, version, bytes }] of targets) {
      moves.push(await moveOf(role, version, envelope, bytes));
    }
    moves.push(await prepare(folder.published('snapshot', snapshot.version), snapshot.bytes));
    const pointers = [await prepare(folder.published('timestamp'), timestamp.bytes)];
    const newRoot = ready.get('root');
    if (newRoot) {
      const move = await moveOf('root', newRoot.version, newRoot.envelope, newRoot.bytes);
      // Who has the old root must be able to read what the timestamp leads to; if not, the root goes first.
      if (gap) pointers.unshift(move);
      else pointers.push(move);
    }
    await publishFiles(folder, [...moves, ...pointers]);
    await repository.reload();
    const versions = { snapshot: snapshot.version, timestamp: timestamp.version };
    return {
      versions: {
        ...Object.fromEntries([...ready].map(([role, { version }]) => [role, version])),
        ...versions,
      },
      gap,
    };

    /** The staged file itself; anew where a placeholder would go out with it. */
    async function moveOf(
      role: string,
      version: number,
      envelope: Envelope,
      bytes: Uint8Array,
    ): Promise<Move> {
      const to = folder.published(role, version);
      return bytes === envelope.bytes ? { from: folder.staged(role), to } : prepare(to, bytes);
    }
  });
}

/** Every staged role, as it will be published. @throws TouchmarkError `tuf-not-signed`, `tuf-conflict` */
async function checkStaged(
  repository: Repository,
  roles: readonly string[],
): Promise<ReadonlyMap<string, Ready>> {
  const ready = new Map<string, Ready>();
  const waiting: string[] = [];
  for (const role of roles) {
    const staged = role === 'root' ? await repository.stagedRoot() : await repository.staged(role);
    if (!staged) continue;
    const { envelope, payload } = staged as Metadata<Root> | Metadata<Targets>;
    requireNextVersion(repository, role, payload.version);
    const standing = (await authoritiesOf(repository, role)).map(authority =>
      readSignatures(authority, envelope),
    );
    for (const { by, enough, signed, threshold, missing } of standing) {
      if (enough) continue;
      const who = missing.map(formatHolder).join(', ');
      const whose = by === 'root' || role !== 'root' ? '' : `, by the keys of ${by}`;
      waiting.push(`${role}: ${signed.length} of ${threshold} signatures${whose}; asked: ${who}`);
    }
    if (payload.expires.getTime() <= repository.now.getTime())
      fail('tuf-expired', `the staged ${role}.json expired before it was published`, {
        hint: `drop it with touchmark tuf reset ${role}, and make the change anew`,
      });
    ready.set(role, { envelope, version: payload.version, bytes: withoutPlaceholders(envelope) });
  }
  if (waiting.length > 0)
    fail(
      'tuf-not-signed',
      `not signed yet: ${waiting.slice(0, 5).join('; ')}${waiting.length > 5 ? '; and more' : ''}`,
      {
        hint: 'each holder runs touchmark tuf sign, or touchmark tuf offline export hands the bytes to them',
        details: { waiting: waiting.slice(0, 50) },
      },
    );
  return ready;
}

function withoutPlaceholders(envelope: Envelope): Uint8Array {
  const signatures = signaturesOf(envelope);
  if (signatures.length === envelope.signatures.size) return envelope.bytes;
  return serializeMetadata(envelope.signed, signatures);
}

/**
 * What is not staged must hold under the keys that are: a role whose keys changed is signed anew, and whatever is delegated
 * to is there.
 */
async function checkUntouched(
  repository: Repository,
  root: Root,
  ready: ReadonlyMap<string, Ready>,
): Promise<void> {
  if (ready.has('root') && !ready.has('targets')) {
    const targets = await repository.published('targets');
    if (!targets) fail('internal', 'a repository without targets');
    const bytes = await repository.folder.read(repository.folder.published('targets', targets.version));
    requireStillSigned(repository, 'targets', bytes, rootAuthority(root, 'targets', 'root'));
  }
  for (const delegator of ready.keys()) {
    if (delegator === 'root') continue;
    const payload = await repository.next(delegator);
    const delegations = payload?.delegations;
    if (!payload || !delegations) continue;
    const before = (await repository.published(delegator))?.delegations;
    for (const name of delegatedNames(delegations)) {
      if (ready.has(name)) continue;
      const found = delegationTo(name, delegations);
      if (!found) continue;
      const version = repository.publishedVersion(name);
      if (version === 0)
        fail('tuf-not-signed', `${delegator} delegates to ${name}, of which there is nothing yet`, {
          hint: `stage it: touchmark tuf target add --role ${name}, or touchmark tuf role revoke ${name}`,
        });
      const earlier = before && delegationTo(name, before);
      if (earlier && sameKeys(earlier.role, found.role)) continue;
      const bytes = await repository.folder.read(repository.folder.published(name, version));
      const authority = delegatedAuthority({ delegator, delegations, ...found }, payload.raw);
      requireStillSigned(repository, name, bytes, authority);
    }
  }
}

function sameKeys(a: { keyids: readonly string[]; threshold: number }, b: typeof a): boolean {
  return a.threshold === b.threshold && [...a.keyids].sort().join() === [...b.keyids].sort().join();
}

function requireStillSigned(
  repository: Repository,
  role: string,
  bytes: Uint8Array | undefined,
  authority: ReturnType<typeof rootAuthority>,
): void {
  const envelope = bytes && parseEnvelope(bytes, role, LIMITS.tufTargetsSize);
  if (envelope && readSignatures(authority, envelope).enough) return;
  fail(
    'tuf-not-signed',
    `the keys of ${role} change, and its version ${repository.publishedVersion(role)} is not signed by the new ones`,
    {
      hint: `stage a new version of ${role} and have it signed: touchmark tuf role renew ${role}`,
      details: { role },
    },
  );
}

/** Can somebody who has only the published root read what the new timestamp leads to? */
async function isReadableBefore(
  repository: Repository,
  ready: ReadonlyMap<string, Ready>,
  snapshot: Uint8Array,
  timestamp: Uint8Array,
): Promise<boolean> {
  const { root } = repository;
  if (!root) return true;
  const holds = (role: 'targets' | 'snapshot' | 'timestamp', envelope: Envelope) => {
    const keys = roleOf(root, role);
    return countSignatures(envelope, root.keys, keys, 'refuse').valid.size >= keys.threshold;
  };
  const targets = ready.get('targets')?.envelope;
  return (
    holds('snapshot', parseEnvelope(snapshot, 'snapshot', snapshot.length)) &&
    holds('timestamp', parseEnvelope(timestamp, 'timestamp', timestamp.length)) &&
    (targets === undefined || holds('targets', targets))
  );
}

/** Names below `staged/targets`. */
async function stagedTargetFiles(repository: Repository, below = ''): Promise<readonly string[]> {
  const { folder } = repository;
  const names: string[] = [];
  for (const { name, isFolder } of await folder.entries(join('staged/targets', below))) {
    const path = below === '' ? name : `${below}/${name}`;
    if (isFolder) names.push(...(await stagedTargetFiles(repository, path)));
    else if (!name.startsWith('.') || !name.endsWith('.tmp')) names.push(path);
  }
  return names;
}
