import { isDeepStrictEqual } from 'node:util';
import type { ExactJsonObject } from '../../base/json.js';
import type { TufKey } from '../keys.js';
import type { RoleKeys } from '../metadata.js';
import { labelOf } from '../repository/edit-payload.js';
import type { Change, NamedKey, Quorum } from './change.js';

/** The keys of a payload, what they are called, and the roles that go by them. */
export interface KeyHolder {
  readonly raw: ExactJsonObject;
  readonly keys: ReadonlyMap<string, TufKey>;
  /** In the order in which they stand. */
  readonly roles: ReadonlyMap<string, RoleKeys>;
}

/** Differences in keys, labels and thresholds, role by role. */
export function* compareKeys(before: KeyHolder | undefined, after: KeyHolder): Generator<Change> {
  const name = (keyid: string): NamedKey => ({
    keyid,
    label: labelOf(after.raw, keyid) ?? (before && labelOf(before.raw, keyid)),
  });
  for (const [role, now] of after.roles) yield* compareRole(role, before?.roles.get(role), now, name);
  const used = new Set([...after.roles.values()].flatMap(({ keyids }) => keyids));
  for (const [keyid, key] of after.keys) {
    const old = before?.keys.get(keyid);
    if (old !== undefined && !isDeepStrictEqual(old.raw, key.raw))
      yield { kind: 'key-changed', key: name(keyid) };
    if (old === undefined && !used.has(keyid)) yield { kind: 'key-unused', key: name(keyid) };
  }
  yield* compareLabels(before, after);
}

function* compareRole(
  role: string,
  before: RoleKeys | undefined,
  after: RoleKeys,
  name: (keyid: string) => NamedKey,
): Generator<Change> {
  const [old, now] = [new Set(before?.keyids), new Set(after.keyids)];
  for (const keyid of now) if (!old.has(keyid)) yield { kind: 'key-added', role, key: name(keyid) };
  for (const keyid of old) if (!now.has(keyid)) yield { kind: 'key-removed', role, key: name(keyid) };
  const quorum = quorumOf(after);
  if (before === undefined) yield { kind: 'threshold', role, after: quorum };
  else if (!isDeepStrictEqual(quorumOf(before), quorum))
    yield { kind: 'threshold', role, before: quorumOf(before), after: quorum };
}

export function quorumOf({ threshold, keyids }: RoleKeys): Quorum {
  return { threshold, keys: keyids.length };
}

/** New names for keys that were there before: a name says whom to ask, and moving it would have somebody else asked. */
function* compareLabels(before: KeyHolder | undefined, after: KeyHolder): Generator<Change> {
  for (const keyid of after.keys.keys()) {
    if (!before?.keys.has(keyid)) continue;
    const [old, now] = [labelOf(before.raw, keyid), labelOf(after.raw, keyid)];
    if (old === now) continue;
    yield {
      kind: 'label',
      keyid,
      ...(old !== undefined && { before: old }),
      ...(now !== undefined && { after: now }),
    };
  }
}
