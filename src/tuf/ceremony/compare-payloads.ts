import { isDeepStrictEqual } from 'node:util';
import type { ExactJson, ExactJsonObject } from '../../base/json.js';
import { type Payload, type Root, type TargetInfo, type Targets, TOP_LEVEL_ROLES } from '../metadata.js';
import { EXPIRY_DAYS, LABELS, ONLINE_DAYS } from '../repository/edit-payload.js';
import type { Change, ListedTarget } from './change.js';
import { compareDelegations, delegationHolder } from './compare-delegations.js';
import { compareKeys } from './compare-keys.js';
import { compareRest, isObject, memberOf, omit } from './compare-rest.js';

/** Members that the other comparisons tell of. */
const KNOWN = ['_type', 'version', 'expires', LABELS, EXPIRY_DAYS];
const OF_ROOT = ['keys', 'roles', ONLINE_DAYS];

/** What a root changes, against the one before it or against nothing. */
export function compareRoots(before: Root | undefined, after: Root): readonly Change[] {
  return [
    ...compareKeys(before, after),
    ...compareCommon(before, after),
    ...compareRest(unknownInRoles(before), unknownInRoles(after), 'roles'),
    ...compareOnlinePeriods(before?.raw[ONLINE_DAYS], after.raw[ONLINE_DAYS]),
    ...compareRest(rest(before, OF_ROOT), rest(after, OF_ROOT), ''),
  ].filter(change => before !== undefined || !isExpectedAtFirst(change));
}

/** What targets metadata changes, that of a delegated role as well. */
export function compareTargets(before: Targets | undefined, after: Targets): readonly Change[] {
  const own = ['targets', 'delegations'];
  return [
    ...compareKeys(before && delegationHolder(before), delegationHolder(after)),
    ...compareDelegations(before, after),
    ...compareTargetLists(before, after),
    ...compareCommon(before, after),
    ...compareRest(rest(before, own), rest(after, own), ''),
  ].filter(change => before !== undefined || !isExpectedAtFirst(change));
}

/** What the roles of a root hold besides keys and threshold. */
function unknownInRoles(root: Root | undefined): ExactJsonObject {
  const all = memberOf(root?.raw, 'roles');
  const parts = Object.keys(all).map(
    role => [role, omit(memberOf(all, role), ['keyids', 'threshold'])] as const,
  );
  return Object.fromEntries(
    parts.filter(
      ([role, part]) => Object.keys(part).length > 0 || !TOP_LEVEL_ROLES.some(name => name === role),
    ),
  );
}

function rest(payload: Payload | undefined, more: readonly string[]): ExactJsonObject {
  return omit(payload?.raw, [...KNOWN, ...more]);
}

/** The version of the specification, and consistent snapshots switched on, are no news in a first version. */
function isExpectedAtFirst(change: Change): boolean {
  if (change.kind !== 'other') return false;
  return (
    change.where === 'spec_version' || (change.where === 'consistent_snapshot' && change.after === 'true')
  );
}

function* compareCommon(before: Payload | undefined, after: Payload): Generator<Change> {
  if (before?.expires.getTime() !== after.expires.getTime())
    yield { kind: 'expires', ...(before && { before: before.expires }), after: after.expires };
  const [old, now] = [before?.raw[EXPIRY_DAYS], after.raw[EXPIRY_DAYS]];
  if (before === undefined || isDeepStrictEqual(old, now)) return;
  if ([old, now].some(days => days !== undefined && typeof days !== 'number'))
    return yield* compareRest(old, now, EXPIRY_DAYS);
  yield {
    kind: 'period',
    ...(typeof old === 'number' && { before: old }),
    ...(typeof now === 'number' && { after: now }),
  };
}

/** How long the versions of the roles hold that nobody is shown before they are signed. */
function* compareOnlinePeriods(
  before: ExactJson | undefined,
  after: ExactJson | undefined,
): Generator<Change> {
  const periods = [before, after].map(value => (isObject(value) ? value : undefined));
  const [old, now] = periods;
  const areDays = periods.every(value => Object.values(value ?? {}).every(days => typeof days === 'number'));
  const isKnown = areDays && [before, after].every(value => value === undefined || isObject(value));
  if (!isKnown) return yield* compareRest(before, after, ONLINE_DAYS);
  for (const role of new Set([...Object.keys(old ?? {}), ...Object.keys(now ?? {})])) {
    const [was, is] = [old?.[role], now?.[role]];
    if (was === is) continue;
    yield {
      kind: 'period',
      role,
      ...(typeof was === 'number' && { before: was }),
      ...(typeof is === 'number' && { after: is }),
    };
  }
}

function* compareTargetLists(before: Targets | undefined, after: Targets): Generator<Change> {
  const [old, now] = [memberOf(before?.raw, 'targets'), memberOf(after.raw, 'targets')];
  for (const [path, info] of after.targets) {
    const known = before?.targets.get(path);
    if (known === undefined) yield { kind: 'target-added', path, after: listed(info) };
    // The entries as received: members that nobody knows are signed as well.
    else if (!isDeepStrictEqual(old[path], now[path]))
      yield { kind: 'target-changed', path, before: listed(known), after: listed(info) };
  }
  for (const [path, info] of before?.targets ?? [])
    if (!after.targets.has(path)) yield { kind: 'target-removed', path, before: listed(info) };
}

function listed({ length, hashes, custom }: TargetInfo): ListedTarget {
  return { length, sha256: hashes['sha256'], custom };
}
