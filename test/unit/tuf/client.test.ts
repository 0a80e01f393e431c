import { beforeEach, describe, expect, test } from 'vitest';
import { createMemoryCache, openClient, pinRoot } from '../../../src/tuf/index.js';
import { codeOfAsync, text } from '../support.js';
import { LATER, type Loose, NOW, PAST, Simulator, type TestUser } from './simulator.js';

let repository: Simulator;
let user: TestUser;
beforeEach(async () => {
  repository = await Simulator.create();
  user = repository.user();
});

const refused = (more: Loose = {}) => codeOfAsync(() => user.refresh(more));
const stored = async () => [
  await user.stored('root'),
  await user.stored('timestamp'),
  await user.stored('snapshot'),
  await user.stored('targets'),
];

describe('a refresh', () => {
  test('asks for each file once, and for nothing that is known', async () => {
    await user.refresh();
    expect(repository.requests).toEqual([
      '2.root.json',
      'timestamp.json',
      '1.snapshot.json',
      '1.targets.json',
    ]);
    const { status } = await user.refresh();
    expect(repository.requests).toEqual(['2.root.json', 'timestamp.json']);
    expect(status.roles.targets).toEqual({ version: 1, expires: new Date(LATER) });
    repository.release('targets');
    await user.refresh();
    expect(repository.requests).toEqual([
      '2.root.json',
      'timestamp.json',
      '2.snapshot.json',
      '2.targets.json',
    ]);
  });

  test('stores the bytes as received', async () => {
    await user.refresh();
    for (const [role, name] of [
      ['root', '1.root.json'],
      ['timestamp', 'timestamp.json'],
      ['snapshot', '1.snapshot.json'],
      ['targets', '1.targets.json'],
    ] as const) {
      expect(text((await user.cache.load(role))!.bytes)).toBe(text(repository.files.get(name)!));
    }
  });

  test('without consistent snapshots asks for names without versions', async () => {
    repository.signed('root').consistent_snapshot = false;
    repository.releaseRoot();
    for (const role of ['snapshot', 'targets']) repository.files.set(`${role}.json`, repository.file(role));
    repository.addTarget('targets', 'a/file', 'content');
    await user.refresh();
    expect(repository.requests.slice(-2)).toEqual(['snapshot.json', 'targets.json']);
  });

  test('needs a root, once', async () => {
    const options = { cache: createMemoryCache(), source: repository, now: NOW };
    expect(await codeOfAsync(openClient(options))).toBe('tuf-root-missing');
    const root = repository.files.get('1.root.json')!;
    expect(await codeOfAsync(openClient({ ...options, root }))).toBeUndefined();
    expect(await codeOfAsync(openClient(options))).toBeUndefined();
  });

  test('goes on from the stored root, and refuses a cache that began with another one', async () => {
    await user.refresh();
    repository.releaseRoot();
    await user.refresh();
    expect(await user.stored('root')).toBe(2);
    expect(await refused()).toBeUndefined();
    const other = await Simulator.create();
    other.signed('root').version = 9;
    other.write('root');
    expect(await refused({ root: other.files.get('9.root.json') })).toBe('tuf-root-other');
    expect(await codeOfAsync(pinRoot(user.cache, other.files.get('9.root.json')!, NOW))).toBe(
      'tuf-root-other',
    );
  });

  test.each<[string, (envelope: Loose) => void]>([
    ['not signed', envelope => envelope.signatures.splice(0)],
    ['changed', envelope => envelope.signed.version++],
    ['of another type', envelope => Object.assign(envelope.signed, { _type: 'targets' })],
  ])('asks for nothing when the trusted root is %s', async (_, change) => {
    const bad = repository.user();
    Object.assign(bad, { root: repository.file('root', change) });
    expect(await codeOfAsync(bad.refresh())).toMatch(/tuf-root-threshold|tuf-format/);
    expect(repository.requests).toEqual([]);
  });

  test('says that a file is missing, which is no verdict on it', async () => {
    for (const name of ['timestamp.json', '1.snapshot.json', '1.targets.json']) {
      const bytes = repository.files.get(name)!;
      repository.files.delete(name);
      expect(await refused(), name).toBe('tuf-unavailable');
      repository.files.set(name, bytes);
    }
    expect(await refused()).toBeUndefined();
  });

  test('passes on a failing source as it is', async () => {
    repository.metadata = async () => {
      throw new Error('the line is cut');
    };
    await expect(user.refresh()).rejects.toThrow('the line is cut');
  });
});

