import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { TouchmarkError } from '../../../src/base/errors.js';
import { LIMITS } from '../../../src/base/limits.js';
import { readBdbHash } from '../../../src/packages/bdb-hash.js';
import { BoundedView } from '../../../src/packages/bounded-view.js';
import { listPackageChanges, type Package, parseRpmDatabase } from '../../../src/packages/index.js';
import { readNdb } from '../../../src/packages/ndb.js';
import { parseRpmHeader } from '../../../src/packages/rpm-header.js';
import { readTable } from '../../../src/packages/sqlite-table.js';
import { soft } from '../layers/constructs.js';
import { codeOf } from '../support.js';
import { listed, RPM, RPM_LIST } from './rpm-fixtures.js';
import { layer } from './support.js';

const DAMAGED = 'format-packages';
const list = (packages: readonly Package[]): string[] => packages.map(listed).sort();

/** A copy with some bytes changed. */
function changed(bytes: Buffer, change: (copy: Buffer) => void): Buffer {
  const copy = Buffer.from(bytes);
  change(copy);
  return copy;
}

/** The packages; or `damaged`. Anything else is a fault of ours. */
function attempt(bytes: Uint8Array, wal?: Uint8Array): readonly string[] | 'damaged' {
  try {
    return list(parseRpmDatabase(bytes, { wal }));
  } catch (error) {
    if (error instanceof TouchmarkError && error.code === DAMAGED) return 'damaged';
    throw error;
  }
}

describe('databases of rpm', () => {
  it.each([
    ['SQLite', RPM.sqlite],
    ['ndb', RPM.ndb],
    ['Berkeley DB, little-endian', RPM.bdbLittle],
    ['Berkeley DB, big-endian', RPM.bdbBig],
  ])('%s: the packages that rpm lists', (_, bytes) => {
    expect(list(parseRpmDatabase(bytes))).toEqual(RPM_LIST);
  });

  it('what SQLite has committed to its log counts, and what is not committed does not', () => {
    const before = RPM_LIST.map(line => line.replace('2:2.0-3', '2:1.0-3').replace('hello-2.0', 'hello-1.0'));
    const gamma4 = RPM_LIST.find(line => line.startsWith('gamma3'))?.replaceAll('gamma3', 'gamma4');
    expect(list(parseRpmDatabase(RPM.inWal))).toEqual([...before, gamma4].sort());
    expect(list(parseRpmDatabase(RPM.inWal, { wal: RPM.wal }))).toEqual(RPM_LIST);
    // The last frame is the last commit: without it only the first of the two changes was made.
    const cut = RPM.wal.subarray(0, -4096 - 24);
    expect(list(parseRpmDatabase(RPM.inWal, { wal: cut }))).toEqual([...RPM_LIST, gamma4].sort());
    expect(list(parseRpmDatabase(RPM.inWal, { wal: new Uint8Array() }))).toHaveLength(11);
  });

  it('a log that is none, or of another database, and a write that is not finished are no answer', () => {
    const wal = (change: (copy: Buffer) => void) => ({ wal: changed(RPM.wal, change) });
    const damage = [
      wal(copy => copy.writeUInt32BE(0, 0)),
      wal(copy => copy.writeUInt32BE(1024, 8)),
      wal(copy => copy.writeUInt32BE(0, 24)),
      { journal: Buffer.from('d9d505f920a163d7', 'hex') },
    ];
    for (const beside of damage) expect(codeOf(() => parseRpmDatabase(RPM.inWal, beside))).toBe(DAMAGED);
    expect(codeOf(() => parseRpmDatabase(RPM.inWal, { journal: Buffer.alloc(512) }))).toBeUndefined();
  });

  it('is found in either folder, through a link, with the log beside it in a layer above', () => {
    const lower = layer(
      { path: 'usr/lib/sysimage/rpm/rpmdb.sqlite', body: RPM.inWal },
      soft('var/lib/rpm', '../../usr/lib/sysimage/rpm'),
    );
    const upper = layer({ path: 'var/lib/rpm/rpmdb.sqlite-wal', body: RPM.wal });
    const { packages, changes } = listPackageChanges([lower, upper]);
    expect(list(packages)).toEqual(RPM_LIST);
    expect(changes.filter(({ layer }) => layer === 1)).toMatchObject([
      { kind: 'removed', before: { name: 'gamma4', layer: 0 } },
      { kind: 'changed', before: { version: '2:1.0-3' }, after: { version: '2:2.0-3', layer: 1 } },
    ]);
  });

  it('what is none of its formats is damaged, and so is a file without anything', () => {
    for (const bytes of [Buffer.alloc(0), Buffer.alloc(5000), Buffer.from('Package: x\n')])
      expect(attempt(bytes)).toBe('damaged');
  });
});

