import { mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import {
  cacheName,
  encodeRole,
  metadataName,
  openClient,
  openFolderCache,
  openFolderSource,
  type TufCache,
  targetName,
} from '../../../src/tuf/index.js';
import { codeOf, codeOfAsync, text } from '../support.js';
import { NOW, Simulator, type TestUser } from './simulator.js';

let folder: string;
let cache: TufCache;
let repository: Simulator;
let user: TestUser;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'tuf-cache-'));
  cache = openFolderCache(join(folder, 'made', 'when-needed'));
  repository = await Simulator.create();
  user = repository.user();
  user.cache = cache;
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const files = async () => (await readdir(join(folder, 'made', 'when-needed'))).sort();

const NAMES = [
  '../x',
  '/x',
  'a\\b',
  'CON',
  'con',
  'nul.x',
  'a%2fb',
  'a/b',
  '..',
  '.',
  'x?y#z',
  'é\u{1f600}',
  "a!'()*b",
  'x'.repeat(300),
];

describe('names', () => {
  test.each([
    ['a/b', 'a%2Fb'],
    ['../x', '..%2Fx'],
    ['x?y#z', 'x%3Fy%23z'],
    ["a!'()*b", 'a%21%27%28%29%2Ab'],
    ['a%2fb', 'a%252fb'],
    ['AZaz09_.-~', 'AZaz09_.-~'],
    ['é\u{1f600}', '%C3%A9%F0%9F%98%80'],
  ])('of the role %j are encoded as Python does: %s', (role, expected) => {
    expect(encodeRole(role)).toBe(expected);
    expect(metadataName(role, 3)).toBe(`3.${expected}.json`);
    expect(metadataName(role)).toBe(`${expected}.json`);
  });

  test('of stored files are plain, short, and differ also where case does not count', () => {
    const roles = [...NAMES, 'Root', 'ROOT', 'root', `${'x'.repeat(299)}y`, '\u{1f600}'.repeat(100)];
    const names = roles.map(cacheName);
    for (const name of names) {
      expect(name).toMatch(/^[a-z0-9_.~%A-F-]{1,200}\.json$/);
      expect(name).not.toMatch(/^(?:con|nul|aux|prn)\./);
    }
    expect(new Set(names.map(name => name.toLowerCase())).size).toBe(roles.length);
    expect(['root', 'timestamp', 'snapshot', 'targets'].map(cacheName)).toEqual([
      'root.json',
      'timestamp.json',
      'snapshot.json',
      'targets.json',
    ]);
  });

  const info = {
    length: 1,
    hashes: { sha512: 'b'.repeat(128), sha256: 'a'.repeat(64) },
  };

  test('of targets hold the hash', () => {
    expect(targetName('a/b/c.tgz', info, true)).toBe(`a/b/${'a'.repeat(64)}.c.tgz`);
    expect(targetName('c', info, false)).toBe('c');
    const odd = { length: 1, hashes: { sha256: '../../x' } };
    expect(codeOf(() => targetName('c', odd, true))).toBe('tuf-format');
  });

  test.each(['../x', 'a/../x', '/x', 'x/', 'a//b', './x', 'a\\b', 'a\u0000b', '', '.', '..'])(
    'the target path %j is not fetched',
    path => {
      expect(codeOf(() => targetName(path, info, false))).toBe('tuf-format');
      expect(codeOf(() => targetName('a..b/%2e%2e/x', info, false))).toBeUndefined();
    },
  );
});

