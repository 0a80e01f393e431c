import { describe, expect, it } from 'vitest';
import { toHex } from '../../../src/base/bytes.js';
import { computeDigest } from '../../../src/base/digest.js';
import { LIMITS } from '../../../src/base/limits.js';
import { ENTRY } from '../../../src/layers/layer-index.js';
import { xattrNames } from '../../../src/layers/xattrs.js';
import { codeOf } from '../support.js';
import { noise } from './support.js';
import { END, entry, paxRecord, type RawEntry, readTar, tar } from './tars.js';

const entriesOf = (bytes: Uint8Array, chunk?: number) => {
  const index = readTar(bytes, chunk);
  return [...index].map(at => index.entry(at));
};
const one = (raw: RawEntry) => entriesOf(tar(raw))[0];
const long = `${'d'.repeat(90)}/${'e'.repeat(90)}/${'f'.repeat(90)}`;

describe('an entry', () => {
  it.each([1, 7, 511, 512, 513, 65_536])('is read in chunks of %i', chunk => {
    const big = noise(300_000);
    const bytes = tar(
      { path: 'usr/', mode: 0o1777, uid: 5, gid: 6 },
      { path: './usr/big', body: big, mode: 0o104755 },
      { path: '/usr//small', body: 'x' },
      { path: 'usr/empty' },
      { path: 'usr/hard', type: '1', link: './usr/small' },
      { path: 'usr/soft', type: '2', link: '../etc//x/', mode: 0o777 },
      { path: 'dev/tty', type: '3', device: [5, 1] },
      { path: 'dev/sda', type: '4', device: [8, 0] },
      { path: 'run/pipe', type: '6' },
    );
    const found = entriesOf(bytes, chunk);
    expect(found.map(({ path, kind, mode, link }) => [path, kind, mode, link])).toEqual([
      ['usr', ENTRY.dir, 0o1777, ''],
      ['usr/big', ENTRY.file, 0o4755, ''],
      ['usr/small', ENTRY.file, 0o644, ''],
      ['usr/empty', ENTRY.file, 0o644, ''],
      ['usr/hard', ENTRY.hardlink, 0o644, 'usr/small'],
      ['usr/soft', ENTRY.symlink, 0o777, '../etc//x/'],
      ['dev/tty', ENTRY.char, 0o644, '5:1'],
      ['dev/sda', ENTRY.block, 0o644, '8:0'],
      ['run/pipe', ENTRY.fifo, 0o644, ''],
    ]);
    expect(found[0]).toMatchObject({ uid: 5, gid: 6, size: 0 });
    const digests = found.slice(1, 4).map(({ digest }) => `sha256:${toHex(digest)}`);
    expect(digests).toEqual([big, Buffer.from('x'), Buffer.from('')].map(body => computeDigest(body)));
    expect(found[1]?.size).toBe(300_000);
  });

  it('may have a long name of every form', () => {
    const short = { path: long.slice(0, 100), body: 'x' };
    expect(one({ ...short, pax: { path: long } })?.path).toBe(long);
    expect(one({ ...short, gnuName: long, magic: 'ustar  \0' })?.path).toBe(long);
    expect(one({ path: 'name', prefix: 'a/b' })?.path).toBe('a/b/name');
    expect(one({ path: 'name', magic: '\0'.repeat(8) })?.path).toBe('name');
    expect(one({ path: 'l', type: '2', pax: { linkpath: long } })?.link).toBe(long);
    expect(one({ path: 'l', type: '2', gnuLink: long })?.link).toBe(long);
    expect(one({ path: 'l', type: '2', gnuLink: long, gnuName: `${long}2` })).toMatchObject({
      path: `${long}2`,
      link: long,
    });
  });

  it('may have its numbers in pax or in base 256, and be a folder by its name alone', () => {
    expect(one({ size: '00000000000\0', body: 'abc', pax: { size: '3' } })?.size).toBe(3);
    expect(one({ pax: { uid: '3000000000', gid: '70000' } })).toMatchObject({
      uid: 3_000_000_000,
      gid: 70_000,
    });
    expect(one({ uid: 3_000_000_000 })?.uid).toBe(3_000_000_000);
    expect(one({ path: 'old/', type: '\0' })?.kind).toBe(ENTRY.dir);
    expect(one({ mtime: '\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xf6' })?.path).toBe('file');
  });

  it('keeps the bytes of names and attributes as they are', () => {
    const odd = 'caf\xe9\x80/\xff';
    expect(one({ path: odd })?.path).toBe(odd);
    const xattrs = one({
      pax: { 'SCHILY.xattr.user.b': Buffer.from([1, 0, 10, 255]), 'SCHILY.xattr.security.capability': 'x' },
    })?.xattrs;
    expect(xattrNames(xattrs ?? new Uint8Array())).toEqual(['security.capability', 'user.b']);
    const other = one({
      pax: { 'SCHILY.xattr.security.capability': 'x', 'SCHILY.xattr.user.b': 'x' },
    })?.xattrs;
    expect(other).not.toEqual(xattrs);
  });
});

