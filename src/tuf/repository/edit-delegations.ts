import { fail } from '../../base/errors.js';
import type { ExactJsonObject } from '../../base/json.js';
import { binName } from '../succinct.js';
import { dropUnusedKeys, keyidsOf, makeEntries, withKeys } from './edit-role-keys.js';
import { requireKey, thresholdOf } from './edit-root.js';
import type { LabelledKey } from './key-entry.js';
import { requirePattern, requireRoleName } from './names-to-write.js';
import { arrayAt, objectAt, record, withMember } from './objects.js';

/** A role to delegate to. */
export interface Delegation {
  readonly name: string;
  readonly keys: readonly LabelledKey[];
  readonly threshold: number;
  /** Patterns of target paths; a `*` does not cross a slash. */
  readonly paths: readonly string[];
  /** When a path matches, no role behind this one is asked. Default false. */
  readonly terminating?: boolean;
  /** Place among the delegations, 0 first; default behind all others. */
  readonly at?: number;
}

/** Many roles that share keys, over which targets are spread by the SHA-256 of their paths. */
export interface BinDelegation {
  /** `succinct` (TAP 15) costs a line, and tough and rust-tuf cannot read it; `prefixes` costs an entry a bin, and all can. */
  readonly kind: 'succinct' | 'prefixes';
  /** Two to the power of this many bins: 1 to 14. */
  readonly bitLength: number;
  /** What the bins are called, before the dash and their number. */
  readonly namePrefix: string;
  readonly keys: readonly LabelledKey[];
  readonly threshold: number;
}

const MOST_BITS = 14;

/**
 * Adds a delegation to a targets payload.
 * @throws TouchmarkError `usage-argument` when the name is taken, the payload has bins, or a pattern is no good
 */
export function delegate(payload: ExactJsonObject, delegation: Delegation): ExactJsonObject {
  const { name, paths, terminating = false } = delegation;
  requireRoleName(name);
  if (paths.length === 0)
    fail('usage-argument', `no path is delegated to ${name}`, { hint: 'give at least one pattern' });
  for (const pattern of paths) requirePattern(pattern);
  const { keyids, add } = makeEntries(delegation.keys);
  const entry = withKeys(
    record({ name, terminating, paths: [...paths] }),
    name,
    keyids,
    delegation.threshold,
  );
  return insertRoles(payload, [entry], add, delegation.at);
}

/**
 * Spreads the targets of a payload over bins.
 * @throws TouchmarkError `usage-argument`
 */
export function delegateToBins(payload: ExactJsonObject, bins: BinDelegation): ExactJsonObject {
  const { kind, bitLength, namePrefix, threshold } = bins;
  requireRoleName(namePrefix);
  if (!Number.isInteger(bitLength) || bitLength < 1 || bitLength > MOST_BITS)
    fail('usage-argument', `bins are counted in bits, 1 to ${MOST_BITS}, not ${bitLength}`, {
      hint: 'about twice the square root of the number of targets: 10 bits for 250,000, 12 for 4,000,000',
    });
  const { keyids, add } = makeEntries(bins.keys);
  if (kind === 'succinct') {
    const shape = record({ bit_length: bitLength, name_prefix: namePrefix });
    return insertSuccinct(payload, withKeys(shape, namePrefix, keyids, threshold), add);
  }
  const roles = Array.from({ length: 2 ** bitLength }, (_, bin) =>
    withKeys(
      record({
        name: binName({ bitLength, namePrefix, keyids, threshold }, bin),
        path_hash_prefixes: hashPrefixes(bin, bitLength),
        terminating: true,
      }),
      namePrefix,
      keyids,
      threshold,
    ),
  );
  return insertRoles(payload, roles, add);
}

/** The prefixes of hex SHA-256 that begin with these bits: 1, 2, 4 or 8 of them. */
function hashPrefixes(bin: number, bitLength: number): readonly string[] {
  const digits = Math.ceil(bitLength / 4);
  const spare = digits * 4 - bitLength;
  return Array.from({ length: 2 ** spare }, (_, low) =>
    ((bin << spare) | low).toString(16).padStart(digits, '0'),
  );
}

/** @throws TouchmarkError `usage-argument` when nothing is delegated to it there */
export function revoke(payload: ExactJsonObject, name: string): ExactJsonObject {
  const { delegations, roles, succinct } = read(payload);
  if (succinct && succinct['name_prefix'] === name) return withMember(payload, 'delegations', undefined);
  const kept = roles.filter(role => role['name'] !== name);
  if (kept.length === roles.length) notDelegated(name, roles);
  return write(payload, delegations, kept);
}

