import { isDeepStrictEqual } from 'node:util';
import type { ExactJson, ExactJsonObject } from '../../base/json.js';
import type { DelegatedRole, Delegations, RoleKeys, Targets } from '../metadata.js';
import type { Change } from './change.js';
import type { KeyHolder } from './compare-keys.js';
import { compareRest, memberOf, omit } from './compare-rest.js';

/** Bins of one delegator share name prefix, keys and threshold: thousands of roles that are one thing to people. */
interface Bins extends RoleKeys {
  readonly role: string;
  readonly count: number;
  readonly succinct: boolean;
}

/** The keys of the delegated roles; bins count as one role. */
export function delegationHolder(targets: Targets): KeyHolder {
  const { delegations } = targets;
  const bins = binsOf(delegations);
  const roles = new Map<string, RoleKeys>(namedRoles(delegations).map(role => [role.name, role]));
  for (const found of bins) roles.set(found.role, found);
  return { raw: targets.raw, keys: delegations?.keys ?? new Map(), roles };
}

function namedRoles(delegations: Delegations | undefined): readonly DelegatedRole[] {
  return (delegations?.roles ?? []).filter(role => role.pathHashPrefixes === undefined);
}

/** Roles by hash prefix, as far as their names and keys are alike, and succinct roles. */
function binsOf(delegations: Delegations | undefined): readonly Bins[] {
  const succinct = delegations?.succinct;
  if (succinct) {
    const { bitLength, namePrefix, keyids, threshold } = succinct;
    return [{ role: `${namePrefix}-*`, count: 2 ** bitLength, succinct: true, keyids, threshold }];
  }
  const alike = new Map<string, DelegatedRole[]>();
  for (const role of delegations?.roles ?? []) {
    if (role.pathHashPrefixes === undefined) continue;
    const key = JSON.stringify([sharedName(role), role.threshold, role.keyids]);
    const others = alike.get(key);
    if (others) others.push(role);
    else alike.set(key, [role]);
  }
  // Most bins of a name stand for all of them; each that differs in its keys stands for itself, so that nobody hides there.
  const largest = new Map<string, readonly DelegatedRole[]>();
  for (const roles of alike.values()) {
    const name = roles[0] ? sharedName(roles[0]) : '';
    if (roles.length > (largest.get(name)?.length ?? 0)) largest.set(name, roles);
  }
  return [...alike.values()].flatMap(roles => {
    const [first] = roles;
    if (!first) return [];
    const isShared = largest.get(sharedName(first)) === roles;
    return isShared
      ? [toBins(sharedName(first), roles.length, first)]
      : roles.map(role => toBins(role.name, 1, role));
  });
}

function sharedName({ name }: DelegatedRole): string {
  return name.replace(/-[0-9a-f]+$/, '-*');
}

function toBins(role: string, count: number, { keyids, threshold }: RoleKeys): Bins {
  return { role, count, succinct: false, keyids, threshold };
}

export function* compareDelegations(before: Targets | undefined, after: Targets): Generator<Change> {
  const [old, now] = [before?.delegations, after.delegations];
  yield* compareNamed(namedRoles(old), namedRoles(now));
  yield* compareBins(binsOf(old), binsOf(now));
  yield* compareRest(unknownParts(before), unknownParts(after), 'delegations');
}

function* compareNamed(before: readonly DelegatedRole[], after: readonly DelegatedRole[]): Generator<Change> {
  const old = new Map(before.map(role => [role.name, role]));
  const now = new Map(after.map(role => [role.name, role]));
  for (const role of after) {
    const known = old.get(role.name);
    if (known) yield* compareDelegation(known, role);
    else {
      const { name, paths = [], terminating } = role;
      yield { kind: 'delegation-added', role: name, paths, terminating };
    }
  }
  for (const { name } of before) if (!now.has(name)) yield { kind: 'delegation-removed', role: name };
  // The order says who is asked first; only what was there and stays can change places.
  const [was, is] = [
    before.filter(({ name }) => now.has(name)).map(({ name }) => name),
    after.filter(({ name }) => old.has(name)).map(({ name }) => name),
  ];
  if (!isDeepStrictEqual(was, is))
    yield {
      kind: 'delegation-order',
      before: before.map(({ name }) => name),
      after: after.map(({ name }) => name),
    };
}

function* compareDelegation(before: DelegatedRole, after: DelegatedRole): Generator<Change> {
  const [old, now] = [before.paths ?? [], after.paths ?? []];
  const [added, removed] = [now.filter(path => !old.includes(path)), old.filter(path => !now.includes(path))];
  if (added.length > 0) yield { kind: 'paths-added', role: after.name, paths: added };
  if (removed.length > 0) yield { kind: 'paths-removed', role: after.name, paths: removed };
  if (before.terminating !== after.terminating)
    yield { kind: 'terminating', role: after.name, after: after.terminating };
}

function* compareBins(before: readonly Bins[], after: readonly Bins[]): Generator<Change> {
  const same = (a: Bins) => (b: Bins) =>
    a.role === b.role && a.count === b.count && a.succinct === b.succinct;
  for (const bins of after)
    if (!before.some(same(bins))) yield { kind: 'bins-added', role: bins.role, count: bins.count };
  for (const bins of before)
    if (!after.some(same(bins))) yield { kind: 'bins-removed', role: bins.role, count: bins.count };
}

const ROLE_PARTS = ['name', 'keyids', 'threshold', 'terminating', 'paths'];

/** What the delegations hold besides the parts that are compared above; hash prefixes as they stand. */
function unknownParts(targets: Targets | undefined): ExactJsonObject {
  const raw = memberOf(targets?.raw, 'delegations');
  const roles = (Array.isArray(raw['roles']) ? raw['roles'] : []) as readonly ExactJsonObject[];
  const parts = roles.map(role => {
    const name = String(role['name']);
    const prefixes = role['path_hash_prefixes'];
    // Bins that are where their number says are told of by how many there are.
    const hidden = isOrdinaryBin(name, prefixes) ? [...ROLE_PARTS, 'path_hash_prefixes'] : ROLE_PARTS;
    return [name, omit(role, hidden)] as const;
  });
  return {
    ...omit(raw, ['keys', 'roles', 'succinct_roles']),
    roles: Object.assign(
      Object.create(null),
      Object.fromEntries(parts.filter(([, rest]) => Object.keys(rest).length > 0)),
    ),
    succinct_roles: omit(memberOf(raw, 'succinct_roles'), [
      'keyids',
      'threshold',
      'bit_length',
      'name_prefix',
    ]),
  };
}

/** Does the bin have the prefixes that its number stands for, and no others? */
function isOrdinaryBin(name: string, prefixes: ExactJson | undefined): boolean {
  const number = /-([0-9a-f]{1,8})$/.exec(name)?.[1];
  if (number === undefined || !Array.isArray(prefixes)) return false;
  const bin = Number.parseInt(number, 16);
  const length = String(prefixes[0]).length;
  const expected = Array.from(prefixes, (_, low) =>
    (bin * prefixes.length + low).toString(16).padStart(length, '0'),
  );
  return isDeepStrictEqual([...prefixes], expected);
}
