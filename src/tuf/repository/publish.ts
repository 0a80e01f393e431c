import { dirname, join } from 'node:path';
import { mapConcurrently } from '../../base/concurrency.js';
import { fail } from '../../base/errors.js';
import { LIMITS } from '../../base/limits.js';
import type { Signer } from '../../crypto/keys.js';
import { type Envelope, parseEnvelope } from '../envelope.js';
import { delegatedNames } from '../every-role.js';
import type { Root, Targets } from '../metadata.js';
import { targetName } from '../names.js';
import { countSignatures } from '../threshold.js';
import { roleOf, tryTo } from '../trust-checks.js';
import {
  authoritiesOf,
  delegatedAuthority,
  formatHolder,
  readOnce,
  readSignatures,
  rootAuthority,
} from './authority.js';
import { delegationTo } from './delegation-graph.js';
import type { RepositoryFolder } from './folder.js';
import { type Move, publishFiles, READY } from './journal.js';
import { serializeMetadata } from './json-text.js';
import { makeSnapshot, makeTimestamp, measure, type PublishedFile } from './online.js';
import type { Repository } from './repository.js';
import { requireFree } from './require-free.js';
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

/** A staged role that may go out. Its content is not kept: there may be thousands of bins. */
interface Ready extends PublishedFile {
  /** Undefined where the staged file is published as it is. */
  readonly rewritten: Uint8Array | undefined;
  readonly delegates: boolean;
  /** Which of the staged target files it lists. */
  readonly files: readonly string[];
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
    const files = await stagedTargetFiles(repository);
    const ready = await checkStaged(repository, roles, new Set(files));
    await checkUntouched(repository, root, ready);
    await requireFresh(repository, root, ready);
    const targets = new Map([...ready].filter(([role]) => role !== 'root'));
    const snapshot = makeSnapshot(repository, root, targets, signers);
    const timestamp = makeTimestamp(repository, root, snapshot, signers);
    const gap =
      stagedRoot !== undefined &&
      !(await isReadableBefore(repository, ready, snapshot.bytes, timestamp.bytes));

    const { folder } = repository;
    await requireFree(
      folder,
      new Map([
        ...[...ready].map(([role, file]) => [folder.published(role, file.version), file.sha256] as const),
        [folder.published('snapshot', snapshot.version), measure(snapshot.version, snapshot.bytes).sha256],
      ]),
    );
    await publishTargetFiles(folder, new Set([...ready.values()].flatMap(({ files }) => files)));
    const moves: Move[] = [];
    const prepare = async (name: string, bytes: Uint8Array): Promise<Move> => {
      await folder.write(`${READY}/${name}`, bytes);
      return { from: `${READY}/${name}`, to: name };
    };
    for (const [role, file] of targets) moves.push(await moveOf(role, file));
    moves.push(await prepare(folder.published('snapshot', snapshot.version), snapshot.bytes));
    const pointers = [await prepare(folder.published('timestamp'), timestamp.bytes)];
    const newRoot = ready.get('root');
    if (newRoot) {
      const move = await moveOf('root', newRoot);
      // Who has the old root must be able to read what the timestamp leads to; if not, the root goes first.
      if (gap) pointers.unshift(move);
      else pointers.push(move);
    }
    await folder.removeTemporaries('metadata');
    // Every staged role goes out. What is left are files with placeholders in them, and targets that no role lists any more.
    await publishFiles(folder, [...moves, ...pointers], ['staged/metadata', 'staged/targets']);
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
    async function moveOf(role: string, { version, rewritten }: Ready): Promise<Move> {
      const to = folder.published(role, version);
      return rewritten ? prepare(to, rewritten) : { from: folder.staged(role), to };
    }
  });
}

