import fc from 'fast-check';
import { beforeAll, describe, expect, test } from 'vitest';
import { utf8 } from '../../../src/base/bytes.js';
import { TouchmarkError } from '../../../src/base/errors.js';
import { parseRoot, parseSnapshot, parseTargets, parseTimestamp } from '../../../src/tuf/index.js';
import { codeOf } from '../support.js';
import { type Loose, Simulator } from './simulator.js';

const sha256 = 'a'.repeat(64);
const PARSERS: Record<string, (bytes: Uint8Array) => Loose> = {
  root: parseRoot,
  timestamp: parseTimestamp,
  snapshot: parseSnapshot,
  targets: bytes => parseTargets(bytes, 'targets.json'),
};

/** Sound payloads, which each case damages in one place. */
const payloads: Record<string, string> = {};
beforeAll(async () => {
  const repository = await Simulator.create();
  repository.addTarget('targets', 'a/file', 'content', { any: ['thing', 9007199254740993n] });
  await repository.delegate('targets', 'team-a', { paths: ['a/*'] });
  await repository.delegate('targets', 'team-b', { paths: undefined, path_hash_prefixes: ['0', 'ff'] });
  await repository.delegate('targets', 'team-c', { terminating: undefined });
  repository.signed('snapshot').meta['targets.json'] = { version: 1, length: 10, hashes: { sha256 } };
  for (const role of Object.keys(PARSERS)) {
    payloads[role] = JSON.stringify(repository.signed(role), (_, value) =>
      typeof value === 'bigint' ? `big:${value}` : value,
    ).replace(/"big:([0-9]+)"/g, '$1');
  }
});

/** Parses a role's payload after `change`, which may give text for places that JSON cannot say. */
function parse(role: string, change: (signed: Loose) => unknown = () => {}): Loose {
  const signed = JSON.parse(payloads[role]!);
  const text = change(signed);
  const json = typeof text === 'string' ? text : JSON.stringify(signed);
  return PARSERS[role]!(utf8(`{"signatures":[],"signed":${json}}`)).payload;
}

const set = (path: string, value: unknown) => (signed: Loose) => {
  const names = path.split('/');
  const last = names.pop()!;
  const parent = names.reduce((object, name) => object[name], signed);
  if (value === undefined) delete parent[last];
  else parent[last] = value;
};

const raw = (role: string, from: RegExp, to: string) => () => {
  const text = payloads[role]!.replace(from, to);
  expect(text).not.toBe(payloads[role]);
  return text;
};

