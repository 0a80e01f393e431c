import { bdbByteOrder, readBdbHash } from './bdb-hash.js';
import { NDB_MAGIC, readNdb } from './ndb.js';
import { failDamaged, type Package } from './package.js';
import { parseRpmHeader } from './rpm-header.js';
import { openSqlite, SQLITE_MAGIC, type SqliteBeside } from './sqlite-pages.js';
import { readRecord, readTable } from './sqlite-table.js';

/**
 * The packages of a database of rpm: `rpmdb.sqlite`, `Packages.db` (ndb) or `Packages` (Berkeley DB); which one, its bytes say.
 * Public keys that were imported are packages to rpm, and are here.
 * @param beside files that SQLite keeps beside its own
 * @throws TouchmarkError `format-packages`, `limit-exceeded`
 */
export function parseRpmDatabase(bytes: Uint8Array, beside: SqliteBeside = {}): readonly Package[] {
  return readHeaders(bytes, beside).map(parseRpmHeader);
}

function readHeaders(bytes: Uint8Array, beside: SqliteBeside): readonly Uint8Array[] {
  if (startsWith(bytes, SQLITE_MAGIC)) return readSqlite(bytes, beside);
  if (startsWith(bytes, NDB_MAGIC)) return readNdb(bytes);
  if (bdbByteOrder(bytes) !== undefined) return readBdbHash(bytes);
  return failDamaged('it is none of the databases of rpm');
}

function startsWith(bytes: Uint8Array, start: Buffer): boolean {
  return start.equals(bytes.subarray(0, start.length));
}

/** What rpm makes the table with: another order of columns would be another meaning. */
const PACKAGES =
  /^CREATE TABLE ['"]?Packages['"]? ?\( ?hnum INTEGER PRIMARY KEY AUTOINCREMENT ?, ?blob BLOB NOT NULL ?\)$/;

function readSqlite(bytes: Uint8Array, beside: SqliteBeside): readonly Uint8Array[] {
  const pages = openSqlite(bytes, beside);
  const [root, ...more] = [...readTable(pages, 1)].map(readRecord).flatMap(([type, name, , first, sql]) => {
    if (type !== 'table' || name !== 'Packages') return [];
    if (typeof sql !== 'string' || !PACKAGES.test(sql.replace(/\s+/g, ' '))) {
      failDamaged('its table of packages is not as rpm makes it');
    }
    return typeof first === 'number' ? [first] : [];
  });
  if (root === undefined || more.length > 0) return failDamaged('it has no table of packages');
  return [...readTable(pages, root)].map(record => {
    const [, blob, ...rest] = readRecord(record);
    return blob instanceof Uint8Array && rest.length === 0 ? blob : failDamaged('a package is no header');
  });
}
