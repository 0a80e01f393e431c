import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it, vi } from 'vitest';
import { utf8 } from '../../../../src/base/bytes.js';
import type { ExactJsonObject } from '../../../../src/base/json.js';
import { createMemoryCache } from '../../../../src/tuf/index.js';
import { computeKeyid } from '../../../../src/tuf/keys.js';
import {
  addRoleKey,
  addTargets,
  delegateBins,
  delegateRole,
  initRepository,
  makeKeyEntry,
  openRepository,
  publishStaged,
  type Repository,
  refreshOnline,
  removeTargets,
  revokeRole,
  serializeMetadata,
  setThreshold,
  signStaged,
  stagedPayload,
} from '../../../../src/tuf/repository/index.js';
import { makeSnapshot } from '../../../../src/tuf/repository/online.js';
import { client, keysOf, NOW, newFolder, publishedRepository, reopen, setup, signers } from './support.js';

/** A member of metadata that tests change at will. */
// biome-ignore lint/suspicious/noExplicitAny: as above
type Loose = any;

async function release(repository: Repository, ...names: string[]) {
  await signStaged(repository, { signers: await signers(...names) });
  return publishStaged(repository, { signers: await signers('online') });
}

/** Changes a staged file as an editor or another tool could. */
async function changeStaged(repository: Repository, role: string, change: (payload: Loose) => void) {
  const { folder } = repository;
  const { signed } = JSON.parse(Buffer.from((await folder.read(folder.staged(role)))!).toString());
  change(signed);
  await folder.write(folder.staged(role), serializeMetadata(signed, []));
}

describe('target files', () => {
  it('that no role lists any more are not published', async () => {
    const repository = await publishedRepository();
    await addTargets(repository, 'targets', [
      { path: 'right', bytes: utf8('right') },
      { path: 'wrong', bytes: utf8('a secret') },
      { path: 'changed', bytes: utf8('a draft') },
    ]);
    await removeTargets(repository, 'targets', ['wrong']);
    await addTargets(repository, 'targets', [{ path: 'changed', bytes: utf8('final') }]);
    await release(repository, 'cyd');
    const files = await readdir(join(repository.folder.path, 'targets'));
    expect(files.map(name => name.replace(/^[0-9a-f]{64}\./, '')).sort()).toEqual(['changed', 'right']);
    const reader = await client(repository.folder.path);
    const found = await reader.findTarget('changed');
    expect(Buffer.from(await reader.fetchTarget(found!)).toString()).toBe('final');
    expect(await repository.folder.has('staged/targets')).toBe(false);
  });
});

describe('one key', () => {
  it('does not count as two under another keyid', async () => {
    const repository = await publishedRepository();
    const [cyd] = await keysOf('cyd');
    const { raw } = makeKeyEntry(cyd!.key);
    const twin = { ...raw, 'x-owner': 'cyd' } as ExactJsonObject;
    await setThreshold(repository, 'root', 1);
    await changeStaged(repository, 'root', root => {
      root.keys[computeKeyid(twin)] = twin;
      root.roles.targets.keyids = [computeKeyid(twin)];
    });
    await expect(addRoleKey(repository, 'targets', cyd!)).rejects.toMatchObject({
      code: 'usage-argument',
    });
    const [dot] = await keysOf('dot');
    await addRoleKey(repository, 'targets', dot!);
  });

  it('has the keyid that is made from it, or nothing is written', async () => {
    const repository = await publishedRepository();
    const foreign = 'f'.repeat(64);
    await setThreshold(repository, 'root', 1);
    await changeStaged(repository, 'root', root => {
      const [keyid] = root.roles.targets.keyids;
      root.keys[foreign] = root.keys[keyid];
      root.roles.targets.keyids = [foreign];
    });
    await expect(setThreshold(repository, 'root', 2)).rejects.toMatchObject({ code: 'usage-argument' });
  });
});

