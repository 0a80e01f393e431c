import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { utf8 } from '../../../../src/base/bytes.js';
import { createMemoryCache } from '../../../../src/tuf/index.js';
import {
  addRoleKey,
  addTargets,
  delegateBins,
  delegateRole,
  discardStaged,
  initRepository,
  listTargets,
  makeKeyEntry,
  publishStaged,
  readStatus,
  refreshOnline,
  removeRoleKey,
  removeTargets,
  renewRole,
  revokeRole,
  serializeMetadata,
  setThreshold,
  signStaged,
} from '../../../../src/tuf/repository/index.js';
import {
  client,
  DAY,
  keysOf,
  NOW,
  newFolder,
  publishedRepository,
  reopen,
  setup,
  signerOf,
  signers,
} from './support.js';

describe('a repository from its beginning', () => {
  it('is staged, signed by each holder, and published', async () => {
    const folder = await newFolder();
    const repository = await initRepository(folder, await setup());
    await expect(publishStaged(repository, { signers: await signers('online') })).rejects.toMatchObject({
      code: 'tuf-not-signed',
    });
    await signStaged(repository, { signers: await signers('ada') });
    await signStaged(repository, { signers: await signers('cyd') });
    const waiting = await readStatus(repository);
    expect(waiting.roles[0]?.staged?.standing[0]).toMatchObject({
      threshold: 2,
      enough: false,
      signed: [{ label: 'ada' }],
      missing: [{ label: 'ben' }],
    });
    await signStaged(repository, { roles: ['root'], signers: await signers('ben') });
    const done = await publishStaged(repository, { signers: await signers('online') });
    expect(done).toEqual({ versions: { root: 1, targets: 1, snapshot: 1, timestamp: 1 }, gap: false });
    expect(await repository.stagedRoles()).toEqual([]);
    expect((await readdir(join(folder, 'metadata'))).sort()).toEqual([
      '1.root.json',
      '1.snapshot.json',
      '1.targets.json',
      'timestamp.json',
    ]);
    expect((await client(folder)).status.roles.root.version).toBe(1);
  });

  it('refuses a second beginning', async () => {
    const repository = await publishedRepository();
    await expect(initRepository(repository.folder.path, await setup())).rejects.toMatchObject({
      code: 'usage-file-exists',
    });
  });

  it('names an online key that is missing, and changes nothing', async () => {
    const repository = await initRepository(await newFolder(), await setup());
    await signStaged(repository, { signers: await signers('ada', 'ben', 'cyd') });
    await expect(publishStaged(repository, { signers: await signers('ada') })).rejects.toMatchObject({
      code: 'key-not-authorised',
    });
    expect(await repository.folder.list('metadata')).toEqual([]);
    await publishStaged(repository, { signers: await signers('online') });
  });
});

describe('targets', () => {
  it('are listed, fetched by a client, replaced and taken out', async () => {
    const repository = await publishedRepository();
    const { path } = repository.folder;
    const cache = createMemoryCache();
    await addTargets(repository, 'targets', [
      { path: 'a/b.txt', bytes: utf8('one'), custom: { kind: 'note' } },
    ]);
    await addTargets(repository, 'targets', [{ path: 'c.txt', bytes: utf8('two') }]);
    await signStaged(repository, { signers: await signers('cyd') });
    const done = await publishStaged(repository, { signers: await signers('online') });
    expect(done.versions).toEqual({ targets: 2, snapshot: 2, timestamp: 2 });
    const reader = await client(path, cache);
    const found = await reader.findTarget('a/b.txt');
    expect(found?.info.custom).toEqual({ kind: 'note' });
    expect(Buffer.from(await reader.fetchTarget(found!)).toString()).toBe('one');

    await removeTargets(repository, 'targets', ['a/b.txt']);
    await signStaged(repository, { signers: await signers('cyd') });
    await publishStaged(repository, { signers: await signers('online') });
    expect(await (await client(path, cache)).findTarget('a/b.txt')).toBeUndefined();
    expect((await listTargets(repository, 'targets')).map(({ path: name }) => name)).toEqual(['c.txt']);
  });

  it('keep one version however often they are edited; an edit drops signatures and says so', async () => {
    const repository = await publishedRepository();
    await addTargets(repository, 'targets', [{ path: 'a', bytes: utf8('1') }]);
    await signStaged(repository, { signers: await signers('cyd') });
    const [again] = await addTargets(repository, 'targets', [{ path: 'b', bytes: utf8('2') }]);
    expect(again).toEqual({ role: 'targets', version: 2, changed: true, droppedSignatures: 1 });
    await expect(publishStaged(repository, { signers: await signers('online') })).rejects.toMatchObject({
      code: 'tuf-not-signed',
    });
    const [same] = await addTargets(repository, 'targets', [{ path: 'b', bytes: utf8('2') }]);
    expect(same).toMatchObject({ changed: false, droppedSignatures: 0 });
  });

  it.each(['', '/a', 'a//b', '../a', 'a/..', 'a\\b', 'a\nb', '\ud800'])('refuse the path %j', async path => {
    const repository = await publishedRepository();
    await expect(addTargets(repository, 'targets', [{ path, bytes: utf8('x') }])).rejects.toMatchObject({
      code: 'usage-argument',
    });
    await addTargets(repository, 'targets', [{ path: `a${path.replace(/[^a-z]/g, '')}`, bytes: utf8('x') }]);
  });
});

