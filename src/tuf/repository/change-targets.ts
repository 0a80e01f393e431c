import { createHash } from 'node:crypto';
import { mapConcurrently } from '../../base/concurrency.js';
import { fail } from '../../base/errors.js';
import type { Signer } from '../../crypto/keys.js';
import type { TargetInfo, Targets } from '../metadata.js';
import { targetName } from '../names.js';
import { matchPath } from '../path-pattern.js';
import { type Authority, authoritiesOf, delegatedAuthority } from './authority.js';
import { binFor, delegationTo, findDelegation } from './delegation-graph.js';
import { listTargetEntries, type TargetEntry, unlistTargets } from './edit-targets.js';
import { requireTargetPath } from './names-to-write.js';
import type { Repository } from './repository.js';
import { type Edit, type StagedRole, stageRole } from './stage.js';

/**
 * Lists targets in a role, or in its bins where it spreads them; their files, where bytes are given, are published with it.
 * @param options.signers who signs at once what this changes, if they speak for it: thousands of bins are not read twice
 * @throws TouchmarkError `usage-argument`, `tuf-path-not-delegated` when the role may not list a path, `limit-exceeded` when
 * other clients could not read so large a role, `tuf-conflict`
 */
export async function addTargets(
  repository: Repository,
  role: string,
  entries: readonly TargetEntry[],
  options: { readonly signers?: readonly Signer[] } = {},
): Promise<readonly StagedRole[]> {
  return repository.locked(async () => {
    await requireDelegatedPaths(
      repository,
      role,
      entries.map(({ path }) => path),
    );
    for (const entry of entries) if ('bytes' in entry) await writeTarget(repository, entry);
    return editRouted(
      repository,
      role,
      entries,
      ({ path }) => path,
      own => payload => listTargetEntries(payload, own),
      options.signers ?? [],
    );
  });
}

/**
 * Takes targets out of a role, or out of its bins. Their files stay where they are.
 * @throws TouchmarkError `tuf-target-unlisted`, `usage-argument`, `tuf-conflict`
 */
export async function removeTargets(
  repository: Repository,
  role: string,
  paths: readonly string[],
  options: { readonly signers?: readonly Signer[] } = {},
): Promise<readonly StagedRole[]> {
  return repository.locked(() =>
    editRouted(
      repository,
      role,
      paths,
      path => path,
      own => payload => unlistTargets(payload, own),
      options.signers ?? [],
    ),
  );
}

export interface ListedTarget {
  readonly role: string;
  readonly path: string;
  readonly info: TargetInfo;
}

/** What a role lists once everything staged is published; what stands in its bins is not counted up. */
export async function listTargets(repository: Repository, role: string): Promise<readonly ListedTarget[]> {
  const payload = await repository.next(role);
  if (!payload)
    return fail('usage-argument', `there is no role ${JSON.stringify(role.slice(0, 140))} here`, {
      hint: 'touchmark tuf role list shows the roles',
    });
  return [...payload.targets].map(([path, info]) => ({ role, path, info }));
}

async function editRouted<T>(
  repository: Repository,
  role: string,
  items: readonly T[],
  pathOf: (item: T) => string,
  editFor: (own: readonly T[]) => Edit,
  signers: readonly Signer[],
): Promise<readonly StagedRole[]> {
  const holder = await repository.next(role);
  if (!holder)
    return fail('usage-argument', `there is no role ${JSON.stringify(role.slice(0, 140))} here`, {
      hint: 'touchmark tuf role list shows the roles; touchmark tuf role delegate makes one',
    });
  const byRole = new Map<string, T[]>();
  for (const item of items) {
    const path = pathOf(item);
    // What the role lists itself, from before it had bins, is what clients find: it stays there.
    const name = holder.targets.has(path) ? role : (binFor(holder.delegations, path) ?? role);
    const own = byRole.get(name);
    if (own) own.push(item);
    else byRole.set(name, [item]);
  }
  const ownAuthorities = byRole.has(role) ? await authoritiesOf(repository, role) : [];
  return mapConcurrently([...byRole], 8, ([name, own]) => {
    const authorities = name === role ? ownAuthorities : [binAuthority(holder, role, name)];
    return stageRole(repository, name, editFor(own), { signing: { authorities, signers } });
  });
}

/** Bins share the word of one role, which is not looked up for each of them. */
function binAuthority(holder: Targets, delegator: string, bin: string): Authority {
  const { delegations } = holder;
  const found = delegations && delegationTo(bin, delegations);
  if (!delegations || !found) return fail('internal', `${delegator} has no bin ${bin}`);
  return delegatedAuthority({ delegator, delegations, ...found }, holder.raw);
}

/** Clients find a target only where each role on the way delegates its path. */
async function requireDelegatedPaths(
  repository: Repository,
  role: string,
  paths: readonly string[],
): Promise<void> {
  if (role === 'targets') return;
  const found = await findDelegation(role, name => repository.next(name));
  if (!found)
    fail('usage-argument', `nothing is delegated to ${JSON.stringify(role.slice(0, 140))}`, {
      hint: 'touchmark tuf role list shows the roles; touchmark tuf role delegate makes one',
    });
  const { entry, delegator } = found;
  const patterns = entry?.paths;
  if (!patterns)
    return fail('usage-argument', `${role} is a bin: add the targets to ${delegator}, which spreads them`);
  const outside = paths.find(path => !patterns.some(pattern => matchPath(pattern, path)));
  if (outside !== undefined)
    fail(
      'tuf-path-not-delegated',
      `${delegator} does not delegate ${JSON.stringify(outside.slice(0, 140))} to ${role}`,
      {
        hint: `its paths are: ${patterns.slice(0, 10).join(', ')}`,
        details: { role, target: outside.slice(0, 200) },
      },
    );
  await requireDelegatedPaths(repository, delegator, paths);
}

async function writeTarget(
  repository: Repository,
  { path, bytes }: { readonly path: string; readonly bytes: Uint8Array },
): Promise<void> {
  requireTargetPath(path);
  const sha256 = createHash('sha256').update(bytes).digest('hex');
  const name = targetName(path, { length: bytes.length, hashes: { sha256 } }, true);
  if (await repository.folder.has(`targets/${name}`)) return;
  await repository.folder.write(`staged/targets/${name}`, bytes);
}
