import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { gunzipSync } from 'node:zlib';
import type { Package } from '../../../src/packages/index.js';

const folder = fileURLToPath(new URL('../../vectors/packages/', import.meta.url));
const read = (name: string): Buffer => gunzipSync(readFileSync(`${folder}${name}.gz`));

/** Databases that real tools wrote; the README beside them says how. */
export const RPM = {
  sqlite: read('rpmdb.sqlite'),
  inWal: read('in-wal.sqlite'),
  wal: read('in-wal.sqlite-wal'),
  ndb: read('ndb'),
  bdbLittle: read('bdb-little'),
  bdbBig: read('bdb-big'),
};

/** What `rpm -qa` says of them, a line each. */
export const RPM_LIST = readFileSync(`${folder}rpm.txt`, 'utf8').trimEnd().split('\n');

/** A package as a line of that list. */
export function listed({ name, version, architecture, source }: Package): string {
  return `${name} ${version} ${architecture} ${source?.name}-${source?.version}.src.rpm`;
}
