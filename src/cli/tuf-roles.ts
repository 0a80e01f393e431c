import { existsSync } from 'node:fs';
import { fail } from '../base/errors.js';
import { loadPublicKey } from '../crypto/key-reference.js';
import { nameHolder } from '../report/tuf-text.js';
import { TOP_LEVEL_ROLES } from '../tuf/metadata.js';
import { type Authority, isTopLevel, keyOf, rootAuthority } from '../tuf/repository/authority.js';
import { walkDelegators } from '../tuf/repository/delegation-graph.js';
import { authoritiesOf, labelOf, type Repository } from '../tuf/repository/index.js';
import type { HolderFacts } from './tuf-facts.js';

/** A role, its keys and what it may list, once what is staged is published. */
export interface RoleFacts {
  /** Of bins the name that they share. */
  readonly role: string;
  readonly delegator: string | null;
  readonly threshold: number;
  readonly keys: readonly HolderFacts[];
  /** Patterns; null for the roles at the top and for bins. */
  readonly paths: readonly string[] | null;
  readonly terminating: boolean;
  /** How many bins share this entry; null for a role by itself. */
  readonly bins: number | null;
}

type KeySet = Pick<Authority, 'keys' | 'role' | 'payload'>;

/** Every role, delegators before those they delegate to; bins as one. */
export async function listRoles(repository: Repository): Promise<readonly RoleFacts[]> {
  const root = await repository.nextRoot();
  const none = { paths: null, terminating: false, bins: null };
  const roles: RoleFacts[] = TOP_LEVEL_ROLES.map(role => ({
    role,
    delegator: role === 'root' ? null : 'root',
    ...quorumOf(rootAuthority(root, role, 'root')),
    ...none,
  }));
  for await (const { delegator, delegations } of walkDelegators(name => repository.next(name))) {
    const { keys, succinct } = delegations;
    const payload = (await repository.next(delegator))?.raw ?? Object.create(null);
    if (succinct) {
      const quorum = quorumOf({ keys, role: succinct, payload });
      roles.push({ role: succinct.namePrefix, delegator, ...quorum, ...none, bins: 2 ** succinct.bitLength });
    }
    const bins = new Map<string, number>();
    for (const role of delegations.roles) {
      const { name, paths, pathHashPrefixes, terminating } = role;
      const prefix = name.replace(/-[0-9a-f]+$/, '');
      const quorum = quorumOf({ keys, role, payload });
      const seen = pathHashPrefixes && bins.get(prefix);
      if (pathHashPrefixes) bins.set(prefix, (seen ?? 0) + 1);
      if (pathHashPrefixes && seen === undefined)
        roles.push({ role: prefix, delegator, ...quorum, ...none, bins: 1 });
      if (!pathHashPrefixes)
        roles.push({ role: name, delegator, ...quorum, paths: paths ?? [], terminating, bins: null });
    }
    for (const [prefix, count] of bins) {
      const at = roles.findIndex(({ role, delegator: by }) => role === prefix && by === delegator);
      const entry = roles[at];
      if (entry) roles[at] = { ...entry, bins: count };
    }
  }
  return roles;
}

function quorumOf({ keys, role, payload }: KeySet): Pick<RoleFacts, 'threshold' | 'keys'> {
  const known = role.keyids.filter(keyid => keys.has(keyid));
  return {
    threshold: role.threshold,
    keys: known.map(keyid => ({ keyid, label: labelOf(payload, keyid) ?? null })),
  };
}

/** How many of which keys sign for a role. @throws TouchmarkError `usage-argument` when there is no such role */
export async function quorumOfRole(
  repository: Repository,
  role: string,
): Promise<Pick<RoleFacts, 'threshold' | 'keys'>> {
  return quorumOf(await keySetOf(repository, role));
}

async function keySetOf(repository: Repository, role: string): Promise<Authority> {
  if (isTopLevel(role)) return rootAuthority(await repository.nextRoot(), role, 'root');
  for await (const { delegator, delegations } of walkDelegators(name => repository.next(name))) {
    const { keys, succinct } = delegations;
    if (succinct?.namePrefix !== role) continue;
    const payload = (await repository.next(delegator))?.raw ?? Object.create(null);
    return { by: delegator, keys, role: succinct, payload };
  }
  const [authority] = await authoritiesOf(repository, role);
  return authority ?? fail('internal', `${role} has no keys`);
}

/**
 * The keyid of a key of a role, named by its label, its first digits, or the file of the public key.
 * @throws TouchmarkError `usage-argument` when none or several are meant, `key-…`
 */
export async function findRoleKey(repository: Repository, role: string, name: string): Promise<string> {
  const keySet = await keySetOf(repository, role);
  const { keys } = quorumOf(keySet);
  const isStart = /^[0-9a-f]{6,64}$/i.test(name);
  const meant = keys.filter(
    ({ keyid, label }) => label === name || (isStart && keyid.startsWith(name.toLowerCase())),
  );
  if (meant.length === 1 && meant[0] !== undefined) return meant[0].keyid;
  const hint = `its keys are ${keys.map(nameHolder).join(', ')}`;
  const shown = JSON.stringify(name.slice(0, 80));
  if (meant.length > 1) fail('usage-argument', `several keys of ${role} are called ${shown}`, { hint });
  const key = existsSync(name) ? keyOf(keySet, await loadPublicKey(name)) : undefined;
  return key?.keyid ?? fail('usage-argument', `${role} has no key ${shown}`, { hint });
}
