import { TouchmarkError } from '../../base/errors.js';
import { LIMITS } from '../../base/limits.js';
import { loadEveryRole } from '../every-role.js';
import { fetchMetadata } from '../fetch-metadata.js';
import type { Metadata, Payload, TopLevelRole } from '../metadata.js';
import { metadataName } from '../names.js';
import { parseRoot, parseSnapshot, parseTimestamp } from '../parse-top-level.js';
import type { TufSource } from '../source.js';
import { countSignatures } from '../threshold.js';
import { roleOf } from '../trust-checks.js';
import type { TrustedSet } from '../trusted-set.js';
import { auditContents, targetFiles } from './contents.js';
import { auditExpiry, auditFile } from './files.js';
import { Findings, someOf } from './finding.js';
import { auditHistory } from './history.js';
import type { AuditedRole, AuditReport } from './report.js';
import { RoleAudit } from './roles.js';
import { auditRootPolicy, auditRoots } from './roots.js';
import { sortFiles } from './strays.js';

export interface AuditOptions {
  readonly source: TufSource;
  /** Names of all files that the place holds, targets with `targets/` in front; absent where they cannot be listed. */
  readonly list?: () => Promise<readonly string[]>;
  readonly root: Uint8Array;
  readonly now: Date;
  /** Read the content of all targets as well. */
  readonly contents?: boolean;
  readonly concurrency?: number;
}

/** Bins beyond this many are summed up. */
const BINS_SHOWN = 16;

/**
 * Audits a repository and its history as an outsider who has nothing but a root. What is wrong becomes a finding, and the
 * audit goes on as far as it can; what could not be asked is an exception, for then nothing is known.
 * @throws TouchmarkError for a root that is not sound; `limit-exceeded`; what the source throws
 */
export async function auditRepository(options: AuditOptions): Promise<AuditReport> {
  const { source, now, root, list, concurrency = 8 } = options;
  const findings = new Findings();
  const { set, roots } = await auditRoots(source, root, findings);
  const { hashedNames, last } = { hashedNames: set.root.consistentSnapshot, last: set.root.version };
  auditRootPolicy(set.root, findings);
  const top: AuditedRole[] = [];
  const addTop = (role: TopLevelRole, read: Metadata<Payload>, isListed: boolean): void => {
    const file = metadataName(role, role === 'timestamp' || !hashedNames ? undefined : read.payload.version);
    top.push(auditTopLevel(set, role, read, { file, isListed, now }, findings));
  };
  addTop('root', roots.get(last) as Metadata<Payload>, false);
  const report = (more: Partial<AuditReport> = {}): AuditReport => ({
    roots: { first: Math.min(...roots.keys()), given: parseRoot(root).payload.version, last },
    roles: top,
    bins: null,
    history: null,
    contents: null,
    ...more,
    findings: findings.sorted(),
  });

  const isReadable =
    (await attempt(findings, 'timestamp', async () => {
      const bytes = await fetchMetadata(source, 'timestamp.json', LIMITS.tufTimestampSize);
      set.updateTimestamp(bytes);
      addTop('timestamp', parseTimestamp(bytes), false);
    })) &&
    (await attempt(findings, 'snapshot', async () => {
      const { version, length } = set.timestamp.snapshot;
      const name = metadataName('snapshot', hashedNames ? version : undefined);
      const bytes = await fetchMetadata(source, name, LIMITS.tufSnapshotSize, length);
      set.updateSnapshot(bytes);
      addTop('snapshot', parseSnapshot(bytes), length !== undefined);
    }));
  if (!isReadable) return report();

  const audit = new RoleAudit(set, now, findings);
  const failed = new Set<string>();
  await loadEveryRole(set, source, {
    concurrency,
    onRole: (reached, targets, bytes) => audit.add(reached, targets, bytes),
    onProblem: ({ role, delegator }, error) => {
      failed.add(role);
      addRefusal(findings, role, error, delegator === 'root' ? '' : `, as ${delegator} delegates to it`);
    },
  });
  const { roles, bins } = audit.finish();
  reportUnreached(set, audit.names, failed, findings);

  const targets = targetFiles(audit.targets(), hashedNames, findings);
  const known = new Set(targets.keys());
  const earlier = list && sortFiles(await list(), { snapshot: set.snapshot, root: last }, known, findings);
  const current = {
    snapshot: set.snapshot,
    authorities: (role: string) => audit.delegationsTo(role),
  };
  const looked =
    earlier && (await auditHistory(source, earlier, [...roots.values()], current, findings, concurrency));
  const contents = options.contents ? await auditContents(source, targets, findings, concurrency) : null;
  const shown = bins.length > BINS_SHOWN ? [] : bins;
  return report({
    roles: [...top, ...roles, ...shown],
    bins: bins.length > BINS_SHOWN ? sumUp(bins) : null,
    history: looked ?? null,
    contents,
  });
}

function auditTopLevel(
  set: TrustedSet,
  role: TopLevelRole,
  { envelope, payload }: Metadata<Payload>,
  { file, isListed, now }: { readonly file: string; readonly isListed: boolean; readonly now: Date },
  findings: Findings,
): AuditedRole {
  const keys = roleOf(set.root, role);
  const size = envelope.bytes.length;
  auditFile(role, file, { size, isListed }, findings);
  auditExpiry(role, payload.expires, now, file, findings);
  return {
    name: role,
    version: payload.version,
    expires: payload.expires.toISOString(),
    threshold: keys.threshold,
    keys: keys.keyids.length,
    signed: countSignatures(envelope, set.root.keys, keys, 'refuse').valid.size,
    delegators: ['root'],
    size,
    targets: 0,
  };
}

/** False, and a finding, when the rules refuse what a role published. */
async function attempt(findings: Findings, role: string, work: () => Promise<void>): Promise<boolean> {
  try {
    await work();
    return true;
  } catch (error) {
    if (!(error instanceof TouchmarkError)) throw error;
    addRefusal(findings, role, error, '');
    return false;
  }
}

/** What the rules of TUF refuse is a finding; whatever else went wrong says nothing about the repository. */
function addRefusal(findings: Findings, role: string, error: TouchmarkError, how: string): void {
  if (!error.code.startsWith('tuf-')) throw error;
  const hint =
    error.code === 'tuf-unavailable'
      ? 'publish the whole folder again'
      : 'clients refuse it: sign and publish a new version that the delegating file agrees with';
  findings.add('error', error.code, `${error.message}${how}`, hint, { role });
}

/** Roles that the snapshot names and no delegation leads to. */
function reportUnreached(
  set: TrustedSet,
  reached: ReadonlySet<string>,
  failed: ReadonlySet<string>,
  findings: Findings,
): void {
  const names = [...set.snapshot.meta.keys()].map(name => name.replace(/\.json$/, ''));
  const lost = names.filter(name => name !== 'root' && !reached.has(name) && !failed.has(name));
  if (lost.length === 0) return;
  findings.add(
    'note',
    'role-unreached',
    `the snapshot names ${lost.length} roles that no delegation leads to: ${someOf(lost)}`,
    'roles that were revoked stay named, for a name must not vanish from a snapshot; below a role that failed nothing is reached',
    { role: 'snapshot' },
  );
}

function sumUp(bins: readonly AuditedRole[]): NonNullable<AuditReport['bins']> {
  return {
    count: bins.length,
    targets: bins.reduce((sum, { targets }) => sum + targets, 0),
    nextExpiry: bins.map(({ expires }) => expires).sort()[0] ?? '',
  };
}
