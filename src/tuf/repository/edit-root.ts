import { fail } from '../../base/errors.js';
import type { ExactJsonObject } from '../../base/json.js';
import { TOP_LEVEL_ROLES, type TopLevelRole } from '../metadata.js';
import { newPayload } from './edit-payload.js';
import { dropUnusedKeys, keyidsOf, makeEntries, withKeys } from './edit-role-keys.js';
import type { LabelledKey } from './key-entry.js';
import { objectAt, record, withMember } from './objects.js';

/** A role at its beginning. */
export interface RoleSetup {
  readonly keys: readonly LabelledKey[];
  readonly threshold: number;
  readonly expiryDays: number;
}

export type RootSetup = Readonly<Record<TopLevelRole, RoleSetup>>;

/** The first root. @throws TouchmarkError `usage-argument` */
export function makeRoot(setup: RootSetup): ExactJsonObject {
  const empty = withMember(newPayload('root', setup.root.expiryDays), 'consistent_snapshot', true);
  return TOP_LEVEL_ROLES.reduce((root, role) => setRole(root, role, setup[role]), empty);
}

/** Gives a top-level role these keys and this threshold, in place of what it had. */
export function setRole(
  root: ExactJsonObject,
  role: TopLevelRole,
  { keys, threshold }: Pick<RoleSetup, 'keys' | 'threshold'>,
): ExactJsonObject {
  const { keyids, add } = makeEntries(keys);
  const [labelled, all] = add(root, objectAt(root, 'keys'));
  return replaceRole(withMember(labelled, 'keys', all), role, keyids, threshold);
}

/** @throws TouchmarkError `usage-argument` when the role has the key already */
export function addKeyToRoot(root: ExactJsonObject, role: TopLevelRole, key: LabelledKey): ExactJsonObject {
  const entry = roleIn(root, role);
  const { keyids, add } = makeEntries([key]);
  const [keyid = ''] = keyids;
  if (keyidsOf(entry).includes(keyid))
    fail('usage-argument', `${role} has the key ${keyid.slice(0, 12)} already`);
  const [labelled, all] = add(root, objectAt(root, 'keys'));
  return replaceRole(
    withMember(labelled, 'keys', all),
    role,
    [...keyidsOf(entry), keyid],
    thresholdOf(entry),
  );
}

/** @throws TouchmarkError `usage-argument` when the role does not have the key, or too few keys would be left */
export function removeKeyFromRoot(root: ExactJsonObject, role: TopLevelRole, keyid: string): ExactJsonObject {
  const entry = roleIn(root, role);
  requireKey(entry, role, keyid);
  return replaceRole(
    root,
    role,
    keyidsOf(entry).filter(id => id !== keyid),
    thresholdOf(entry),
  );
}

export function setRootThreshold(
  root: ExactJsonObject,
  role: TopLevelRole,
  threshold: number,
): ExactJsonObject {
  return replaceRole(root, role, keyidsOf(roleIn(root, role)), threshold);
}

export function requireKey(role: ExactJsonObject, name: string, keyid: string): void {
  if (keyidsOf(role).includes(keyid)) return;
  fail('usage-argument', `${name} has no key ${keyid.slice(0, 12)}`, {
    hint: `its keys are ${
      keyidsOf(role)
        .map(id => id.slice(0, 12))
        .join(', ') || 'none'
    }`,
  });
}

export function thresholdOf(role: ExactJsonObject): number {
  return typeof role['threshold'] === 'number' ? role['threshold'] : 1;
}

function roleIn(root: ExactJsonObject, role: TopLevelRole): ExactJsonObject {
  return objectAt(objectAt(root, 'roles'), role);
}

function replaceRole(
  root: ExactJsonObject,
  role: TopLevelRole,
  keyids: readonly string[],
  threshold: number,
): ExactJsonObject {
  const roles = withMember(
    objectAt(root, 'roles'),
    role,
    withKeys(objectAt(objectAt(root, 'roles'), role), role, keyids, threshold),
  );
  const [payload, keys] = dropUnusedKeys(root, {
    keys: objectAt(root, 'keys'),
    roles: Object.keys(roles).map(name => objectAt(roles, name)),
  });
  return withMember(withMember(payload, 'roles', record(roles)), 'keys', keys);
}
