import {
  cpSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { computeDigest } from '../../../src/base/digest.js';
import { LIMITS } from '../../../src/base/limits.js';
import { openIndexCache } from '../../../src/layers/index.js';
import { codeOfAsync } from '../support.js';
import { f, soft } from './constructs.js';
import { layerOf } from './tars.js';

const index = layerOf(
  { path: 'etc/' },
  f('etc/a', 'a', { pax: { 'SCHILY.xattr.user.a': 'b' } }),
  soft('b', 'etc'),
);
const diffID = computeDigest(Buffer.from('layer'));
const other = computeDigest(Buffer.from('other'));

describe('the cache of indexes', () => {
  let folder: string;
  beforeEach(() => {
    folder = join(mkdtempSync(join(tmpdir(), 'touchmark-index-')), 'cache');
  });
  afterEach(() => rmSync(join(folder, '..'), { recursive: true, force: true }));
  const file = () => join(folder, 'sha256', `${diffID.slice(7)}.index`);

  it('gives back what was saved, entry by entry', async () => {
    const cache = openIndexCache(folder);
    expect(await cache.load(diffID)).toBeUndefined();
    await cache.save(diffID, index);
    const loaded = await openIndexCache(folder).load(diffID);
    expect(loaded?.count).toBe(3);
    expect([...(loaded ?? [])].map(at => loaded?.entry(at))).toEqual([...index].map(at => index.entry(at)));
    expect(await cache.load(other)).toBeUndefined();
    expect(statSync(folder).mode & 0o777).toBe(0o700);
    expect(readdirSync(join(folder, 'sha256'))).toHaveLength(1);
  });

  it('may be deleted at any time, and saved twice', async () => {
    const cache = openIndexCache(folder);
    await cache.save(diffID, index);
    await cache.save(diffID, index);
    rmSync(folder, { recursive: true });
    expect(await cache.load(diffID)).toBeUndefined();
    await cache.save(diffID, index);
    expect((await cache.load(diffID))?.count).toBe(3);
  });

  it('knows no file that was changed anywhere, cut, renamed, of another version, or far too large', async () => {
    const cache = openIndexCache(folder);
    await cache.save(diffID, index);
    const good = readFileSync(file());
    for (let at = 0; at < good.length; at++) {
      const bad = Buffer.from(good);
      bad[at] = (bad[at] as number) ^ 1;
      writeFileSync(file(), bad);
      expect(await cache.load(diffID), `byte ${at}`).toBeUndefined();
    }
    for (const length of [0, 10, good.length - 1]) {
      writeFileSync(file(), good.subarray(0, length));
      expect(await cache.load(diffID)).toBeUndefined();
    }
    writeFileSync(file(), good);
    cpSync(file(), join(folder, 'sha256', `${other.slice(7)}.index`));
    expect(await cache.load(other)).toBeUndefined();
    expect((await cache.load(diffID))?.count).toBe(3);
    truncateSync(file(), LIMITS.layerIndexSize + 2048);
    expect(await cache.load(diffID)).toBeUndefined();
  });

  it('says when it cannot be read or written', async () => {
    const cache = openIndexCache(folder);
    mkdirSync(file(), { recursive: true });
    expect(await codeOfAsync(cache.save(diffID, index))).toBe('io-failed');
    expect(await cache.load(diffID)).toBeUndefined();
    writeFileSync(join(folder, 'plain'), '');
    const below = openIndexCache(join(folder, 'plain', 'deeper'));
    expect(await below.load(diffID)).toBeUndefined();
    expect(await codeOfAsync(below.save(diffID, index))).toBe('io-failed');
  });
});
