import { describe, expect, it } from 'vitest';
import { type AuditOptions, auditRepository } from '../../../src/tuf/audit/index.js';
import { coversPattern, mayMeet } from '../../../src/tuf/audit/patterns.js';
import { computeKeyid } from '../../../src/tuf/index.js';
import { codeOfAsync } from '../support.js';
import { LATER, type Loose, NOW, PAST, Simulator } from './simulator.js';

const list = (repository: Simulator) => async () => [
  ...repository.files.keys(),
  ...[...repository.targetFiles.keys()].map(name => `targets/${name}`),
];

const audit = (repository: Simulator, more: Partial<AuditOptions> = {}) =>
  auditRepository({
    source: repository,
    list: list(repository),
    root: repository.files.get('1.root.json') as Uint8Array,
    now: NOW,
    ...more,
  });

/** `severity code`, each once. */
async function found(repository: Simulator, more: Partial<AuditOptions> = {}) {
  const { findings } = await audit(repository, more);
  return [...new Set(findings.map(({ severity, code }) => `${severity} ${code}`))];
}

/** Nothing to find but notes: two of three for root and targets, a team with its own keys, some history. */
async function sound() {
  const repository = await Simulator.create();
  for (const role of ['root', 'targets']) {
    for (let i = 0; i < 2; i++) await repository.addKey(role);
    repository.signed('root').roles[role].threshold = 2;
  }
  repository.write('root', 'targets');
  await repository.delegate('targets', 'team-a', { paths: ['a/*'] });
  repository.addTarget('team-a', 'a/x', 'x');
  repository.addTarget('targets', 'y', 'y');
  repository.release('targets', 'team-a');
  await repository.rotate('timestamp');
  repository.releaseRoot();
  repository.release('team-a');
  return repository;
}

it('a sound repository: who signs what until when, and nothing but notes', async () => {
  const report = await audit(await sound(), { contents: true });
  expect(report.findings.map(({ code }) => code)).toEqual(['threshold-one']);
  expect(report.roots).toEqual({ first: 1, given: 1, last: 2 });
  expect(
    report.roles.map(({ name, version, signed, threshold, keys }) => [
      name,
      version,
      signed,
      threshold,
      keys,
    ]),
  ).toEqual([
    ['root', 2, 3, 2, 3],
    ['timestamp', 3, 1, 1, 1],
    ['snapshot', 3, 1, 1, 1],
    ['targets', 2, 3, 2, 3],
    ['team-a', 3, 1, 1, 1],
  ]);
  expect(report.contents).toBe(2);
  // 1.targets, 1 and 2 of team-a, 1 and 2 of the snapshot.
  expect(report.history).toBe(4);
});