describe('a cache in a folder', () => {
  test('holds what was received, and nothing else that looks like metadata', async () => {
    await user.refresh();
    expect(await files()).toEqual(['anchor', 'root.json', 'snapshot.json', 'targets.json', 'timestamp.json']);
    for (const role of ['snapshot', 'targets']) {
      const file = await readFile(join(folder, 'made', 'when-needed', `${role}.json`), 'utf8');
      expect(file).toBe(text(repository.files.get(`1.${role}.json`)!));
    }
  });

  test.each(NAMES)('keeps a role named %j inside, and reads it back', async name => {
    await repository.delegate('targets', name);
    repository.addTarget(name, 'file', 'content');
    repository.release('targets');
    await (await user.refresh()).findTarget('file');
    expect(repository.requests.at(-1)).toBe(`1.${encodeRole(name)}.json`);
    expect(await files()).toContain(cacheName(name));
    expect((await readdir(join(folder, 'made'))).length).toBe(1);
    await (await user.refresh()).findTarget('file');
    expect(repository.requests).toEqual(['2.root.json', 'timestamp.json']);
    expect((await (await user.offline()).findTarget('file'))?.chain).toEqual(['targets', name]);
  });

  test('a role named Root does not touch the root', async () => {
    await repository.delegate('targets', 'Root');
    repository.addTarget('Root', 'file', 'content');
    repository.release('targets');
    await (await user.refresh()).findTarget('file');
    expect((await files()).map(name => name.toLowerCase()).filter(name => name === 'root.json')).toHaveLength(
      1,
    );
  });

  test('replaces a link instead of writing through it', async () => {
    const outside = join(folder, 'outside');
    await writeFile(outside, 'precious');
    await mkdir(join(folder, 'made', 'when-needed'), { recursive: true });
    for (const role of ['timestamp', 'snapshot', 'targets'])
      await symlink(outside, join(folder, 'made', 'when-needed', `${role}.json`));
    await user.refresh();
    expect(await readFile(outside, 'utf8')).toBe('precious');
    expect(await user.stored('targets')).toBe(1);
  });

  test.each(['2.root.json', 'timestamp.json', '2.snapshot.json', '2.targets.json'])(
    'keeps the newer files that another process stored while this one waited for %s',
    async waitingFor => {
      await user.refresh();
      repository.release('targets');
      const { metadata } = repository;
      const late = repository.user();
      late.cache = cache;
      repository.metadata = async (name, maxLength) => {
        const bytes = await metadata(name, maxLength);
        if (name !== waitingFor) return bytes;
        repository.metadata = metadata;
        repository.release('targets');
        await late.refresh();
        return bytes;
      };
      await user.refresh();
      for (const role of ['timestamp', 'snapshot', 'targets']) expect(await user.stored(role), role).toBe(3);
      expect((await user.offline()).status.roles.targets.version).toBe(3);
    },
  );

  test('a stored file that verifies no more does not stand in the way, however high its version', async () => {
    repository.signed('timestamp').version = 900;
    repository.publishAll();
    await user.refresh();
    const old = (await cache.load('timestamp'))!;
    repository.signed('timestamp').version = 1;
    await repository.rotate('timestamp');
    repository.releaseRoot();
    repository.publishAll();
    const { metadata } = repository;
    repository.metadata = async (name, maxLength) => {
      // A process that still has the old root puts the old file back, at the worst moment.
      if (name === 'timestamp.json') await cache.save('timestamp', old.bytes, NOW);
      return metadata(name, maxLength);
    };
    await user.refresh();
    expect(await user.stored('timestamp')).toBe(1);
  });

  test('says when a file cannot be stored, and stays usable', async () => {
    await writeFile(join(folder, 'file'), '');
    const broken = openFolderCache(join(folder, 'file', 'below'));
    expect(await codeOfAsync(broken.save('root', Buffer.from('x'), NOW))).toBe('io-failed');
    expect(await codeOfAsync(broken.load('root'))).toBeUndefined();
  });
});

describe('many clients of one cache at once', () => {
  test('come to the same end, and leave whole files', async () => {
    const metadata = join(folder, 'repository');
    await mkdir(metadata);
    const publish = () =>
      Promise.all([...repository.files].map(([name, bytes]) => writeFile(join(metadata, name), bytes)));
    for (let i = 0; i < 5; i++) {
      repository.releaseRoot();
      repository.release('targets');
    }
    await publish();
    const root = repository.files.get('1.root.json')!;
    const source = openFolderSource({ metadata, targets: metadata });
    const runs = Array.from({ length: 8 }, () =>
      openClient({ cache: openFolderCache(join(folder, 'shared')), source, root, now: NOW }),
    );
    for (const { status } of await Promise.all(runs)) {
      expect(Object.values(status.roles).map(role => role.version)).toEqual([6, 6, 6, 6]);
    }
    const left = await readdir(join(folder, 'shared'));
    expect(left.sort()).toEqual(['anchor', 'root.json', 'snapshot.json', 'targets.json', 'timestamp.json']);
    for (const name of left.slice(1)) {
      const file = JSON.parse(await readFile(join(folder, 'shared', name), 'utf8'));
      expect(file.signed.version).toBe(6);
    }
  });
});

