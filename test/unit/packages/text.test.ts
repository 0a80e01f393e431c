import { describe, expect, it } from 'vitest';
import type { TouchmarkError } from '../../../src/base/errors.js';
import { LIMITS } from '../../../src/base/limits.js';
import { parseApkInstalled, parseDpkgStatus } from '../../../src/packages/index.js';
import { codeOf } from '../support.js';
import { deb } from './support.js';

const DAMAGED = 'format-packages';
const dpkg = (text: string | Uint8Array) => parseDpkgStatus(Buffer.from(text as string));
const apk = (text: string) => parseApkInstalled(Buffer.from(text));
const names = (packages: readonly { readonly name: string }[]): string[] => packages.map(({ name }) => name);

describe('the status file of dpkg', () => {
  it.each([
    ['install ok installed', true],
    ['hold ok installed', true],
    ['deinstall ok installed', true],
    ['install reinstreq half-installed', true],
    ['install ok unpacked', true],
    ['install ok half-configured', true],
    ['install ok triggers-awaited', true],
    ['install ok triggers-pending', true],
    ['deinstall ok config-files', false],
    ['purge ok not-installed', false],
    ['install ok not-installed', false],
    ['unknown ok not-installed', false],
  ])('%s: its files are there, %s', (state, present) => {
    expect(names(dpkg(deb('a', '1', state) + deb('b', '1')))).toEqual(present ? ['a', 'b'] : ['b']);
  });

  it('a package without a state is not installed, except where files list what is there', () => {
    const text = Buffer.from('Package: a\nVersion: 1\nArchitecture: all\n');
    expect(parseDpkgStatus(text)).toEqual([]);
    expect(names(parseDpkgStatus(text, { stateless: true }))).toEqual(['a']);
  });

  it('says the source, with its own version where that is another', () => {
    const sourceOf = (more: string) => dpkg(deb('libssl3', '3.0.1-1+b2', undefined, more))[0]?.source;
    expect(sourceOf('')).toEqual({ name: 'libssl3', version: '3.0.1-1+b2' });
    expect(sourceOf('Source: openssl\n')).toEqual({ name: 'openssl', version: '3.0.1-1+b2' });
    expect(sourceOf('SOURCE:  openssl (3.0.1-1) \n')).toEqual({ name: 'openssl', version: '3.0.1-1' });
  });

  it('the last entry of a package counts, as for dpkg', () => {
    expect(dpkg(deb('a', '1') + deb('a', '2'))).toMatchObject([{ version: '2' }]);
  });

  it.each<[string, string]>([
    ['another state', deb('a', '1', 'install ok installedx')],
    ['a state of two words', deb('a', '1', 'ok installed')],
    ['a state of four words', deb('a', '1', 'install ok installed installed')],
    ['no name', 'Version: 1\nStatus: install ok installed\n\n'],
    ['no version', 'Package: a\nStatus: install ok installed\n\n'],
    ['an empty version', 'Package: a\nStatus: install ok installed\nVersion:\n\n'],
    ['a name with a space', deb('a b', '1')],
    ['a name of two lines', 'Package: a\n b\nStatus: install ok installed\nVersion: 1\n\n'],
    ['the name twice', 'Package: a\nPackage: b\nStatus: install ok installed\nVersion: 1\n\n'],
    ['a line that is no field', 'Package: a\nnonsense\n\n'],
    ['a line that goes on from nothing', ' Package: a\n\n'],
    ['a last line without an end', deb('a', '1').trimEnd()],
    ['a name of 100 kB', deb('n'.repeat(100_000), '1')],
    ['a NUL in the version', deb('a', '1\0')],
  ])('%s: damage', (_, text) => {
    expect(codeOf(() => dpkg(text))).toBe(DAMAGED);
  });

  it('bytes that are no UTF-8: damage in a name, of no matter in a description', () => {
    const bytes = (text: string) => Buffer.from(text, 'latin1');
    expect(codeOf(() => dpkg(bytes(deb('a\xff', '1'))))).toBe(DAMAGED);
    expect(names(dpkg(bytes(deb('a', '1', undefined, 'Maintainer: \xff\n'))))).toEqual(['a']);
  });

  it('cut off at any byte: the packages before, or damage; never another', () => {
    const text = deb('a', '1') + deb('b', '2', undefined, 'Source: c (3)\n');
    for (let length = 0; length < text.length; length++) {
      try {
        const found = dpkg(text.slice(0, length));
        expect(['', 'a', 'a,b']).toContain(names(found).join());
      } catch (error) {
        expect((error as TouchmarkError).code).toBe(DAMAGED);
      }
    }
  });

  it('of 50 MB: all its packages; with too many of them it is refused', () => {
    const filler = `Description: ${'x'.repeat(60)}\n${' more text of the description\n'.repeat(800)}`;
    const text = Array.from({ length: 2100 }, (_, i) =>
      deb(`p${i}`, '1').replace('\n\n', `\n${filler}\n`),
    ).join('');
    expect(text.length).toBeGreaterThan(50_000_000);
    expect(dpkg(text)).toHaveLength(2100);
    const many = Buffer.from('Package: a\n\n'.repeat(LIMITS.packages + 1));
    expect(codeOf(() => parseDpkgStatus(many))).toBe('limit-exceeded');
    expect(codeOf(() => parseDpkgStatus(many.subarray(12)))).toBeUndefined();
  });
});

describe('the database of apk', () => {
  const musl =
    'C:Q1abc=\nP:musl\nV:1.2.4-r2\nA:x86_64\nS:383152\nT:the musl c library\no:musl\nF:lib\nR:libc.so\na:0:0:755\nZ:Q1x=\n\n';
  const ssl = 'P:libssl3\nV:3.1.4-r5\nA:x86_64\no:openssl\np:so:libssl.so.3=3\nF:usr\nF:usr/lib\n\n';

  it('lists packages with what they were built from', () => {
    expect(apk(musl + ssl)).toEqual([
      {
        ...{ ecosystem: 'apk', name: 'musl', version: '1.2.4-r2', architecture: 'x86_64' },
        source: { name: 'musl', version: '1.2.4-r2' },
      },
      {
        ...{ ecosystem: 'apk', name: 'libssl3', version: '3.1.4-r5', architecture: 'x86_64' },
        source: { name: 'openssl', version: '3.1.4-r5' },
      },
    ]);
    expect(apk('')).toEqual([]);
  });

  it.each([
    ['no name', 'V:1\nA:x86_64\n\n'],
    ['no version', 'P:a\nA:x86_64\n\n'],
    ['two names', 'P:a\nP:b\nV:1\n\n'],
    ['a line that is no field', 'P:a\nV:1\nnonsense\n\n'],
    ['a last line without an end', 'P:a\nV:1'],
    ['a name of 100 kB', `P:${'n'.repeat(100_000)}\nV:1\n\n`],
  ])('%s: damage', (_, text) => {
    expect(codeOf(() => apk(text))).toBe(DAMAGED);
  });
});