describe('metadata', () => {
  test.each(Object.keys(PARSERS))('of %s is read when it is sound', role => {
    const payload = parse(role);
    expect(payload.version).toBe(1);
    expect(payload.expires.toISOString()).toBe('2031-01-01T00:00:00.000Z');
    expect(payload.raw._type).toBe(role);
  });

  test('keeps what nobody knows, in every place', () => {
    const payload = parse('targets', signed => {
      signed.odd = [1];
      signed.targets['a/file'].odd = 2;
      signed.delegations.odd = 3;
      signed.delegations.roles[0].odd = 4;
    });
    expect(payload.raw.odd).toEqual([1]);
    expect(payload.raw.targets['a/file'].odd).toBe(2);
    expect(payload.raw.delegations.odd).toBe(3);
    expect(payload.raw.delegations.roles[0].odd).toBe(4);
  });

  test.each(Object.keys(PARSERS))('of %s must be in its own place', role => {
    for (const other of Object.keys(PARSERS).filter(name => name !== role)) {
      const file = utf8(`{"signatures":[],"signed":${payloads[other]}}`);
      expect(
        codeOf(() => PARSERS[role]!(file)),
        other,
      ).toBe('tuf-format');
    }
  });

  const EVERYWHERE: [string, string, unknown][] = [
    ['version 0', 'version', 0],
    ['version -1', 'version', -1],
    ['version as text', 'version', '1'],
    ['no version', 'version', undefined],
    ['another specification', 'spec_version', '2.0.0'],
    ['a specification without a point', 'spec_version', '1'],
    ['no specification', 'spec_version', undefined],
    ['no expiry', 'expires', undefined],
    ['expiry as a number', 'expires', 2030],
    ...[
      'garbage',
      '2030-01-01',
      'Tue Jan 01 2030',
      '2030-01-01T00:00:00',
      '2030-01-01T00:00:00+00:00',
      '2030-01-01T00:00:00.Z',
      '2030-01-01T00:00:00.1234567890Z',
      '2030-01-01T00:00:00,5Z',
      '2030-02-30T00:00:00.5Z',
      '2030-01-01T00:00:00.5-06:00',
      '2030-02-30T00:00:00Z',
      '2030-13-01T00:00:00Z',
      '2030-01-01T24:00:00Z',
      '2030-01-01T23:59:60Z',
      '2030-01-01t00:00:00z',
      '+02030-01-01T00:00:00Z',
      '',
    ].map(date => [`the date ${JSON.stringify(date)}`, 'expires', date] as [string, string, unknown]),
  ];
  test.each(EVERYWHERE)('with %s is refused, whatever the role', (_, path, value) => {
    for (const role of Object.keys(PARSERS)) {
      expect(
        codeOf(() => parse(role, set(path, value))),
        role,
      ).toBe('tuf-format');
    }
  });

  test.each(['1.5', '1.0', '1e0', '9007199254740992', '9007199254740993', '-0', '01', `1${'0'.repeat(400)}`])(
    'with version %s is refused: some would read another number',
    version => {
      expect(codeOf(() => parse('targets', raw('targets', /"version":1/, `"version":${version}`)))).toBe(
        'tuf-format',
      );
    },
  );

  test('takes versions up to 2^53-1, exactly', () => {
    const { version } = parse('targets', raw('targets', /"version":1/, '"version":9007199254740991'));
    expect(version).toBe(2 ** 53 - 1);
  });

  test.each(['.5', '.188964', '.999999999'])(
    'may have the fraction %s in its date: it expires with the full second',
    part => {
      const { expires } = parse('root', set('expires', `2034-09-30T11:29:58${part}Z`));
      expect(expires.toISOString()).toBe('2034-09-30T11:29:58.000Z');
    },
  );

  test.each(['1.0', '1.0.31', '1.99.0'])('may be of specification %s', version => {
    expect(parse('root', set('spec_version', version)).specVersion).toBe(version);
  });
});

