import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { startRegistry } from '../../../src/testing/index.js';
import { checkoutRepository } from '../../../src/trust/checkout.js';
import { parseTrustLocation } from '../../../src/trust/location.js';
import { publishRepository } from '../../../src/trust/publish.js';
import { codeOfAsync } from '../support.js';
import { NOW, Simulator } from '../tuf/simulator.js';
import { scratch, serve, storeAccess, writeRepository } from './support.js';

async function team() {
  const repository = await Simulator.create();
  await repository.delegate('targets', 'team-a', { paths: ['a/*'] });
  await repository.delegate('team-a', 'deeper', { paths: ['a/*'] });
  repository.addTarget('team-a', 'a/x', 'x');
  repository.addTarget('targets', 'y', 'y');
  repository.release('targets', 'team-a');
  await repository.rotate('targets');
  repository.releaseRoot();
  repository.release('targets');
  return repository;
}

const from = (
  repository: Simulator,
  place: string,
  folder: string,
  more: { root?: Uint8Array; targets?: boolean } = {},
) =>
  checkoutRepository(storeAccess(), {
    location: parseTrustLocation(place),
    root: repository.files.get('1.root.json') as Uint8Array,
    folder,
    now: NOW,
    ...more,
  });

const contents = async (folder: string, names: readonly string[]) =>
  Object.fromEntries(
    await Promise.all(names.map(async name => [name, (await readFile(join(folder, name))).toString()])),
  );