export function addKeyToDelegation(
  payload: ExactJsonObject,
  name: string,
  key: LabelledKey,
): ExactJsonObject {
  const { keyids, add } = makeEntries([key]);
  const [keyid = ''] = keyids;
  const { delegations } = read(payload);
  const [labelled, keys] = add(payload, objectAt(delegations, 'keys'));
  const prepared = withMember(labelled, 'delegations', withMember(delegations, 'keys', keys));
  return changeRole(prepared, name, role => {
    if (keyidsOf(role).includes(keyid))
      fail('usage-argument', `${name} has the key ${keyid.slice(0, 12)} already`);
    return withKeys(role, name, [...keyidsOf(role), keyid], thresholdOf(role));
  });
}

export function removeKeyFromDelegation(
  payload: ExactJsonObject,
  name: string,
  keyid: string,
): ExactJsonObject {
  return changeRole(payload, name, role => {
    requireKey(role, name, keyid);
    const rest = keyidsOf(role).filter(id => id !== keyid);
    return withKeys(role, name, rest, thresholdOf(role));
  });
}

export function setDelegationThreshold(
  payload: ExactJsonObject,
  name: string,
  threshold: number,
): ExactJsonObject {
  return changeRole(payload, name, role => withKeys(role, name, keyidsOf(role), threshold));
}

type AddKeys = ReturnType<typeof makeEntries>['add'];

function insertRoles(
  payload: ExactJsonObject,
  added: readonly ExactJsonObject[],
  add: AddKeys,
  at?: number,
): ExactJsonObject {
  const { delegations, roles, succinct } = read(payload);
  if (succinct)
    fail('usage-argument', 'this role spreads its targets over bins, and cannot delegate to others as well', {
      hint: 'delegate to a role for them first, and give that one the bins',
    });
  const names = new Set(roles.map(role => role['name']));
  const taken = added.find(role => names.has(role['name'] as string));
  if (taken) fail('usage-argument', `there is a delegation to ${String(taken['name'])} already`);
  const [labelled, keys] = add(payload, objectAt(delegations, 'keys'));
  const place = at === undefined ? roles.length : Math.max(0, Math.min(at, roles.length));
  const all = [...roles.slice(0, place), ...added, ...roles.slice(place)];
  return write(labelled, withMember(delegations, 'keys', keys), all);
}

function insertSuccinct(payload: ExactJsonObject, succinct: ExactJsonObject, add: AddKeys): ExactJsonObject {
  const { delegations, roles, succinct: existing } = read(payload);
  if (roles.length > 0 || existing)
    fail('usage-argument', 'a role that delegates already cannot spread its targets over bins as well', {
      hint: 'delegate to a role for them first, and give that one the bins',
    });
  const [labelled, keys] = add(payload, objectAt(delegations, 'keys'));
  return withMember(labelled, 'delegations', record({ keys, succinct_roles: succinct }));
}

function changeRole(
  payload: ExactJsonObject,
  name: string,
  change: (role: ExactJsonObject) => ExactJsonObject,
): ExactJsonObject {
  const { delegations, roles, succinct } = read(payload);
  if (succinct && succinct['name_prefix'] === name) {
    const changed = change(succinct);
    const [rest, keys] = dropUnusedKeys(payload, { keys: objectAt(delegations, 'keys'), roles: [changed] });
    const next = withMember(withMember(delegations, 'succinct_roles', changed), 'keys', keys);
    return withMember(rest, 'delegations', next);
  }
  if (!roles.some(role => role['name'] === name)) notDelegated(name, roles);
  return write(
    payload,
    delegations,
    roles.map(role => (role['name'] === name ? change(role) : role)),
  );
}

function write(
  payload: ExactJsonObject,
  delegations: ExactJsonObject,
  roles: readonly ExactJsonObject[],
): ExactJsonObject {
  const [rest, keys] = dropUnusedKeys(payload, { keys: objectAt(delegations, 'keys'), roles });
  return withMember(rest, 'delegations', withMember(withMember(delegations, 'roles', roles), 'keys', keys));
}

function read(payload: ExactJsonObject) {
  const delegations = objectAt(payload, 'delegations');
  const roles = arrayAt(delegations, 'roles') as readonly ExactJsonObject[];
  const succinct = delegations['succinct_roles'] as ExactJsonObject | undefined;
  return { delegations, roles, succinct };
}

function notDelegated(name: string, roles: readonly ExactJsonObject[]): never {
  return fail('usage-argument', `nothing is delegated to ${JSON.stringify(name.slice(0, 140))} there`, {
    hint: `there are delegations to ${
      roles
        .map(role => role['name'])
        .slice(0, 10)
        .join(', ') || 'nobody'
    }`,
  });
}