/** What was done to a sound repository, what of it is found, and `release` where it has to be published. */
const DEFECTS: readonly (readonly [
  code: string,
  change: (repository: Simulator) => unknown,
  more?: (repository: Simulator) => Partial<AuditOptions>,
])[] = [
  [
    'error tuf-expired',
    r => {
      r.signed('team-a').expires = PAST;
      r.release('team-a');
    },
  ],
  [
    'error tuf-expired',
    r => {
      r.signed('timestamp').expires = PAST;
      r.release();
    },
  ],
  [
    'error tuf-expired',
    r => {
      r.signed('root').expires = PAST;
      r.releaseRoot();
    },
  ],
  [
    'warning expires-soon',
    r => {
      r.signed('targets').expires = '2030-06-10T00:00:00Z';
      r.release('targets');
    },
  ],
  [
    'error tuf-threshold',
    r => {
      r.roles.get('targets')!.signers.splice(1);
      r.release('targets');
    },
  ],
  [
    'error tuf-threshold',
    r => {
      r.roles.get('timestamp')!.signers.splice(0);
      r.release();
    },
  ],
  [
    'error tuf-threshold',
    r => {
      r.roles.get('team-a')!.signers.splice(0);
      r.release('team-a');
    },
  ],
  [
    'error tuf-root-threshold',
    r => {
      r.roles.get('root')!.signers.splice(1);
      r.releaseRoot();
    },
  ],
  ['error tuf-root-version', r => r.files.set('3.root.json', r.files.get('2.root.json')!)],
  ['error tuf-unavailable', r => r.files.delete('3.team-a.json')],
  ['error tuf-unavailable', r => r.files.delete('3.snapshot.json')],
  ['error tuf-version-mismatch', r => r.files.set('3.team-a.json', r.files.get('2.team-a.json')!)],
  [
    'error tuf-length-mismatch',
    r => {
      r.withHashes = true;
      r.release('team-a');
      r.files.set('4.team-a.json', Buffer.concat([r.files.get('4.team-a.json')!, Buffer.from(' ')]));
    },
  ],
  [
    'error tuf-role-unlisted',
    r => {
      delete r.signed('snapshot').meta['team-a.json'];
      for (const role of ['snapshot', 'timestamp']) r.signed(role).version++;
      r.signed('timestamp').meta['snapshot.json'].version++;
      r.write('snapshot', 'timestamp');
    },
  ],
  [
    'error root-other',
    r => {
      const given = Buffer.from(r.files.get('1.root.json')!);
      r.signed('root').version = 1;
      r.signed('root').note = 1;
      r.write('root');
      r.files.set('given', given);
    },
    r => ({ root: r.files.get('given')! }),
  ],
  ['note root-not-kept', r => r.files.delete('1.root.json'), r => ({ root: r.files.get('2.root.json')! })],
  ['error tuf-hash-mismatch', r => overwriteTarget(r), () => ({ contents: true })],
  ['note target-missing', r => r.targetFiles.clear(), () => ({ contents: true })],
  [
    'warning root-threshold-one',
    r => {
      r.signed('root').roles.root.threshold = 1;
      r.releaseRoot();
    },
  ],
  [
    'warning no-spare-key',
    r => {
      r.signed('root').roles.root.threshold = 3;
      r.releaseRoot();
    },
  ],
  ['warning not-consistent', r => notConsistent(r)],
  ['warning root-key-shared', r => shareKey(r, 'root', 'timestamp')],
  ['warning online-key-shared', r => shareKey(r, 'targets', 'timestamp')],
  [
    'note key-shared',
    async r => {
      await r.delegate('targets', 'team-b', { paths: ['b/*'] }, r.roles.get('team-a')!.signers[0]);
      r.release('targets');
    },
  ],
  [
    'warning keyid-foreign',
    r => {
      const { keys, roles } = r.signed('root');
      keys['f'.repeat(64)] = keys[roles.targets.keyids[2]];
      roles.targets.keyids[2] = 'f'.repeat(64);
      r.releaseRoot();
    },
  ],
  [
    'warning key-twice',
    r => {
      const { keys, roles } = r.signed('root');
      const copy = { ...keys[roles.targets.keyids[0]], more: 1 };
      const keyid = computeKeyid(copy);
      keys[keyid] = copy;
      roles.targets.keyids.push(keyid);
      r.releaseRoot();
    },
  ],
  [
    'warning key-missing',
    r => {
      r.signed('root').roles.targets.keyids.push('0'.repeat(64));
      r.releaseRoot();
    },
  ],
  [
    'warning key-unusable',
    r => {
      const key = { keytype: 'sphincs', scheme: 'sphincs', keyval: { public: '00' } };
      const keyid = computeKeyid(key as Loose);
      r.signed('root').keys[keyid] = key;
      r.signed('root').roles.targets.keyids.push(keyid);
      r.releaseRoot();
    },
  ],
  [
    'error threshold-unreachable',
    r => {
      r.signed('targets').delegations.roles[0].threshold = 2;
      r.release('targets');
    },
  ],
  [
    'warning signature-invalid',
    r => {
      r.roles.get('targets')!.signers[0]!.sign = () => 'ff'.repeat(64);
      r.release('targets');
    },
  ],
  [
    'warning delegation-shadowed',
    async r => {
      r.signed('targets').delegations.roles[0].terminating = true;
      await r.delegate('targets', 'team-b', { paths: ['a/b*'] });
      r.release('targets');
    },
  ],
  [
    'warning delegation-unreachable',
    async r => {
      await r.delegate('team-a', 'deeper', { paths: ['b/*'] });
      r.release('team-a');
    },
  ],
  [
    'warning delegation-empty',
    r => {
      r.signed('targets').delegations.roles[0].paths = [];
      r.release('targets');
    },
  ],
  [
    'warning pattern-not-portable',
    r => {
      r.signed('targets').delegations.roles[0].paths.push('a/[x]');
      r.release('targets');
    },
  ],
  [
    'warning target-unreachable',
    r => {
      r.addTarget('team-a', 'b/x', 'x');
      r.release('team-a');
    },
  ],
  [
    'warning target-path-odd',
    r => {
      r.addTarget('targets', '../x', 'x');
      r.release('targets');
    },
  ],
  [
    'note role-name-odd',
    async r => {
      await r.delegate('targets', 'team/b', { paths: ['b/*'] });
      r.release('targets');
    },
  ],
  [
    'warning file-large',
    r => {
      r.signed('timestamp').filler = 'x'.repeat(17_000);
      r.release();
    },
  ],
  [
    'warning file-large',
    r => {
      r.signed('targets').filler = 'x'.repeat(5_000_001);
      r.release('targets');
    },
  ],
  ['warning file-unlisted', r => r.files.set('9.targets.json', r.file('targets'))],
  ['note file-stray', r => r.files.set('notes.json', Buffer.from('{}'))],
  ['note target-orphan', r => r.targetFiles.set('old.file', Buffer.from('x'))],
  ['warning orphan-role', r => r.files.set('1.nobody.json', versionOne(r, 'team-a'))],
  ['warning history-unsigned', r => r.files.set('1.targets.json', versionOne(r, 'targets'))],
  ['warning history-version', r => r.files.set('1.targets.json', r.file('targets'))],
  ['warning history-format', r => r.files.set('1.targets.json', Buffer.from('{}'))],
  [
    'warning history-rollback',
    r => {
      r.signed('snapshot').meta['team-a.json'].version = 9;
      r.signed('snapshot').version = 3;
      r.write('snapshot');
      r.signed('snapshot').version = 4;
      r.signed('snapshot').meta['team-a.json'].version = 3;
      r.signed('timestamp').version = 4;
      r.signed('timestamp').meta['snapshot.json'].version = 4;
      r.write('snapshot', 'timestamp');
    },
  ],
  [
    'note role-unreached',
    r => {
      r.signed('targets').delegations.roles.pop();
      r.release('targets');
    },
  ],
  [
    'note succinct-roles',
    async r => {
      const key = await r.newKey();
      const from = r.signed('targets');
      from.delegations = {
        keys: { [key.keyid]: key.key },
        succinct_roles: { keyids: [key.keyid], threshold: 1, bit_length: 1, name_prefix: 'bin' },
      };
      for (const name of ['bin-0', 'bin-1']) r.addRole(name, key);
      r.release('targets');
    },
  ],
];

