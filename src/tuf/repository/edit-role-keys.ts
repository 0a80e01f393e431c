import { fail } from '../../base/errors.js';
import type { ExactJsonObject } from '../../base/json.js';
import { LIMITS } from '../../base/limits.js';
import { dropLabels, withLabel } from './edit-payload.js';
import { type LabelledKey, makeKeyEntry } from './key-entry.js';
import { arrayAt, record, withMember } from './objects.js';

/** Where keys stand beside roles: a root, or the delegations of a targets payload. */
export interface KeyHolder {
  readonly keys: ExactJsonObject;
  /** `keyids` and `threshold` of every role that goes by these keys. */
  readonly roles: readonly ExactJsonObject[];
}

export function keyidsOf(role: ExactJsonObject): readonly string[] {
  return arrayAt(role, 'keyids').filter(keyid => typeof keyid === 'string');
}

/** The role with these keys and this threshold. @throws TouchmarkError `usage-argument` when the threshold cannot be met */
export function withKeys(
  role: ExactJsonObject,
  name: string,
  keyids: readonly string[],
  threshold: number,
): ExactJsonObject {
  requireThresholdInReach(name, keyids.length, threshold);
  return withMember(withMember(role, 'keyids', [...keyids]), 'threshold', threshold);
}

/** @throws TouchmarkError `usage-argument` */
export function requireThresholdInReach(name: string, keys: number, threshold: number): void {
  if (!Number.isInteger(threshold) || threshold < 1)
    fail('usage-argument', `the threshold of ${name} must be 1 or more, not ${threshold}`);
  if (keys > LIMITS.tufKeys)
    fail('usage-argument', `${name} would have ${keys} keys; at most ${LIMITS.tufKeys} are read`);
  if (threshold > keys)
    fail('usage-argument', `${threshold} of ${keys} keys could never sign for ${name}`, {
      hint:
        keys === 0
          ? 'add the new key before the last one goes'
          : 'add a key first, or lower the threshold first',
      details: { role: name, keys, threshold },
    });
}

/** Entries for keys, each once. @throws TouchmarkError `usage-argument` for one that is given twice */
export function makeEntries(keys: readonly LabelledKey[]): {
  readonly keyids: readonly string[];
  readonly add: (
    payload: ExactJsonObject,
    holder: ExactJsonObject,
  ) => readonly [ExactJsonObject, ExactJsonObject];
} {
  const entries = keys.map(({ key, label }) => ({ ...makeKeyEntry(key), label }));
  const keyids = entries.map(({ keyid }) => keyid);
  const twice = keyids.find((keyid, at) => keyids.indexOf(keyid) !== at);
  if (twice !== undefined)
    fail('usage-argument', `the key ${twice.slice(0, 12)} is given twice for one role: it would count once`);
  return {
    keyids,
    add: (payload, keysOf) =>
      entries.reduce<readonly [ExactJsonObject, ExactJsonObject]>(
        ([labelled, all], { keyid, raw, label }) => [
          withLabel(labelled, keyid, label),
          // An entry that is there stays as it is, with whatever else its author wrote into it.
          Object.hasOwn(all, keyid) ? all : withMember(all, keyid, raw),
        ],
        [payload, keysOf],
      ),
  };
}

/** Leaves out keys that no role goes by any more, and what they were called. */
export function dropUnusedKeys(
  payload: ExactJsonObject,
  { keys, roles }: KeyHolder,
): readonly [ExactJsonObject, ExactJsonObject] {
  const used = new Set(roles.flatMap(keyidsOf));
  const kept = record(Object.fromEntries(Object.entries(keys).filter(([keyid]) => used.has(keyid))));
  return [dropLabels(payload, kept), kept];
}