describe('endless data', () => {
  test('is cut off at the limit of the role, or at the listed length', async () => {
    const asked: number[] = [];
    const { metadata } = repository;
    repository.withHashes = true;
    repository.publishAll();
    repository.metadata = (name, maxLength) => {
      asked.push(maxLength);
      return metadata(name, maxLength);
    };
    await user.refresh();
    const length = (role: string) => repository.files.get(`1.${role}.json`)!.length;
    expect(asked).toEqual([1024 * 1024, 64 * 1024, length('snapshot'), length('targets')]);
  });

  test.each([
    ['2.root.json', 'limit-exceeded'],
    ['timestamp.json', 'limit-exceeded'],
    ['1.snapshot.json', 'limit-exceeded'],
  ])('of %s is refused', async (name, code) => {
    repository.metadata = async (asked, maxLength) =>
      asked === name ? new Uint8Array(maxLength + 1) : repository.files.get(asked);
    expect(await refused()).toBe(code);
  });

  test('is refused in a listed length as well', async () => {
    repository.signed('timestamp').meta['snapshot.json'] = { version: 1, length: 2 ** 50 };
    repository.write('timestamp');
    expect(await refused()).toBe('limit-exceeded');
  });
});

describe('the chain of roots', () => {
  test('is followed to its end, each stored', async () => {
    for (let i = 0; i < 5; i++) {
      const old = repository.roles.get('root')!.signers.slice(-1);
      await repository.rotate('root');
      repository.roles.get('root')!.signers.push(...old);
      repository.releaseRoot();
      repository.roles.get('root')!.signers = repository.roles.get('root')!.signers.slice(0, 1);
    }
    await user.refresh();
    expect(await user.stored('root')).toBe(6);
    expect(repository.requests.slice(0, 6)).toEqual([2, 3, 4, 5, 6, 7].map(v => `${v}.root.json`));
  });

  /** Which keys a new root has and who signs it: [keys of the new root, its threshold, signers], old root has keys 0 of 1. */
  test.each<[string, number[], number, number[], string | undefined]>([
    ['the same key', [0], 1, [0], undefined],
    ['a new key, signed by both', [1], 1, [0, 1], undefined],
    ['a new key, signed by the new one only', [1], 1, [1], 'tuf-root-threshold'],
    ['a new key, signed by the old one only', [1], 1, [0], 'tuf-root-threshold'],
    ['a second key and threshold 2', [0, 1], 2, [0, 1], undefined],
    ['a second key and threshold 2, one missing', [0, 1], 2, [0], 'tuf-root-threshold'],
    ['three new keys of which two are needed, with the old one', [1, 2, 3], 2, [0, 1, 3], undefined],
    ['three new keys of which two are needed, one signs', [1, 2, 3], 2, [0, 1], 'tuf-root-threshold'],
    ['no key that signs', [0], 1, [], 'tuf-root-threshold'],
    ['a stranger who signs', [0], 1, [4], 'tuf-root-threshold'],
  ])('%s', async (_, keys, threshold, signers, code) => {
    const role = repository.roles.get('root')!;
    const all = [role.signers[0]!, ...(await Promise.all([1, 2, 3, 4].map(() => repository.newKey())))];
    const { signed } = role;
    for (const index of keys) signed.keys[all[index]!.keyid] = all[index]!.key;
    signed.roles.root = { keyids: keys.map(index => all[index]!.keyid), threshold };
    role.signers = signers.map(index => all[index]!);
    repository.releaseRoot();
    expect(await refused()).toBe(code);
    expect(await user.stored('root')).toBe(code ? 1 : 2);
  });

  test('a threshold of two is needed of the old keys too', async () => {
    const second = await repository.addKey('root');
    repository.signed('root').roles.root.threshold = 2;
    repository.write('root');
    user = repository.user();
    expect(await refused()).toBeUndefined();
    await repository.rotate('root');
    repository.releaseRoot();
    expect(await refused(), 'new key alone').toBe('tuf-root-threshold');
    repository.roles.get('root')!.signers.push(second);
    repository.write('root');
    expect(await refused(), 'and one of two old ones').toBe('tuf-root-threshold');
  });

  test.each([1, 3, 9])('a root that says version %s where 2 is asked for is refused', async version => {
    repository.signed('root').version = version;
    repository.files.set('2.root.json', repository.file('root'));
    expect(await refused()).toBe('tuf-root-version');
    expect(await user.stored('root')).toBe(1);
  });

  test('nothing of a refused root is kept, and a good one goes through afterwards', async () => {
    repository.signed('root').version = 2;
    repository.files.set(
      '2.root.json',
      repository.file('root', envelope => envelope.signatures.splice(0)),
    );
    expect(await refused()).toBe('tuf-root-threshold');
    expect(text((await user.cache.load('root'))!.bytes)).toBe(text(user.root));
    repository.write('root');
    expect(await refused()).toBeUndefined();
  });

  test('expired roots on the way are passed; an expired last one is stored and refused', async () => {
    const root = repository.signed('root');
    root.expires = PAST;
    repository.releaseRoot();
    expect(await refused()).toBe('tuf-expired');
    expect(await stored()).toEqual([2, undefined, undefined, undefined]);
    root.expires = LATER;
    repository.releaseRoot();
    expect(await refused()).toBeUndefined();
    expect(await user.stored('root')).toBe(3);
  });

  test('may have 256 new roots a run; the next run goes on', async () => {
    for (let i = 0; i < 5; i++) repository.releaseRoot();
    expect(await refused({ maxRootRotations: 5 })).toBeUndefined();
    repository.releaseRoot();
    const other = repository.user();
    expect(await codeOfAsync(other.refresh({ maxRootRotations: 5 }))).toBe('limit-exceeded');
    expect(await other.stored('root')).toBe(6);
    expect(await codeOfAsync(other.refresh({ maxRootRotations: 5 }))).toBeUndefined();
    expect(await other.stored('root')).toBe(7);
  });
});