describe('what our own reader would refuse', () => {
  const deep = (levels: number): ExactJsonObject => (levels === 0 ? {} : { deeper: deep(levels - 1) });

  it.each([
    ['half of a surrogate pair', { text: '\ud800' }, { text: '\u{1F600}' }],
    ['a fraction', { size: 1.5 }, { size: 15 }],
    ['too many levels', deep(40), deep(20)],
  ])('is not staged: %s', async (_what, custom, sound) => {
    const repository = await publishedRepository();
    const entry = { path: 'a', bytes: utf8('a') };
    await expect(addTargets(repository, 'targets', [{ ...entry, custom }])).rejects.toMatchObject({
      code: expect.stringMatching(/^(?:tuf-format|usage-argument)$/),
    });
    expect(await repository.stagedRoles()).toEqual([]);
    await addTargets(repository, 'targets', [{ ...entry, custom: sound }]);
    await release(repository, 'cyd');
    expect((await (await client(repository.folder.path)).findTarget('a'))?.info.custom).toEqual(sound);
  });

  it.each(['a//b', 'a/../b', './a', 'a/', '#a', '+(a)', 'a\nb', 'a\ud800'])(
    'is no pattern, nor what others read otherwise: %j',
    async pattern => {
      const repository = await publishedRepository();
      const team = { name: 'team', keys: await keysOf('dot'), threshold: 1, expiryDays: 30 };
      await expect(delegateRole(repository, { ...team, paths: [pattern] })).rejects.toMatchObject({
        code: 'usage-argument',
      });
      await delegateRole(repository, { ...team, paths: ['a/*', 'a.b+c/?'] });
    },
  );
});

describe('a target that a role listed before it had bins', () => {
  it('is changed and taken out where clients find it', async () => {
    const repository = await publishedRepository();
    await addTargets(repository, 'targets', [{ path: 'old', bytes: utf8('1') }]);
    await release(repository, 'cyd');
    await delegateBins(repository, {
      kind: 'succinct',
      bitLength: 1,
      namePrefix: 'bin',
      keys: await keysOf('online'),
      threshold: 1,
      expiryDays: 30,
    });
    await addTargets(repository, 'targets', [
      { path: 'old', bytes: utf8('2') },
      { path: 'new', bytes: utf8('3') },
    ]);
    await release(repository, 'cyd', 'online');
    const reader = await client(repository.folder.path);
    const read = async (path: string) =>
      Buffer.from(await reader.fetchTarget((await reader.findTarget(path))!)).toString();
    expect([await read('old'), await read('new')]).toEqual(['2', '3']);
    await removeTargets(repository, 'targets', ['old', 'new']);
    await release(repository, 'cyd', 'online');
    expect(await (await client(repository.folder.path)).findTarget('old')).toBeUndefined();
  });
});

describe('what is published already', () => {
  it('is never written over, though the timestamp does not lead to it', async () => {
    const repository = await publishedRepository();
    const { folder } = repository;
    await addTargets(repository, 'targets', [{ path: 'a', bytes: utf8('a') }]);
    await signStaged(repository, { signers: await signers('cyd') });
    const theirs = utf8('what somebody else published, half copied here');
    await folder.write('metadata/2.targets.json', theirs);
    await expect(publishStaged(repository, { signers: await signers('online') })).rejects.toMatchObject({
      code: 'tuf-conflict',
    });
    expect(await folder.read('metadata/2.targets.json')).toEqual(Buffer.from(theirs));
    expect(await repository.stagedRoles()).toEqual(['targets']);
    await folder.remove('metadata/2.targets.json');
    await publishStaged(repository, { signers: await signers('online') });
    await client(folder.path);
  });

  it('of a snapshot as well, when it is refreshed', async () => {
    const repository = await publishedRepository();
    const { folder } = repository;
    const theirs = utf8('another snapshot');
    await folder.write('metadata/2.snapshot.json', theirs);
    const online = { signers: await signers('online'), snapshot: true };
    await expect(refreshOnline(repository, online)).rejects.toMatchObject({ code: 'tuf-conflict' });
    await folder.remove('metadata/2.snapshot.json');
    await refreshOnline(repository, online);
    await client(folder.path);
  });
});

describe('a signer', () => {
  it('signs what was shown, not what it became meanwhile', async () => {
    const repository = await publishedRepository();
    await addTargets(repository, 'targets', [{ path: 'a', bytes: utf8('a') }]);
    const shown = new Map([['targets', await stagedPayload(repository, 'targets')]]);
    await addTargets(await reopen(repository), 'targets', [{ path: 'b', bytes: utf8('b') }]);
    await expect(signStaged(repository, { signers: await signers('cyd'), shown })).rejects.toMatchObject({
      code: 'tuf-conflict',
    });
    shown.set('targets', await stagedPayload(repository, 'targets'));
    const [signed] = await signStaged(repository, { signers: await signers('cyd'), shown });
    expect(signed?.added).toHaveLength(1);
  });
});

describe('a beginning that was killed', () => {
  it('before the root was there is made anew', async () => {
    const folder = await newFolder();
    const repository = await initRepository(folder, await setup());
    await repository.folder.remove('staged/metadata/root.json');
    await expect(openRepository(folder, { now: NOW })).rejects.toMatchObject({ code: 'usage-file' });
    const again = await initRepository(folder, await setup());
    await release(again, 'ada', 'ben', 'cyd');
    await client(folder, createMemoryCache());
  });
});

