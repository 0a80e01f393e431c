import { createHash } from 'node:crypto';
import { fail } from '../../base/errors.js';
import { LIMITS } from '../../base/limits.js';
import type { DelegatedRole, Delegations, RoleKeys, Targets } from '../metadata.js';
import { binNameFor, binOf } from '../succinct.js';

/** On whose word a delegated role stands. */
export interface FoundDelegation {
  readonly delegator: string;
  readonly delegations: Delegations;
  /** Keys and threshold. */
  readonly role: RoleKeys;
  /** Undefined for a succinct bin, to which no paths are given. */
  readonly entry: DelegatedRole | undefined;
}

/** Gives the metadata of a role as far as it is there. */
export type LoadRole = (role: string) => Promise<Targets | undefined>;

/**
 * The roles that delegate, from `targets` downwards, level by level. Bins are not looked into: there are thousands, and
 * nobody puts delegations there.
 */
export async function* walkDelegators(
  load: LoadRole,
): AsyncGenerator<{ readonly delegator: string; readonly delegations: Delegations }> {
  const seen = new Set<string>(['targets']);
  let level: readonly string[] = ['targets'];
  while (level.length > 0) {
    const below: string[] = [];
    for (const delegator of level) {
      const delegations = (await load(delegator))?.delegations;
      if (!delegations) continue;
      yield { delegator, delegations };
      for (const { name, pathHashPrefixes } of delegations.roles) {
        if (pathHashPrefixes || seen.has(name)) continue;
        if (seen.size > LIMITS.tufRoles)
          fail('limit-exceeded', `more than ${LIMITS.tufRoles} roles delegate`);
        seen.add(name);
        below.push(name);
      }
    }
    level = below;
  }
}

/** The first delegation to a role; undefined when there is none. */
export async function findDelegation(role: string, load: LoadRole): Promise<FoundDelegation | undefined> {
  for await (const { delegator, delegations } of walkDelegators(load)) {
    const found = delegationTo(role, delegations);
    if (found) return { delegator, delegations, ...found };
  }
  return undefined;
}

export function delegationTo(
  role: string,
  { roles, succinct }: Delegations,
): Pick<FoundDelegation, 'role' | 'entry'> | undefined {
  if (succinct) return binOf(succinct, role) === undefined ? undefined : { role: succinct, entry: undefined };
  const entry = roles.find(({ name }) => name === role);
  return entry && { role: entry, entry };
}

/** The bin that a path falls into; undefined when the role has no bins. */
export function binFor(delegations: Delegations | undefined, path: string): string | undefined {
  if (delegations?.succinct) return binNameFor(delegations.succinct, path);
  const bins = binTable(delegations);
  if (!bins) return undefined;
  const hash = createHash('sha256').update(path, 'utf8').digest('hex');
  for (let length = 1; length <= 64; length++) {
    const bin = bins.get(hash.slice(0, length));
    if (bin !== undefined) return bin;
  }
  return undefined;
}

const tables = new WeakMap<Delegations, ReadonlyMap<string, string>>();

/** Bins by prefix. */
function binTable(delegations: Delegations | undefined): ReadonlyMap<string, string> | undefined {
  if (!delegations) return undefined;
  const known = tables.get(delegations);
  if (known) return known.size > 0 ? known : undefined;
  const table = new Map(
    delegations.roles.flatMap(({ name, pathHashPrefixes }) =>
      (pathHashPrefixes ?? []).map(prefix => [prefix, name] as const),
    ),
  );
  tables.set(delegations, table);
  return table.size > 0 ? table : undefined;
}
