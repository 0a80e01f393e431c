import { describe, expect, it } from 'vitest';
import {
  listPackageChanges,
  type PackageChange,
  readTraced,
  traceDatabases,
} from '../../../src/packages/index.js';
import { f, soft, wh } from '../layers/constructs.js';
import { codeOf } from '../support.js';
import { deb, layer, STATUS } from './support.js';

/** `layer kind name before after` */
const say = (change: PackageChange): string => {
  const before = change.kind === 'added' ? '-' : `${change.before.version}@${change.before.layer}`;
  const after = change.kind === 'removed' ? '-' : change.after.version;
  const { name } = change.kind === 'added' ? change.after : change.before;
  return `${change.layer} ${change.kind} ${name} ${before} ${after}`;
};

const base = layer(f(STATUS, deb('libc6', '2.36-9') + deb('openssl', '3.0.1') + deb('netbase', '6.4')));

describe('changes of packages, layer by layer', () => {
  it('a version belongs to the layer that it came in with, whoever wrote the database last', () => {
    const runtime = layer(f(STATUS, deb('libc6', '2.36-9') + deb('openssl', '3.0.2') + deb('node', '20')));
    const app = layer(f(STATUS, deb('node', '20') + deb('libc6', '2.36-9') + deb('openssl', '3.0.2')));
    const { packages, changes } = listPackageChanges([base, layer(f('opt/x')), runtime, app]);
    expect(packages.map(one => `${one.name} ${one.version} ${one.layer}`)).toEqual([
      'libc6 2.36-9 0',
      'node 20 2',
      'openssl 3.0.2 2',
    ]);
    expect(changes.map(say)).toEqual([
      '0 added libc6 - 2.36-9',
      '0 added netbase - 6.4',
      '0 added openssl - 3.0.1',
      '2 removed netbase 6.4@0 -',
      '2 added node - 20',
      '2 changed openssl 3.0.1@0 3.0.2',
    ]);
  });

  it.each([
    ['by a whiteout of its own', wh('var/lib/dpkg/.wh.status')],
    ['with its folder', wh('var/lib/.wh.dpkg')],
    ['by an opaque folder', wh('var/lib/dpkg/.wh..wh..opq')],
  ])(
    'a database that is deleted %s takes its packages away, and one that comes later brings them anew',
    (_, gone) => {
      const again = layer(f(STATUS, deb('libc6', '2.36-9')));
      const { packages, changes } = listPackageChanges([base, layer(gone), again]);
      expect(changes.slice(3).map(say)).toEqual([
        '1 removed libc6 2.36-9@0 -',
        '1 removed netbase 6.4@0 -',
        '1 removed openssl 3.0.1@0 -',
        '2 added libc6 - 2.36-9',
      ]);
      expect(packages.map(({ layer }) => layer)).toEqual([2]);
    },
  );

  it('a package that is removed and comes back in another layer belongs to that one', () => {
    const without = layer(f(STATUS, deb('libc6', '2.36-9')));
    const { packages } = listPackageChanges([base, without, base]);
    expect(packages.map(one => `${one.name} ${one.layer}`)).toEqual(['libc6 0', 'netbase 2', 'openssl 2']);
  });

  it('links are followed to the file that the package manager would read', () => {
    const moved = layer(
      { path: 'srv/db/' },
      f('srv/db/status', deb('libc6', '1')),
      soft('var/lib/dpkg', '../../srv/db'),
    );
    const through = layer(f('var/lib/dpkg/status', deb('libc6', '2')));
    expect(traceDatabases([moved, through].map(({ entries }) => entries)).states.flat()).toMatchObject([
      { kind: 'dpkg', path: 'srv/db/status', layer: 0, entry: 'srv/db/status' },
      { kind: 'dpkg', path: 'srv/db/status', layer: 1, entry: 'var/lib/dpkg/status' },
    ]);
    expect(listPackageChanges([moved, through]).changes.map(say)).toEqual([
      '0 added libc6 - 1',
      '1 changed libc6 1@0 2',
    ]);
  });

  it('distroless: a file for each package, checksums are none; Alpine beside it', () => {
    const status = 'var/lib/dpkg/status.d';
    const lower = layer(
      f(`${status}/libc6`, 'Package: libc6\nVersion: 2\nArchitecture: amd64\n'),
      f(`${status}/libc6.md5sums`, 'd41d8cd98f00b204e9800998ecf8427e  usr/lib/libc.so.6\n'),
    );
    const upper = layer(
      f(`${status}/node`, 'Package: node\nVersion: 20\nArchitecture: amd64\n'),
      f('lib/apk/db/installed', 'P:musl\nV:1.2.4-r2\nA:x86_64\no:musl\nF:lib\nR:libc.so\n\n'),
    );
    expect(listPackageChanges([lower, upper]).packages).toEqual([
      {
        ...{ ecosystem: 'apk', name: 'musl', version: '1.2.4-r2', architecture: 'x86_64' },
        ...{ source: { name: 'musl', version: '1.2.4-r2' }, layer: 1 },
      },
      {
        ...{ ecosystem: 'deb', name: 'libc6', version: '2', architecture: 'amd64' },
        ...{ source: { name: 'libc6', version: '2' }, layer: 0 },
      },
      {
        ...{ ecosystem: 'deb', name: 'node', version: '20', architecture: 'amd64' },
        ...{ source: { name: 'node', version: '20' }, layer: 1 },
      },
    ]);
  });

  it('updates that dpkg has not put into its database yet count, in their order', () => {
    const updates = layer(
      f('var/lib/dpkg/updates/0001', deb('openssl', '3.0.2', 'install ok unpacked')),
      f('var/lib/dpkg/updates/0002', deb('netbase', '6.4', 'deinstall ok config-files')),
      f('var/lib/dpkg/updates/tmp.i', 'cut sho'),
    );
    expect(listPackageChanges([base, updates]).changes.slice(3).map(say)).toEqual([
      '1 removed netbase 6.4@0 -',
      '1 changed openssl 3.0.1@0 3.0.2',
    ]);
  });

  it('one name in two architectures is two packages', () => {
    const both = (amd: string, arm: string): string =>
      deb('libc6', amd) + deb('libc6', arm).replace('amd64', 'arm64');
    const layers = [layer(f(STATUS, both('1', '1'))), layer(f(STATUS, both('1', '2')))];
    expect(listPackageChanges(layers).changes.slice(2)).toMatchObject([
      { kind: 'changed', before: { architecture: 'arm64', layer: 0 }, after: { version: '2', layer: 1 } },
    ]);
  });

  it('work is bounded: files and packages are counted again after each layer that has them, or changes them', () => {
    const change = layer(f(STATUS, deb('libc6', '3')));
    const other = layer(f('opt/x'));
    const layers = [base, other, other, change];
    const indexes = layers.map(({ entries }) => entries);
    const { states } = traceDatabases(indexes, 4);
    expect(codeOf(() => traceDatabases(indexes, 3))).toBe('limit-exceeded');
    const contentOf = (file: { layer: number; entry: string }) =>
      layers[file.layer]?.captured.get(file.entry);
    expect(readTraced(states, contentOf, 4).packages).toHaveLength(1);
    expect(codeOf(() => readTraced(states, contentOf, 3))).toBe('limit-exceeded');
  });

  it('a database that is damaged is said with its file and layer, and never taken for none', () => {
    const fault = (entries: ReturnType<typeof layer>): unknown => {
      try {
        return listPackageChanges([base, entries]);
      } catch (error) {
        return error;
      }
    };
    expect(fault(layer(f(STATUS, 'Package: x\nStatus: install ok installed\n\n')))).toMatchObject({
      code: 'format-packages',
      message: expect.stringContaining(
        '"/var/lib/dpkg/status" of layer 1 is damaged: the package x has no version',
      ),
      details: { file: '/var/lib/dpkg/status', layer: 1 },
    });
    expect(fault(layer({ path: `${STATUS}/` }))).toMatchObject({ code: 'format-packages' });
    expect(codeOf(() => listPackageChanges([{ ...base, captured: new Map() }]))).toBe('internal');
  });
});
