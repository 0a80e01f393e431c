import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { parseManifest, rawManifest, serializeManifest } from '../../../src/oci/manifest.js';
import { openStore } from '../../../src/oci/open.js';
import { parseReference } from '../../../src/oci/reference.js';
import { startRegistry } from '../../../src/testing/index.js';
import { checkDestination, publishRepository } from '../../../src/trust/publish.js';
import { codeOfAsync, text } from '../support.js';
import { LATER, NOW, Simulator } from '../tuf/simulator.js';
import { scratch, storeAccess, visitor, writeRepository } from './support.js';

async function registry() {
  const started = await startRegistry();
  onTestFinished(() => started.close());
  return started;
}

async function authored(change: (repository: Simulator) => void | Promise<void> = () => {}) {
  const repository = await Simulator.create();
  repository.addTarget('targets', 'a/tool', 'hello');
  await change(repository);
  repository.release('targets');
  const folder = await scratch();
  await writeRepository(repository, folder);
  return { repository, folder };
}

const publish = (folder: string, destination: string, now = NOW) =>
  publishRepository(storeAccess(), { folder, destination, now });

/** The files of a repository by name, as a fresh reader of the registry gets them. */
async function filesAt(destination: string) {
  const store = await openStore(parseReference(destination.slice('oci://'.length)), storeAccess());
  const raw = await store.fetchManifest({ tag: 'latest' });
  const manifest = parseManifest(raw!);
  if (manifest.kind !== 'image') throw new Error('an index');
  return new Map(manifest.layers.map(layer => [layer.annotations?.['tuf.io/filename'] as string, layer]));
}

