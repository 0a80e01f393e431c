import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { requirePeers } from '../peers/require-peers.js';
import { TUF_PEERS } from '../peers/tuf-peer.js';
import { type Loose, Simulator } from '../unit/tuf/simulator.js';
import { openTufSite, TUF_TOOLS, type TufSite } from './tuf-site.js';

const absent = await requirePeers(TUF_PEERS);

const PATHS = ['file.txt', 'team/file.txt'];
const LONG_AGO = '2020-01-01T00:00:00Z';

/** Sound: a root of two keys, its second version, a delegation, and everything listed with length and hashes. */
async function sound(): Promise<Simulator> {
  const repository = await Simulator.create();
  await repository.addKey('root');
  repository.signed('root').roles.root.threshold = 2;
  await repository.addKey('targets');
  repository.signed('root').roles.targets.threshold = 2;
  await repository.delegate('targets', 'team', { paths: ['team/*'] });
  repository.withHashes = true;
  repository.addTarget('targets', 'file.txt', 'what is listed');
  repository.addTarget('team', 'team/file.txt', 'what the team lists');
  repository.publishAll();
  repository.releaseRoot();
  return repository;
}

/** Changes the file of a role as it is served, and nothing that points at it. */
function rewrite(repository: Simulator, name: string, change: (envelope: Loose) => void): void {
  const envelope = JSON.parse(Buffer.from(repository.files.get(name)!).toString());
  change(envelope);
  repository.files.set(name, Buffer.from(JSON.stringify(envelope)));
}

/** Lists what is served as it is now, so that nothing but the defect itself is wrong with it. */
function relist(repository: Simulator): void {
  repository.withHashes = false;
  repository.publishAll();
}

const DEFECTS: Readonly<Record<string, (repository: Simulator) => void | Promise<void>>> = {
  'a timestamp of somebody else': async repository => {
    const role = repository.roles.get('timestamp')!;
    const { signer } = await repository.newKey();
    role.signers = role.signers.map(key => ({ ...key, signer }));
    repository.write('timestamp');
  },
  'a timestamp nobody signed': repository =>
    rewrite(repository, 'timestamp.json', envelope => {
      envelope.signatures = [];
    }),
  'a snapshot that was changed': repository =>
    rewrite(repository, '1.snapshot.json', envelope => {
      envelope.signed.meta['targets.json'].version = 7;
    }),
  'a snapshot of another version than the timestamp says': repository => {
    repository.signed('snapshot').version = 2;
    repository.files.set('1.snapshot.json', repository.file('snapshot'));
  },
  'targets that are not those the snapshot lists': repository => {
    repository.signed('targets').expires = '2031-06-01T00:00:00Z';
    repository.write('targets');
  },
  'targets signed by fewer than the threshold': repository => {
    repository.roles.get('targets')!.signers.pop();
    relist(repository);
  },
  'targets signed twice by one key': repository => {
    repository.roles.get('targets')!.signers.pop();
    const again = repository.roles.get('targets')!.signers[0]!;
    repository.roles.get('targets')!.signers.push({ ...again });
    relist(repository);
  },
  'targets with another type': repository => {
    repository.signed('targets')._type = 'snapshot';
    relist(repository);
  },
  'a threshold of 0': repository => {
    repository.signed('root').roles.timestamp.threshold = 0;
    repository.releaseRoot();
  },
  'an expired timestamp': repository => {
    repository.signed('timestamp').expires = LONG_AGO;
    repository.write('timestamp');
  },
  'an expired snapshot': repository => {
    repository.signed('snapshot').expires = LONG_AGO;
    relist(repository);
  },
  'expired targets': repository => {
    repository.signed('targets').expires = LONG_AGO;
    relist(repository);
  },
  'an expired root': repository => {
    repository.signed('root').expires = LONG_AGO;
    repository.releaseRoot();
  },
  'a root that says another version': repository => {
    repository.signed('root').version = 9;
    repository.files.set('3.root.json', repository.file('root'));
  },
  'a root that its predecessor did not sign': async repository => {
    await repository.rotate('root');
    await repository.addKey('root');
    repository.releaseRoot();
  },
  'a root that its own keys did not sign': async repository => {
    const before = [...repository.roles.get('root')!.signers];
    await repository.rotate('root');
    await repository.addKey('root');
    repository.roles.get('root')!.signers = before;
    repository.releaseRoot();
  },
  'a target file that was changed': repository => {
    for (const name of repository.targetFiles.keys())
      repository.targetFiles.set(name, Buffer.from('what is listeD'));
  },
  'a target file that was lengthened': repository => {
    for (const [name, bytes] of repository.targetFiles)
      repository.targetFiles.set(name, Buffer.concat([bytes, Buffer.from('!')]));
  },
  'a target file with a hash nobody knows': repository => {
    repository.signed('targets').targets['file.txt'].hashes.wonder = '00';
    relist(repository);
  },
  'a team that signs with another key': async repository => {
    repository.roles.get('team')!.signers = [await repository.newKey()];
    relist(repository);
  },
  'an expired team': repository => {
    repository.signed('team').expires = LONG_AGO;
    relist(repository);
  },
  'a team that the snapshot does not list': repository => {
    repository.withHashes = false;
    delete repository.signed('snapshot').meta['team.json'];
    repository.write('snapshot');
    repository.signed('timestamp').meta['snapshot.json'] = repository.describe('snapshot');
    repository.write('timestamp');
  },
};