function overwriteTarget(repository: Simulator) {
  const [name = ''] = repository.targetFiles.keys();
  repository.targetFiles.set(name, Buffer.from('z'));
}

/** The file that a role had first, signed by the keys of today. */
function versionOne(repository: Simulator, role: string): Uint8Array {
  const { signed } = repository.roles.get(role)!;
  const { version } = signed;
  signed.version = 1;
  const bytes = repository.file(role, envelope => envelope.signatures.splice(0));
  signed.version = version;
  return bytes;
}

function shareKey(repository: Simulator, from: string, to: string) {
  const key = repository.roles.get(from)!.signers[0]!;
  const { roles } = repository.signed('root');
  roles[to].keyids = [key.keyid];
  repository.roles.get(to)!.signers = [key];
  repository.releaseRoot();
  repository.release();
}

function notConsistent(repository: Simulator) {
  repository.signed('root').consistent_snapshot = false;
  repository.releaseRoot();
  for (const role of ['targets', 'snapshot', 'team-a'])
    repository.files.set(`${role}.json`, repository.file(role));
}

describe('a defect is found, and is not there without it', () => {
  it.each(DEFECTS.map(([code, change, more]) => ({ code, change, more })))('$code', async defect => {
    const { code, change, more } = defect;
    const repository = await sound();
    const before = await found(repository, more ? { contents: more.length === 0 } : {});
    expect(before).not.toContain(code);
    await change(repository);
    expect(await found(repository, more?.(repository))).toContain(code);
  });
});