describe('delegations', () => {
  const team = async (name: string, ...holders: string[]) => ({
    name: `team-${name}`,
    keys: await keysOf(...holders),
    threshold: holders.length,
    paths: [`custody/${name}/*/*`],
    expiryDays: 30,
  });

  it('give a team its paths; the team lists targets there and nowhere else', async () => {
    const repository = await publishedRepository();
    await delegateRole(repository, await team('base', 'dot', 'eve'));
    await expect(
      addTargets(repository, 'team-base', [{ path: 'custody/app/1/2', bytes: utf8('x') }]),
    ).rejects.toMatchObject({ code: 'tuf-path-not-delegated' });
    await addTargets(repository, 'team-base', [{ path: 'custody/base/1/2', bytes: utf8('x') }]);
    await signStaged(repository, { signers: await signers('cyd', 'dot') });
    await expect(publishStaged(repository, { signers: await signers('online') })).rejects.toMatchObject({
      code: 'tuf-not-signed',
    });
    await signStaged(repository, { signers: await signers('eve') });
    await publishStaged(repository, { signers: await signers('online') });
    const found = await (await client(repository.folder.path)).findTarget('custody/base/1/2');
    expect(found?.chain).toEqual(['targets', 'team-base']);
  });

  it('change keys: the role is staged to be signed by the new ones, and cannot go out without', async () => {
    const repository = await publishedRepository();
    await delegateRole(repository, await team('base', 'dot'));
    await addTargets(repository, 'team-base', [{ path: 'custody/base/1/2', bytes: utf8('x') }]);
    await signStaged(repository, { signers: await signers('cyd', 'dot') });
    await publishStaged(repository, { signers: await signers('online') });
    const cache = createMemoryCache();
    await client(repository.folder.path, cache);

    const [dot] = await keysOf('dot');
    const [eve] = await keysOf('eve');
    await addRoleKey(repository, 'team-base', eve!);
    await removeRoleKey(repository, 'team-base', makeKeyEntry(dot!.key).keyid.slice(0, 10));
    expect(await repository.stagedRoles()).toEqual(['targets', 'team-base']);
    await expect(signStaged(repository, { signers: await signers('dot') })).rejects.toMatchObject({
      code: 'key-not-authorised',
    });
    await signStaged(repository, { signers: await signers('cyd', 'eve') });
    await publishStaged(repository, { signers: await signers('online') });
    const found = await (await client(repository.folder.path, cache)).findTarget('custody/base/1/2');
    expect(found?.chain).toEqual(['targets', 'team-base']);
  });

  it('are taken back: what the role listed is gone, and clients see no rollback', async () => {
    const repository = await publishedRepository();
    await delegateRole(repository, await team('base', 'dot'));
    await addTargets(repository, 'team-base', [{ path: 'custody/base/1/2', bytes: utf8('x') }]);
    await signStaged(repository, { signers: await signers('cyd', 'dot') });
    await publishStaged(repository, { signers: await signers('online') });
    const cache = createMemoryCache();
    await client(repository.folder.path, cache);
    await revokeRole(repository, 'team-base');
    await signStaged(repository, { signers: await signers('cyd') });
    await publishStaged(repository, { signers: await signers('online') });
    expect(
      await (await client(repository.folder.path, cache)).findTarget('custody/base/1/2'),
    ).toBeUndefined();

    // The name may be given again: versions go on from where they were.
    await delegateRole(repository, await team('base', 'eve'));
    await signStaged(repository, { signers: await signers('cyd', 'eve') });
    const again = await publishStaged(repository, { signers: await signers('online') });
    expect(again.versions['team-base']).toBe(2);
    await client(repository.folder.path, cache);
  });

  it.each(['root', 'timestamp', '10', '__proto__', 'constructor', 'Team', 'a/b', '../x', ''])(
    'refuse the name %j',
    async name => {
      const repository = await publishedRepository();
      const good = await team('base', 'dot');
      await expect(delegateRole(repository, { ...good, name })).rejects.toMatchObject({
        code: 'usage-argument',
      });
      await delegateRole(repository, good);
    },
  );

  it.each([['**'], ['/a/*'], ['a/[bc]'], ['']])('refuse the pattern %j', async pattern => {
    const repository = await publishedRepository();
    const good = await team('base', 'dot');
    await expect(delegateRole(repository, { ...good, paths: [pattern] })).rejects.toMatchObject({
      code: 'usage-argument',
    });
    await delegateRole(repository, good);
  });

  it.each([0, 3, 1.5])('refuse the threshold %d of two keys', async threshold => {
    const repository = await publishedRepository();
    const good = await team('base', 'dot', 'eve');
    await expect(delegateRole(repository, { ...good, threshold })).rejects.toMatchObject({
      code: 'usage-argument',
    });
    await delegateRole(repository, good);
  });

  it('refuse a key that is given twice', async () => {
    const repository = await publishedRepository();
    const good = await team('base', 'dot', 'dot');
    await expect(delegateRole(repository, { ...good, threshold: 1 })).rejects.toMatchObject({
      code: 'usage-argument',
    });
  });
});