describe('many bins', () => {
  it('are signed without reading their delegator once for each', async () => {
    const repository = await publishedRepository();
    const keys = await keysOf('online');
    const bins = { namePrefix: 'bin', keys, threshold: 1, expiryDays: 30 };
    await delegateBins(repository, { ...bins, kind: 'prefixes', bitLength: 6 });
    const read = vi.spyOn(repository.folder, 'read');
    const signed = await signStaged(repository, { signers: await signers('cyd', 'online') });
    expect(signed).toHaveLength(65);
    const reads = read.mock.calls.filter(([name]) => name === 'staged/metadata/targets.json');
    expect(reads.length).toBeLessThan(5);
    read.mockRestore();
    await publishStaged(repository, { signers: await signers('online') });
    await client(repository.folder.path);
  });
});

describe('names of roles', () => {
  const bins = async (delegator: string, holder = 'online') => ({
    delegator,
    kind: 'succinct' as const,
    bitLength: 1,
    keys: await keysOf(holder),
    threshold: 1,
    expiryDays: 30,
  });
  const team = async (name: string) => ({
    name,
    keys: await keysOf('dot'),
    threshold: 1,
    paths: [`${name}/*`],
    expiryDays: 30,
  });

  it('belong to one delegator, those of bins as well', async () => {
    const repository = await publishedRepository();
    for (const name of ['a', 'b', 'bin-1']) await delegateRole(repository, await team(name));
    await expect(delegateBins(repository, { ...(await bins('a')), namePrefix: 'bin' })).rejects.toMatchObject(
      { code: 'usage-argument' },
    );
    await delegateBins(repository, { ...(await bins('a')), namePrefix: 'of-a' });
    await expect(
      delegateBins(repository, { ...(await bins('b', 'eve')), namePrefix: 'of-a' }),
    ).rejects.toMatchObject({ code: 'usage-argument' });
    await delegateBins(repository, { ...(await bins('b', 'eve')), namePrefix: 'of-b' });
    await addTargets(repository, 'a', [{ path: 'a/1', bytes: utf8('1') }]);
    await addTargets(repository, 'b', [{ path: 'b/1', bytes: utf8('1') }]);
    await release(repository, 'cyd', 'dot', 'eve', 'online');
    const reader = await client(repository.folder.path);
    expect((await reader.findTarget('a/1'))?.chain[1]).toBe('a');
    expect((await reader.findTarget('b/1'))?.chain[1]).toBe('b');
  });

  it('that are taken back before they went out leave nothing that would hold up the rest', async () => {
    const repository = await publishedRepository();
    await delegateRole(repository, await team('a'));
    await delegateBins(repository, { ...(await bins('a')), namePrefix: 'bin' });
    await revokeRole(repository, 'bin');
    expect(await repository.stagedRoles()).toEqual(['a', 'targets']);
    await delegateBins(repository, { ...(await bins('a')), namePrefix: 'bin' });
    await revokeRole(repository, 'a');
    expect(await repository.stagedRoles()).toEqual(['targets']);
    await release(repository, 'cyd');
    await client(repository.folder.path);
  });
});

describe('hashes', () => {
  const sha256 = '0'.repeat(64);
  it.each([
    [{ sha256, md5: '0'.repeat(32) }],
    [{ sha256, sha512: '0'.repeat(64) }],
    [{ sha512: '0'.repeat(128) }],
    [{ sha256: 'A'.repeat(64) }],
  ])('that clients refuse are not listed: %j', async hashes => {
    const repository = await publishedRepository();
    const entry = { path: 'a', length: 1 };
    await expect(addTargets(repository, 'targets', [{ ...entry, hashes }])).rejects.toMatchObject({
      code: 'usage-argument',
    });
    await addTargets(repository, 'targets', [{ ...entry, hashes: { sha256, sha512: '0'.repeat(128) } }]);
  });
});

describe('a snapshot', () => {
  it('with names too long for lengths and hashes has versions alone', async () => {
    const repository = await publishedRepository();
    const changed = (count: number) =>
      new Map(
        Array.from({ length: count }, (_, i) => [
          `${'n'.repeat(120)}-${i}`,
          { version: 1, length: 1, sha256: 'a'.repeat(64) },
        ]),
      );
    const online = await signers('online');
    const sizes = [5_000, 8_900].map(count => {
      const { bytes } = makeSnapshot(repository, repository.root!, changed(count), online);
      const { signed } = JSON.parse(Buffer.from(bytes).toString());
      return [bytes.length <= 2_000_000, Object.keys(signed.meta[`${'n'.repeat(120)}-7.json`]).length];
    });
    expect(sizes).toEqual([
      [true, 3],
      [true, 1],
    ]);
  });
});
