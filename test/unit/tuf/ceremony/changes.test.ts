import { describe, expect, it } from 'vitest';
import type { ExactJson, ExactJsonObject } from '../../../../src/base/json.js';
import { describeChange } from '../../../../src/report/tuf-words.js';
import { isWeaker } from '../../../../src/tuf/ceremony/change.js';
import { compareRoots, compareTargets } from '../../../../src/tuf/ceremony/compare-payloads.js';
import { parseRoot, parseTargets } from '../../../../src/tuf/index.js';
import { delegate, delegateToBins, revoke } from '../../../../src/tuf/repository/edit-delegations.js';
import { renew } from '../../../../src/tuf/repository/edit-payload.js';
import {
  addKeyToRoot,
  makeRoot,
  removeKeyFromRoot,
  setRootThreshold,
} from '../../../../src/tuf/repository/edit-root.js';
import {
  listTargetEntries,
  makeTargets,
  unlistTargets,
} from '../../../../src/tuf/repository/edit-targets.js';
import { makeKeyEntry, serializeMetadata } from '../../../../src/tuf/repository/index.js';
import { withMember } from '../../../../src/tuf/repository/objects.js';
import { DAY, keysOf, NOW, setup } from '../repository/support.js';

const LATER = new Date(NOW.getTime() + DAY);

const rootOf = (payload: ExactJsonObject, version: number, now = NOW) =>
  parseRoot(serializeMetadata(renew(payload, version, now), [])).payload;
const targetsOf = (payload: ExactJsonObject, version: number, now = NOW) =>
  parseTargets(serializeMetadata(renew(payload, version, now), []), 'targets').payload;

async function rootChanges(edit: (root: ExactJsonObject) => ExactJsonObject) {
  const { now: _, ...roles } = await setup();
  const root = makeRoot(roles);
  return compareRoots(rootOf(root, 1), rootOf(edit(root), 2));
}

function targetsChanges(
  edit: (payload: ExactJsonObject) => ExactJsonObject,
  start: ExactJsonObject = makeTargets(90),
) {
  return compareTargets(targetsOf(start, 1), targetsOf(edit(start), 2)).map(describeChange);
}

const shortOf = (keyid: string) => keyid.slice(0, 12);

describe('what a root changes', () => {
  it('is nothing when only the version does, and the expiry when that does', async () => {
    const { now: _, ...roles } = await setup();
    const root = makeRoot(roles);
    expect(compareRoots(rootOf(root, 1), rootOf(root, 2))).toEqual([]);
    expect(compareRoots(rootOf(root, 1), rootOf(root, 2, LATER)).map(describeChange)).toEqual([
      'expires 2031-06-02T00:00:00Z (before: 2031-06-01T00:00:00Z)',
    ]);
  });

  it('names keys by their labels, and counts them', async () => {
    const [eve] = await keysOf('eve');
    const [ben] = await keysOf('ben');
    if (!eve || !ben) throw new Error('no keys');
    const [eveId, benId] = [makeKeyEntry(eve.key).keyid, makeKeyEntry(ben.key).keyid];
    const changes = await rootChanges(root =>
      removeKeyFromRoot(addKeyToRoot(root, 'root', eve), 'root', benId),
    );
    expect(changes.map(describeChange)).toEqual([
      `eve (${shortOf(eveId)}) signs for root`,
      `ben (${shortOf(benId)}) no longer signs for root`,
    ]);
    const more = await rootChanges(root => addKeyToRoot(root, 'root', eve));
    expect(more.map(describeChange)).toContain('root needs 2 of 3 keys (before: 2 of 2 keys)');
    expect(more.some(isWeaker)).toBe(false);
  });

  it('tells a lower threshold from a higher one', async () => {
    const lower = await rootChanges(root => setRootThreshold(root, 'root', 1));
    expect(lower.map(describeChange)).toEqual(['root needs 1 of 2 keys (before: 2 of 2 keys)']);
    expect(lower.some(isWeaker)).toBe(true);
  });

  it('says how long snapshots and timestamps hold, and shows whatever else stands there', async () => {
    const { now: _, ...roles } = await setup();
    const days = (value: unknown) => (root: ExactJsonObject) =>
      withMember(root, 'x-touchmark-online-days', value as ExactJson);
    const root = days({ snapshot: 7, timestamp: 1 })(makeRoot(roles));
    const words = (value: unknown) =>
      compareRoots(rootOf(root, 1), rootOf(days(value)(root), 2)).map(describeChange);
    expect(words({ snapshot: 7, timestamp: 1 })).toEqual([]);
    expect(words({ snapshot: 30, timestamp: 1 })).toEqual([
      'each version of snapshot holds 30 days (before: 7 days)',
    ]);
    expect(words('long').join()).toContain('x-touchmark-online-days is "long"');
    expect(words({ snapshot: 7, timestamp: 'x' }).join()).toContain(
      'x-touchmark-online-days.timestamp is "x"',
    );
  });

  it('shows what nobody knows: members anywhere, another name for a key, a key that signs for nothing', async () => {
    const unknown = await rootChanges(root => withMember(root, 'x-other', { a: { b: 1 } }));
    expect(unknown).toEqual([{ kind: 'other', where: 'x-other', after: '{"a":{"b":1}}' }]);
    const switched = await rootChanges(root => withMember(root, 'consistent_snapshot', false));
    expect(switched.map(describeChange)).toEqual(['consistent_snapshot is false (before: true)']);
    const inRole = await rootChanges(root => {
      const roles = root['roles'] as ExactJsonObject;
      return withMember(
        root,
        'roles',
        withMember(roles, 'root', withMember(roles['root'] as ExactJsonObject, 'x-a', 1)),
      );
    });
    expect(inRole).toEqual([{ kind: 'other', where: 'roles.root', after: '{"x-a":1}' }]);
    const relabelled = await rootChanges(root => {
      const labels = root['x-touchmark-labels'] as ExactJsonObject;
      const [keyid = ''] = Object.keys(labels);
      return withMember(root, 'x-touchmark-labels', withMember(labels, keyid, 'somebody else'));
    });
    expect(relabelled).toMatchObject([{ kind: 'label', before: 'ada', after: 'somebody else' }]);
    const [eve] = await keysOf('eve');
    if (!eve) throw new Error('no key');
    const { keyid, raw } = makeKeyEntry(eve.key);
    const unused = await rootChanges(root =>
      withMember(root, 'keys', withMember(root['keys'] as ExactJsonObject, keyid, raw)),
    );
    expect(unused).toMatchObject([{ kind: 'key-unused', key: { keyid } }]);
  });
});

