import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { beforeEach, describe, expect, test } from 'vitest';
import {
  binName,
  binNameFor,
  binOf,
  type DelegatedRole,
  matchPath,
  searchTarget,
  type Targets,
} from '../../../src/tuf/index.js';
import { codeOfAsync, text } from '../support.js';
import { type Loose, PAST, Simulator, type TestUser } from './simulator.js';

describe('path patterns', () => {
  test.each([
    ['*', '.hidden', true],
    ['*.tgz', '.tgz', true],
    ['?', '\u{1f600}', true],
    ['??', '\u{1f600}', false],
    ['*', 'a/b', false],
    ['*/*', 'a/b', true],
    ['a/*', 'a/', true],
    ['a/?', 'a/', false],
    ['a*', 'A', false],
    ['*a*b*c*', 'xxaxxbxxcxx', true],
    ['*a*b*c*', 'xxaxxcxxbxx', false],
    ['a*b', 'ab', true],
    ['a*b', 'a\nb', true],
    ['**', 'abc', true],
    ['**', 'a/b', false],
    ['', '', true],
    ['', 'a', false],
    ['a?c', 'abc', true],
    ['a?c', 'ac', false],
    ['[!a]', 'b', false],
    ['[!a]', '[!a]', true],
    ['{a,b}', 'a', false],
    ['{a,b}', '{a,b}', true],
    ['!x', 'y', false],
    ['#a', '#a', true],
    ['+(a)', 'aa', false],
    ['a\\*', 'a*', false],
    ['a\\*', 'a\\x', true],
    ['foo[', 'foo[', true],
    ['a.c', 'abc', false],
  ])('%j and %j: %s', (pattern, path, expected) => {
    expect(matchPath(pattern, path)).toBe(expected);
  });

  test('match what a regular expression of the same meaning does', () => {
    const word = (unit: fc.Arbitrary<string>) => fc.string({ unit, maxLength: 8 });
    const reference = (pattern: string) =>
      new RegExp(
        `^${[...pattern].map(c => (c === '*' ? '[^/]*' : c === '?' ? '[^/]' : c.replace(/[/.]/, '\\$&'))).join('')}$`,
        'su',
      );
    fc.assert(
      fc.property(word(fc.constantFrom(...'ab/*?.')), word(fc.constantFrom(...'ab/.')), (pattern, path) => {
        expect(matchPath(pattern, path)).toBe(reference(pattern).test(path));
      }),
      { numRuns: 3000 },
    );
  });

  test('cost no more than length times length', () => {
    expect(matchPath(`${'*a'.repeat(2000)}b`, 'a'.repeat(4000))).toBe(false);
  });
});

describe('bins', () => {
  const roles = { keyids: [], threshold: 1, bitLength: 14, namePrefix: 'bin' };

  test.each([1, 2, 7, 8, 14, 31, 32])('of %i bits are numbered by the top bits of the hash', bitLength => {
    const hash = createHash('sha256').update('some/path').digest('hex');
    const bits = BigInt(`0x${hash}`) >> BigInt(256 - bitLength);
    const width = (2n ** BigInt(bitLength) - 1n).toString(16).length;
    const name = binNameFor({ ...roles, bitLength }, 'some/path');
    expect(name).toBe(`bin-${bits.toString(16).padStart(width, '0')}`);
    expect(binOf({ ...roles, bitLength }, name)).toBe(Number(bits));
  });

  test.each([
    'bin-4000',
    'bin-3ffff',
    'bin-3FFF',
    'bin-001',
    'bin-',
    'bin',
    'other-0001',
    'bin--001',
    'bin-0x01',
    'bin-00g1',
  ])('have no name %s', name => {
    expect(binOf(roles, name)).toBeUndefined();
    expect(binOf(roles, binName(roles, 0x3fff))).toBe(0x3fff);
  });
});

let repository: Simulator;
let user: TestUser;
beforeEach(async () => {
  repository = await Simulator.create();
  user = repository.user();
});