/** Every staged role, as it will be published. @throws TouchmarkError `tuf-not-signed`, `tuf-conflict`, `tuf-expired` */
async function checkStaged(
  repository: Repository,
  roles: readonly string[],
  stagedFiles: ReadonlySet<string>,
): Promise<ReadonlyMap<string, Ready>> {
  const next = readOnce(repository);
  const waiting: string[] = [];
  const ready = await mapConcurrently(roles, 8, async role => {
    const staged = await repository.stagedFile(role);
    const { envelope, payload } = staged ?? fail('tuf-conflict', `what was staged of ${role} is gone`);
    requireNextVersion(repository, role, payload.version);
    for (const authority of await authoritiesOf(repository, role, next)) {
      const { by, enough, signed, threshold, missing } = readSignatures(authority, envelope);
      if (enough) continue;
      const whose = by === 'root' || role !== 'root' ? '' : ` by the keys of ${by}`;
      const who = missing.map(formatHolder).join(', ');
      waiting.push(`${role}: ${signed.length} of ${threshold} signatures${whose}; asked: ${who}`);
    }
    if (payload.expires.getTime() <= repository.now.getTime())
      fail('tuf-expired', `the staged ${role}.json expired before it was published`, {
        hint: `drop it with touchmark tuf reset ${role}, and make the change anew`,
      });
    const rewritten = withoutPlaceholders(envelope);
    const file = measure(payload.version, rewritten ?? envelope.bytes);
    const files = 'targets' in payload ? listedFiles(payload, stagedFiles) : [];
    return [role, { ...file, rewritten, delegates: 'delegations' in payload, files }] as const;
  });
  if (waiting.length > 0) {
    const more = waiting.length > 5 ? '; and more' : '';
    fail('tuf-not-signed', `not signed yet: ${waiting.slice(0, 5).join('; ')}${more}`, {
      hint: 'each holder runs touchmark tuf sign, or touchmark tuf offline export hands the bytes to them',
      details: { waiting: waiting.slice(0, 50) },
    });
  }
  return new Map(ready);
}

function listedFiles({ targets }: Targets, stagedFiles: ReadonlySet<string>): readonly string[] {
  if (stagedFiles.size === 0) return [];
  const names = [...targets].map(([path, info]) => tryTo(() => targetName(path, info, true)));
  return names.filter(name => name !== undefined && stagedFiles.has(name)) as readonly string[];
}

/**
 * Target files come before anything that leads to them. Nobody can have found them before, so they need no journal, which
 * would have to hold as many names as there are targets.
 */
async function publishTargetFiles(folder: RepositoryFolder, files: ReadonlySet<string>): Promise<void> {
  const changed = new Set<string>();
  for (const name of files) {
    await folder.move(`staged/targets/${name}`, `targets/${name}`);
    changed.add(dirname(`targets/${name}`));
  }
  for (const name of changed) await folder.sync(name);
}

/** A file with a placeholder in it is published without. */
function withoutPlaceholders(envelope: Envelope): Uint8Array | undefined {
  const signatures = signaturesOf(envelope);
  if (signatures.length === envelope.signatures.size) return undefined;
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
  for (const [delegator, { delegates }] of ready) {
    if (!delegates) continue;
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

/** Behind an expired root or targets no client reads on, whatever else is new. */
async function requireFresh(
  repository: Repository,
  root: Root,
  ready: ReadonlyMap<string, Ready>,
): Promise<void> {
  const targets = ready.has('targets') ? undefined : await repository.published('targets');
  for (const [role, payload] of [
    ['root', root],
    ['targets', targets],
  ] as const) {
    if (!payload || payload.expires.getTime() > repository.now.getTime()) continue;
    fail('tuf-expired', `${role}.json expired at ${payload.expires.toISOString()}: no client would read on`, {
      hint: `its holders sign a new version of it: touchmark tuf role renew ${role}`,
      details: { role, expires: payload.expires.toISOString() },
    });
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
  const targets = ready.has('targets') ? (await repository.staged('targets'))?.envelope : undefined;
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
