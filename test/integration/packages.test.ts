import { cpSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createStoreAccess } from '../../src/oci/open.js';
import { diffImages } from '../../src/verify/diff-images.js';
import type { DiffedPackage, DiffReport } from '../../src/verify/diff-report.js';
import { runOk } from '../peers/command.js';
import { prepareDebianImages } from '../peers/debian-image.js';
import { PEERS } from '../peers/peer-list.js';
import { requirePeers } from '../peers/require-peers.js';
import { createScratch, type Scratch } from '../peers/scratch.js';

const absent = await requirePeers(['umoci', 'skopeo', 'debootstrap', 'zstd']);

/**
 * `base`, `team-runtime` (installs netbase), and on those `held` (dpkg writes its database again and changes no package) and
 * `purged` (netbase is gone): a layer each.
 */
describe.skipIf(absent)('packages of Debian images', () => {
  let scratch: Scratch;
  let layout: string;
  /** What dpkg-query says of each image: `name version architecture source source-version`. */
  const said = new Map<string, readonly string[]>();
  const access = createStoreAccess();

  beforeAll(async () => {
    scratch = createScratch('packages');
    layout = scratch.file('layout');
    cpSync((await prepareDebianImages(console.warn)).layout, layout, { recursive: true });
    const bundle = scratch.file('bundle');
    const root = `${bundle}/rootfs`;
    const rootless = process.getuid?.() === 0 ? [] : ['--rootless'];
    const umoci = (...args: string[]) => runOk(PEERS.umoci.path, args, { env: scratch.env });
    const query = async (tag: string): Promise<void> => {
      const fields =
        // biome-ignore lint/suspicious/noTemplateCurlyInString: they are dpkg-query's own
        '${Package} ${Version} ${Architecture} ${source:Package} ${source:Version} ${db:Status-Status}\n';
      const { stdout } = await runOk('dpkg-query', [`--admindir=${root}/var/lib/dpkg`, '-W', '-f', fields]);
      const lines = stdout.split('\n').filter(line => line.endsWith(' installed'));
      said.set(tag, lines.map(line => line.slice(0, -' installed'.length)).sort());
    };
    const dpkg = (...args: string[]) => [
      `--root=${root}`,
      '--force-not-root',
      '--force-script-chrootless',
      ...args,
    ];
    await umoci('new', '--image', `${layout}:empty`);
    await umoci('unpack', ...rootless, '--image', `${layout}:team-runtime`, bundle);
    await query('team-runtime');
    await runOk('dpkg', dpkg('--set-selections'), { input: 'bash hold\nnetbase hold\n' });
    await umoci('repack', '--refresh-bundle', '--image', `${layout}:held`, bundle);
    await query('held');
    await runOk('dpkg', dpkg('--force-hold', '--purge', 'netbase'));
    await umoci('repack', '--refresh-bundle', '--image', `${layout}:purged`, bundle);
    await query('purged');
  });
  afterAll(async () => {
    await access.close();
    scratch?.remove();
  });

  const diff = (before: string, after: string): Promise<DiffReport> =>
    diffImages(access, [`oci:${layout}:${before}`, `oci:${layout}:${after}`], {
      now: new Date(),
      parts: ['packages'],
      cacheFolder: scratch.file('cache'),
    });

  const listed = ({ name, after }: DiffedPackage): string =>
    [name, after?.version, after?.architecture, after?.source?.name, after?.source?.version].join(' ');

  it.each(['team-runtime', 'held', 'purged'])('%s has the packages that dpkg-query lists', async tag => {
    // Against an image without any, every package is one that came.
    const { packages } = await diff('empty', tag);
    expect(packages.length).toBeGreaterThan(70);
    expect(packages.map(listed).sort()).toEqual(said.get(tag));
  });

  it('a package belongs to the layer that brought it, and not to the last that wrote the database', async () => {
    const { packages } = await diff('base', 'held');
    expect(packages).toMatchObject([{ name: 'netbase', change: 'added', layer: 1, before: null }]);
    expect((await diff('team-runtime', 'held')).packages).toEqual([]);
  });

  it('a package that is gone was taken away by the layer that did so, and by none where none had it', async () => {
    const gone = { name: 'netbase', change: 'removed', after: null, before: { layer: 1 } };
    expect((await diff('held', 'purged')).packages).toMatchObject([{ ...gone, layer: 3 }]);
    expect((await diff('held', 'base')).packages).toMatchObject([{ ...gone, layer: null }]);
  });
});