describe('databases of rpm that are damaged', () => {
  const formats = [
    ['SQLite', RPM.sqlite],
    ['ndb', RPM.ndb],
    ['Berkeley DB', RPM.bdbLittle],
  ] as const;

  it.each(formats)('%s, cut off anywhere: never a shorter list', (_, bytes) => {
    const step = bytes.length > 100_000 ? 241 : 17;
    for (let length = 0; length < bytes.length; length += step) {
      const answer = attempt(bytes.subarray(0, length));
      if (answer !== 'damaged') expect(answer).toEqual(RPM_LIST);
    }
    expect(attempt(bytes.subarray(0, bytes.length - 1))).toBe('damaged');
  });

  it.each(formats)('%s, with bytes changed: an answer or damage, and in little time', (_, bytes) => {
    const at = fc.integer({ min: 0, max: bytes.length - 1 });
    const byte = fc.oneof(fc.constantFrom(0, 1, 0x7f, 0x80, 0xff), fc.integer({ min: 0, max: 255 }));
    fc.assert(
      fc.property(fc.array(fc.tuple(at, byte), { minLength: 1, maxLength: 8 }), changes => {
        const copy = changed(bytes, copy => {
          for (const [where, value] of changes) copy[where] = value;
        });
        attempt(copy);
      }),
      { numRuns: 300, seed: 5 },
    );
  });

  it('the log of SQLite with bytes changed, or cut off: what was committed before, or damage', () => {
    for (let length = 0; length < RPM.wal.length; length += 997) {
      const answer = attempt(RPM.inWal, RPM.wal.subarray(0, length));
      if (length > 32) expect(answer.length).toBeGreaterThanOrEqual(RPM_LIST.length);
      else expect(answer === 'damaged' || length === 0).toBe(true);
    }
  });

  it('SQLite: pages that lead to one another, or to one twice', () => {
    const root = 4096;
    expect(RPM.sqlite[root]).toBe(5);
    const first = root + RPM.sqlite.readUInt16BE(root + 12);
    const circle = changed(RPM.sqlite, copy => copy.writeUInt32BE(2, first));
    const twice = changed(RPM.sqlite, copy => copy.writeUInt32BE(copy.readUInt32BE(root + 8), first));
    const nowhere = changed(RPM.sqlite, copy => copy.writeUInt32BE(0xffff_ffff, first));
    for (const bytes of [circle, twice, nowhere]) expect(attempt(bytes)).toBe('damaged');
  });

  it('SQLite: rows that lie one on the other', () => {
    // The first leaf: as many cells as there is room to point to one of them, under rising numbers.
    const page = Buffer.alloc(4096);
    page[0] = 13;
    const cells = 400;
    page.writeUInt16BE(cells, 3);
    const start = 8 + 2 * cells;
    for (let cell = 0; cell < cells; cell++) {
      page.writeUInt16BE(start + 2 * cell, 8 + 2 * cell);
      // A record of 100 bytes, whose number is the next cell's size, and so on.
      page.writeUInt8(100, start + 2 * cell);
      page.writeUInt8(cell % 128, start + 2 * cell + 1);
    }
    const pages = {
      ...{ usable: 4096, count: 1, takenBytes: 4096 },
      take: () => new BoundedView(page, 'page 1'),
    };
    const read = (count: number) => {
      page.writeUInt16BE(count, 3);
      return codeOf(() => [...readTable(pages, 2)]);
    };
    expect(read(40)).toBeUndefined();
    expect(read(41)).toBe(DAMAGED);
  });

  it('SQLite: a table of packages that rpm never makes', () => {
    const sql = 'hnum INTEGER PRIMARY KEY AUTOINCREMENT,blob BLOB NOT NULL';
    const at = RPM.sqlite.indexOf(sql);
    const other = 'blob BLOB NOT NULL,hnum INTEGER PRIMARY KEY AUTOINCREMENT';
    expect(attempt(changed(RPM.sqlite, copy => copy.write(other, at)))).toBe('damaged');
    const name = RPM.sqlite.lastIndexOf('tablePackages', at);
    expect(attempt(changed(RPM.sqlite, copy => copy.write('tablePackagez', name)))).toBe('damaged');
  });

  it('Berkeley DB: a value that goes on in a circle, in another value, or too far', () => {
    const pages = Array.from({ length: RPM.bdbLittle.length / 1024 }, (_, page) => page * 1024);
    const overflow = pages.filter(at => at > 0 && RPM.bdbLittle[at + 25] === 7);
    expect(overflow.length).toBeGreaterThan(5);
    const [first = 0, second = 0] = overflow;
    for (const to of [first, second, 1024 * 100_000].map(at => at / 1024)) {
      const bytes = changed(RPM.bdbLittle, copy => copy.writeUInt32LE(to, second + 16));
      expect(codeOf(() => readBdbHash(bytes))).toBe(DAMAGED);
    }
    expect(
      codeOf(() => readBdbHash(changed(RPM.bdbLittle, copy => copy.writeUInt32LE(0xffff_ffff, 72)))),
    ).toBe(DAMAGED);
    expect(codeOf(() => readBdbHash(changed(RPM.bdbLittle, copy => copy.writeUInt8(1, 24))))).toBe(DAMAGED);
  });

  it('ndb: slots of one package, packages one on the other, a wrong checksum', () => {
    const slot = 32;
    const id = changed(RPM.ndb, copy => copy.copyWithin(slot + 4, slot + 20, slot + 24));
    const place = changed(RPM.ndb, copy => copy.copyWithin(slot + 8, slot + 24, slot + 32));
    const sum = changed(RPM.ndb, copy => {
      const blob = copy.readUInt32LE(slot + 8) * 16;
      copy.writeUInt8(copy.readUInt8(blob + 100) ^ 1, blob + 100);
    });
    const slots = changed(RPM.ndb, copy => copy.writeUInt32LE(0xffff_ffff, 12));
    for (const bytes of [id, place, sum, slots]) expect(codeOf(() => readNdb(bytes))).toBe(DAMAGED);
  });
});