it('an archive may end with one block of zeros, with many, with none, and be empty', () => {
  const single = entry({ path: 'a', body: 'x' });
  for (const end of [0, 512, 1024, 10_240, 10_340]) {
    expect(entriesOf(Buffer.concat([single, Buffer.alloc(end)]))).toHaveLength(1);
  }
  expect(entriesOf(Buffer.alloc(0))).toEqual([]);
  expect(entriesOf(END)).toEqual([]);
});

/** What is refused, and the same with the one defect gone. */
const REFUSED: readonly (readonly [what: string, code: string, bad: Buffer, good: Buffer])[] = [
  ['a layer that is no tar', 'layer-not-tar', Buffer.from('sha256:a sha256:b'), tar({})],
  ['text of a whole block', 'layer-not-tar', Buffer.alloc(2048, 'text '), tar({})],
  ['a wrong checksum', 'layer-not-tar', tar({ checksum: 1 }), tar({})],
  ['a form of its own', 'layer-not-tar', tar({ magic: 'rustar\x0000' }), tar({ magic: 'ustar\x0000' })],
  [
    'a device number that is none, of what is no device',
    'layer-not-tar',
    tar({ device: ['x', 0] }),
    tar({ device: ['1', 0] }),
  ],
  [
    'an extended header with an owner that is no number',
    'layer-not-tar',
    tar(entry({ type: 'x', uid: 'x', body: paxRecord('path', 'b') }), {}),
    tar(entry({ type: 'x', uid: '1', body: paxRecord('path', 'b') }), {}),
  ],
  [
    'an owner that is no number, and in pax is one',
    'layer-not-tar',
    tar({ uid: 'x', pax: { uid: '1' } }),
    tar({ uid: '2', pax: { uid: '1' } }),
  ],
  [
    'a time beyond 64 bits',
    'layer-not-tar',
    tar({ mtime: `\x80${'\x01'.repeat(11)}` }),
    tar({ mtime: `\x80${'\0'.repeat(9)}\x01\x01` }),
  ],
  [
    'something behind the NUL where GNU has no prefix',
    'layer-ambiguous',
    tar({ magic: 'ustar  \0', prefix: '\0usr' }),
    tar({ magic: 'ustar  \0', prefix: '\0\0\0\0' }),
  ],
  [
    'a form of its own, behind a pax header',
    'layer-not-tar',
    tar({ magic: 'rustar\x0000', pax: { path: 'a' } }),
    tar({ pax: { path: 'a' } }),
  ],
  [
    'a prefix where GNU has none, behind a long name',
    'layer-ambiguous',
    tar({ magic: 'ustar  \0', prefix: 'usr', gnuName: 'a' }),
    tar({ magic: 'ustar  \0', gnuName: 'a' }),
  ],
  [
    'a size that is no number',
    'layer-not-tar',
    tar({ size: '1z000000000\0' }),
    tar({ size: '00000000000\0' }),
  ],
  ['an owner that is no number', 'layer-not-tar', tar({ uid: 'root\0' }), tar({ uid: '0000\0' })],
  ['a time that is no number', 'layer-not-tar', tar({ mtime: 'today\0' }), tar({ mtime: '1234\0' })],
  ['a negative size', 'layer-not-tar', tar({ size: '\xff'.repeat(12) }), tar({ size: 0 })],
  [
    'a broken pax header',
    'layer-not-tar',
    tar(entry({ type: 'x', body: '9 path=a' }), {}),
    tar({ pax: { path: 'a' } }),
  ],
  [
    'a pax record without =',
    'layer-not-tar',
    tar(entry({ type: 'x', body: '5 ab\n' }), {}),
    tar({ pax: { ab: '' } }),
  ],
  ['a name with ..', 'layer-path-invalid', tar({ path: 'a/../b' }), tar({ path: 'a/..b/b' })],
  ['a name that leads out', 'layer-path-invalid', tar({ path: '../b' }), tar({ path: './b' })],
  ['no name', 'layer-path-invalid', tar({ path: '' }), tar({ path: 'a' })],
  [
    'a hard link with ..',
    'layer-path-invalid',
    tar({ type: '1', link: '../x' }),
    tar({ type: '1', link: 'x' }),
  ],
  ['a whiteout of nothing', 'layer-path-invalid', tar({ path: 'a/.wh.' }), tar({ path: 'a/.wh.b' })],
  ['a whiteout of ..', 'layer-path-invalid', tar({ path: 'a/.wh...' }), tar({ path: 'a/.wh....' })],
  ['a NUL in a pax name', 'layer-ambiguous', tar({ pax: { path: 'a\0b' } }), tar({ pax: { path: 'ab' } })],
  [
    'a name of 100 kB',
    'layer-path-invalid',
    tar({ pax: { path: 'a'.repeat(100_000) } }),
    tar({ pax: { path: 'a'.repeat(4096) } }),
  ],
  [
    'a path of 100,000 parts',
    'layer-path-invalid',
    tar({ pax: { path: 'a/'.repeat(100_000) } }),
    tar({ path: 'a/' }),
  ],
  [
    'a deep path',
    'limit-exceeded',
    tar({ pax: { path: 'a/'.repeat(256).concat('b') } }),
    tar({ pax: { path: 'a/'.repeat(255).concat('b') } }),
  ],
  [
    'a huge pax header',
    'limit-exceeded',
    tar({ pax: { comment: 'a'.repeat(LIMITS.tarHeaderSize) } }),
    tar({ pax: { comment: 'a'.repeat(1000) } }),
  ],
  [
    'too many attributes',
    'limit-exceeded',
    tar({ pax: { 'SCHILY.xattr.user.a': 'a'.repeat(65_536) } }),
    tar({ pax: { 'SCHILY.xattr.user.a': 'a'.repeat(60_000) } }),
  ],
  [
    'a global pax header',
    'layer-ambiguous',
    tar({ path: 'g', type: 'g', body: paxRecord('path', 'b') }, {}),
    tar({ path: 'g', type: 'x', body: paxRecord('path', 'b') }, {}),
  ],
  [
    'a sparse file of GNU',
    'layer-ambiguous',
    tar({ type: 'S', magic: 'ustar  \0' }),
    tar({ magic: 'ustar  \0' }),
  ],
  [
    'a sparse file in pax',
    'layer-ambiguous',
    tar({ pax: { 'GNU.sparse.major': '1' } }),
    tar({ pax: { 'VENDOR.sparse': '1' } }),
  ],
  [
    'a sparse file of star',
    'layer-ambiguous',
    tar({ pax: { 'SCHILY.realsize': '1' } }),
    tar({ pax: { 'SCHILY.dev': '1' } }),
  ],
  ['a contiguous file', 'layer-ambiguous', tar({ type: '7' }), tar({ type: '0' })],
  ['an unknown type', 'layer-ambiguous', tar({ type: 'Z' }), tar({ type: '0' })],
  ['a multi-volume file', 'layer-ambiguous', tar({ type: 'M' }), tar({ type: '0' })],
  [
    'a file with the name of a folder',
    'layer-ambiguous',
    tar({ path: 'a/', type: '0' }),
    tar({ path: 'a/', type: '5' }),
  ],
  [
    'a root that is no folder',
    'layer-ambiguous',
    tar({ path: '.', type: '0' }),
    tar({ path: './', type: '5' }),
  ],
  ['a folder with a size', 'layer-ambiguous', tar({ path: 'a/', size: 512 }), tar({ path: 'a/', size: 0 })],
  [
    'a hard link with content',
    'layer-ambiguous',
    tar({ type: '1', link: 'x', body: 'x' }),
    tar({ type: '1', link: 'x' }),
  ],
  ['a link to nothing', 'layer-ambiguous', tar({ type: '2' }), tar({ type: '2', link: 'a' })],
  [
    'a prefix where GNU has none',
    'layer-ambiguous',
    tar({ magic: 'ustar  \0', prefix: 'usr' }),
    tar({ prefix: 'usr' }),
  ],
  ['a header of star', 'layer-ambiguous', tar({ tail: 'tar\0' }), tar({ tail: '\0\0\0\0' })],
  [
    'two pax headers',
    'layer-ambiguous',
    tar(entry({ type: 'x', body: paxRecord('path', 'b') }), { pax: { path: 'c' } }),
    tar({ pax: { path: 'c' } }),
  ],
  [
    'two long names',
    'layer-ambiguous',
    tar(entry({ type: 'L', body: 'b\0' }), { gnuName: 'c' }),
    tar({ gnuName: 'c' }),
  ],
  [
    'a long name and a pax header',
    'layer-ambiguous',
    tar({ gnuName: 'b', pax: { path: 'c' } }),
    tar({ pax: { path: 'c' } }),
  ],
  [
    'a long name with a second one behind a NUL',
    'layer-ambiguous',
    tar({ gnuName: 'b\0c' }),
    tar({ gnuName: 'bc' }),
  ],
  [
    'a pax key twice',
    'layer-ambiguous',
    tar({
      pax: [
        ['path', 'a'],
        ['path', 'b'],
      ],
    }),
    tar({ pax: [['path', 'b']] }),
  ],
  ['an empty pax name', 'layer-ambiguous', tar({ pax: { path: '' } }), tar({ pax: { path: 'b' } })],
  ['a pax size with a sign', 'layer-ambiguous', tar({ pax: { size: '+0' } }), tar({ pax: { size: '0' } })],
  [
    'a pax header for nothing',
    'layer-ambiguous',
    Buffer.concat([entry({ type: 'x', body: paxRecord('path', 'b') }), END]),
    tar({ pax: { path: 'b' } }),
  ],
  [
    'a block of zeros in the middle',
    'layer-ambiguous',
    tar({ path: 'a' }, Buffer.alloc(512), { path: 'b' }),
    tar({ path: 'a' }, { path: 'b' }),
  ],
  [
    'an owner beyond 32 bits',
    'layer-ambiguous',
    tar({ pax: { uid: '4294967295' } }),
    tar({ pax: { uid: '4294967294' } }),
  ],
  ['a mode beyond sixteen bits', 'layer-ambiguous', tar({ mode: 0o1000644 }), tar({ mode: 0o100644 })],
  ['a whiteout that is a folder', 'layer-ambiguous', tar({ path: '.wh.a/' }), tar({ path: '.wh.a' })],
  [
    'a whiteout that is a link',
    'layer-ambiguous',
    tar({ path: '.wh.a', type: '2', link: 'b' }),
    tar({ path: '.wh.a' }),
  ],
  ['a whiteout with content', 'layer-ambiguous', tar({ path: '.wh.a', body: 'b' }), tar({ path: '.wh.a' })],
  ['an entry below a whiteout', 'layer-ambiguous', tar({ path: 'x/.wh.a/b' }), tar({ path: 'x/.wha/b' })],
  ['a mark of AUFS', 'layer-ambiguous', tar({ path: '.wh..wh.plnk' }), tar({ path: '.wh..wh..opq' })],
  [
    'an opaque mark with more to it',
    'layer-ambiguous',
    tar({ path: 'd/.wh..wh..opqX' }),
    tar({ path: 'd/.wh..wh..opq' }),
  ],
  [
    'a device that overlayfs hides files with',
    'layer-ambiguous',
    tar({ type: '3', device: [0, 0] }),
    tar({ type: '3', device: [1, 0] }),
  ],
  [
    'an attribute that overlayfs hides folders with',
    'layer-ambiguous',
    tar({ path: 'd/', pax: { 'SCHILY.xattr.trusted.overlay.opaque': 'y' } }),
    tar({ path: 'd/', pax: { 'SCHILY.xattr.trusted.other': 'y' } }),
  ],
  [
    'data behind the end',
    'layer-trailing-data',
    Buffer.concat([tar({}), entry({})]),
    Buffer.concat([tar({}), END]),
  ],
  [
    'a byte behind the end',
    'layer-trailing-data',
    Buffer.concat([tar({}), Buffer.from('x')]),
    Buffer.concat([tar({}), Buffer.alloc(1)]),
  ],
];

describe.each(REFUSED)('%s', (_what, code, bad, good) => {
  it.each([1, 100, 1_000_000])('is refused, in chunks of %i', chunk => {
    expect(codeOf(() => readTar(bad, chunk))).toBe(code);
    expect(codeOf(() => readTar(good, chunk))).toBeUndefined();
  });
});

it('is refused cut anywhere but behind an entry', () => {
  const whole = Buffer.concat([
    entry({ path: 'a', body: 'x', pax: { path: 'b' } }),
    entry({ path: 'c', body: noise(600) }),
  ]);
  const ends = [0, 2048, 2048 + 1536];
  for (let end = 0; end <= whole.length; end += 13) {
    const code = codeOf(() => readTar(whole.subarray(0, end)));
    if (ends.includes(end)) expect(code).toBeUndefined();
    else expect(code, `cut at ${end}`).toMatch(/^layer-(?:not-tar|ambiguous)$/);
  }
  expect(entriesOf(whole)).toHaveLength(2);
});
