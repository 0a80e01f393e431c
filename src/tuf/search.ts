import { createHash } from 'node:crypto';
import { fail } from '../base/errors.js';
import { LIMITS } from '../base/limits.js';
import type { DelegatedRole, Delegations, TargetInfo, Targets } from './metadata.js';
import { matchPath } from './path-pattern.js';
import { binNameFor } from './succinct.js';

/** A target, and who vouches for it. */
export interface FoundTarget {
  readonly path: string;
  readonly info: TargetInfo;
  /** From `targets` to the role that lists it: each delegates this path to the next. */
  readonly chain: readonly string[];
}

export interface SearchOptions {
  /** Roles that are visited before the search is given up. Default 64. */
  readonly maxVisited?: number;
  /** The role that must list the target; what others say of it is passed over, but who is asked, and in which order, is the same. */
  readonly only?: string;
}

/**
 * Looks for a target as the specification has it (5.6.7): from `targets` downwards, depth first, in the order in which
 * roles stand, only where the path is delegated; a terminating role that matches ends all branches but its own. The first
 * role that lists the path answers. A role that cannot be loaded or believed ends the search with an error: what another
 * one says does not replace it.
 *
 * `load` gives the metadata of a role, believed for that delegator.
 * @throws TouchmarkError `limit-exceeded`; whatever `load` throws
 */
export async function searchTarget(
  path: string,
  load: (role: string, delegator: string) => Promise<Targets>,
  options: SearchOptions = {},
): Promise<FoundTarget | undefined> {
  const maxVisited = options.maxVisited ?? LIMITS.tufVisitedRoles;
  if (path.length > LIMITS.tufPathLength)
    fail('limit-exceeded', `the target path has more than ${LIMITS.tufPathLength} characters`);
  const visited = new Set<string>();
  const stack: Step[] = [{ role: 'targets' }];
  for (let step = stack.pop(); step; step = stack.pop()) {
    const { role, from } = step;
    if (visited.has(role)) continue;
    if (visited.size >= maxVisited)
      fail('limit-exceeded', `more than ${maxVisited} roles would have to be asked for this target`, {
        details: { target: path.slice(0, 200) },
      });
    visited.add(role);
    const targets = await load(role, from?.role ?? 'root');
    const info = targets.targets.get(path);
    if (info && (options.only === undefined || options.only === role))
      return { path, info, chain: chainOf(step) };
    const { names, terminating } = delegatesFor(targets.delegations, path);
    if (terminating) stack.length = 0;
    for (const name of names.reverse()) stack.push({ role: name, from: step });
  }
  return undefined;
}

/** A role to ask, and on whose word. */
interface Step {
  readonly role: string;
  readonly from?: Step;
}

function chainOf(step: Step): readonly string[] {
  return step.from ? [...chainOf(step.from), step.role] : [step.role];
}

/** The roles that a path is delegated to, in order, up to the first terminating one. */
export function delegatesFor(
  delegations: Delegations | undefined,
  path: string,
): { readonly names: string[]; readonly terminating: boolean } {
  // TAP 15 calls bins non-terminating; python-tuf, go-tuf and tuf-js all stop there, and no other bin could match.
  if (delegations?.succinct) return { names: [binNameFor(delegations.succinct, path)], terminating: true };
  const names: string[] = [];
  let hash: string | undefined;
  for (const role of delegations?.roles ?? []) {
    if (role.pathHashPrefixes) hash ??= createHash('sha256').update(path, 'utf8').digest('hex');
    if (!isDelegated(role, path, hash ?? '')) continue;
    names.push(role.name);
    if (role.terminating) return { names, terminating: true };
  }
  return { names, terminating: false };
}

/** Does this one delegation cover the path? `hash` is the hex SHA-256 of the path. */
export function isDelegated(role: DelegatedRole, path: string, hash: string): boolean {
  if (role.paths) return role.paths.some(pattern => matchPath(pattern, path));
  return role.pathHashPrefixes?.some(prefix => hash.startsWith(prefix)) ?? false;
}