/** Searches, and gives the roles asked besides the top-level ones, with who answered. */
async function search(path: string, options: Loose = {}) {
  repository.publishAll();
  const client = await user.refresh(options);
  repository.requests.length = 0;
  const found = await client.findTarget(path);
  const asked = repository.requests.map(name => name.replace(/^\d+\.(.*)\.json$/, '$1'));
  return { asked, by: found?.chain.at(-1), found, client };
}

describe('the search for a target', () => {
  /** Delegations as [from, to, more], and who is asked for a path that nobody has. */
  test.each<[string, [string, string, Loose?][], string[]]>([
    ['one role', [['targets', 'A']], ['A']],
    [
      'in the order given',
      [
        ['targets', 'zeta'],
        ['targets', '10'],
        ['targets', '2'],
      ],
      ['zeta', '10', '2'],
    ],
    [
      'depth first',
      [
        ['targets', 'A'],
        ['targets', 'B'],
        ['A', 'C'],
        ['A', 'D'],
        ['C', 'E'],
      ],
      ['A', 'C', 'E', 'D', 'B'],
    ],
    [
      'a terminating role ends its siblings',
      [
        ['targets', 'A'],
        ['targets', 'B'],
        ['A', 'C', { terminating: true }],
        ['A', 'D'],
      ],
      ['A', 'C'],
    ],
    [
      'but not its children',
      [
        ['targets', 'A'],
        ['targets', 'B'],
        ['A', 'C', { terminating: true }],
        ['C', 'D'],
      ],
      ['A', 'C', 'D'],
    ],
    [
      'one that does not match ends nothing',
      [
        ['targets', 'A', { terminating: true, paths: ['*.x'] }],
        ['targets', 'B'],
      ],
      ['B'],
    ],
    [
      'only where the path is delegated',
      [
        ['targets', 'A', { paths: ['*.x'] }],
        ['targets', 'B'],
        ['A', 'C'],
      ],
      ['B'],
    ],
    [
      'cycles',
      [
        ['targets', 'A'],
        ['A', 'B'],
        ['B', 'A'],
        ['B', 'C'],
        ['C', 'B'],
      ],
      ['A', 'B', 'C'],
    ],
    [
      'a role that delegates to itself',
      [
        ['targets', 'A'],
        ['A', 'A'],
      ],
      ['A'],
    ],
    [
      'a role of two parents once',
      [
        ['targets', 'A'],
        ['targets', 'B'],
        ['B', 'C'],
        ['A', 'C'],
      ],
      ['A', 'C', 'B'],
    ],
    [
      'names of the language',
      [
        ['targets', 'constructor'],
        ['constructor', '__proto__'],
        ['targets', 'toString'],
      ],
      ['constructor', '__proto__', 'toString'],
    ],
  ])('goes %s', async (_, delegations, expected) => {
    const keys = new Map<string, Awaited<ReturnType<Simulator['newKey']>>>();
    for (const [from, to, more] of delegations) {
      // A role keeps its key, whoever delegates to it.
      keys.set(to, keys.get(to) ?? (await repository.newKey()));
      if (!repository.roles.has(from)) repository.addRole(from, keys.get(from)!);
      await repository.delegate(from, to, more, keys.get(to));
      const { signers } = repository.roles.get(to)!;
      signers.splice(1);
    }
    const { asked, by } = await search('nothing');
    expect(asked).toEqual(expected.map(name => encodeURIComponent(name)));
    expect(by).toBeUndefined();
  });

  test('finds what the first role in order says', async () => {
    await repository.delegate('targets', 'A');
    await repository.delegate('targets', 'B');
    repository.addTarget('B', 'file', 'of B');
    expect((await search('file')).by).toBe('B');
    repository.addTarget('A', 'file', 'of A');
    repository.release('A', 'B');
    const { by, found, client } = await search('file');
    expect(by).toBe('A');
    expect(text(await client.fetchTarget(found!))).toBe('of A');
    repository.addTarget('targets', 'file', 'of the owners');
    repository.release('targets');
    expect((await search('file')).asked).toEqual([]);
    expect((await search('file')).found?.chain).toEqual(['targets']);
  });

  test('a role says nothing of paths that it was not given', async () => {
    await repository.delegate('targets', 'A', { paths: ['a/*'] });
    await repository.delegate('A', 'B', { paths: ['*/*'] });
    repository.addTarget('B', 'b/file', 'stolen');
    repository.addTarget('B', 'a/file', 'given');
    expect((await search('b/file')).by).toBeUndefined();
    expect((await search('a/file')).found?.chain).toEqual(['targets', 'A', 'B']);
  });

  test('by prefixes of the hash of the path, in hex', async () => {
    const hash = createHash('sha256').update('fïle').digest('hex');
    const more = (prefix: string) => ({ paths: undefined, path_hash_prefixes: ['zz', prefix] });
    await repository.delegate('targets', 'A', more(`${hash.slice(0, 3)}${hash[3] === '0' ? '1' : '0'}`));
    await repository.delegate('targets', 'B', more(hash.slice(0, 4)));
    repository.addTarget('A', 'fïle', 'content');
    repository.addTarget('B', 'fïle', 'content');
    expect(await search('fïle')).toMatchObject({ asked: ['B'], by: 'B' });
  });

  test('in bins', async () => {
    const key = await repository.newKey();
    const roles = { keyids: [key.keyid], threshold: 1, bit_length: 4, name_prefix: 'bin' };
    repository.signed('targets').delegations = { keys: { [key.keyid]: key.key }, succinct_roles: roles };
    const bins = { keyids: [], threshold: 1, bitLength: 4, namePrefix: 'bin' };
    for (let bin = 0; bin < 16; bin++) repository.addRole(binName(bins, bin), key);
    const name = binNameFor(bins, 'a/file');
    repository.addTarget(name, 'a/file', 'content');
    expect(await search('a/file')).toMatchObject({ asked: [name], by: name });
    const { signers } = repository.roles.get(name)!;
    signers.splice(0, 1, await repository.newKey());
    repository.release(name);
    expect(await codeOfAsync(search('a/file'))).toBe('tuf-threshold');
  });

  test('gives up at its limit', async () => {
    let from = 'targets';
    for (let i = 0; i < 9; i++) {
      await repository.delegate(from, `r${i}`);
      from = `r${i}`;
    }
    expect(await codeOfAsync(search('x', { maxVisitedRoles: 9 }))).toBe('limit-exceeded');
    expect((await search('x', { maxVisitedRoles: 10 })).by).toBeUndefined();
    expect(await codeOfAsync(search('x'.repeat(5000)))).toBe('limit-exceeded');
  });

  test('agrees with a plain recursive definition, on any graph', async () => {
    const names = ['A', 'B', 'C', 'D', 'E'];
    const edge = fc.record({
      to: fc.constantFrom(...names),
      terminating: fc.boolean(),
      matches: fc.boolean(),
    });
    const graph = fc.dictionary(fc.constantFrom('targets', ...names), fc.array(edge, { maxLength: 4 }));
    await fc.assert(
      fc.asyncProperty(graph, fc.constantFrom('none', 'targets', ...names), async (edges, owner) => {
        const of = (role: string) =>
          (edges[role] ?? []).filter(({ to }, i, all) => all.findIndex(other => other.to === to) === i);
        const payload = (role: string) => ({
          targets: new Map(role === owner ? [['x', { length: 1, hashes: {} }]] : []),
          delegations: {
            keys: new Map(),
            roles: of(role).map(
              ({ to, terminating, matches }) =>
                ({ name: to, terminating, paths: [matches ? 'x' : 'y'] }) as unknown as DelegatedRole,
            ),
          },
        });
        const asked: string[] = [];
        const found = await searchTarget('x', async role => {
          asked.push(role);
          return payload(role) as unknown as Targets;
        });
        const expected: string[] = [];
        /** 'stop' ends every search above it. */
        const visit = (role: string): 'found' | 'stop' | 'on' => {
          if (expected.includes(role)) return 'on';
          expected.push(role);
          if (role === owner) return 'found';
          for (const { to, terminating, matches } of of(role)) {
            if (!matches) continue;
            const result = visit(to);
            if (result !== 'on') return result;
            if (terminating) return 'stop';
          }
          return 'on';
        };
        expect(visit('targets') === 'found').toBe(found !== undefined);
        expect(asked).toEqual(expected);
      }),
      { numRuns: 500 },
    );
  });
});

