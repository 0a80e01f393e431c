import fc from 'fast-check';
import { beforeEach, describe, expect, test } from 'vitest';
import { TouchmarkError } from '../../../src/base/errors.js';
import { computeKeyid } from '../../../src/tuf/index.js';
import { LATER, type Loose, Simulator, type TestKey, type TestUser } from './simulator.js';

/** What other implementations got wrong, each as one fixture that is read once the defect is gone. */

let repository: Simulator;
let user: TestUser;

beforeEach(async () => {
  repository = await Simulator.create();
  repository.addTarget('targets', 'file.txt', 'content');
  repository.release('targets');
  user = repository.user();
});

const rejects = (code: string) => ({ code });

/** Changes the text of a file as it is served. */
function retype(name: string, change: (text: string) => string): void {
  const text = Buffer.from(repository.files.get(name)!).toString();
  const changed = change(text);
  expect(changed).not.toBe(text);
  repository.files.set(name, Buffer.from(changed));
}

/** The same key under a second id, which is made from it as the first one is. */
function underAnotherId({ key, signer }: TestKey): TestKey {
  const other = { ...key, 'x-label': 'the same key' };
  return { keyid: computeKeyid(other), key: other, signer };
}

describe('a threshold of two is not met by one key under two ids', () => {
  test('of targets (TAP 12; go-tuf before PR 733)', async () => {
    const root = repository.signed('root');
    const [first] = repository.roles.get('targets')!.signers;
    const again = underAnotherId(first!);
    await repository.addKey('targets', again);
    root.roles.targets.threshold = 2;
    repository.releaseRoot();
    repository.release('targets');
    await expect(user.refresh()).rejects.toMatchObject(rejects('tuf-threshold'));

    await repository.addKey('targets');
    repository.releaseRoot();
    repository.release('targets');
    await expect(user.refresh()).resolves.toBeDefined();
  });

  test('of a delegated role (CVE-2026-6966)', async () => {
    const key = await repository.delegate('targets', 'team', { threshold: 2 });
    const again = underAnotherId(key);
    const { keys, roles } = repository.signed('targets').delegations;
    keys[again.keyid] = again.key;
    roles[0].keyids.push(again.keyid);
    repository.roles.get('team')!.signers.push(again);
    repository.release('targets', 'team');
    const find = async () => (await user.refresh()).findTarget('other.txt');
    await expect(find()).rejects.toMatchObject(rejects('tuf-threshold'));

    const second = await repository.newKey();
    keys[second.keyid] = second.key;
    roles[0].keyids.push(second.keyid);
    repository.roles.get('team')!.signers.push(second);
    repository.release('targets', 'team');
    await expect(find()).resolves.toBeUndefined();
  });
});

describe('signatures', () => {
  test('in thousands are not looked at (CVE-2020-6173)', async () => {
    const noise = (count: number) =>
      repository.file('timestamp', envelope => {
        for (let i = 0; i < count; i++) envelope.signatures.push({ keyid: `noise ${i}`, sig: '00' });
      });
    repository.files.set('timestamp.json', noise(10_000));
    await expect(user.refresh()).rejects.toBeInstanceOf(TouchmarkError);
    repository.files.set('timestamp.json', noise(100));
    await expect(user.refresh()).resolves.toBeDefined();
  });

  test('of one keyid twice spoil the file, also when the threshold is met without', async () => {
    const twice = repository.file('timestamp', ({ signatures }) =>
      signatures.push({ ...signatures[0], sig: '00' }),
    );
    repository.files.set('timestamp.json', twice);
    await expect(user.refresh()).rejects.toMatchObject(rejects('tuf-format'));
    repository.write('timestamp');
    await expect(user.refresh()).resolves.toBeDefined();
  });
});

describe('an expiry that cannot be read is not "never" (tuf-js 5.0.1)', () => {
  test.each([
    'garbage',
    '',
    '2031-01-01',
    'Tue Jan 01 2031',
    '2031-01-01T00:00:00',
    '2031-01-01T00:00:00+00:00',
    '2031-01-01 00:00:00Z',
    '2031-02-30T00:00:00Z',
    '2031-01-01T24:00:00Z',
    '2031-01-01T00:00:60Z',
    '+002031-01-01T00:00:00Z',
  ])('%j', async expires => {
    repository.signed('timestamp').expires = expires;
    repository.release();
    await expect(user.refresh()).rejects.toMatchObject(rejects('tuf-format'));
    repository.signed('timestamp').expires = LATER;
    repository.release();
    await expect(user.refresh()).resolves.toBeDefined();
  });
});