describe('what targets change', () => {
  const bytes = Buffer.from('a');

  it('targets: added, changed in any member, taken out', () => {
    const one = listTargetEntries(makeTargets(90), [{ path: 'a', bytes }]);
    const sha = 'sha256 ca978112ca1bbdca…';
    expect(targetsChanges(all => listTargetEntries(all, [{ path: 'a', bytes }]))).toEqual([
      `new target a, 1 byte, ${sha}`,
    ]);
    expect(targetsChanges(all => unlistTargets(all, ['a']), one)).toEqual(['target a is taken out']);
    expect(
      targetsChanges(all => listTargetEntries(all, [{ path: 'a', bytes, custom: { status: 'bad' } }]), one),
    ).toEqual([`target a becomes 1 byte, ${sha}, {"status":"bad"} (before: 1 byte, ${sha})`]);
    const odd = targetsChanges(all => {
      const targets = all['targets'] as ExactJsonObject;
      return withMember(
        all,
        'targets',
        withMember(targets, 'a', withMember(targets['a'] as ExactJsonObject, 'x', 1)),
      );
    }, one);
    expect(odd).toHaveLength(1);
  });

  it('delegations: new, revoked, paths, order, terminating', async () => {
    const keys = await keysOf('eve');
    const role = (name: string, paths: string[]) => ({ name, keys, threshold: 1, paths });
    const two = delegate(delegate(makeTargets(90), role('one', ['one/*'])), role('two', ['two/*']));
    expect(targetsChanges(all => delegate(all, role('new', ['a/*', 'b/*'])))).toEqual([
      expect.stringMatching(/^eve \([0-9a-f]{12}\) signs for new$/),
      'new needs 1 of 1 key',
      'new role new for a/*, b/*',
    ]);
    expect(targetsChanges(all => revoke(all, 'one'), two)).toEqual([
      'role one is revoked: what it lists no longer counts',
    ]);
    const edited = (change: (roles: ExactJsonObject[]) => ExactJsonObject[]) =>
      targetsChanges(all => {
        const delegations = all['delegations'] as ExactJsonObject;
        return withMember(
          all,
          'delegations',
          withMember(delegations, 'roles', change([...(delegations['roles'] as ExactJsonObject[])])),
        );
      }, two);
    expect(edited(roles => roles.reverse())).toEqual([
      'roles are asked in the order two, one (before: one, two)',
    ]);
    const first = (change: (role: ExactJsonObject) => ExactJsonObject) =>
      edited(([role = {}, ...rest]) => [change(role), ...rest]);
    expect(first(role => withMember(role, 'paths', ['other/*']))).toEqual([
      'one may also list other/*',
      'one may no longer list one/*',
    ]);
    expect(first(role => withMember(role, 'terminating', true))).toEqual([
      'for the paths of one nobody behind it is asked any more',
    ]);
    expect(first(role => withMember(role, 'x-note', 'y'))).toEqual([
      'delegations.roles.one is {"x-note":"y"}',
    ]);
  });

  it('bins as one thing, but not a bin that differs from the others', async () => {
    const keys = await keysOf('eve');
    const bins = (kind: 'succinct' | 'prefixes') => (all: ExactJsonObject) =>
      delegateToBins(all, { kind, bitLength: 6, namePrefix: 'files', keys, threshold: 1 });
    for (const kind of ['succinct', 'prefixes'] as const) {
      expect(targetsChanges(bins(kind)), kind).toEqual([
        expect.stringContaining('signs for files-*'),
        'files-* needs 1 of 1 key',
        'targets are spread over 64 bins, files-*',
      ]);
    }
    const start = bins('prefixes')(makeTargets(90));
    const changeBin = (name: string, value: readonly string[]) =>
      targetsChanges(all => {
        const delegations = all['delegations'] as ExactJsonObject;
        const [bin = {}, ...rest] = delegations['roles'] as ExactJsonObject[];
        return withMember(
          all,
          'delegations',
          withMember(delegations, 'roles', [withMember(bin, name, [...value]), ...rest]),
        );
      }, start);
    expect(changeBin('path_hash_prefixes', ['00', '01', '02', 'ff']).join()).toContain('path_hash_prefixes');
    const before = (start['delegations'] as ExactJsonObject)['keys'] as ExactJsonObject;
    expect(changeBin('keyids', [...Object.keys(before), 'f'.repeat(64)]).join()).toContain('files-00');
  });
});
