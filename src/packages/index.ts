/**
 * Packages: what the databases of package managers in an image list, and which layer brought, changed or removed each.
 *
 * What must hold:
 * - databases are read, never guessed at from the names of files;
 * - a database that is damaged is an error that names it and its layer, never "no packages";
 * - whoever rewrites a database is not taken for the one who brought what it lists;
 * - what is read is bounded, and nothing here touches a disk or a network.
 */
export { parseApkInstalled } from './apk.js';
export type { OwnedPackage, PackageChange, PackageHistory } from './changes.js';
export { comparePackages, identityOf, type PackageDifference } from './compare.js';
export {
  type Database,
  type DatabaseFile,
  isLikelyDatabase,
  type TracedDatabases,
  traceDatabases,
} from './databases.js';
export { parseDpkgStatus } from './dpkg.js';
export { type LayerWithDatabases, listPackageChanges, readTraced } from './list-changes.js';
export type { Package } from './package.js';
export { parseRpmDatabase } from './rpm.js';