describe('JSON that two parsers read differently is refused', () => {
  test.each<readonly [string, (text: string) => string]>([
    ['a member of the payload twice', text => text.replace('"version":', '"version": 1,\n  "version":')],
    ['the payload twice', text => text.replace('"signed":', '"signed": {},\n "signed":')],
    ['a member twice, once escaped', text => text.replace('"version":', '"v\\u0065rsion": 1,\n  "version":')],
    ['a byte order mark', text => `\ufeff${text}`],
    ['text behind it', text => `${text}{}`],
    ['a comment', text => `// ${text}`],
    ['a comma too many', text => text.replace(/\}\s*$/, ',}')],
    ['half of a surrogate pair', text => text.replace('"signed":', '"\\ud800": 1, "signed":')],
    ['nesting without end', text => text.replace('"signed":', `"x": ${'['.repeat(1000)}, "signed":`)],
  ])('%s', async (_, change) => {
    retype('timestamp.json', change);
    await expect(user.refresh()).rejects.toMatchObject(rejects('tuf-format'));
    repository.write('timestamp');
    await expect(user.refresh()).resolves.toBeDefined();
  });

  test('bytes that are no text', async () => {
    const sound = repository.files.get('timestamp.json')!;
    repository.files.set('timestamp.json', Buffer.concat([sound, Buffer.from([0xff])]));
    await expect(user.refresh()).rejects.toMatchObject(rejects('tuf-format'));
    repository.files.set('timestamp.json', Buffer.concat([sound, Buffer.from('\n')]));
    await expect(user.refresh()).resolves.toBeDefined();
  });
});

describe('names of the language and numbers are names like any other', () => {
  test.each(['__proto__', 'constructor', 'toString', 'hasOwnProperty', '10', '0'])('%s', async name => {
    // A computed member is an ordinary one, whatever its name.
    const own = (value: Loose) => ({ [name]: value });
    const bytes = Buffer.from('content');
    repository.addTarget('targets', 'plain', 'content');
    const { plain } = repository.signed('targets').targets;
    repository.signed('targets').targets = own(plain);
    repository.targetFiles.set(`${plain.hashes.sha256}.${name}`, bytes);
    repository.release('targets');
    const client = await user.refresh();
    const found = await client.findTarget(name);
    expect(found).toBeDefined();
    expect(Buffer.from(await client.fetchTarget(found!))).toEqual(bytes);
    // None is there that the file does not name.
    for (const other of ['__proto__', 'constructor', 'toString', '1'])
      if (other !== name) expect(await client.findTarget(other)).toBeUndefined();
  });
});

describe('a path that leaves its folder is found, and never fetched (CVE-2021-41131, CVE-2026-6968)', () => {
  test.each(['../file.txt', 'a/../../file.txt', '/etc/file.txt', 'a\\..\\file.txt'])('%s', async path => {
    repository.addTarget('targets', path, 'content');
    repository.release('targets');
    const client = await user.refresh();
    const found = await client.findTarget(path);
    await expect(client.fetchTarget(found!)).rejects.toMatchObject(rejects('tuf-format'));
    expect(repository.requests.filter(name => name.startsWith('targets/'))).toEqual([]);
    const plain = await client.findTarget('file.txt');
    await expect(client.fetchTarget(plain!)).resolves.toBeDefined();
  });
});

test('what the owner signs may be anything: a refresh and a search end well, or in an error of ours', async () => {
  await repository.delegate('targets', 'team', { paths: ['team/*'] });
  repository.addTarget('team', 'team/file.txt', 'content');
  repository.release('targets', 'team');
  const sound = new Map([...repository.roles].map(([name, { signed }]) => [name, JSON.stringify(signed)]));
  const odd = fc.oneof(
    fc.constantFrom<unknown>(null, true, -1, 0, 1.5, 2 ** 53, 1e300, '', '__proto__', [], {}, [[]]),
    fc.string({ unit: 'binary', maxLength: 8 }),
    fc.dictionary(fc.constantFrom('version', 'keyids', 'sha256', 'constructor'), fc.integer(), {
      maxKeys: 3,
    }),
  );
  const roles = fc.constantFrom('root', 'timestamp', 'snapshot', 'targets', 'team');
  await fc.assert(
    fc.asyncProperty(roles, fc.nat(), odd, async (role, place, value) => {
      for (const [name, text] of sound) repository.roles.get(name)!.signed = JSON.parse(text);
      replaceAt(repository.signed(role), place, value);
      let outcome: unknown = 'sound';
      try {
        // What canonical JSON has no form for cannot be signed either.
        repository.publishAll();
      } catch {
        return;
      }
      try {
        const visitor = repository.user();
        await (await visitor.refresh()).findTarget('team/file.txt');
      } catch (error) {
        outcome = error;
      }
      if (outcome !== 'sound') expect(outcome).toBeInstanceOf(TouchmarkError);
    }),
    { numRuns: 300 },
  );
});

/** Puts a value in one of the places of a payload, whichever of them `place` comes to. */
function replaceAt(payload: Loose, place: number, value: unknown): void {
  const places: (() => void)[] = [];
  const visit = (node: Loose): void => {
    for (const key of Object.keys(node)) {
      places.push(() => {
        node[key] = value;
      });
      if (typeof node[key] === 'object' && node[key] !== null) visit(node[key]);
    }
  };
  visit(payload);
  places[place % places.length]?.();
}