describe('bins', () => {
  it.each(['succinct', 'prefixes'] as const)('of kind %s take targets by their paths', async kind => {
    const repository = await publishedRepository();
    await delegateRole(repository, {
      name: 'files',
      keys: await keysOf('dot'),
      threshold: 1,
      paths: ['files/*'],
      expiryDays: 30,
    });
    await delegateBins(repository, {
      delegator: 'files',
      kind,
      bitLength: 3,
      namePrefix: 'bin',
      keys: await keysOf('online'),
      threshold: 1,
      expiryDays: 30,
    });
    const entries = Array.from({ length: 40 }, (_, i) => ({ path: `files/${i}`, bytes: utf8(`${i}`) }));
    await addTargets(repository, 'files', entries, { signers: await signers('online') });
    await signStaged(repository, { signers: await signers('cyd', 'dot', 'online') });
    const done = await publishStaged(repository, { signers: await signers('online') });
    expect(Object.keys(done.versions).filter(role => role.startsWith('bin-'))).toHaveLength(8);
    const cache = createMemoryCache();
    const reader = await client(repository.folder.path, cache);
    for (const { path } of entries) expect((await reader.findTarget(path))?.path).toBe(path);

    const opened = await reopen(repository);
    await addTargets(opened, 'files', [{ path: 'files/new', bytes: utf8('x') }], {
      signers: await signers('online'),
    });
    const one = await publishStaged(opened, { signers: await signers('online') });
    expect(Object.keys(one.versions)).toHaveLength(3);
    expect((await (await client(repository.folder.path, cache)).findTarget('files/new'))?.path).toBe(
      'files/new',
    );
  });
});