describe('signatures', () => {
  test.each(['timestamp', 'snapshot', 'targets'])(
    'of %s must be there, by the key of the role',
    async role => {
      const { signers } = repository.roles.get(role)!;
      const own = signers.splice(0);
      repository.write(role);
      expect(await refused(), 'none').toBe('tuf-threshold');
      signers.push(await repository.newKey());
      repository.write(role);
      expect(await refused(), 'by a stranger').toBe('tuf-threshold');
      const root = repository.roles.get('root')!.signers[0]!;
      signers.splice(0, 1, root);
      repository.write(role);
      expect(await refused(), 'by the key of root').toBe('tuf-threshold');
      signers.splice(0, 1, ...own);
      repository.write(role);
      expect(await refused(), 'by its own').toBeUndefined();
    },
  );

  test.each(['timestamp', 'snapshot', 'targets'])(
    'of %s that are junk do not spoil the good one',
    async role => {
      const { version } = repository.signed(role);
      const name = role === 'timestamp' ? 'timestamp.json' : `${version}.${role}.json`;
      const junk = (sig: string) => (envelope: Loose) =>
        envelope.signatures.push({ keyid: 'a'.repeat(64), sig }, { keyid: 'b', sig, odd: 1 });
      for (const sig of ['', 'zz', '00', 'ff'.repeat(64)]) {
        repository.files.set(name, repository.file(role, junk(sig)));
        expect(await refused(), sig).toBeUndefined();
        user = repository.user();
      }
    },
  );

  test('a key twice does not make two', async () => {
    repository.signed('root').roles.timestamp.threshold = 2;
    const { keyid, key } = repository.roles.get('timestamp')!.signers[0]!;
    repository.releaseRoot();
    expect(await refused()).toBe('tuf-threshold');
    // The same key under a second keyid, both in the role.
    const twin = { ...key, 'x-label': 'another' };
    repository.signed('root').keys['second'] = twin;
    repository.signed('root').roles.timestamp.keyids.push('second');
    repository.releaseRoot();
    const again = (envelope: Loose) =>
      envelope.signatures.push({ ...envelope.signatures[0], keyid: 'second' });
    repository.files.set('timestamp.json', repository.file('timestamp', again));
    expect(await refused({ foreignKeyids: 'accept' })).toBe('tuf-threshold');
    const repeated = (envelope: Loose) => envelope.signatures.push({ keyid, sig: '' });
    repository.files.set('timestamp.json', repository.file('timestamp', repeated));
    expect(await refused()).toBe('tuf-format');
    await repository.addKey('timestamp');
    repository.releaseRoot();
    repository.write('timestamp');
    expect(await refused()).toBeUndefined();
  });

  test('by a key under a foreign keyid count only when that is asked for', async () => {
    const signer = repository.roles.get('timestamp')!.signers[0]!;
    const root = repository.signed('root');
    root.keys['7247f0db'] = signer.key;
    root.roles.timestamp.keyids = ['7247f0db'];
    signer.keyid = '7247f0db';
    repository.releaseRoot();
    repository.write('timestamp');
    expect(await refused()).toBe('tuf-threshold');
    expect(await refused({ foreignKeyids: 'accept' })).toBeUndefined();
  });
});

