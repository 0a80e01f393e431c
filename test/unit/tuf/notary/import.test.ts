import { readdirSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { createSigner, generateKey, type Signer } from '../../../../src/crypto/index.js';
import { releaseTarget } from '../../../../src/trust/layout.js';
import { createMemoryCache, openClient, openFolderSource } from '../../../../src/tuf/index.js';
import {
  importNotary,
  type NotaryFiles,
  planImport,
  verifyNotary,
} from '../../../../src/tuf/notary/index.js';
import { openRepository, publishStaged, signStaged } from '../../../../src/tuf/repository/index.js';
import { temporaryFolder } from '../../images.js';
import { GUN, KEYS, NotarySimulator, recorded, recordedKey, THEN } from './fixture.js';

const planOf = (files: NotaryFiles) =>
  planImport(files.gun, verifyNotary(files, { pin: { kind: 'keys', ids: [KEYS.root[0]] }, now: THEN }), tag =>
    releaseTarget(files.gun, tag),
  );

let online: Signer;
let holders: Signer[];
beforeAll(async () => {
  online = await createSigner(await generateKey('ed25519'));
  const names = ['root', 'targets', 'alice', 'bob'] as const;
  holders = await Promise.all(names.map(async name => createSigner(await recordedKey(name))));
});

async function publish(folder: string, signers = holders): Promise<void> {
  await signStaged(await openRepository(folder, { now: THEN }), { signers });
  await publishStaged(await openRepository(folder, { now: THEN }), { signers: [online] });
}

function client(folder: string) {
  const source = openFolderSource({ metadata: join(folder, 'metadata'), targets: join(folder, 'targets') });
  return source
    .metadata('1.root.json', 1e6)
    .then(root => openClient({ cache: createMemoryCache(), source, root: root as Uint8Array, now: THEN }));
}

describe('an import', () => {
  it('says the same as Notary did, signed by the same keys', async () => {
    const folder = join(await temporaryFolder(), 'trust');
    const plan = planOf(recorded());
    const done = await importNotary(folder, plan, { onlineKey: online.publicKey, now: THEN });
    expect(done.created).toBe(true);
    expect(
      done.roles.map(({ name, keys, entries }) => [name, keys.map(k => k.label), entries.length]),
    ).toEqual([
      ['release', ['alice', 'bob'], 2],
      ['release-admin', [`targets of ${GUN}`], 1],
      ['team-alice', ['alice'], 0],
      ['team-bob', ['bob'], 0],
    ]);
    expect(readdirSync(folder)).toEqual(['staged']);
    await publish(folder);
    const reader = await client(folder);
    const found = await reader.findTarget(`release/${encodeURIComponent(GUN)}/v2`);
    expect(found).toMatchObject({
      chain: ['targets', 'release'],
      info: {
        length: 428,
        hashes: { sha256: '8c00a2681f696aaadb62f38d4d098bdcf91055ed5e1831c1235a539fcccc37b1' },
      },
    });
    expect((await reader.findTarget(`release/${encodeURIComponent(GUN)}/v1`))?.chain.at(-1)).toBe(
      'release-admin',
    );
    expect(await reader.findTarget(`release/${encodeURIComponent(GUN)}/v3`)).toBeUndefined();
  });

  it('lists what has no place, and why', () => {
    const { losses } = planOf(recorded());
    const whats = losses.map(({ what }) => what).join('\n');
    for (const part of [
      'snapshot and timestamp',
      'certificate of bob',
      'alice signed (1.0)',
      'prefixes of bob',
      'thresholds',
    ])
      expect(whats).toContain(part);
  });

  it('lists names that are no tags, entries without SHA-256, extra data and odd delegations', async () => {
    const simulator = await NotarySimulator.create();
    const { targets } = simulator.signed['targets'];
    targets['a/b'] = targets['v1'];
    targets['weak'] = { length: 1, hashes: { sha512: Buffer.alloc(64).toString('base64') } };
    targets['v1'] = { ...targets['v1'], custom: { by: 'somebody' } };
    simulator.delegation('targets/bob').name = 'targets/-bob';
    simulator.signed['targets/-bob'] = simulator.signed['targets/bob'];
    const meta = simulator.signed['snapshot'].meta;
    delete meta['targets/bob'];
    const plan = planOf(simulator.files());
    const whats = plan.losses.map(({ what }) => what);
    for (const what of [
      '"a/b"',
      'the tag weak',
      'extra data of "v1" (targets)',
      'the delegation targets/-bob',
    ])
      expect(whats).toContain(what);
    expect(plan.roles.find(({ name }) => name === 'release-admin')?.entries.map(({ path }) => path)).toEqual([
      `release/${encodeURIComponent(GUN)}/v1`,
    ]);
  });

  it('run again adds what is new, and leaves the rest', async () => {
    const folder = join(await temporaryFolder(), 'trust');
    const simulator = await NotarySimulator.create();
    const options = { onlineKey: online.publicKey, now: THEN };
    await importNotary(folder, planOf(simulator.files()), options);
    await publish(folder);
    const releases = simulator.signed['targets/releases'].targets;
    releases['3'] = releases['1.0'];
    const again = await importNotary(folder, planOf(simulator.files()), { now: THEN });
    expect(again).toMatchObject({
      created: false,
      kept: ['release', 'release-admin', 'team-alice', 'team-bob'],
    });
    expect(readdirSync(join(folder, 'staged', 'metadata'))).toEqual(['release.json']);
    await publish(folder, holders.slice(2, 3));
    expect(
      (await (await client(folder)).findTarget(`release/${encodeURIComponent(GUN)}/3`))?.info.length,
    ).toBe(531);
  });

  it('of a second repository goes beside the first, under a name of its own', async () => {
    const folder = join(await temporaryFolder(), 'trust');
    const plan = planOf(recorded());
    await importNotary(folder, plan, { onlineKey: online.publicKey, now: THEN });
    const gun = 'registry.example/team/web';
    const roles = plan.roles.map(role => ({
      ...role,
      paths: role.paths.map(path => path.replace(encodeURIComponent(GUN), encodeURIComponent(gun))),
      entries: role.entries.map(entry => ({
        ...entry,
        path: entry.path.replace(encodeURIComponent(GUN), encodeURIComponent(gun)),
      })),
    }));
    const done = await importNotary(folder, { ...plan, gun, roles }, { now: THEN });
    expect(done.roles.map(({ name }) => name)).toEqual([
      'release.registry.example.team.web',
      'release-admin.registry.example.team.web',
      'team-alice',
      'team-bob',
    ]);
    expect(done.kept).toEqual(['team-alice', 'team-bob']);
    await publish(folder);
    const reader = await client(folder);
    expect((await reader.findTarget(`release/${encodeURIComponent(gun)}/v2`))?.chain.at(-1)).toBe(
      'release.registry.example.team.web',
    );
    expect((await reader.findTarget(`release/${encodeURIComponent(GUN)}/v2`))?.chain.at(-1)).toBe('release');
  });

  it('leaves nothing behind when it fails', async () => {
    const parent = await temporaryFolder();
    const plan = planOf(recorded());
    const options = { onlineKey: online.publicKey, now: THEN };
    const entries = [{ path: '../x', length: 1, hashes: { sha256: '0'.repeat(64) } }];
    const broken = { ...plan, roles: plan.roles.map(role => ({ ...role, entries })) };
    await expect(importNotary(join(parent, 'trust'), broken, options)).rejects.toMatchObject({
      name: 'TouchmarkError',
    });
    await expect(importNotary(join(parent, 'trust'), plan, { now: THEN })).rejects.toMatchObject({
      code: 'usage-argument',
    });
    expect(readdirSync(parent)).toEqual([]);
    await writeFile(join(parent, 'file'), 'of somebody else');
    await expect(importNotary(parent, plan, options)).rejects.toMatchObject({ code: 'usage-file' });
  });

  it('is made of nothing that was not verified', async () => {
    const simulator = await NotarySimulator.create();
    simulator.signers['targets/bob'] = simulator.signers['targets/alice']!;
    expect(() => planOf(simulator.files())).toThrow('only what was verified is imported');
  });
});