describe('a working folder', () => {
  it('has all roots and all that is current, byte for byte', async () => {
    const repository = await team();
    const server = await serve(repository);
    const folder = join(await scratch(), 'work');
    const done = await from(repository, server.url, folder, { targets: true });
    expect(done).toMatchObject({
      state: 'created',
      versions: { root: 2, targets: 3 },
      roles: 3,
      firstRoot: 1,
      targets: { fetched: 2, missing: [] },
      staged: [],
    });
    const metadata = (await readdir(join(folder, 'metadata'))).sort();
    expect(metadata).toEqual(
      ['1.root.json', '2.root.json', '3.targets.json', '2.team-a.json', '1.deeper.json']
        .concat('3.snapshot.json', 'timestamp.json')
        .sort(),
    );
    const expected = Object.fromEntries(
      metadata.map(name => [name, Buffer.from(repository.files.get(name)!).toString()]),
    );
    expect(await contents(join(folder, 'metadata'), metadata)).toEqual(expected);
    expect(await from(repository, server.url, folder, { targets: true })).toMatchObject({
      state: 'current',
      written: 0,
      targets: { fetched: 0 },
    });
  });

  it('begins at a later root, and still has the earlier ones', async () => {
    const repository = await team();
    const server = await serve(repository);
    const root = repository.files.get('2.root.json') as Uint8Array;
    const done = await from(repository, server.url, await scratch(), { root });
    expect(done).toMatchObject({ firstRoot: 1, versions: { root: 2 } });
    repository.files.delete('1.root.json');
    expect(await from(repository, server.url, await scratch(), { root })).toMatchObject({ firstRoot: 2 });
    // An earlier root that did not lead to this one.
    const stranger = await Simulator.create();
    await stranger.rotate('root');
    repository.files.set('1.root.json', stranger.file('root'));
    expect(await codeOfAsync(from(repository, server.url, await scratch(), { root }))).toBe(
      'tuf-root-threshold',
    );
  });

  it('is brought up to date, and what is staged stays', async () => {
    const repository = await team();
    const server = await serve(repository);
    const folder = await scratch();
    await from(repository, server.url, folder);
    const staged = join(folder, 'staged', 'metadata');
    await mkdir(staged, { recursive: true });
    await writeFile(join(staged, 'team-a.json'), '{"mine":1}');
    repository.release('team-a');
    expect(await from(repository, server.url, folder)).toMatchObject({
      state: 'updated',
      staged: ['team-a'],
      setAside: [],
    });
    expect(await readFile(join(staged, 'team-a.json'), 'utf8')).toBe('{"mine":1}');
    expect(await readdir(join(folder, 'metadata'))).toContain('3.team-a.json');
  });

  it('that published what nobody else has keeps it: ahead, or set aside', async () => {
    const repository = await team();
    const folder = await scratch();
    await writeRepository(repository, folder);
    const before = new Map(repository.files);
    // It publishes on; the server is still at the earlier state.
    const versions = Object.fromEntries(
      ['targets', 'snapshot', 'timestamp'].map(role => [role, repository.signed(role).version]),
    );
    repository.addTarget('targets', 'mine', 'mine');
    repository.release('targets');
    await writeRepository(repository, folder);
    const server = await serve(repository);
    repository.files.clear();
    for (const [name, bytes] of before) repository.files.set(name, bytes);
    expect(await from(repository, server.url, folder)).toMatchObject({ state: 'ahead', written: 0 });
    expect(await readdir(join(folder, 'metadata'))).toContain('4.targets.json');

    // Somebody else publishes the same version with another content.
    for (const [role, version] of Object.entries(versions)) repository.signed(role).version = version;
    delete repository.signed('targets').targets.mine;
    repository.addTarget('targets', 'theirs', 'theirs');
    repository.release('targets');
    const done = await from(repository, server.url, folder);
    expect(done.state).toBe('updated');
    expect(done.setAside.map(name => name.split('/').at(-1))).toEqual(['4.targets.json']);
    expect(await readFile(done.setAside.at(-1)!, 'utf8')).toContain('mine');
    expect(await readFile(join(folder, 'metadata', '4.targets.json'), 'utf8')).toContain('theirs');
  });

  it('is not taken back to an older repository', async () => {
    const repository = await team();
    const server = await serve(repository);
    const old = new Map(repository.files);
    repository.release('targets');
    const folder = await scratch();
    await from(repository, server.url, folder);
    repository.files.clear();
    for (const [name, bytes] of old) repository.files.set(name, bytes);
    expect(await codeOfAsync(from(repository, server.url, folder))).toBe('tuf-rollback');
  });

  it('nothing is written when something does not verify', async () => {
    const repository = await team();
    repository.roles.get('deeper')!.signers = [await repository.newKey()];
    repository.release('deeper');
    const server = await serve(repository);
    const folder = join(await scratch(), 'work');
    expect(await codeOfAsync(from(repository, server.url, folder))).toBe('tuf-threshold');
    expect(await readdir(folder).catch(() => 'none')).toBe('none');
  });

  it('targets that the repository does not keep are named, and others are verified', async () => {
    const repository = await team();
    const server = await serve(repository);
    const [first = ''] = repository.targetFiles.keys();
    const kept = repository.targetFiles.get(first)!;
    repository.targetFiles.delete(first);
    const folder = await scratch();
    expect(await from(repository, server.url, folder, { targets: true })).toMatchObject({
      targets: { fetched: 1, missing: ['a/x'] },
    });
    repository.targetFiles.set(first, Buffer.from('z'));
    expect(await codeOfAsync(from(repository, server.url, folder, { targets: true }))).toBe(
      'tuf-hash-mismatch',
    );
    repository.targetFiles.set(first, kept);
    expect(await from(repository, server.url, folder, { targets: true })).toMatchObject({
      targets: { fetched: 1, missing: [] },
    });
  });

  it('without versions in file names is not made', async () => {
    const repository = await Simulator.create();
    repository.signed('root').consistent_snapshot = false;
    repository.write('root');
    for (const role of ['targets', 'snapshot'])
      repository.files.set(`${role}.json`, repository.files.get(`1.${role}.json`)!);
    const server = await serve(repository);
    expect(await codeOfAsync(from(repository, server.url, await scratch()))).toBe('usage-argument');
  });
});

it('what one publishes another checks out, edits and publishes, and the first one learns of it', async () => {
  const registry = await startRegistry();
  onTestFinished(() => registry.close());
  const destination = `oci://${registry.host}/trust`;
  const repository = await team();
  const [mine, theirs] = [await scratch(), await scratch()];
  await writeRepository(repository, mine);
  const publish = (folder: string) => publishRepository(storeAccess(), { folder, destination, now: NOW });
  await publish(mine);
  expect(await from(repository, destination, theirs)).toMatchObject({ state: 'created' });
  expect(await publish(theirs)).toMatchObject({ changed: false });
  repository.addTarget('team-a', 'a/new', 'new');
  repository.release('team-a');
  // Only what this machine made and knows: no history, no targets of others.
  for (const name of ['3.team-a.json', '4.snapshot.json', 'timestamp.json'])
    await writeFile(join(theirs, 'metadata', name), repository.files.get(name)!);
  await publish(theirs);
  expect(await codeOfAsync(publish(mine))).toBe('tuf-conflict');
  expect(await from(repository, destination, mine)).toMatchObject({ state: 'updated', setAside: [] });
  expect(await publish(mine)).toMatchObject({ changed: false });
  await rm(mine, { recursive: true });
});
