import { mapConcurrently } from '../../base/concurrency.js';
import { TouchmarkError } from '../../base/errors.js';
import { LIMITS } from '../../base/limits.js';
import type { TufKey } from '../keys.js';
import type { Metadata, Payload, RoleKeys, Root, Snapshot } from '../metadata.js';
import { parseTargets } from '../parse-targets.js';
import { parseSnapshot } from '../parse-top-level.js';
import type { TufSource } from '../source.js';
import { countSignatures } from '../threshold.js';
import type { Findings } from './finding.js';

/** A metadata file with a version in its name. */
export interface VersionedFile {
  readonly name: string;
  /** As it is called, not encoded. */
  readonly role: string;
  readonly version: number;
}

/** `3.team%2Fa.json` as role and version; undefined for other names. */
export function parseVersionedName(name: string): VersionedFile | undefined {
  const match = /^([1-9][0-9]{0,15})\.(.+)\.json$/.exec(name);
  if (!match) return undefined;
  try {
    return { name, role: decodeURIComponent(match[2] as string), version: Number(match[1]) };
  } catch {
    return undefined;
  }
}

/** Whose signatures may have counted: keys and threshold of a role, in some version of what delegates to it. */
interface Authority {
  readonly keys: ReadonlyMap<string, TufKey>;
  readonly role: RoleKeys;
}

/** Files that are fetched before the next are looked at: so much may be in memory beyond what is kept. */
const AT_ONCE = 32;

/**
 * Looks at versions that are not current any more: each must hold the version of its name, and the signatures that a root or
 * a delegation of some time asked for; and no snapshot may name less than the one before it. Gives how many were looked at.
 */
export async function auditHistory(
  source: TufSource,
  files: readonly VersionedFile[],
  roots: readonly Metadata<Root>[],
  current: {
    readonly snapshot: Snapshot;
    readonly authorities: (role: string) => Iterable<Authority>;
  },
  findings: Findings,
  concurrency: number,
): Promise<number> {
  const earlier = new Map<string, Authority[]>();
  const waiting: { readonly file: VersionedFile; readonly read: Metadata<Payload> }[] = [];
  const snapshots: Snapshot[] = [];
  let looked = 0;
  let size = 0;
  const ordered = [...files].sort((a, b) => a.version - b.version);
  for (let at = 0; at < ordered.length; at += AT_ONCE) {
    if (looked >= LIMITS.tufHistoryFiles || size > LIMITS.tufHistorySize) {
      const left = ordered.length - at;
      const message = `${left} earlier versions were not looked at: there are too many`;
      findings.add('note', 'history-not-all', message, 'keep fewer of them, or look at them in parts');
      break;
    }
    const some = ordered.slice(at, at + AT_ONCE);
    const all = await mapConcurrently(some, concurrency, ({ name }) =>
      source.metadata(name, LIMITS.tufTargetsSize),
    );
    for (const [i, file] of some.entries()) {
      const bytes = all[i];
      if (!bytes) continue;
      looked++;
      size += bytes.length;
      const read = readFile(file, bytes, findings);
      if (!read) continue;
      if (file.role === 'snapshot') snapshots.push(read.payload as Snapshot);
      waiting.push({ file, read });
      for (const [name, authority] of authoritiesIn(read.payload)) {
        const known = earlier.get(name) ?? [];
        known.push(authority);
        earlier.set(name, known);
      }
    }
  }
  const topLevel = (role: string): Authority[] =>
    roots.flatMap(({ payload }) => {
      const keys = payload.roles.get(role as 'targets');
      return keys ? [{ keys: payload.keys, role: keys }] : [];
    });
  for (const { file, read } of waiting) {
    const authorities = [
      ...topLevel(file.role),
      ...current.authorities(file.role),
      ...(earlier.get(file.role) ?? []),
    ];
    const isSigned = authorities.some(
      ({ keys, role }) => countSignatures(read.envelope, keys, role, 'refuse').valid.size >= role.threshold,
    );
    if (isSigned) continue;
    findings.add(
      'warning',
      authorities.length === 0 ? 'orphan-role' : 'history-unsigned',
      authorities.length === 0
        ? `${file.name} is of a role that nothing delegates to`
        : `${file.name} is not signed by the keys of any time`,
      'find out who put it there',
      { role: file.role, file: file.name },
    );
  }
  auditSnapshots([...snapshots, current.snapshot], findings);
  return looked;
}

function readFile(
  { name, role, version }: VersionedFile,
  bytes: Uint8Array,
  findings: Findings,
): Metadata<Payload> | undefined {
  const where = { role, file: name };
  try {
    const read = role === 'snapshot' ? parseSnapshot(bytes, name) : parseTargets(bytes, name);
    if (read.payload.version === version) return read;
    findings.add(
      'warning',
      'history-version',
      `${name} holds version ${read.payload.version}`,
      'put the file back that belongs there',
      where,
    );
  } catch (error) {
    if (!(error instanceof TouchmarkError) || error.code === 'internal') throw error;
    findings.add('warning', 'history-format', error.message, 'put the file back that belongs there', where);
  }
  return undefined;
}

function* authoritiesIn(payload: Payload): Generator<readonly [string, Authority]> {
  if (!('delegations' in payload)) return;
  const { keys, roles } = payload.delegations as {
    readonly keys: ReadonlyMap<string, TufKey>;
    readonly roles: readonly (RoleKeys & { readonly name: string })[];
  };
  for (const role of roles) yield [role.name, { keys, role }];
}

/** In the order of versions. */
function auditSnapshots(snapshots: readonly Snapshot[], findings: Findings): void {
  for (const [i, next] of snapshots.entries()) {
    const before = snapshots[i - 1];
    if (!before || next.version !== before.version + 1) continue;
    for (const [name, { version }] of before.meta) {
      const now = next.meta.get(name)?.version;
      if (now !== undefined && now >= version) continue;
      findings.add(
        'warning',
        'history-rollback',
        `snapshot ${next.version} ${now === undefined ? 'no longer names' : 'goes back to an older version of'} ${JSON.stringify(name.slice(0, 120))}`,
        'clients refuse that unless the keys of the snapshot were replaced at the same time',
        { role: 'snapshot', file: `${next.version}.snapshot.json` },
      );
      break;
    }
  }
}