describe('a repository in a registry', () => {
  it('holds every file, byte for byte, and is read as it was published', async () => {
    const { host } = await registry();
    const { repository, folder } = await authored(async simulator => {
      await simulator.delegate('targets', 'team-a', { paths: ['x/*'] });
      simulator.addTarget('team-a', 'x/y', 'there');
    });
    const destination = `oci://${host}/trust`;
    const done = await publish(folder, destination);
    const names = [
      ...repository.files.keys(),
      ...[...repository.targetFiles.keys()].map(n => `targets/${n}`),
    ];
    expect(done).toMatchObject({ changed: true, files: names.length, place: `${destination}:latest` });
    expect([...(await filesAt(destination)).keys()].sort()).toEqual(names.sort());
    const { client } = await (await visitor(repository, destination)).open();
    expect(text(await client.fetchTarget((await client.findTarget('x/y'))!))).toBe('there');
    expect(await client.findTarget('nothing')).toBeUndefined();
  });

  it('the tag moves last, and nothing new is nothing written', async () => {
    const { host, requests, clearRequests } = await registry();
    const { repository, folder } = await authored();
    await publish(folder, `oci://${host}/trust`);
    const writes = () => requests.filter(({ method }) => method !== 'GET' && method !== 'HEAD');
    const [last] = writes().slice(-1);
    expect(`${last?.method} ${last?.path}`).toBe('PUT /v2/trust/manifests/latest');
    clearRequests();
    expect(await publish(folder, `oci://${host}/trust`)).toMatchObject({ changed: false });
    expect(writes()).toEqual([]);

    repository.addTarget('targets', 'a/new', 'new');
    repository.release('targets');
    await writeRepository(repository, folder);
    expect(await publish(folder, `oci://${host}/trust`)).toMatchObject({ uploaded: { files: 4 } });
  });

  it('a refresh with nothing new reads one manifest and nothing else', async () => {
    const { host, requests, clearRequests } = await registry();
    const { repository, folder } = await authored();
    await publish(folder, `oci://${host}/trust`);
    const user = await visitor(repository, `oci://${host}/trust`);
    await user.open();
    clearRequests();
    const { client } = await user.open();
    expect(await client.findTarget('a/tool')).toBeDefined();
    expect(requests.map(({ path }) => path)).toEqual(['/v2/trust/manifests/latest']);
  });

  it('is one moment for its reader, whatever is published meanwhile', async () => {
    const { host } = await registry();
    const { repository, folder } = await authored();
    const destination = `oci://${host}/trust`;
    await publish(folder, destination);
    const { client } = await (await visitor(repository, destination)).open();
    repository.addTarget('targets', 'a/tool', 'changed');
    repository.release('targets');
    await writeRepository(repository, folder);
    await publish(folder, destination);
    expect(text(await client.fetchTarget((await client.findTarget('a/tool'))!))).toBe('hello');
  });

  it('the same in an image layout on disk', async () => {
    const { repository, folder } = await authored();
    const layout = `oci:${join(await scratch(), 'layout')}:trust`;
    await publish(folder, layout);
    const user = await visitor(repository, layout);
    const { client } = await user.open({ offline: true });
    expect(client.status.offline).toBe(false);
    expect(text(await client.fetchTarget((await client.findTarget('a/tool'))!))).toBe('hello');
    expect(await codeOfAsync((await visitor(repository, `${layout}2`)).open())).toBe('tuf-unavailable');
  });

  it('targets may be missing from the folder: those that are there stay', async () => {
    const { host } = await registry();
    const { repository, folder } = await authored();
    const destination = `oci://${host}/trust`;
    await publish(folder, destination);
    await rm(join(folder, 'targets'), { recursive: true });
    repository.release('targets');
    await writeRepository(repository, folder);
    await rm(join(folder, 'targets'), { recursive: true });
    await publish(folder, destination);
    const { client } = await (await visitor(repository, destination)).open();
    expect(text(await client.fetchTarget((await client.findTarget('a/tool'))!))).toBe('hello');
  });

  it('a killed upload goes on where it was, and until its end the old one is read', async () => {
    const { host, setFault, requests, clearRequests } = await registry();
    const { repository, folder } = await authored();
    const destination = `oci://${host}/trust`;
    await publish(folder, destination);
    repository.release('targets');
    await writeRepository(repository, folder);
    for (let kill = 0; ; kill++) {
      let writes = 0;
      setFault(({ method, path }) =>
        method === 'PUT' || (method === 'POST' && path.includes('uploads'))
          ? writes++ >= kill
            ? { status: 403 }
            : undefined
          : undefined,
      );
      const code = await codeOfAsync(publish(folder, destination));
      setFault(undefined);
      const { client } = await (await visitor(repository, destination)).open();
      expect(client.status.roles.timestamp.version).toBe(code === undefined ? 3 : 2);
      if (code === undefined) break;
      expect(code).toBe('oci-unauthorized');
      expect(kill).toBeLessThan(20);
    }
    clearRequests();
    await publish(folder, destination);
    expect(requests.filter(({ method }) => method === 'POST')).toEqual([]);
  });
});