describe('expiry', () => {
  test.each(['timestamp', 'snapshot', 'targets'])(
    'of %s: nothing expired is trusted or stored',
    async role => {
      repository.signed(role).expires = PAST;
      repository.publishAll();
      expect(await refused()).toBe('tuf-expired');
      expect(await user.stored(role)).toBeUndefined();
      repository.signed(role).expires = LATER;
      repository.publishAll();
      expect(await refused()).toBeUndefined();
    },
  );

  test('is reached in the very second', async () => {
    repository.signed('timestamp').expires = '2030-06-01T00:00:00Z';
    repository.publishAll();
    expect(await refused()).toBe('tuf-expired');
    repository.signed('timestamp').expires = '2030-06-01T00:00:01Z';
    repository.publishAll();
    expect(await refused()).toBeUndefined();
  });

  test('freezes nobody: a repository that serves the same files for too long is refused', async () => {
    expect(await refused()).toBeUndefined();
    expect(await refused({ now: new Date('2031-06-01T00:00:00Z') })).toBe('tuf-expired');
    expect(await stored()).toEqual([1, 1, 1, 1]);
  });

  test.each(['timestamp', 'snapshot', 'targets'])('of a stored %s that is still the newest', async role => {
    repository.signed(role).expires = '2030-06-02T00:00:00Z';
    repository.publishAll();
    expect(await refused()).toBeUndefined();
    expect(await refused({ now: new Date('2030-06-01T23:59:59Z') })).toBeUndefined();
    const now = new Date('2030-06-02T00:00:00Z');
    expect(await refused({ now })).toBe('tuf-expired');
    expect(await codeOfAsync(user.offline({ now }))).toMatch(/^tuf-(?:expired|unavailable)$/);
  });

  test('of a stored timestamp does not make it forgotten', async () => {
    repository.signed('timestamp').version = 5;
    repository.signed('timestamp').expires = '2030-06-02T00:00:00Z';
    repository.publishAll();
    await user.refresh();
    const now = new Date('2030-07-01T00:00:00Z');
    repository.signed('timestamp').expires = LATER;
    repository.signed('timestamp').version = 4;
    repository.publishAll();
    expect(await refused({ now })).toBe('tuf-rollback');
    repository.signed('timestamp').version = 6;
    repository.publishAll();
    expect(await refused({ now })).toBeUndefined();
  });

  test('of a stored snapshot does not make it forgotten', async () => {
    repository.signed('snapshot').expires = '2030-06-02T00:00:00Z';
    repository.signed('targets').version = 5;
    repository.publishAll();
    await user.refresh();
    const now = new Date('2030-07-01T00:00:00Z');
    repository.signed('snapshot').expires = LATER;
    repository.signed('targets').version = 4;
    repository.release();
    expect(await refused({ now })).toBe('tuf-rollback');
    repository.signed('targets').version = 5;
    repository.release();
    expect(await refused({ now })).toBeUndefined();
  });
});

