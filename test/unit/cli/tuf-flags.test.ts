import { readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import type { TufFlagValues } from '../../../src/cli/flags/tuf.js';
import { openTrust } from '../../../src/cli/open-trust.js';
import { codeOfAsync } from '../support.js';
import { scratch, serve, storeAccess, writeRepository } from '../trust/support.js';
import { NOW, Simulator } from '../tuf/simulator.js';

async function user() {
  const repository = await Simulator.create();
  const home = await scratch();
  const root = join(home, 'root.json');
  await writeFile(root, repository.files.get('1.root.json')!);
  const server = await serve(repository);
  const warnings: string[] = [];
  const open = async (flags: TufFlagValues, { offline = false, now = NOW } = {}) => {
    const access = storeAccess({ offline, environment: { XDG_DATA_HOME: home } });
    const trust = await openTrust(flags, { access, now, onWarning: text => warnings.push(text) });
    onTestFinished(() => trust?.close());
    return trust;
  };
  return { repository, home, root, server, warnings, open };
}

describe('--tuf and --root', () => {
  it('are nothing without each other, and nothing at all when neither is given', async () => {
    const { open, root, server } = await user();
    expect(await open({})).toBeUndefined();
    expect(await codeOfAsync(open({ root }))).toBe('usage-argument');
    expect(await codeOfAsync(open({ tuf: server.url }))).toBe('usage-argument');
    expect(await codeOfAsync(open({ tuf: server.url, root: `${root}x` }))).toBe('usage-file');
  });

  it('keep what was seen in one folder for each place and root', async () => {
    const { repository, home, root, server, open } = await user();
    await writeRepository(repository, join(home, 'copy'));
    await open({ tuf: server.url, root });
    await open({ tuf: join(home, 'copy'), root });
    await open({ tuf: `${server.url}/`, root });
    const folders = await readdir(join(home, 'touchmark', 'tuf'));
    expect(folders).toHaveLength(2);
    expect(folders.every(name => /^[A-Za-z0-9._-]+-[0-9a-f]{32}$/.test(name))).toBe(true);
    await open({ tuf: server.url, root, 'tuf-cache': join(home, 'elsewhere') });
    expect(await readdir(join(home, 'elsewhere'))).toHaveLength(1);
  });

  it('offline go by what was seen last, and say how old it is', async () => {
    const { root, server, warnings, open } = await user();
    await open({ tuf: server.url, root });
    server.requests.length = 0;
    const now = new Date(NOW.getTime() + 3 * 86_400_000);
    const trust = await open({ tuf: server.url, root }, { offline: true, now });
    expect(trust?.client.status.offline).toBe(true);
    expect(warnings).toEqual(['offline: trust is as of 2030-06-01T00:00Z, 3 days ago']);
    expect(server.requests).toEqual([]);
  });

  it('another root is another repository: what an attacker hands out does not meet what was seen', async () => {
    const { home, server, open } = await user();
    const stranger = await Simulator.create();
    await stranger.rotate('timestamp');
    await writeFile(join(home, 'other.json'), stranger.file('root'));
    expect(await codeOfAsync(open({ tuf: server.url, root: join(home, 'other.json') }))).toBe(
      'tuf-threshold',
    );
  });
});