/** What a second visit is served after a sound first one of version 2. */
const ROLLBACKS: Readonly<Record<string, (repository: Simulator) => void>> = {
  'an older timestamp': repository => {
    repository.signed('timestamp').version = 1;
    repository.write('timestamp');
  },
  'a newer timestamp that lists an older snapshot': repository => {
    repository.signed('timestamp').version++;
    repository.signed('timestamp').meta['snapshot.json'] = { version: 1 };
    repository.write('timestamp');
  },
  'a newer snapshot that lists older targets': repository => {
    for (const role of ['snapshot', 'timestamp']) repository.signed(role).version++;
    repository.signed('targets').version = 1;
    relist(repository);
  },
  'a newer snapshot that lists an older team': repository => {
    for (const role of ['snapshot', 'timestamp']) repository.signed(role).version++;
    repository.signed('team').version = 1;
    relist(repository);
  },
  'a newer snapshot without the team': repository => {
    for (const role of ['snapshot', 'timestamp']) repository.signed(role).version++;
    repository.withHashes = false;
    delete repository.signed('snapshot').meta['team.json'];
    repository.write('snapshot');
    repository.signed('timestamp').meta['snapshot.json'] = repository.describe('snapshot');
    repository.write('timestamp');
  },
};

describe.skipIf(absent)('what every TUF client refuses', () => {
  let site: TufSite;
  beforeAll(async () => {
    site = await openTufSite();
  });
  afterAll(() => site?.close());

  it.each(TUF_TOOLS)('nothing in the sound repository: %s', async tool => {
    const reading = await site.read(tool, site.publish(await sound()), PATHS);
    expect(reading).toMatchObject({ answers: [{ found: true }, { found: true }] });
  });

  describe.each(Object.entries(DEFECTS))('%s', (_, damage) => {
    it.each(TUF_TOOLS)('%s', async tool => {
      const repository = await sound();
      await damage(repository);
      expect(await site.read(tool, site.publish(repository), PATHS)).toHaveProperty('refused');
    });
  });

  describe.each(Object.entries(ROLLBACKS))('on a second visit, %s', (title, rollBack) => {
    it.each(TUF_TOOLS)('%s', async tool => {
      const repository = await sound();
      repository.release('targets', 'team');
      const folder = site.publish(repository);
      const visitor = `${tool} ${title}`.replaceAll(' ', '-');
      const first = await site.read(tool, folder, PATHS, visitor);
      expect(first).toMatchObject({ answers: [{ found: true }, { found: true }] });
      rollBack(repository);
      site.publish(repository, folder);
      expect(await site.read(tool, folder, PATHS, visitor)).toHaveProperty('refused');
    });
  });
});