describe('the root that a cache begins with', () => {
  test('is one, also when two come at once; nobody goes by the root of the other', async () => {
    const elsewhere = await Simulator.create();
    elsewhere.signed('root').odd = 1;
    elsewhere.publishAll();
    const other = elsewhere.user();
    other.cache = cache;
    const codes = await Promise.all([codeOfAsync(user.refresh()), codeOfAsync(other.refresh())]);
    expect(codes.filter(code => code === undefined)).toHaveLength(1);
    expect(codes).toContain('tuf-root-other');
    const first = codes[0] === undefined ? user : other;
    expect(text((await cache.load('root'))!.bytes)).toBe(text(first.root));
    expect(text((await cache.loadAnchor())!)).toBe(text(first.root));
  });

  test('must be known: a root that lies there without it is not believed', async () => {
    await cache.save('root', user.root, NOW);
    expect(await codeOfAsync(user.refresh())).toBe('tuf-root-other');
    await cache.remove('root');
    expect(await codeOfAsync(user.refresh())).toBeUndefined();
  });
});

describe('a repository in folders', () => {
  test('serves metadata and targets, no more than was asked for', async () => {
    const targets = join(folder, 'targets');
    await mkdir(join(targets, 'a'), { recursive: true });
    await writeFile(join(folder, '1.root.json'), '12345');
    await writeFile(join(targets, 'a', 'file'), 'content');
    const source = openFolderSource({ metadata: folder, targets });
    expect(text((await source.metadata('1.root.json', 5))!)).toBe('12345');
    expect((await source.metadata('1.root.json', 2))!.length).toBe(3);
    expect(await source.metadata('2.root.json', 5)).toBeUndefined();
    expect(text((await source.target('a/file', 100))!)).toBe('content');
    expect(await source.target('a', 100), 'a folder is no file').toBeUndefined();
    expect(await source.target('a/file/x', 100)).toBeUndefined();
  });
});

describe('a target', () => {
  beforeEach(() => {
    repository.addTarget('targets', 'dir/file', 'content');
    repository.publishAll();
  });

  const fetched = async (change: () => void) => {
    const client = await user.refresh();
    const target = (await client.findTarget('dir/file'))!;
    change();
    return client.fetchTarget(target);
  };
  const name = () => [...repository.targetFiles.keys()].find(file => file.startsWith('dir/'))!;

  test('is fetched under its hash', async () => {
    expect(text(await fetched(() => {}))).toBe('content');
    expect(repository.requests.at(-1)).toBe(`targets/${name()}`);
  });

  test.each<[string, string | undefined, string]>([
    ['longer', 'content and more', 'tuf-length-mismatch'],
    ['shorter', 'conten', 'tuf-length-mismatch'],
    ['another of the same length', 'contenT', 'tuf-hash-mismatch'],
    ['not there', undefined, 'tuf-unavailable'],
  ])('that is %s is refused', async (_, content, code) => {
    const change = () =>
      content === undefined
        ? repository.targetFiles.delete(name())
        : repository.targetFiles.set(name(), Buffer.from(content));
    expect(await codeOfAsync(fetched(() => void change()))).toBe(code);
  });

  test.each([
    ['md5', 'tuf-hash-unsupported'],
    ['sha512', 'tuf-hash-mismatch'],
  ])('with a %s hash that does not hold is refused, though another does', async (algorithm, code) => {
    repository.signed('targets').targets['dir/file'].hashes[algorithm] = 'a'.repeat(32);
    repository.release('targets');
    expect(await codeOfAsync(fetched(() => {}))).toBe(code);
  });

  test('that is endless is not read to its end', async () => {
    repository.target = async (_path, maxLength) => Buffer.alloc(maxLength + 1, 'x');
    expect(await codeOfAsync(fetched(() => {}))).toBe('tuf-length-mismatch');
    repository.signed('targets').targets['dir/file'].length = 2 ** 40;
    repository.release('targets');
    expect(await codeOfAsync(fetched(() => {}))).toBe('limit-exceeded');
  });

  test('has no hash in its name where the repository does not do that', async () => {
    repository.targetFiles.set('dir/file', Buffer.from('content'));
    const client = await user.refresh({ hashedTargets: false });
    await client.fetchTarget((await client.findTarget('dir/file'))!);
    expect(repository.requests.at(-1)).toBe('targets/dir/file');
  });
});
