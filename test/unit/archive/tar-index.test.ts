import { execFileSync } from 'node:child_process';
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { concatBytes, utf8 } from '../../../src/base/bytes.js';
import { LIMITS } from '../../../src/base/limits.js';
import { openArchiveFile } from '../../../src/oci/archive/archive-file.js';
import { formatTarHeader, TAR_END, tarChecksum } from '../../../src/oci/archive/tar-header.js';
import { findInTar, indexTar } from '../../../src/oci/archive/tar-index.js';
import { buildTar } from '../../../src/testing/index.js';
import { expectCode, temporaryFolder } from '../layout/helpers.js';

async function indexOf(bytes: Uint8Array) {
  const path = join(temporaryFolder(), 'a.tar');
  writeFileSync(path, bytes);
  const handle = await open(path, 'r');
  try {
    return await indexTar(handle, bytes.length, path);
  } finally {
    await handle.close();
  }
}

/** The archive with its first header changed and its checksum put right. */
function rehead(tar: Uint8Array, change: (header: Buffer) => void): Uint8Array {
  const copy = Buffer.from(tar);
  const header = copy.subarray(0, 512);
  change(header);
  header.write(`${tarChecksum(header).toString(8).padStart(6, '0')}\0 `, 148, 'latin1');
  return copy;
}

const plain = buildTar({ 'dir/': '', 'dir/file': 'content', last: 'x'.repeat(1000) });
const oneFile = buildTar({ file: 'content' });

/** A pax or GNU extension in front of the archive. */
function extended(flag: string, body: Uint8Array, tar = oneFile): Uint8Array {
  const header = rehead(formatTarHeader({ path: 'extension', size: body.length }), h =>
    h.write(flag, 156, 'latin1'),
  );
  return concatBytes(header, body, new Uint8Array((512 - (body.length % 512)) % 512), tar);
}
const pax = (key: string, value: string) => {
  const rest = ` ${key}=${value}\n`;
  const length = rest.length + 2;
  return utf8(`${length > 99 ? rest.length + 3 : length}${rest}`);
};