describe('what is not known is not reported', () => {
  it('a source that fails ends the audit', async () => {
    const repository = await sound();
    const { fail } = await import('../../../src/base/errors.js');
    const source = {
      ...repository,
      metadata: async (name: string, max: number) =>
        name.includes('team-a') ? fail('net-timeout', 'stopped answering') : repository.metadata(name, max),
    };
    expect(await codeOfAsync(audit(repository, { source: { ...source, target: repository.target } }))).toBe(
      'net-timeout',
    );
  });

  it('a root that is not sound is no place to begin', async () => {
    const repository = await sound();
    const root = repository.file('root', envelope => envelope.signatures.splice(1));
    expect(await codeOfAsync(audit(repository, { root }))).toBe('tuf-root-threshold');
  });

  it('without a list nothing is said of history and strays', async () => {
    const repository = await sound();
    repository.files.set('9.targets.json', repository.file('targets'));
    const { list: _, ...rest } = { list: undefined, root: repository.files.get('1.root.json')! };
    const report = await auditRepository({ ...rest, source: repository, now: NOW });
    expect(report.history).toBeNull();
    expect(report.findings.map(({ code }) => code)).not.toContain('file-unlisted');
  });

  it('bins by the thousand are summed up', async () => {
    const repository = await sound();
    const key = await repository.newKey();
    const from = repository.signed('targets');
    from.delegations = {
      keys: { [key.keyid]: key.key },
      succinct_roles: { keyids: [key.keyid], threshold: 1, bit_length: 5, name_prefix: 'bin' },
    };
    for (let bin = 0; bin < 32; bin++) repository.addRole(`bin-${bin.toString(16).padStart(2, '0')}`, key);
    repository.release('targets');
    const report = await audit(repository);
    expect(report.bins).toEqual({ count: 32, targets: 0, nextExpiry: new Date(LATER).toISOString() });
    expect(report.findings.filter(({ code }) => code === 'threshold-one')).toHaveLength(1);
  });
});

describe('patterns', () => {
  it.each([
    ['a/*', 'a/b', true],
    ['a/*', 'a/b*', true],
    ['*/*', 'a/?', true],
    ['a/*', 'a/b/c', false],
    ['a/b*', 'a/*', false],
    ['a/?', 'a/*', false],
    ['a/?', 'a/??', false],
    ['a/b', 'a/b', true],
    ['*.tgz', '*.tar.tgz', true],
  ])('%s covers %s: %s', (outer, inner, covers) => {
    expect(coversPattern(outer, inner)).toBe(covers);
  });

  it.each([
    ['a/*', '*/b', true],
    ['a*', 'b*', false],
    ['*.tgz', '*.zip', false],
    ['*.tgz', 'x', false],
    ['x?', 'xy', true],
    ['a', 'a/b', false],
  ])('%s and %s may meet: %s', (one, other, meet) => {
    expect(mayMeet(one, other)).toBe(meet);
    expect(mayMeet(other, one)).toBe(meet);
  });
});