describe('rollback', () => {
  beforeEach(async () => {
    repository.release('targets');
    await user.refresh();
    expect(await stored()).toEqual([1, 2, 2, 2]);
  });

  test('of the timestamp', async () => {
    repository.signed('timestamp').version = 1;
    repository.write('timestamp');
    expect(await refused()).toBe('tuf-rollback');
    expect(await stored()).toEqual([1, 2, 2, 2]);
  });

  test('a timestamp of the same version changes nothing, whatever it says', async () => {
    repository.signed('timestamp').meta['snapshot.json'].version = 9;
    repository.write('timestamp');
    const before = text((await user.cache.load('timestamp'))!.bytes);
    expect(await refused()).toBeUndefined();
    expect(text((await user.cache.load('timestamp'))!.bytes)).toBe(before);
    expect(repository.requests).toEqual(['2.root.json', 'timestamp.json']);
  });

  test('of the snapshot that the timestamp names; such a timestamp is not stored', async () => {
    repository.signed('timestamp').version = 3;
    repository.signed('timestamp').meta['snapshot.json'].version = 1;
    repository.write('timestamp');
    expect(await refused()).toBe('tuf-rollback');
    expect(await user.stored('timestamp'), 'or it would block what comes after').toBe(2);
    repository.signed('timestamp').meta['snapshot.json'].version = 2;
    repository.write('timestamp');
    expect(await refused()).toBeUndefined();
  });

  test.each([false, true])('of targets in the snapshot, with hashes %s', async withHashes => {
    repository.withHashes = withHashes;
    repository.signed('targets').version = 1;
    repository.release();
    expect(await refused()).toBe('tuf-rollback');
    expect(await stored()).toEqual([1, 3, 2, 2]);
    repository.signed('targets').version = 2;
    repository.release();
    expect(await refused()).toBeUndefined();
  });

  test('of a delegated role in the snapshot, and its removal', async () => {
    const { meta } = repository.signed('snapshot');
    await repository.delegate('targets', 'team');
    repository.signed('team').version = 4;
    repository.release('targets');
    await user.refresh();
    meta['team.json'] = { version: 3 };
    for (const role of ['snapshot', 'timestamp']) repository.signed(role).version++;
    repository.signed('timestamp').meta['snapshot.json'] = repository.describe('snapshot');
    repository.write('snapshot', 'timestamp');
    expect(await refused(), 'lower').toBe('tuf-rollback');
    delete meta['team.json'];
    repository.write('snapshot', 'timestamp');
    expect(await refused(), 'gone').toBe('tuf-rollback');
    meta['team.json'] = { version: 4 };
    repository.write('snapshot', 'timestamp');
    expect(await refused(), 'as it was').toBeUndefined();
  });

  test('of the snapshot itself, when the stored timestamp is gone', async () => {
    await user.cache.remove('timestamp');
    repository.signed('snapshot').version = 1;
    repository.publishAll();
    expect(await refused()).toBe('tuf-rollback');
    repository.signed('snapshot').version = 2;
    repository.signed('timestamp').version++;
    repository.publishAll();
    expect(await refused()).toBeUndefined();
  });

  test('damage to stored files is as if they were not there', async () => {
    for (const role of ['timestamp', 'snapshot', 'targets'])
      await user.cache.save(role, Buffer.from('{"signed":'), NOW);
    expect(await refused()).toBeUndefined();
    expect(await stored()).toEqual([1, 2, 2, 2]);
  });
});

describe('mix and match', () => {
  beforeEach(() => {
    repository.withHashes = true;
    repository.publishAll();
  });

  test.each(['snapshot', 'targets'])('%s of another version than listed', async role => {
    repository.withHashes = false;
    repository.publishAll();
    repository.signed(role).version = 7;
    repository.files.set(`1.${role}.json`, repository.file(role));
    expect(await refused()).toBe('tuf-version-mismatch');
    expect(await user.stored(role)).toBeUndefined();
  });

  test.each(['snapshot', 'targets'])('%s that is another file than listed', async role => {
    const name = `1.${role}.json`;
    const good = repository.files.get(name)!;
    repository.signed(role).odd = 1;
    const other = repository.file(role);
    repository.files.set(name, other);
    expect(await refused(), 'another length').toBe('tuf-length-mismatch');
    const same = Buffer.from(good);
    same[same.indexOf(0x20)] = 0x0a;
    repository.files.set(name, same);
    expect(await refused(), 'other bytes').toBe('tuf-hash-mismatch');
    repository.files.set(name, good);
    expect(await refused()).toBeUndefined();
  });

  test.each(['sha512', 'sha384'])('%s is checked, and checked as well', async algorithm => {
    const { createHash } = await import('node:crypto');
    const entry = repository.signed('timestamp').meta['snapshot.json'];
    const right = createHash(algorithm).update(repository.files.get('1.snapshot.json')!).digest('hex');
    entry.hashes[algorithm] = `0${right.slice(1)}` === right ? `1${right.slice(1)}` : `0${right.slice(1)}`;
    repository.write('timestamp');
    expect(await refused()).toBe('tuf-hash-mismatch');
    user = repository.user();
    entry.hashes[algorithm] = right;
    repository.write('timestamp');
    expect(await refused()).toBeUndefined();
  });

  test.each(['md5', 'sha1', 'constructor', 'blake3'])(
    'a hash of the kind %s is not believed, nor passed over',
    async algorithm => {
      const entry = repository.signed('timestamp').meta['snapshot.json'];
      entry.hashes[algorithm] = 'a'.repeat(32);
      repository.write('timestamp');
      expect(await refused()).toBe('tuf-hash-unsupported');
    },
  );

  test('a stored file with the listed version and another hash is fetched again', async () => {
    await user.refresh();
    repository.signed('snapshot').odd = 1;
    repository.signed('timestamp').version = 2;
    repository.publishAll();
    expect(await refused()).toBeUndefined();
    expect(repository.requests).toContain('1.snapshot.json');
  });
});

