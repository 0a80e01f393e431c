import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  addRoleKey,
  addTargets,
  delegateRole,
  makeKeyEntry,
  publishStaged,
  refreshOnline,
  removeRoleKey,
  removeTargets,
  revokeRole,
  setThreshold,
  signStaged,
} from '../../src/tuf/repository/index.js';
import { requirePeers } from '../peers/require-peers.js';
import { TUF_PEERS } from '../peers/tuf-peer.js';
import { keysOf, publishedRepository, signerOf, signers } from '../unit/tuf/repository/support.js';
import { openTufSite, TUF_TOOLS, type TufSite } from './tuf-site.js';

const absent = await requirePeers(TUF_PEERS);

describe.skipIf(absent)('a repository over its life, seen by clients that keep coming back', () => {
  let site: TufSite;
  beforeAll(async () => {
    site = await openTufSite();
  });
  afterAll(() => site?.close());

  it('edits, delegation, revocation, a new root holder, a stolen online key, refresh', async () => {
    const repository = await publishedRepository(site.scratch.file('life'));
    let online = await signers('online');
    const publish = async (...names: string[]): Promise<void> => {
      await signStaged(repository, { signers: await signers(...names) });
      await publishStaged(repository, { signers: online });
    };
    const file = (path: string) => ({ path, bytes: Buffer.from(path) });
    const keyidOf = async (name: string) => makeKeyEntry((await signerOf(name)).publicKey).keyid;
    const [team, dee, online2] = await keysOf('team', 'dee', 'online2');
    if (!team || !dee || !online2) throw new Error('no keys');

    const paths = ['one.txt', 'team/two.txt'];
    const visit = async (...found: readonly string[]): Promise<void> => {
      const expected = { answers: paths.map(path => ({ path, found: found.includes(path) })) };
      for (const tool of TUF_TOOLS)
        expect(await site.read(tool, 'life', paths, 'regular'), tool).toMatchObject(expected);
    };

    await visit();
    await addTargets(repository, 'targets', [file('one.txt')]);
    await publish('cyd');
    await visit('one.txt');

    await delegateRole(repository, {
      name: 'team',
      keys: [team],
      threshold: 1,
      paths: ['team/*'],
      expiryDays: 30,
    });
    await addTargets(repository, 'team', [file('team/two.txt')]);
    await publish('cyd', 'team');
    await visit('one.txt', 'team/two.txt');

    await addRoleKey(repository, 'root', dee);
    await removeRoleKey(repository, 'root', await keyidOf('ben'));
    await publish('ada', 'ben', 'dee');
    await setThreshold(repository, 'root', 1);
    await publish('ada', 'dee');
    await visit('one.txt', 'team/two.txt');

    for (const role of ['snapshot', 'timestamp']) {
      await addRoleKey(repository, role, online2);
      await removeRoleKey(repository, role, await keyidOf('online'));
    }
    online = await signers('online2');
    await publish('ada');
    await visit('one.txt', 'team/two.txt');
    await refreshOnline(repository, { signers: online, snapshot: true });
    await visit('one.txt', 'team/two.txt');

    await removeTargets(repository, 'targets', ['one.txt']);
    await publish('cyd');
    await visit('team/two.txt');
    await revokeRole(repository, 'team');
    await publish('cyd');
    await visit();
  });
});