describe('delegated metadata gets every check', () => {
  beforeEach(async () => {
    await repository.delegate('targets', 'team');
    repository.addTarget('team', 'file', 'content');
    repository.publishAll();
  });

  const code = () => codeOfAsync(async () => (await user.refresh()).findTarget('file'));

  test('when it is sound, it is stored and not asked for again', async () => {
    expect(await code()).toBeUndefined();
    expect(repository.requests.at(-1)).toBe('1.team.json');
    expect(await user.stored('team')).toBe(1);
    expect(await code()).toBeUndefined();
    expect(repository.requests).toEqual(['2.root.json', 'timestamp.json']);
  });

  test('expired', async () => {
    repository.signed('team').expires = PAST;
    repository.release('team');
    expect(await code()).toBe('tuf-expired');
    expect(await user.stored('team')).toBeUndefined();
  });

  test('not signed, or by the key of another role', async () => {
    const own = repository.roles.get('team')!.signers.splice(0);
    repository.release('team');
    expect(await code()).toBe('tuf-threshold');
    repository.roles.get('team')!.signers.push(repository.roles.get('targets')!.signers[0]!);
    repository.release('team');
    expect(await code()).toBe('tuf-threshold');
    repository.roles.get('team')!.signers.splice(0, 1, ...own);
    repository.release('team');
    expect(await code()).toBeUndefined();
  });

  test('of another version, length or hash than listed', async () => {
    repository.withHashes = true;
    repository.release('team');
    const name = '2.team.json';
    const good = repository.files.get(name)!;
    repository.files.set(name, Buffer.concat([good, Buffer.from(' ')]));
    expect(await code()).toBe('tuf-length-mismatch');
    const same = Buffer.from(good);
    same[same.indexOf(0x20)] = 0x0a;
    repository.files.set(name, same);
    expect(await code()).toBe('tuf-hash-mismatch');
    repository.files.set(name, good);
    expect(await code()).toBeUndefined();
    repository.withHashes = false;
    repository.release('team');
    repository.files.set('3.team.json', good);
    expect(await code()).toBe('tuf-version-mismatch');
  });

  test('not named by the snapshot: nothing is fetched, and nobody else is asked', async () => {
    await repository.delegate('targets', 'other');
    repository.addTarget('other', 'file', 'content');
    repository.publishAll();
    delete repository.signed('snapshot').meta['team.json'];
    repository.write('snapshot');
    expect(await code()).toBe('tuf-role-unlisted');
    expect(repository.requests.filter(name => /team|other/.test(name))).toEqual([]);
  });

  test('missing from the repository: nobody else is asked', async () => {
    await repository.delegate('targets', 'other');
    repository.addTarget('other', 'file', 'content');
    repository.publishAll();
    repository.files.delete('1.team.json');
    expect(await code()).toBe('tuf-unavailable');
    expect(repository.requests).not.toContain('1.other.json');
  });

  test('threshold of two, of which one signs twice', async () => {
    const delegations = repository.signed('targets').delegations;
    const [role] = delegations.roles;
    const signer = repository.roles.get('team')!.signers[0]!;
    role.threshold = 2;
    role.keyids.push('twin');
    delegations.keys['twin'] = { ...signer.key, odd: 1 };
    repository.roles.get('team')!.signers.push({ ...signer, keyid: 'twin' });
    repository.release('targets', 'team');
    expect(await code()).toBe('tuf-threshold');
    user = repository.user({ foreignKeyids: 'accept' });
    expect(await code()).toBe('tuf-threshold');
    await repository.delegate('targets', 'spare');
    role.keyids.push(repository.roles.get('spare')!.signers[0]!.keyid);
    repository.roles.get('team')!.signers.push(repository.roles.get('spare')!.signers[0]!);
    repository.release('targets', 'team');
    expect(await code()).toBeUndefined();
  });
});