describe('bins that are about to expire', () => {
  const withBins = async (kind: 'succinct' | 'prefixes') => {
    const repository = await publishedRepository();
    await delegateBins(repository, {
      kind,
      bitLength: 2,
      namePrefix: 'bin',
      keys: await keysOf('online'),
      threshold: 1,
      expiryDays: 10,
    });
    await addTargets(repository, 'targets', [{ path: 'a', bytes: utf8('a') }]);
    await signStaged(repository, { signers: await signers('cyd', 'online') });
    await publishStaged(repository, { signers: await signers('online') });
    return repository;
  };

  it.each(['succinct', 'prefixes'] as const)('are told of, and renewed, all at once: %s', async kind => {
    const repository = await withBins(kind);
    const soon = await reopen(repository, new Date(NOW.getTime() + 8 * DAY));
    expect((await readStatus(soon)).bins).toEqual([
      {
        prefix: 'bin',
        delegator: 'targets',
        count: 4,
        staged: 0,
        expires: new Date(NOW.getTime() + 10 * DAY),
        daysLeft: 2,
      },
    ]);
    const renewed = await renewRole(soon, 'bin', { signers: await signers('online') });
    expect(renewed.map(({ version }) => version)).toEqual([2, 2, 2, 2]);
    await publishStaged(soon, { signers: await signers('online') });
    expect((await readStatus(soon)).bins[0]?.daysLeft).toBe(10);
    const later = new Date(NOW.getTime() + 12 * DAY);
    await refreshOnline(await reopen(repository, later), { signers: await signers('online') });
    expect(
      (await (await client(repository.folder.path, createMemoryCache(), later)).findTarget('a'))?.path,
    ).toBe('a');
  });

  it('are not shown as sound when one is gone or signed by others', async () => {
    const repository = await withBins('succinct');
    const { folder } = repository;
    const good = (await folder.read('metadata/1.bin-0.json'))!;
    await folder.write(
      'metadata/1.bin-0.json',
      Buffer.from(good.toString().replace(/"sig":"../, '"sig":"00')),
    );
    await expect(readStatus(await reopen(repository))).rejects.toMatchObject({ code: 'tuf-threshold' });
    await folder.remove('metadata/1.bin-0.json');
    await expect(readStatus(await reopen(repository))).rejects.toMatchObject({ code: 'tuf-unavailable' });
    await folder.write('metadata/1.bin-0.json', good);
    await readStatus(await reopen(repository));
  });

  it('change keys: nothing goes out before all of them are signed by the new ones', async () => {
    const repository = await withBins('succinct');
    const [fay] = await keysOf('fay');
    await addRoleKey(repository, 'bin', fay!);
    await setThreshold(repository, 'bin', 2);
    await signStaged(repository, { signers: await signers('cyd') });
    await expect(publishStaged(repository, { signers: await signers('online') })).rejects.toMatchObject({
      code: 'tuf-not-signed',
    });
    await renewRole(repository, 'bin', { signers: await signers('online', 'fay') });
    await publishStaged(repository, { signers: await signers('online') });
    expect((await (await client(repository.folder.path)).findTarget('a'))?.path).toBe('a');
  });
});

describe('what is written', () => {
  it('keeps members that nobody here knows, at every depth', async () => {
    const repository = await publishedRepository();
    const { folder } = repository;
    await addTargets(repository, 'targets', [{ path: 'a', bytes: utf8('a') }]);
    const staged = (await repository.staged('targets'))!.payload.raw as Record<string, unknown>;
    const foreign = {
      ...staged,
      'x-other': { big: 123456789012345678901234567890n, list: [null, true], text: 'é\u{1F600}' },
    };
    await folder.write(folder.staged('targets'), serializeMetadata(foreign as never, []));
    await addTargets(repository, 'targets', [{ path: 'b', bytes: utf8('b') }]);
    await signStaged(repository, { signers: await signers('cyd') });
    await publishStaged(repository, { signers: await signers('online') });
    const { raw } = (await repository.published('targets'))!;
    expect(raw['x-other']).toEqual({
      big: 123456789012345678901234567890n,
      list: [null, true],
      text: 'é\u{1F600}',
    });
    await client(folder.path);
  });

  it('is no larger than other clients read, and names the way out', async () => {
    const repository = await publishedRepository();
    const entries = (count: number) =>
      Array.from({ length: count }, (_, i) => ({
        path: `some/where/quite/far/down/file-${i}.tar.gz`,
        length: 1,
        hashes: { sha256: i.toString(16).padStart(64, '0') },
      }));
    await expect(addTargets(repository, 'targets', entries(40_000))).rejects.toMatchObject({
      code: 'limit-exceeded',
      hint: expect.stringContaining('--bins'),
    });
    expect(await repository.stagedRoles()).toEqual([]);
    await addTargets(repository, 'targets', entries(20_000));
  });

  it.each(['', 'a\u0007b', 'x'.repeat(101)])('has no label %j', async label => {
    const repository = await publishedRepository();
    const [dot] = await keysOf('dot');
    await expect(addRoleKey(repository, 'root', { ...dot!, label })).rejects.toMatchObject({
      code: 'usage-argument',
    });
    await addRoleKey(repository, 'root', { ...dot!, label: 'dot, office' });
  });

  it.each(['ecdsa-p256', 'ecdsa-p384', 'ecdsa-p521', 'ed25519', 'rsa-2048'] as const)(
    'is signed by keys of kind %s',
    async kind => {
      const signer = await signerOf('someone', kind);
      const role = { keys: [{ key: signer.publicKey }], threshold: 1, expiryDays: 30 };
      const repository = await initRepository(await newFolder(), {
        root: role,
        targets: role,
        snapshot: role,
        timestamp: role,
        now: NOW,
      });
      await signStaged(repository, { signers: [signer] });
      await publishStaged(repository, { signers: [signer] });
      await client(repository.folder.path);
    },
  );

  it('does not go over what somebody has edited by hand into the journal', async () => {
    const repository = await publishedRepository();
    const { folder } = repository;
    const move = (to: string) =>
      folder.write(
        'staged/journal.json',
        utf8(JSON.stringify({ journal: 1, moves: [{ from: 'staged/x', to }], settled: [] })),
      );
    await folder.write('staged/x', utf8('x'));
    await move('targets/../../outside');
    await expect(reopen(repository)).rejects.toMatchObject({ code: 'tuf-format' });
    await move('targets/inside');
    expect((await reopen(repository)).recovered).toBe('completed');
  });
});

describe('root', () => {
  it('rotates with the signatures of both, and readers follow', async () => {
    const repository = await publishedRepository();
    const cache = createMemoryCache();
    await client(repository.folder.path, cache);
    const [fay] = await keysOf('fay');
    await addRoleKey(repository, 'root', fay!);
    const [ada] = await keysOf('ada');
    await removeRoleKey(repository, 'root', makeKeyEntry(ada!.key).keyid);
    await signStaged(repository, { signers: await signers('ben', 'fay') });
    await expect(publishStaged(repository, { signers: await signers('online') })).rejects.toMatchObject({
      code: 'tuf-not-signed',
    });
    await signStaged(repository, { signers: await signers('ada') });
    const done = await publishStaged(repository, { signers: await signers('online') });
    expect(done).toMatchObject({ versions: { root: 2 }, gap: false });
    expect((await client(repository.folder.path, cache)).status.roles.root.version).toBe(2);
    // The old holder alone can no longer do anything.
    await setThreshold(repository, 'root', 1);
    await expect(signStaged(repository, { signers: await signers('cyd') })).rejects.toMatchObject({
      code: 'key-not-authorised',
    });
  });

  it('rotates an online key: with the old one at hand nobody is locked out in between, without it there is a gap', async () => {
    for (const [old, gap] of [
      [['online', 'online2'], false],
      [['online2'], true],
    ] as const) {
      const repository = await publishedRepository();
      const cache = createMemoryCache();
      await client(repository.folder.path, cache);
      const [fresh] = await keysOf('online2');
      const [gone] = await keysOf('online');
      for (const role of ['snapshot', 'timestamp']) {
        await addRoleKey(repository, role, fresh!);
        await removeRoleKey(repository, role, makeKeyEntry(gone!.key).keyid);
      }
      await signStaged(repository, { signers: await signers('ada', 'ben') });
      const done = await publishStaged(repository, { signers: await signers(...old) });
      expect(done.gap).toBe(gap);
      await client(repository.folder.path, cache);
      await refreshOnline(await reopen(repository), { signers: await signers('online2') });
      await client(repository.folder.path, cache);
    }
  });

  it('with new targets keys has targets signed anew', async () => {
    const repository = await publishedRepository();
    const [dot] = await keysOf('dot');
    await addRoleKey(repository, 'targets', dot!);
    await setThreshold(repository, 'targets', 2);
    expect(await repository.stagedRoles()).toEqual(['root', 'targets']);
    await signStaged(repository, { signers: await signers('ada', 'ben', 'cyd', 'dot') });
    await publishStaged(repository, { signers: await signers('online') });
    await client(repository.folder.path);
  });

  it('that expired is renewed by its holders', async () => {
    const repository = await publishedRepository();
    const later = new Date(NOW.getTime() + 400 * DAY);
    const opened = await reopen(repository, later);
    await expect(refreshOnline(opened, { signers: await signers('online') })).rejects.toMatchObject({
      code: 'tuf-expired',
    });
    for (const [role, ...holders] of [
      ['targets', 'cyd'],
      ['root', 'ada', 'ben'],
    ] as const) {
      await expect(publishStaged(opened, { signers: await signers('online') })).rejects.toMatchObject({
        code: role === 'targets' ? 'usage-argument' : 'tuf-expired',
      });
      await renewRole(opened, role);
      await signStaged(opened, { signers: await signers(...holders) });
    }
    await publishStaged(opened, { signers: await signers('online') });
    await client(repository.folder.path, createMemoryCache(), later);
  });
});

describe('refreshing', () => {
  it('signs the timestamp anew, and the snapshot when half of its time is over', async () => {
    const repository = await publishedRepository();
    const soon = await reopen(repository, new Date(NOW.getTime() + DAY));
    expect(await refreshOnline(soon, { signers: await signers('online') })).toEqual({
      timestamp: 2,
      snapshot: null,
    });
    const late = await reopen(repository, new Date(NOW.getTime() + 5 * DAY));
    expect(await refreshOnline(late, { signers: await signers('online') })).toEqual({
      timestamp: 3,
      snapshot: 2,
    });
    await client(repository.folder.path, createMemoryCache(), new Date(NOW.getTime() + 5 * DAY));
  });

  it('takes away what a killed process left half written', async () => {
    const repository = await publishedRepository();
    const { folder } = repository;
    await folder.write('metadata/.timestamp.json.1.abc.tmp', utf8('{'));
    await refreshOnline(repository, { signers: await signers('online') });
    expect((await folder.list('metadata')).filter(name => name.startsWith('.'))).toEqual([]);
  });

  it('leaves alone what is staged', async () => {
    const repository = await publishedRepository();
    await addTargets(repository, 'targets', [{ path: 'a', bytes: utf8('1') }]);
    await refreshOnline(repository, { signers: await signers('online') });
    expect(await repository.stagedRoles()).toEqual(['targets']);
    expect(await (await client(repository.folder.path)).findTarget('a')).toBeUndefined();
    await signStaged(repository, { signers: await signers('cyd') });
    await publishStaged(repository, { signers: await signers('online') });
  });
});

describe('two people', () => {
  it('who publish at once: the slower one is told, and keeps what is staged', async () => {
    const repository = await publishedRepository();
    const [mine, theirs] = [await reopen(repository), await reopen(repository)];
    await addTargets(theirs, 'targets', [{ path: 'a', bytes: utf8('1') }]);
    await signStaged(theirs, { signers: await signers('cyd') });
    await publishStaged(theirs, { signers: await signers('online') });
    await expect(addTargets(mine, 'targets', [{ path: 'b', bytes: utf8('1') }])).rejects.toMatchObject({
      code: 'tuf-conflict',
    });
    const again = await reopen(repository);
    await addTargets(again, 'targets', [{ path: 'b', bytes: utf8('1') }]);
    await signStaged(again, { signers: await signers('cyd') });
    await publishStaged(again, { signers: await signers('online') });
    expect((await listTargets(again, 'targets')).map(({ path }) => path)).toEqual(['a', 'b']);
  });

  it('whose staged version somebody else has published meanwhile learn of it', async () => {
    const repository = await publishedRepository();
    await addTargets(repository, 'targets', [{ path: 'a', bytes: utf8('1') }]);
    const { folder } = repository;
    const mine = (await folder.read(folder.staged('targets')))!;
    await signStaged(repository, { signers: await signers('cyd') });
    await publishStaged(repository, { signers: await signers('online') });
    await folder.write(folder.staged('targets'), mine);
    for (const work of [
      async () => signStaged(repository, { signers: await signers('cyd') }),
      async () => publishStaged(repository, { signers: await signers('online') }),
      async () => addTargets(repository, 'targets', [{ path: 'b', bytes: utf8('1') }]),
    ]) {
      await expect(work()).rejects.toMatchObject({ code: 'tuf-conflict' });
    }
    expect(await folder.read(folder.staged('targets'))).toEqual(mine);
    expect(await discardStaged(repository, 'targets')).toEqual(['targets']);
    await addTargets(repository, 'targets', [{ path: 'b', bytes: utf8('1') }]);
  });
});