describe('fast-forward recovery', () => {
  /** An attacker with the online keys drove a version up; the owners change keys and count on from before. */
  async function driveUp(role: string): Promise<void> {
    repository.signed(role).version = 99_999;
    repository.signed('timestamp').version++;
    repository.publishAll();
    await user.refresh();
    repository.signed(role).version = 2;
    repository.signed('timestamp').version = role === 'timestamp' ? 2 : 9;
  }

  test.each(['timestamp', 'snapshot'])('of %s, once its keys have changed', async role => {
    await driveUp(role);
    repository.publishAll();
    expect(await refused(), 'with the old keys').toBe('tuf-rollback');
    await repository.rotate(role);
    repository.releaseRoot();
    repository.publishAll();
    expect(await refused()).toBeUndefined();
    expect(await user.stored(role)).toBe(2);
  });

  test.each(['timestamp', 'snapshot'])('of %s, when one key was added and the old one stays', async role => {
    await driveUp(role);
    await repository.addKey(role);
    repository.releaseRoot();
    repository.publishAll();
    expect(await refused()).toBeUndefined();
  });

  test('of targets, with a new snapshot key', async () => {
    repository.signed('targets').version = 99_999;
    repository.release();
    await user.refresh();
    repository.signed('targets').version = 2;
    repository.release();
    expect(await refused(), 'with the old keys').toBe('tuf-rollback');
    await repository.rotate('snapshot');
    repository.releaseRoot();
    repository.publishAll();
    expect(await refused()).toBeUndefined();
    expect(await user.stored('targets')).toBe(2);
  });

  test('is not lost when the run ends between the new root and the rest', async () => {
    await driveUp('timestamp');
    await repository.addKey('timestamp');
    repository.releaseRoot();
    repository.publishAll();
    const save = user.cache.save;
    user.cache = {
      ...user.cache,
      save: async (role, ...rest) => {
        await save(role, ...rest);
        if (role === 'root') throw new Error('killed');
      },
    };
    await expect(user.refresh()).rejects.toThrow('killed');
    user.cache = { ...user.cache, save };
    expect(await refused()).toBeUndefined();
  });

  test('does not come from another label on the same key', async () => {
    await driveUp('timestamp');
    const { key } = repository.roles.get('timestamp')!.signers[0]!;
    repository.signed('root').keys[repository.signed('root').roles.timestamp.keyids[0]] = {
      ...key,
      'x-label': 'a',
    };
    repository.releaseRoot();
    repository.publishAll();
    expect(await refused()).toBe('tuf-rollback');
  });

  test('does not come from a new root alone: nothing is forgotten then', async () => {
    await driveUp('timestamp');
    await repository.rotate('targets');
    repository.releaseRoot();
    repository.publishAll();
    expect(await refused()).toBe('tuf-rollback');
  });
});