describe('a role of two delegators', () => {
  beforeEach(async () => {
    await repository.delegate('targets', 'A', { paths: ['a*'] });
    await repository.delegate('targets', 'B', { paths: ['b*'] });
    const key = await repository.delegate('A', 'C');
    await repository.delegate('B', 'C');
    // C is signed by the key that A names, not by the one that B names.
    repository.roles.get('C')!.signers = [key];
    repository.addTarget('C', 'a-file', 'a');
    repository.addTarget('C', 'b-file', 'b');
    repository.publishAll();
  });

  test('is believed only by the one whose keys signed it, in one run', async () => {
    const client = await user.refresh();
    expect((await client.findTarget('a-file'))?.chain).toEqual(['targets', 'A', 'C']);
    expect(await codeOfAsync(client.findTarget('b-file'))).toBe('tuf-threshold');
    expect((await client.findTarget('a-file'))?.chain).toEqual(['targets', 'A', 'C']);
  });

  test('and from the cache of another run', async () => {
    await (await user.refresh()).findTarget('a-file');
    expect(await user.stored('C')).toBe(1);
    expect(await codeOfAsync(user.refresh().then(client => client.findTarget('b-file')))).toBe(
      'tuf-threshold',
    );
    expect(await codeOfAsync(user.offline().then(client => client.findTarget('b-file')))).toBe(
      'tuf-unavailable',
    );
  });

  test('is believed by both when both name the key that signed it', async () => {
    repository.signed('B').delegations.keys = repository.signed('A').delegations.keys;
    repository.signed('B').delegations.roles[0].keyids = repository.signed('A').delegations.roles[0].keyids;
    repository.release('B');
    const client = await user.refresh();
    expect((await client.findTarget('a-file'))?.chain).toEqual(['targets', 'A', 'C']);
    expect((await client.findTarget('b-file'))?.chain).toEqual(['targets', 'B', 'C']);
  });
});