describe('what is not published', () => {
  async function two() {
    const started = await registry();
    const { repository, folder } = await authored();
    const destination = `oci://${started.host}/trust`;
    await publish(folder, destination);
    // Somebody else publishes from a folder of their own.
    const elsewhere = await scratch();
    const files = new Map(repository.files);
    repository.addTarget('targets', 'theirs', 'theirs');
    repository.release('targets');
    await writeRepository(repository, elsewhere);
    return { ...started, repository, folder, elsewhere, destination, files };
  }

  it('a folder that does not know what somebody else published', async () => {
    const { repository, folder, elsewhere, destination, files } = await two();
    await publish(elsewhere, destination);
    const before = await filesAt(destination);
    // The old folder as it is: older than what is there.
    expect(await codeOfAsync(publish(folder, destination))).toBe('tuf-conflict');
    expect(await codeOfAsync(checkDestination(storeAccess(), { folder, destination }))).toBe('tuf-conflict');
    // And with a publication of its own in the same versions.
    repository.files.clear();
    for (const [name, bytes] of files) repository.files.set(name, bytes);
    for (const role of ['targets', 'snapshot', 'timestamp']) repository.signed(role).version--;
    delete repository.signed('targets').targets.theirs;
    repository.addTarget('targets', 'mine', 'mine');
    repository.release('targets');
    await writeRepository(repository, folder);
    expect(await codeOfAsync(publish(folder, destination))).toBe('tuf-conflict');
    expect(await filesAt(destination)).toEqual(before);
    // The work is kept.
    expect(text(await readFile(join(folder, 'metadata', '3.targets.json')))).toContain('mine');
  });

  it('a refresh by somebody else counts as well', async () => {
    const { repository, folder, destination } = await two();
    const elsewhere = await scratch();
    repository.release();
    await writeRepository(repository, elsewhere);
    await publish(elsewhere, destination);
    expect(await codeOfAsync(publish(folder, destination))).toBe('tuf-conflict');
  });

  it('of two at once one wins, and the other is told', async () => {
    const { repository, folder, elsewhere, destination, files } = await two();
    repository.files.clear();
    for (const [name, bytes] of files) repository.files.set(name, bytes);
    for (const role of ['targets', 'snapshot', 'timestamp']) repository.signed(role).version--;
    delete repository.signed('targets').targets.theirs;
    repository.addTarget('targets', 'mine', 'mine');
    repository.release('targets');
    await writeRepository(repository, folder);
    const codes = await Promise.all([folder, elsewhere].map(one => codeOfAsync(publish(one, destination))));
    expect(codes.filter(code => code === undefined)).toHaveLength(1);
    expect(codes.filter(code => code === 'tuf-conflict')).toHaveLength(1);
    const winner = codes[0] === undefined ? 'mine' : 'theirs';
    const { client } = await (await visitor(repository, destination)).open();
    expect(await client.findTarget(winner)).toBeDefined();
  });

  it('what a client would refuse: expired, incomplete, not signed', async () => {
    const { host } = await registry();
    const { repository, folder } = await authored();
    const destination = `oci://${host}/trust`;
    expect(await codeOfAsync(publish(folder, destination, new Date(LATER)))).toBe('tuf-expired');
    await repository.delegate('targets', 'team-a');
    repository.release('targets');
    await writeRepository(repository, folder);
    const lost = join(folder, 'metadata', '1.team-a.json');
    const kept = await readFile(lost);
    await rm(lost);
    expect(await codeOfAsync(publish(folder, destination))).toBe('tuf-unavailable');
    await writeFile(lost, kept);
    repository.roles.get('snapshot')!.signers = [];
    repository.release();
    await writeRepository(repository, folder);
    expect(await codeOfAsync(publish(folder, destination))).toBe('tuf-threshold');
    expect(await codeOfAsync(filesAt(destination).catch(() => undefined))).toBeUndefined();
    await rm(folder, { recursive: true });
    await mkdir(folder);
    expect(await codeOfAsync(publish(folder, destination))).toBe('tuf-unavailable');
  });

  it('an expired publication may be replaced', async () => {
    const { host } = await registry();
    const { repository, folder } = await authored(simulator => {
      simulator.signed('timestamp').expires = '2030-05-01T00:00:00Z';
    });
    const destination = `oci://${host}/trust`;
    await publish(folder, destination, new Date('2030-04-01T00:00:00Z'));
    repository.signed('timestamp').expires = LATER;
    repository.release();
    await writeRepository(repository, folder);
    expect(await publish(folder, destination)).toMatchObject({ changed: true });
  });

  it('over an image, to a digest, to a web server', async () => {
    const { host } = await registry();
    const { folder } = await authored();
    const access = storeAccess();
    const store = await openStore(parseReference(`${host}/app:latest`), access);
    const config = { mediaType: 'application/vnd.oci.image.config.v1+json', bytes: Buffer.from('{}') };
    const { descriptor } = rawManifest(config.mediaType, config.bytes);
    await store.writeBlob(descriptor, config.bytes);
    await store.writeManifest(serializeManifest({ config: descriptor, layers: [] }), 'latest');
    expect(await codeOfAsync(publish(folder, `oci://${host}/app`))).toBe('tuf-conflict');
    const digest = `sha256:${'0'.repeat(64)}`;
    expect(await codeOfAsync(publish(folder, `oci://${host}/trust@${digest}`))).toBe('usage-argument');
    expect(await codeOfAsync(publish(folder, 'https://tuf.example/'))).toBe('usage-argument');
  });
});