describe('a run that ends at any write', () => {
  test('leaves a cache from which the next one goes on', async () => {
    repository.release('targets');
    await user.refresh();
    // A new root with another timestamp key, and something new everywhere: every kind of write occurs.
    repository.signed('timestamp').version = 1;
    await repository.rotate('timestamp');
    repository.releaseRoot();
    repository.release('targets');
    const before = new Map(
      await Promise.all(
        ['root', 'timestamp', 'snapshot', 'targets'].map(
          async role => [role, (await user.cache.load(role))!] as const,
        ),
      ),
    );
    const anchor = (await user.cache.loadAnchor())!;
    let end = 0;
    for (let writes = 0; end === 0; writes++) {
      user.cache = createMemoryCache();
      await user.cache.saveAnchor(anchor);
      for (const [role, file] of before) await user.cache.save(role, file.bytes, file.seen);
      const sound = user.cache;
      let left = writes;
      const limited =
        <A extends unknown[], R>(work: (...args: A) => Promise<R>) =>
        async (...args: A): Promise<R> => {
          if (left-- === 0) throw new Error('killed');
          return work(...args);
        };
      user.cache = {
        ...sound,
        save: limited(sound.save),
        remove: limited(sound.remove),
        touch: limited(sound.touch),
      };
      const result = await user.refresh().then(
        () => 'done',
        (error: Error) => error.message,
      );
      if (result === 'done') end = writes;
      user.cache = sound;
      await user.refresh();
      expect(await stored(), `after ${writes} writes`).toEqual([2, 2, 3, 3]);
    }
    // Two removals, and the four files.
    expect(end).toBe(6);
  });
});

describe('members that nobody knows', () => {
  test('take part in the signatures, and are stored', async () => {
    const root = repository.signed('root');
    const [keyid] = root.roles.root.keyids;
    root['x-custom'] = { nested: ['a\nb', 9007199254740993n] };
    root.keys[keyid]['x-owner'] = '@somebody';
    root.roles.root['x-period'] = 197;
    root.version++;
    const file = text(repository.file('root')).replaceAll('9007199254740992', '9007199254740993');
    repository.files.set('2.root.json', Buffer.from(file));
    expect(await refused()).toBeUndefined();
    expect(text((await user.cache.load('root'))!.bytes)).toBe(file);
    repository.files.set('3.root.json', Buffer.from(file.replace('@somebody', '@nobody')));
    expect(await refused()).toBe('tuf-root-threshold');
  });
});

describe('rotation of keys', () => {
  test.each(['timestamp', 'snapshot', 'targets'])(
    'of %s: what the old key signed no longer counts',
    async role => {
      await user.refresh();
      const old = repository.roles.get(role)!.signers;
      await repository.rotate(role);
      repository.releaseRoot();
      const fresh = repository.roles.get(role)!.signers;
      repository.roles.get(role)!.signers = old;
      repository.write(role);
      expect(await refused(), 'old key').toBe('tuf-threshold');
      repository.roles.get(role)!.signers = fresh;
      repository.write(role);
      expect(await refused(), 'new key').toBeUndefined();
    },
  );
});

describe('offline', () => {
  test('goes by the cache, and says as of when', async () => {
    repository.addTarget('targets', 'file', 'content');
    repository.publishAll();
    expect(await codeOfAsync(user.offline())).toBe('tuf-unavailable');
    const { status } = await user.refresh();
    expect([status.offline, status.checked]).toEqual([false, NOW]);
    const later = new Date('2030-06-09T00:00:00Z');
    const client = await user.offline({ now: later });
    expect(client.status.offline).toBe(true);
    expect(client.status.checked).toEqual(NOW);
    expect((await client.findTarget('file'))?.info.length).toBe(7);
    expect(await codeOfAsync(client.fetchTarget((await client.findTarget('file'))!))).toBe('tuf-unavailable');
    await user.refresh({ now: later });
    expect((await user.offline({ now: later })).status.checked).toEqual(later);
  });

  test('trusts nothing that is expired by now', async () => {
    await user.refresh();
    const now = new Date('2032-01-01T00:00:00Z');
    expect(await codeOfAsync(user.offline({ now }))).toBe('tuf-expired');
  });

  test.each(['timestamp', 'snapshot', 'targets'])('needs %s, and the one that is listed', async role => {
    await user.refresh();
    const good = (await user.cache.load(role))!;
    await user.cache.remove(role);
    expect(await codeOfAsync(user.offline())).toBe('tuf-unavailable');
    await user.cache.save(
      role,
      repository.file(role, e => e.signatures.splice(0)),
      NOW,
    );
    expect(await codeOfAsync(user.offline())).toBe('tuf-unavailable');
    await user.cache.save(role, good.bytes, NOW);
    expect(await codeOfAsync(user.offline())).toBeUndefined();
  });
});