describe('indexTar', () => {
  it('finds every file where it lies', async () => {
    const { files } = await indexOf(plain);
    expect([...files.keys()]).toEqual(['dir/file', 'last']);
    const { offset, size } = files.get('dir/file')!;
    expect(Buffer.from(plain.subarray(offset, offset + size)).toString()).toBe('content');
  });

  it.each(['gnu', 'pax', 'ustar'])(
    'agrees with GNU tar in the %s format, long names and links included',
    async format => {
      const folder = temporaryFolder();
      const deep = join('d'.repeat(80), 'e'.repeat(80));
      mkdirSync(join(folder, deep), { recursive: true });
      writeFileSync(join(folder, deep, 'file'), 'deep content');
      symlinkSync('../file', join(folder, deep, 'up'));
      writeFileSync(join(folder, 'd'.repeat(80), 'file'), 'target');
      const names = format === 'ustar' ? [] : ['n'.repeat(150)];
      for (const name of names) writeFileSync(join(folder, name), 'long');
      const tar = execFileSync('tar', ['-C', folder, `--format=${format}`, '-cf', '-', '.'], {
        maxBuffer: 1e8,
      });
      const index = await indexOf(tar);
      const read = (path: string) => {
        const file = findInTar(index, path);
        return file && tar.subarray(file.offset, file.offset + file.size).toString();
      };
      expect(read(join(deep, 'file'))).toBe('deep content');
      expect(read(join(deep, 'up'))).toBe('target');
      for (const name of names) expect(read(name)).toBe('long');
    },
  );

  it('takes path and size from a pax header', async () => {
    const lying = rehead(oneFile, header => header.write('00000000000\0', 124, 'latin1'));
    const { files } = await indexOf(
      extended('x', concatBytes(pax('path', 'named'), pax('size', '7')), lying),
    );
    expect([...files.values()].map(({ path, size }) => [path, size])).toEqual([['named', 7]]);
  });

  it('reads sizes in base-256', async () => {
    const wide = rehead(oneFile, header => {
      header.fill(0, 124, 136);
      header[124] = 0x80;
      header[135] = 7;
    });
    expect((await indexOf(wide)).files.get('file')?.size).toBe(7);
    const negative = rehead(oneFile, header => header.fill(0xff, 124, 136));
    await expectCode(indexOf(negative), 'format-archive');
    const huge = rehead(oneFile, header => {
      header.fill(0xff, 124, 136);
      header[124] = 0x80;
    });
    await expectCode(indexOf(huge), 'format-archive');
  });

  it('does not follow a link out of the archive', async () => {
    const link = (path: string, linkname: string, type: '1' | '2' = '2') =>
      concatBytes(formatTarHeader({ path, size: 0, type, linkname }), oneFile);
    expect(findInTar(await indexOf(link('a/b', '../file')), 'a/b')?.path).toBe('file');
    expect(findInTar(await indexOf(link('a/b', 'file', '1')), 'a/b')?.path).toBe('file');
    for (const target of ['../../file', '/file', 'b', '..']) {
      expect(findInTar(await indexOf(link('a/b', target)), 'a/b')).toBeUndefined();
    }
  });

  const refusals: [string, Uint8Array][] = [
    ['a path that leads out', buildTar({ '../file': '' })],
    ['a path that leads out in the middle', buildTar({ 'a/../../file': '' })],
    ['an absolute path', buildTar({ '/etc/passwd': '' })],
    ['a pax path that leads out', extended('x', pax('path', '../x'))],
    ['a GNU long name that is absolute', extended('L', utf8('/etc/passwd\0'))],
    ['a path twice', concatBytes(oneFile.subarray(0, 1024), oneFile)],
    ['a path twice but for ./', concatBytes(oneFile.subarray(0, 1024), buildTar({ './file': '' }))],
    [
      'a file and a link of one path',
      concatBytes(formatTarHeader({ path: 'file', size: 0, type: '2', linkname: 'x' }), oneFile),
    ],
    ['a sparse file', rehead(oneFile, header => header.write('S', 156, 'latin1'))],
    ['a sparse file in pax', extended('x', pax('GNU.sparse.major', '1'))],
    ['a device', rehead(oneFile, header => header.write('3', 156, 'latin1'))],
    ['a continuation', rehead(oneFile, header => header.write('M', 156, 'latin1'))],
    ['a global path', extended('g', pax('path', 'x'))],
    ['a pax record with a wrong length', extended('x', utf8('99 path=x\n'))],
    ['a pax path with a zero', extended('x', pax('path', 'a\0b'))],
    ['a path that is not UTF-8', rehead(oneFile, header => header.set([0xff, 0xfe], 0))],
    ['a size that is no number', rehead(oneFile, header => header.write('xx', 124, 'latin1'))],
    ['a wrong checksum', Buffer.from(oneFile).fill(0x61, 0, 1)],
    ['a body cut short', oneFile.subarray(0, 515)],
    ['a header cut short', oneFile.subarray(0, 100)],
    ['no end mark', oneFile.subarray(0, 1024)],
    ['nothing', new Uint8Array()],
  ];
  it.each(refusals)('refuses %s', async (_name, tar) => {
    await expectCode(indexOf(tar), 'format-archive');
  });

  it('reads the archive that each of those was made of', async () => {
    const good = [
      oneFile,
      extended('x', pax('path', 'x')),
      extended('x', pax('comment', 'any')),
      extended('g', pax('comment', 'any')),
      extended('L', utf8('etc/passwd\0')),
      concatBytes(oneFile.subarray(0, 1024), buildTar({ './file2': '' })),
      rehead(oneFile, header => header.write('7', 156, 'latin1')),
    ];
    for (const tar of good) expect((await indexOf(tar)).files.size).toBeGreaterThan(0);
  });

  it('stops at too many entries and at a header too large', async () => {
    const headers = (count: number) => {
      const out = Buffer.alloc(count * 512 + 1024);
      const first = formatTarHeader({ path: '0000000', size: 0 });
      for (let n = 0; n < count; n++) {
        out.set(first, n * 512);
        out.write(n.toString(16).padStart(7, '0'), n * 512, 'latin1');
        const header = out.subarray(n * 512, n * 512 + 512);
        header.write(`${tarChecksum(header).toString(8).padStart(6, '0')}\0 `, 148, 'latin1');
      }
      return out;
    };
    expect((await indexOf(headers(LIMITS.archiveEntries))).files.size).toBe(LIMITS.archiveEntries);
    await expectCode(indexOf(headers(LIMITS.archiveEntries + 1)), 'limit-exceeded');
    const comment = (size: number) =>
      extended('x', utf8(`${size} comment=${'x'.repeat(size - String(size).length - 10)}\n`));
    expect((await indexOf(comment(1000))).files.size).toBe(1);
    await expectCode(indexOf(comment(LIMITS.tarHeaderSize + 1)), 'limit-exceeded');
  });
});

describe('openArchiveFile', () => {
  it('says how to undo a compression', async () => {
    const path = join(temporaryFolder(), 'a.tar.gz');
    writeFileSync(path, execFileSync('gzip', ['-c'], { input: oneFile }));
    const error = await expectCode(openArchiveFile(path), 'format-archive');
    expect(error.hint).toBe(`gunzip < ${path} > image.tar`);
    writeFileSync(path, concatBytes(oneFile, TAR_END));
    expect((await openArchiveFile(path))?.index.files.size).toBe(1);
  });
});