describe('a header of rpm', () => {
  const [whole = Buffer.alloc(0)] = readNdb(RPM.ndb).map(blob => Buffer.from(blob));
  /** Where the entry of a tag is. */
  const entryOf = (tag: number): number => {
    for (let at = 8; at < whole.length; at += 16) if (whole.readUInt32BE(at) === tag) return at;
    throw new Error(`no tag ${tag}`);
  };
  const fault = (change: (copy: Buffer) => void): unknown =>
    codeOf(() => parseRpmHeader(changed(whole, change)));

  it('cut off at any byte, or with one more: damage', () => {
    expect(parseRpmHeader(whole)).toMatchObject({ ecosystem: 'rpm', architecture: 'x86_64' });
    for (let length = 0; length < whole.length; length++)
      expect(codeOf(() => parseRpmHeader(whole.subarray(0, length)))).toBe(DAMAGED);
    expect(codeOf(() => parseRpmHeader(Buffer.concat([whole, Buffer.alloc(1)])))).toBe(DAMAGED);
  });

  it.each<[string, (copy: Buffer) => void]>([
    ['two thousand million entries', copy => copy.writeUInt32BE(0x8000_0000, 0)],
    ['no entries', copy => copy.writeUInt32BE(0, 0)],
    ['more data than there is', copy => copy.writeUInt32BE(0xffff_ffff, 4)],
    ['a name outside of it', copy => copy.writeUInt32BE(0x7fff_ffff, entryOf(1000) + 8)],
    ['a name that is a number', copy => copy.writeUInt32BE(4, entryOf(1000) + 4)],
    ['several names', copy => copy.writeUInt32BE(2, entryOf(1000) + 12)],
    ['no name', copy => copy.writeUInt32BE(999, entryOf(1000))],
    ['no version', copy => copy.writeUInt32BE(999, entryOf(1001))],
    ['the name twice', copy => copy.writeUInt32BE(1000, entryOf(1002))],
    ['a name that is no UTF-8', copy => copy.writeUInt8(0xff, nameAt(copy))],
    ['a name with a line break', copy => copy.writeUInt8(10, nameAt(copy))],
  ])('with %s: damage', (_, change) => {
    expect(fault(change)).toBe(DAMAGED);
  });

  function nameAt(copy: Buffer): number {
    return 8 + copy.readUInt32BE(0) * 16 + copy.readUInt32BE(entryOf(1000) + 8);
  }

  it('with a name of 100 kB: damage, and with the longest that is taken: the package', () => {
    const named = (length: number): Buffer => {
      const count = whole.readUInt32BE(0);
      const size = whole.readUInt32BE(4);
      const name = Buffer.from(`${'n'.repeat(length)}\0`);
      const bytes = Buffer.concat([whole, name]);
      bytes.writeUInt32BE(size + name.length, 4);
      bytes.writeUInt32BE(size, entryOf(1000) + 8);
      expect(bytes.length).toBe(8 + count * 16 + size + name.length);
      return bytes;
    };
    expect(codeOf(() => parseRpmHeader(named(100_000)))).toBe(DAMAGED);
    expect(parseRpmHeader(named(LIMITS.packageField)).name).toHaveLength(LIMITS.packageField);
  });
});
