import { writeFileSync } from 'node:fs';
import { cp, readdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createSigner, generateKey, type Signer } from '../../src/crypto/index.js';
import { createStoreAccess, type StoreAccess } from '../../src/oci/open.js';
import { checkDestination, publishRepository } from '../../src/trust/index.js';
import {
  addTargets,
  initRepository,
  openRepository,
  publishStaged,
  signStaged,
} from '../../src/tuf/repository/index.js';
import { run } from '../peers/command.js';
import { PEERS } from '../peers/peer-list.js';
import { requirePeers } from '../peers/require-peers.js';
import { openSite, type Site } from './site.js';

const absent = await requirePeers(['docker-registry']);

describe.skipIf(absent)('a TUF repository in docker-registry', () => {
  let site: Site;
  let access: StoreAccess;
  let signers: readonly Signer[];
  let folder: string;
  const place = (name: string) => `oci://${site.registry.host}/${name}`;
  const open = (path = folder) => openRepository(path, { now: new Date() });
  const addAndPublish = async (path: string, names: readonly string[]) => {
    const targets = names.map(name => ({ path: name, bytes: Buffer.from(`content of ${name}`) }));
    await addTargets(await open(path), 'targets', targets);
    await signStaged(await open(path), { signers });
    await publishStaged(await open(path), { signers });
  };
  const publish = (path: string, name: string) =>
    publishRepository(access, { folder: path, destination: place(name), now: new Date() });

  beforeAll(async () => {
    site = await openSite('tuf-registry');
    access = createStoreAccess();
    const signer = await createSigner(await generateKey('ecdsa-p256'));
    signers = [signer];
    folder = site.scratch.file('authored');
    const role = { keys: [{ key: signer.publicKey }], threshold: 1, expiryDays: 30 };
    await initRepository(folder, {
      root: role,
      targets: role,
      snapshot: role,
      timestamp: role,
      now: new Date(),
    });
    await addAndPublish(folder, ['a/first']);
    writeFileSync(site.scratch.file('root.json'), await readFile(join(folder, 'metadata', '1.root.json')));
  });
  afterAll(async () => {
    await access?.close();
    await site?.close();
  });

  it('is published, audited and checked out by processes that know nothing but its root', async () => {
    expect(await publish(folder, 'small')).toMatchObject({ changed: true });
    const audit = await site.ok(
      'tuf',
      'verify',
      '--root',
      'root.json',
      '--targets',
      '-o',
      'json',
      place('small'),
    );
    expect(audit.json()).toMatchObject({ ok: true, contents: 1, history: 0 });
    await site.ok('tuf', 'checkout', '--root', 'root.json', '--targets', place('small'), 'copy');
    const copy = site.scratch.file('copy');
    for (const part of ['metadata', 'targets/a'])
      expect(await readdir(join(copy, part))).toEqual(await readdir(join(folder, part)));
    expect(await publish(copy, 'small')).toMatchObject({ changed: false });
    expect((await site.run('tuf', 'verify', '--root', 'root.json', place('nothing'))).code).toBe(20);
  });

  it('of two who publish at once one wins; the other keeps the work and is told', async () => {
    await publish(folder, 'race');
    const folders = ['one', 'two'].map(name => site.scratch.file(name));
    for (const [i, path] of folders.entries()) {
      await cp(folder, path, { recursive: true });
      await checkDestination(access, { folder: path, destination: place('race') });
      await addAndPublish(path, [`by-${i}`]);
    }
    const outcomes = await Promise.allSettled(folders.map(path => publish(path, 'race')));
    const codes = outcomes.map(outcome =>
      outcome.status === 'fulfilled' ? 'published' : outcome.reason.code,
    );
    expect([...codes].sort()).toEqual(['published', 'tuf-conflict']);
    const [winner, loser] = codes[0] === 'published' ? [0, 1] : [1, 0];
    const path = site.scratch.file('reader');
    await site.ok('tuf', 'checkout', '--root', 'root.json', place('race'), path);
    expect(await readFile(join(path, 'metadata', '2.targets.json'), 'utf8')).toContain(`by-${winner}`);
    const updated = await site.ok(
      ...['tuf', 'checkout', '--root', 'root.json', '-o', 'json', place('race'), folders[loser] as string],
    );
    const { setAside } = updated.json() as { setAside: string[] };
    const kept = setAside.find(name => name.endsWith('2.targets.json')) as string;
    expect(await readFile(kept, 'utf8')).toContain(`by-${loser}`);
  });

  it('with many files survives garbage collection whole', async () => {
    const many = site.scratch.file('many');
    await cp(folder, many, { recursive: true });
    const names = Array.from({ length: 700 }, (_, i) => `many/${i}`);
    await addAndPublish(many, names);
    await publish(many, 'many');
    await addAndPublish(many, ['many/more']);
    // Two manifests of many, and the index: what a change falls into.
    expect(await publish(many, 'many')).toMatchObject({ changed: true, uploaded: { files: 4 } });
    // Not with --delete-untagged: distribution 2.8 then deletes the manifests of every index, of images as well.
    const config = site.scratch.file('registry/config.yml');
    const collected = await run(PEERS['docker-registry'].path, ['garbage-collect', config]);
    expect(collected.code, collected.stderr).toBe(0);
    const fresh = site.scratch.file('fresh');
    const done = await site.ok(
      ...['tuf', 'checkout', '--root', 'root.json', '--targets', '-o', 'json', place('many'), fresh],
    );
    expect(done.json()).toMatchObject({ state: 'created', targets: { fetched: 702, missing: [] } });
    await rm(fresh, { recursive: true });
  });
});