describe('a target as one role lists it', () => {
  beforeEach(async () => {
    await repository.delegate('targets', 'A', { paths: ['both/*'] });
    await repository.delegate('targets', 'B', { paths: ['both/*', 'b/*'] });
    repository.addTarget('A', 'both/x', 'of A');
    repository.addTarget('B', 'both/x', 'of B');
    repository.publishAll();
  });

  test('is found behind what others say', async () => {
    const client = await user.refresh();
    const target = await client.getTargetOf('B', 'both/x');
    expect(target.chain).toEqual(['targets', 'B']);
    expect(text(await client.fetchTarget(target))).toBe('of B');
    expect((await client.findTarget('both/x'))?.chain).toEqual(['targets', 'A']);
  });

  test('is not taken from a role that it is not delegated to, nor made up', async () => {
    repository.addTarget('A', 'b/x', 'of A, who was not asked');
    repository.release('A');
    const client = await user.refresh();
    expect(await codeOfAsync(client.getTargetOf('A', 'b/x'))).toBe('tuf-path-not-delegated');
    expect(await codeOfAsync(client.getTargetOf('nobody', 'both/x'))).toBe('tuf-path-not-delegated');
    expect(await codeOfAsync(client.getTargetOf('B', 'b/y'))).toBe('tuf-target-unlisted');
    expect(await codeOfAsync(client.getTargetOf('targets', 'both/x'))).toBe('tuf-target-unlisted');
  });

  test('is not found behind a terminating role', async () => {
    repository.signed('targets').delegations.roles[0].terminating = true;
    repository.release('targets');
    const client = await user.refresh();
    expect(await codeOfAsync(client.getTargetOf('B', 'both/x'))).toBe('tuf-path-not-delegated');
  });
});