describe('root metadata', () => {
  test.each([
    ['a threshold of 0', 'roles/targets/threshold', 0],
    ['a negative threshold', 'roles/targets/threshold', -1],
    ['a threshold of 1.5', 'roles/targets/threshold', 1.5],
    ['a threshold as text', 'roles/targets/threshold', '1'],
    ['no threshold', 'roles/targets/threshold', undefined],
    ['a role with a key twice', 'roles/root/keyids', ['a', 'a']],
    ['keyids that are no list', 'roles/root/keyids', 'a'],
    ['no timestamp role', 'roles/timestamp', undefined],
    ['no keys', 'keys', undefined],
    ['keys in a list', 'keys', []],
    ['a key without a type', 'keys/x', { scheme: 'ed25519', keyval: {} }],
    ['a key without a scheme', 'keys/x', { keytype: 'ed25519', keyval: {} }],
    ['a key without a value', 'keys/x', { keytype: 'ed25519', scheme: 'ed25519' }],
    ['consistent_snapshot as text', 'consistent_snapshot', 'false'],
    ['consistent_snapshot as a number', 'consistent_snapshot', 0],
  ])('with %s is refused', (_, path, value) => {
    expect(codeOf(() => parse('root', set(path, value)))).toBe('tuf-format');
  });

  test('may leave consistent_snapshot out, list other roles, and ask for more keys than there are', () => {
    const payload = parse('root', signed => {
      delete signed.consistent_snapshot;
      signed.roles.mirrors = { keyids: [], threshold: 1 };
      signed.roles.targets.threshold = 9;
    });
    expect(payload.consistentSnapshot).toBe(false);
    expect('consistent_snapshot' in payload.raw).toBe(false);
    expect(payload.roles.get('targets').threshold).toBe(9);
  });

  test('keeps __proto__, constructor and numbers apart as keyids', () => {
    const key = '{"keytype":"x","scheme":"y","keyval":{}}';
    const names = ['__proto__', 'constructor', '10', '2', 'toString'];
    const keys = names.map(name => `"${name}":${key}`).join();
    const payload = parse('root', raw('root', /"keys":\{/, `"keys":{${keys},`));
    for (const name of names) expect(payload.keys.get(name)?.keyid).toBe(name);
    expect(payload.keys.get('hasOwnProperty')).toBeUndefined();
  });
});

describe('timestamp and snapshot metadata', () => {
  test.each([
    ['timestamp', 'no meta', 'meta', undefined],
    ['timestamp', 'nothing in meta', 'meta', {}],
    ['timestamp', 'another file', 'meta/targets.json', { version: 1 }],
    ['timestamp', 'version 0 of the snapshot', 'meta/snapshot.json', { version: 0 }],
    ['timestamp', 'a fraction of a length', 'meta/snapshot.json', { version: 1, length: 1.5 }],
    ['snapshot', 'no targets.json', 'meta/targets.json', undefined],
    ['snapshot', 'an entry without a version', 'meta/x.json', {}],
    ['snapshot', 'a negative length', 'meta/x.json', { version: 1, length: -1 }],
    ['snapshot', 'empty hashes', 'meta/x.json', { version: 1, hashes: {} }],
    ['snapshot', 'hashes in a list', 'meta/x.json', { version: 1, hashes: [] }],
    ['snapshot', 'a hash that is no text', 'meta/x.json', { version: 1, hashes: { sha256: 1 } }],
  ])('%s with %s is refused', (role, _, path, value) => {
    expect(codeOf(() => parse(role, set(path, value)))).toBe('tuf-format');
  });

  test('an old entry of root.json is kept', () => {
    expect(parse('snapshot', set('meta/root.json', { version: 3 })).meta.get('root.json')).toEqual({
      version: 3,
    });
  });
});

describe('targets metadata', () => {
  const target = (entry: unknown) => set('targets/x', entry);
  const role = (more: unknown) => (signed: Loose) =>
    Object.assign(signed.delegations.roles[0], more) && undefined;
  const succinct = (more: unknown) =>
    set('delegations', {
      keys: {},
      succinct_roles: { keyids: [], threshold: 1, bit_length: 8, name_prefix: 'bin', ...(more as object) },
    });

  test.each<[string, (signed: Loose) => unknown]>([
    ['no targets', set('targets', undefined)],
    ['targets in a list', set('targets', [])],
    ['a target without a length', target({ hashes: { sha256 } })],
    ['a target of negative length', target({ length: -1, hashes: { sha256 } })],
    ['a target of half a byte', target({ length: 0.5, hashes: { sha256 } })],
    ['a target without hashes', target({ length: 1 })],
    ['a target with empty hashes', target({ length: 1, hashes: {} })],
    ['a target whose hashes are text', target({ length: 1, hashes: sha256 })],
    ['a target whose custom is text', target({ length: 1, hashes: { sha256 }, custom: 'x' })],
    ['a target that is null', target(null)],
    ['a role without a name', role({ name: undefined })],
    ['a role with an empty name', role({ name: '' })],
    ['a delegated root', role({ name: 'root' })],
    ['a delegated targets', role({ name: 'targets' })],
    ['a delegated snapshot', role({ name: 'snapshot' })],
    ['two roles of one name', role({ name: 'team-b' })],
    ['a role of threshold 0', role({ threshold: 0 })],
    ['a role with a key twice', role({ keyids: ['a', 'a'] })],
    ['a role that terminates with text', role({ terminating: 'true' })],
    ['a role with paths and prefixes', role({ path_hash_prefixes: ['a'] })],
    ['a role with neither', role({ paths: undefined })],
    ['a path that is no text', role({ paths: [1] })],
    ['paths that are text', role({ paths: 'a/*' })],
    ['neither roles nor bins', set('delegations/roles', undefined)],
    ['roles in an object', set('delegations/roles', {})],
    ['roles and bins', set('delegations/succinct_roles', {})],
    ['bins of 0 bits', succinct({ bit_length: 0 })],
    ['bins of 33 bits', succinct({ bit_length: 33 })],
    ['bins of 1.5 bits', succinct({ bit_length: 1.5 })],
    ['bins without a prefix', succinct({ name_prefix: undefined })],
    ['bins with an empty prefix', succinct({ name_prefix: '' })],
    ['bins of threshold 0', succinct({ threshold: 0 })],
    ['bins with a key twice', succinct({ keyids: ['a', 'a'] })],
  ])('with %s is refused', (_, change) => {
    expect(codeOf(() => parse('targets', change))).toBe('tuf-format');
  });

  test('is read with delegations of every kind', () => {
    const { delegations } = parse('targets');
    expect(delegations.roles.map((r: Loose) => [r.name, r.terminating, r.paths, r.pathHashPrefixes])).toEqual(
      [
        ['team-a', false, ['a/*'], undefined],
        ['team-b', false, undefined, ['0', 'ff']],
        ['team-c', false, ['*'], undefined],
      ],
    );
    expect(parse('targets', succinct({})).delegations.succinct.bitLength).toBe(8);
    expect(parse('targets', set('delegations', undefined)).delegations).toBeUndefined();
  });

  test('keeps roles in their order, also when their names look like numbers', () => {
    const payload = parse('targets', signed => {
      for (const [i, name] of ['zeta', '10', '2'].entries()) signed.delegations.roles[i].name = name;
    });
    expect(payload.delegations.roles.map((r: Loose) => r.name)).toEqual(['zeta', '10', '2']);
  });

  test('keeps target paths that are names of the language', () => {
    const entry = `{"length":1,"hashes":{"sha256":"${sha256}"}}`;
    const names = ['__proto__', 'constructor', '10', ''];
    const entries = names.map(name => `"${name}":${entry}`).join();
    const { targets } = parse('targets', raw('targets', /"targets":\{/, `"targets":{${entries},`));
    for (const name of names) expect(targets.get(name)?.length).toBe(1);
    expect(targets.get('toString')).toBeUndefined();
  });

  test('keeps big numbers of custom exactly', () => {
    const { custom } = parse('targets', () => payloads['targets']).targets.get('a/file');
    expect(custom.any[1]).toBe(9007199254740993n);
  });

  test('keeps a weak hash for others to see; what it lists is refused when it is fetched', () => {
    expect(parse('targets', target({ length: 1, hashes: { md5: 'x' } })).targets.get('x').hashes.md5).toBe(
      'x',
    );
  });
});

test('damage of any kind comes to an error of ours', () => {
  const values = fc.constantFrom(
    'null',
    '-1',
    '[]',
    '{}',
    '"x"',
    '1.5',
    '',
    '9'.repeat(30),
    '"\\ud800"',
    'true',
  );
  fc.assert(
    fc.property(
      fc.constantFrom(...Object.keys(PARSERS)),
      fc.nat(),
      fc.nat(60),
      fc.oneof(values, fc.string({ maxLength: 5 })),
      (role, at, length, value) => {
        const text = payloads[role]!;
        const start = at % text.length;
        const damaged = text.slice(0, start) + value + text.slice(start + length);
        try {
          PARSERS[role]!(utf8(`{"signatures":[],"signed":${damaged}}`));
        } catch (error) {
          expect(error).toBeInstanceOf(TouchmarkError);
          expect(['tuf-format', 'limit-exceeded']).toContain((error as TouchmarkError).code);
        }
      },
    ),
    { numRuns: 2000 },
  );
});
