import { fail, TouchmarkError } from '../base/errors.js';
import { LIMITS } from '../base/limits.js';
import { type EntryPath, type LayerIndex, pathText, showPath } from '../layers/index.js';
import { parseApkInstalled } from './apk.js';
import { followPackages, type PackageHistory } from './changes.js';
import { type Database, type DatabaseFile, type TracedDatabases, traceDatabases } from './databases.js';
import { type DpkgEntry, parseDpkgStatus, presentPackages, readDpkgEntries } from './dpkg.js';
import { type Package, refuseMore, refuseTooMany } from './package.js';
import { parseRpmDatabase } from './rpm.js';

/** A layer, and the content of the package databases in it. */
export interface LayerWithDatabases {
  readonly entries: LayerIndex;
  /** By the path of the entry. At least what `traceDatabases` asks for; what else is there does no harm. */
  readonly captured: ReadonlyMap<EntryPath, Uint8Array>;
}

/**
 * Finds which layer brought each package of an image, and which layer changed or removed which, from the databases that the
 * package managers keep in it. The databases are what their layers' builders say: a builder may have left a package out.
 * @param layers base first
 * @throws TouchmarkError `format-packages` for a database that is damaged, with its file and layer; `limit-exceeded`; why a
 *   layer cannot be put on those below it
 */
export function listPackageChanges(layers: readonly LayerWithDatabases[]): PackageHistory {
  const { states } = traceDatabases(layers.map(({ entries }) => entries));
  return readTraced(states, ({ layer, entry }) => layers[layer]?.captured.get(entry));
}

/**
 * As {@link listPackageChanges}, for databases that were found before.
 * @param contentOf the bytes of a file
 * @param limit of packages, counted again after every layer that changes a database
 */
export function readTraced(
  states: TracedDatabases['states'],
  contentOf: (file: DatabaseFile) => Uint8Array | undefined,
  limit: number = LIMITS.packageHistory,
): PackageHistory {
  const known = new Map<string, readonly Package[]>();
  const bytesOf = (file: DatabaseFile): Uint8Array =>
    contentOf(file) ?? fail('internal', `${showPath(file.path)} of layer ${file.layer} was not read`);
  let last: { readonly key: string; readonly packages: readonly Package[] } | undefined;
  let count = 0;
  return followPackages(
    states.map(databases => {
      const key = databases.map(keyOf).join('\0\0');
      if (last?.key === key) return last.packages;
      const packages: Package[] = [];
      for (const database of databases) {
        const file = keyOf(database);
        const list = known.get(file) ?? readDatabase(database, bytesOf);
        known.set(file, list);
        refuseTooMany(packages.length + list.length);
        for (const one of list) packages.push(one);
      }
      count += packages.length;
      refuseMore('packages in all layers', count, limit);
      last = { key, packages };
      return packages;
    }),
  );
}

/** The bytes of a database: where they stand in the layers. */
function keyOf({ kind, beside, ...file }: Database): string {
  return [kind, ...[file, ...beside].map(({ layer, entry }) => `${layer} ${entry}`)].join('\0');
}

function readDatabase(database: Database, bytesOf: (file: DatabaseFile) => Uint8Array): readonly Package[] {
  try {
    return parse(database, bytesOf);
  } catch (error) {
    if (!(error instanceof TouchmarkError) || error.code !== 'format-packages') throw error;
    const { path, layer } = database;
    return fail(
      'format-packages',
      `the package database ${showPath(path)} of layer ${layer} is damaged: ${error.message}`,
      {
        hint: 'build the layer again; touchmark diff --only files leaves packages out',
        details: { file: `/${pathText(path)}`, layer },
        cause: error,
      },
    );
  }
}

function parse(database: Database, bytesOf: (file: DatabaseFile) => Uint8Array): readonly Package[] {
  const bytes = bytesOf(database);
  const beside = (wanted: string): Uint8Array | undefined => {
    const file = database.beside.find(({ role }) => role === wanted);
    return file && bytesOf(file);
  };
  switch (database.kind) {
    case 'dpkg':
      return presentPackages(readAll([database, ...database.beside].map(bytesOf)));
    case 'dpkg-status.d':
      return parseDpkgStatus(bytes, { stateless: true });
    case 'apk':
      return parseApkInstalled(bytes);
    case 'rpm':
      return parseRpmDatabase(bytes, { wal: beside('wal'), journal: beside('journal') });
  }
}

/** The entries of a database of dpkg, and of the updates to it. */
function readAll(files: readonly Uint8Array[]): readonly DpkgEntry[] {
  const entries: DpkgEntry[] = [];
  for (const bytes of files) {
    for (const entry of readDpkgEntries(bytes)) {
      entries.push(entry);
      refuseTooMany(entries.length);
    }
  }
  return entries;
}
