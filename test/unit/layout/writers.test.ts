import { execFile, spawn, spawnSync } from 'node:child_process';
import { readdirSync, readFileSync, utimesSync, writeFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import { openOciArchiveStore } from '../../../src/oci/archive/index.js';
import { openLayoutStore } from '../../../src/oci/layout/index.js';
import { parseManifest } from '../../../src/oci/manifest.js';
import { pushImage } from '../../../src/testing/index.js';
import { bundleWorker } from '../bundle-worker.js';
import { drain, expectCode, expectManifest, image, layoutWith, other, temporaryFolder } from './helpers.js';

const run = promisify(execFile);

const openStore = (location: string) =>
  (location.endsWith('.tar') ? openOciArchiveStore : openLayoutStore)({ location });

async function expectWhole(location: string): Promise<number> {
  const store = await openStore(location);
  const tags = await store.listTags();
  for (const tag of tags) {
    const raw = await store.fetchManifest({ tag });
    const manifest = parseManifest(raw!);
    if (manifest.kind === 'image')
      for (const blob of [manifest.config, ...manifest.layers]) await drain(store.openBlob(blob));
  }
  return tags.length;
}

describe('many writers', () => {
  it('32 processes that begin with no layout at all and change one tag lose nothing', async () => {
    const folder = temporaryFolder();
    const worker = await bundleWorker(new URL('writer-worker.ts', import.meta.url), folder);
    const layout = join(folder, 'layout');
    await Promise.all(
      Array.from({ length: 32 }, (_, n) => run(process.execPath, [worker, 'merge', layout, String(n)])),
    );
    const store = await openLayoutStore({ location: layout });
    const shared = parseManifest((await store.fetchManifest({ tag: 'shared' }))!);
    if (shared.kind !== 'index') throw new Error('not an index');
    expect(new Set(shared.manifests.map(child => child.digest)).size).toBe(32);
    for (const child of shared.manifests)
      expect(await store.fetchManifest({ digest: child.digest })).toBeDefined();
  }, 120_000);

  it.each(['layout', 'image.tar'])(
    'killed at any moment leave a whole %s that the next writer can use',
    async name => {
      const folder = temporaryFolder();
      const worker = await bundleWorker(new URL('writer-worker.ts', import.meta.url), folder);
      const layout = join(folder, name);
      for (let n = 0; n < 6; n++) {
        const child = spawn(process.execPath, [worker, 'forever', layout, String(n)], {
          stdio: ['ignore', 'pipe', 'inherit'],
        });
        await new Promise<void>(done => child.stdout.once('data', () => done()));
        for (let wait = 0; wait < n * 7; wait++) await new Promise(done => setImmediate(done));
        child.kill('SIGKILL');
        await new Promise(done => child.once('exit', done));
        expect(await expectWhole(layout)).toBe(1);
      }
      const store = await openStore(layout);
      await pushImage(store, image, 'after');
      await store.commit();
      expect(await expectWhole(layout)).toBe(2);
    },
    120_000,
  );

  it('without space left fail with a code and keep the old state', async () => {
    const { folder } = await layoutWith({ latest: image });
    const worker = await bundleWorker(new URL('writer-worker.ts', import.meta.url), temporaryFolder());
    const before = readFileSync(join(folder, 'index.json'), 'utf8');
    const fill = (limit: string) =>
      spawnSync('sh', ['-c', `ulimit -f ${limit}; exec "$0" "$@"`, process.execPath, worker, 'fill', folder])
        .stdout.toString()
        .trim();
    expect(fill('100')).toBe('io-no-space');
    expect(readFileSync(join(folder, 'index.json'), 'utf8')).toBe(before);
    expect(readdirSync(join(folder, 'blobs/sha256')).filter(name => name.endsWith('.tmp'))).toEqual([]);
    expect(await expectWhole(folder)).toBe(1);
    expect(fill('unlimited')).toBe('written');
    expect(readFileSync(join(folder, 'index.json'), 'utf8')).not.toBe(before);
  });
});

describe('the lock', () => {
  const lockOf = (folder: string) => join(folder, '.touchmark.lock');
  /** A lock as this process would write it, changed. */
  async function leaveLock(
    folder: string,
    change: (owner: Record<string, unknown>) => object,
  ): Promise<void> {
    const store = await openLayoutStore({ location: folder });
    let seen = '';
    await store.updateTag('any', () => {
      seen = readFileSync(lockOf(folder), 'utf8');
      return undefined;
    });
    writeFileSync(lockOf(folder), JSON.stringify(change(JSON.parse(seen))));
  }
  const deadPid = () => spawnSync(process.execPath, ['-e', '']).pid;

  it('of a process that was killed is taken over', async () => {
    const { folder, store } = await layoutWith({ v1: image });
    await leaveLock(folder, owner => ({ ...owner, nonce: 'gone', pid: deadPid() }));
    await pushImage(store, other, 'v2');
    expectManifest(await store.fetchManifest({ tag: 'v2' }), other.manifest);
    expect(readdirSync(folder).toSorted()).toEqual(['blobs', 'index.json', 'oci-layout']);
  });

  it('of a process killed while it wrote the lock is taken over once it is old', async () => {
    const { folder, store } = await layoutWith({ v1: image });
    writeFileSync(lockOf(folder), '');
    utimesSync(lockOf(folder), 1, 1);
    await pushImage(store, other, 'v2');
    expectManifest(await store.fetchManifest({ tag: 'v2' }), other.manifest);
  });

  it.skipIf(process.platform !== 'linux')(
    'whose process number was given to another is taken over',
    async () => {
      const { folder, store } = await layoutWith({ v1: image });
      await leaveLock(folder, owner => ({ ...owner, nonce: 'gone', pid: process.ppid, started: '1' }));
      await pushImage(store, other, 'v2');
      expectManifest(await store.fetchManifest({ tag: 'v2' }), other.manifest);
    },
  );

  it('of a process that lives, or that cannot be seen from here, is waited for and then reported', async () => {
    const { folder } = await layoutWith({ v1: image });
    const store = await openLayoutStore({ location: folder }, { lockTimeout: 50 });
    for (const change of [
      { nonce: 'other' },
      { nonce: 'other', host: `not-${hostname()}`, pid: deadPid() },
    ]) {
      await leaveLock(folder, owner => ({ ...owner, ...change }));
      const error = await expectCode(pushImage(store, other, 'v2'), 'oci-conflict');
      expect(error.retryable).toBe(true);
      expect(error.hint).toContain(lockOf(folder));
      expect(await store.fetchManifest({ tag: 'v2' })).toBeUndefined();
      const held = await readFile(lockOf(folder), 'utf8');
      expect(JSON.parse(held).nonce).toBe('other');
      spawnSync('rm', [lockOf(folder)]);
    }
    await pushImage(store, other, 'v2');
    expectManifest(await store.fetchManifest({ tag: 'v2' }), other.manifest);
  });
});
