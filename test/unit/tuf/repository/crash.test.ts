import { spawnSync } from 'node:child_process';
import { cpSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { utf8 } from '../../../../src/base/bytes.js';
import { createSigner, generateKey, type Signer } from '../../../../src/crypto/index.js';
import { createMemoryCache } from '../../../../src/tuf/index.js';
import {
  addRoleKey,
  addTargets,
  delegateRole,
  discardStaged,
  initRepository,
  metadataScheme,
  openRepository,
  publishStaged,
  readStatus,
  refreshOnline,
  setThreshold,
  signStaged,
} from '../../../../src/tuf/repository/index.js';
import { bundleWorker } from '../../bundle-worker.js';
import { client, NOW, newFolder } from './support.js';

const later = new Date(NOW.getTime() + 3_600_000);

/** Keys whose private halves the worker gets: ada and ben hold root and targets, the last one is online. */
const privateKeys = await Promise.all(['ada', 'ben', 'online'].map(() => generateKey('ecdsa-p256')));
const [ada, ben, online] = (await Promise.all(
  privateKeys.map(key => createSigner(key, { scheme: metadataScheme('ecdsa-p256') })),
)) as [Signer, Signer, Signer];
const TEST_KEYS = privateKeys.map(({ pkcs8 }) => Buffer.from(pkcs8).toString('base64')).join();

/** A published repository with one old target, and a folder to copy it to. */
async function published(): Promise<string> {
  const folder = await newFolder();
  const one = (...own: Signer[]) => own.map(({ publicKey }) => ({ key: publicKey }));
  const repository = await initRepository(folder, {
    root: { keys: one(ada), threshold: 1, expiryDays: 365 },
    targets: { keys: one(ada), threshold: 1, expiryDays: 90 },
    snapshot: { keys: one(online), threshold: 1, expiryDays: 7 },
    timestamp: { keys: one(online), threshold: 1, expiryDays: 1 },
    now: NOW,
  });
  await addTargets(repository, 'targets', [{ path: 'old/file', bytes: utf8('old') }]);
  await signStaged(repository, { signers: [ada] });
  await publishStaged(repository, { signers: [online] });
  return folder;
}

/** Everything at once: a new root with another threshold, a new role, a new target with its file. */
async function stageMuch(folder: string): Promise<void> {
  const repository = await openRepository(folder, { now: later });
  await addRoleKey(repository, 'root', { key: ben.publicKey });
  await setThreshold(repository, 'root', 2);
  await delegateRole(repository, {
    name: 'team-base',
    keys: [{ key: ben.publicKey }],
    threshold: 1,
    paths: ['custody/base/*/*'],
    expiryDays: 30,
  });
  await addTargets(repository, 'targets', [{ path: 'new/file', bytes: utf8('new') }]);
}

interface Case {
  readonly mode: 'publish' | 'refresh' | 'sign' | 'stage' | 'delegate' | 'discard';
  prepare(folder: string): Promise<void>;
  /** Runs the same command again, as its user would. */
  again(folder: string): Promise<void>;
  /** What readers may see after a kill: the versions of root, targets and timestamp. */
  readonly seen: readonly string[];
}

const cases: readonly Case[] = [
  {
    mode: 'publish',
    prepare: async folder => {
      await stageMuch(folder);
      await signStaged(await openRepository(folder, { now: later }), { signers: [ada, ben] });
    },
    again: async folder => {
      const repository = await openRepository(folder, { now: later });
      if (repository.recovered !== 'completed' && (await repository.stagedRoles()).length > 0) {
        await publishStaged(repository, { signers: [online] });
      }
      expect(await repository.stagedRoles()).toEqual([]);
      expect(await see(folder)).toBe('2 2 2');
    },
    // The timestamp may be there before the root: whoever has the old root reads it all the same.
    seen: ['1 1 1', '1 2 2', '2 2 2'],
  },
  {
    mode: 'refresh',
    prepare: stageMuch,
    again: async folder => {
      const repository = await openRepository(folder, { now: later });
      await refreshOnline(repository, { signers: [online], snapshot: true });
      expect((await see(folder)).startsWith('1 1 ')).toBe(true);
      // What is staged is not the business of a refresh, finished by whomever.
      await signStaged(repository, { signers: [ada, ben] });
      await publishStaged(repository, { signers: [online] });
      expect(await see(folder)).toMatch(/^2 2 /);
    },
    seen: ['1 1 1', '1 1 2'],
  },
  {
    mode: 'sign',
    prepare: stageMuch,
    again: async folder => {
      const repository = await openRepository(folder, { now: later });
      await signStaged(repository, { signers: [ada, ben] });
      await publishStaged(repository, { signers: [online] });
      expect(await see(folder)).toBe('2 2 2');
    },
    seen: ['1 1 1'],
  },
  {
    mode: 'stage',
    prepare: async () => {},
    again: async folder => {
      const repository = await openRepository(folder, { now: later });
      await addTargets(repository, 'targets', [{ path: 'new/file', bytes: utf8('new') }]);
      await signStaged(repository, { signers: [ada] });
      await publishStaged(repository, { signers: [online] });
      expect(await see(folder)).toBe('1 2 2');
    },
    seen: ['1 1 1'],
  },
  {
    mode: 'delegate',
    prepare: async () => {},
    again: async folder => {
      const repository = await openRepository(folder, { now: later });
      const keys = [{ key: ada.publicKey }];
      const { roles } = await readStatus(repository);
      if (!roles.some(({ role }) => role === 'team-base'))
        await delegateRole(repository, {
          name: 'team-base',
          keys,
          threshold: 1,
          paths: ['custody/base/*/*'],
          expiryDays: 30,
        });
      await addTargets(repository, 'team-base', [{ path: 'custody/base/1/2', bytes: utf8('x') }]);
      await addTargets(repository, 'targets', [{ path: 'new/file', bytes: utf8('new') }]);
      await signStaged(repository, { signers: [ada] });
      await publishStaged(repository, { signers: [online] });
      expect(await see(folder)).toBe('1 2 2');
    },
    seen: ['1 1 1'],
  },
  {
    mode: 'discard',
    prepare: stageMuch,
    again: async folder => {
      const repository = await openRepository(folder, { now: later });
      await discardStaged(repository);
      await addTargets(repository, 'targets', [{ path: 'new/file', bytes: utf8('new') }]);
      await signStaged(repository, { signers: [ada] });
      await publishStaged(repository, { signers: [online] });
      expect(await see(folder)).toBe('1 2 2');
    },
    seen: ['1 1 1'],
  },
];

/** What a reader who was here before sees, targets and their files included. */
async function see(folder: string, cache = createMemoryCache()): Promise<string> {
  const reader = await client(folder, cache, later);
  const { root, targets, timestamp } = reader.status.roles;
  for (const [path, content] of [
    ['old/file', 'old'],
    ['new/file', 'new'],
  ] as const) {
    const found = await reader.findTarget(path);
    if (found) expect(Buffer.from(await reader.fetchTarget(found)).toString()).toBe(content);
    if (path === 'new/file') expect(found !== undefined).toBe(targets.version === 2);
  }
  return `${root.version} ${targets.version} ${timestamp.version}`;
}

describe('killed before any change of a file', () => {
  it.each(cases)(
    '$mode leaves the old repository or the new one, and the next run goes on',
    async ({ mode, prepare, again, seen }) => {
      const worker = await bundleWorker(new URL('crash-worker.ts', import.meta.url), await newFolder());
      const before = await published();
      const cache = createMemoryCache();
      await see(before, cache);
      await prepare(before);
      const outcomes = new Set<string>();
      let killed = 0;
      for (let n = 1; ; n++) {
        const folder = join(await newFolder(), 'repository');
        cpSync(before, folder, { recursive: true });
        const { signal, status, stderr } = spawnSync(
          process.execPath,
          [worker, mode, folder, String(n), later.toISOString()],
          { env: { ...process.env, TEST_KEYS } },
        );
        if (signal === null) {
          expect([status, stderr.toString()]).toEqual([0, '']);
          break;
        }
        killed++;
        const what = await see(folder);
        expect(seen).toContain(what);
        outcomes.add(what);
        await again(folder);
      }
      expect(killed).toBeGreaterThan(mode === 'discard' ? 4 : 8);
      expect(outcomes).toContain('1 1 1');
      if (mode === 'publish') expect(outcomes).toContain('2 2 2');
    },
    240_000,
  );

  it('init leaves a repository or none, and the next run makes one', async () => {
    const worker = await bundleWorker(new URL('crash-worker.ts', import.meta.url), await newFolder());
    for (let n = 1; ; n++) {
      const folder = join(await newFolder(), 'repository');
      const { signal, status, stderr } = spawnSync(
        process.execPath,
        [worker, 'init', folder, String(n), NOW.toISOString()],
        { env: { ...process.env, TEST_KEYS } },
      );
      if (signal === null) {
        expect([status, stderr.toString(), n > 8]).toEqual([0, '', true]);
        break;
      }
      const role = { keys: [{ key: ada.publicKey }], threshold: 1, expiryDays: 30 };
      const roles = { root: role, targets: role, snapshot: role, timestamp: role };
      const repository = await openRepository(folder, { now: NOW }).catch(error => {
        expect(error).toMatchObject({ code: 'usage-file' });
        return initRepository(folder, { ...roles, now: NOW });
      });
      await signStaged(repository, { signers: [ada] });
      await publishStaged(repository, { signers: [ada] });
      expect((await client(folder, createMemoryCache(), NOW)).status.roles.root.version).toBe(1);
    }
  }, 240_000);
});
