import { describe, expect, it } from 'vitest';
import {
  collectNotary,
  describeNotary,
  describeProven,
  type NotaryRequest,
  openTrustFolder,
  parseGun,
  verifyNotary,
} from '../../../../src/tuf/notary/index.js';
import { GUN, KEYS, NotarySimulator, recorded, THEN, TRUST } from './fixture.js';

describe('a trust folder', () => {
  it('gives all that docker trust left there, by either of its two names', async () => {
    for (const folder of [`${TRUST}/tuf/${GUN}`, `${TRUST}/tuf/${GUN}/metadata`]) {
      const files = await collectNotary(openTrustFolder(folder));
      expect(files.gun).toBe(GUN);
      expect([...files.metadata.keys()].sort()).toEqual([...recorded().metadata.keys()].sort());
      expect(files.roots).toHaveLength(1);
    }
  });

  it('is refused when it does not say which repository it is of, or holds none', async () => {
    expect(() => openTrustFolder('/home/ada/trust')).toThrow(
      expect.objectContaining({ code: 'usage-argument' }),
    );
    const other = openTrustFolder(`${TRUST}/tuf/registry.example/team/other`);
    await expect(collectNotary(other)).rejects.toMatchObject({ code: 'tuf-unavailable' });
  });
});

describe('collecting', () => {
  it('asks for files by the hash that names them, and for older roots by version', async () => {
    const simulator = await NotarySimulator.create();
    const first = simulator.file('root');
    simulator.signed['root'].version = 2;
    const files = simulator.files();
    const asked: NotaryRequest[] = [];
    const collected = await collectNotary({
      gun: GUN,
      async fetch(request) {
        asked.push(request);
        if (request.role !== 'root') return files.metadata.get(request.role);
        return request.version === undefined ? files.roots[0] : request.version === 1 ? first : undefined;
      },
    });
    expect(asked.map(({ role, sha256, version }) => [role, sha256?.length, version])).toEqual([
      ['timestamp', undefined, undefined],
      ['snapshot', 64, undefined],
      ['root', 64, undefined],
      ['targets', 64, undefined],
      ['targets/releases', 64, undefined],
      ['targets/alice', 64, undefined],
      ['targets/bob', 64, undefined],
      ['root', undefined, 1],
    ]);
    expect(collected.roots).toEqual([first, files.roots[0]]);
    const pin = { kind: 'keys', ids: [KEYS.root[0]] } as const;
    expect(verifyNotary(collected, { pin, now: THEN }).problems).toEqual([]);
  });

  it('ends, however many roles somebody delegates to', async () => {
    const simulator = await NotarySimulator.create();
    const endless = { name: '', keyids: [], threshold: 1, paths: [''] };
    let served = 0;
    const source = {
      gun: GUN,
      async fetch({ role }: NotaryRequest) {
        if (role === 'root') return simulator.file('root');
        if (!role.startsWith('targets')) return undefined;
        served++;
        const payload = structuredClone(simulator.signed['targets/bob']);
        payload.delegations.roles = [1, 2].map(n => ({ ...endless, name: `${role}/${n}` }));
        simulator.signed['x'] = payload;
        return simulator.file('x');
      },
    };
    await expect(collectNotary(source)).rejects.toMatchObject({ code: 'limit-exceeded' });
    expect(served).toBeLessThan(2000);
  });
});

describe('what is shown', () => {
  it('is the table that docker trust inspect had', () => {
    const { tags, roles } = describeNotary(recorded());
    expect(tags.map(({ tag, size, signers }) => [tag, size, signers])).toEqual([
      ['1.0', 531, ['alice']],
      ['v1', 531, []],
      ['v2', 428, ['bob']],
    ]);
    const ids = roles.map(({ name, keys }) => [name, keys.map(({ id }) => id)]);
    expect(Object.fromEntries(ids)).toMatchObject({
      root: [KEYS.root[0]],
      targets: [KEYS.targets[0]],
      'targets/releases': [KEYS.alice[0], KEYS.bob[0]],
    });
  });

  it('is only what was proven, where something was', async () => {
    const simulator = await NotarySimulator.create();
    simulator.signers['targets/bob'] = simulator.signers['targets/alice']!;
    const files = simulator.files();
    const pin = { kind: 'first-use' } as const;
    const { tags, roles } = describeProven(files, verifyNotary(files, { pin, now: THEN }));
    expect(roles.map(({ name }) => name)).not.toContain('targets/bob');
    expect(tags.find(({ tag }) => tag === 'v2')?.signers).toEqual([]);
    const none = describeProven(files, verifyNotary(files, { pin: { kind: 'keys', ids: [] }, now: THEN }));
    expect(none).toMatchObject({ tags: [], roles: [] });
  });
});

it('a repository has a host, and no tag', () => {
  for (const good of ['docker.io/library/alpine', 'localhost:5000/app', 'r.example/a/b_c/d-e.f'])
    expect(parseGun(good)).toBe(good);
  for (const bad of [
    'alpine',
    'team/app',
    'r.example/app:1.4',
    'r.example/App',
    'r.example/../app',
    'r.example//app',
    'https://r.example/app',
  ])
    expect(() => parseGun(bad), bad).toThrow(expect.objectContaining({ code: 'usage-reference' }));
});
