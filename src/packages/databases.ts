import { fail } from '../base/errors.js';
import { LIMITS } from '../base/limits.js';
import {
  applyLayer,
  childrenOf,
  createTree,
  ENTRY,
  type EntryPath,
  inodeOf,
  type LayerIndex,
  nodeName,
  pathOf,
  pathText,
  resolvePath,
  showPath,
  type Tree,
  type TreeNode,
} from '../layers/index.js';
import { refuseMore } from './package.js';

/** The file of a layer that holds the bytes of a database. */
export interface DatabaseFile {
  /** Where it is in the image. */
  readonly path: EntryPath;
  readonly layer: number;
  /** The path of the entry in that layer: another one where it is reached through links. */
  readonly entry: EntryPath;
}

/** A package database of an image, as it is after some layer. */
export interface Database extends DatabaseFile {
  readonly kind: 'dpkg' | 'dpkg-status.d' | 'apk' | 'rpm';
  /** Files whose content counts as well, updates in their order. */
  readonly beside: readonly (DatabaseFile & { readonly role: Role })[];
}

/** An update that dpkg has not put into its database yet; of SQLite, the log of what was committed, and what is to be undone. */
type Role = 'update' | 'wal' | 'journal';

/** What the databases of an image are after each layer. */
export interface TracedDatabases {
  /** One list for each layer. */
  readonly states: readonly (readonly Database[])[];
  /** All layers, one on the other. */
  readonly tree: Tree;
}

const DPKG = 'var/lib/dpkg';
const APK = ['lib/apk/db/installed', 'usr/lib/apk/db/installed'] as const;
const RPM_FOLDERS = ['var/lib/rpm', 'usr/lib/sysimage/rpm', 'usr/share/rpm'] as const;
/** SQLite, ndb, and the hash of Berkeley DB. */
const RPM_FILES = ['rpmdb.sqlite', 'Packages.db', 'Packages'] as const;
const RPM_BESIDE = ['wal', 'journal'] as const;

const LIKELY =
  /^(?:var\/lib\/dpkg\/(?:status|status\.d\/[^/]+|updates\/\d+)|(?:usr\/)?lib\/apk\/db\/installed|(?:var\/lib|usr\/lib\/sysimage|usr\/share)\/rpm\/(?:Packages(?:\.db)?|rpmdb\.sqlite(?:-wal|-journal)?))$/;

/** A guess, by the path that a layer has, at what {@link traceDatabases} will ask for: links may lead elsewhere. */
export function isLikelyDatabase(path: EntryPath): boolean {
  return LIKELY.test(path) && !isNoPackage(path);
}

/**
 * Finds where the package databases of an image are after each of its layers, links followed as in the running container.
 * What is deleted is not there; what is in the place of another counts alone.
 * @param limit of files, each counted again after every layer
 * @throws TouchmarkError why a layer cannot be put on those below it; `format-packages` for what lies where a database belongs
 *   and is no file; `limit-exceeded`
 */
export function traceDatabases(
  indexes: readonly LayerIndex[],
  limit: number = LIMITS.packageFiles,
): TracedDatabases {
  const tree = createTree();
  let count = 0;
  const states = indexes.map(index => {
    applyLayer(tree, index);
    const databases = findDatabases(tree);
    for (const { beside } of databases) count += 1 + beside.length;
    refuseMore('files of package databases', count, limit);
    return databases;
  });
  return { states, tree };
}

function findDatabases(tree: Tree): readonly Database[] {
  const at = (path: EntryPath): readonly DatabaseFile[] => filesAt(tree, path);
  const alone = (kind: Database['kind'], files: readonly DatabaseFile[]): readonly Database[] =>
    files.map(file => ({ kind, ...file, beside: [] }));
  const updates = filesIn(tree, `${DPKG}/updates`, name => /^\d+$/.test(name)).map(file => ({
    ...file,
    role: 'update' as const,
  }));
  const found: readonly Database[] = [
    ...at(`${DPKG}/status`).map(file => ({ kind: 'dpkg' as const, ...file, beside: updates })),
    ...alone(
      'dpkg-status.d',
      filesIn(tree, `${DPKG}/status.d`, name => !isNoPackage(name)),
    ),
    ...APK.flatMap(path => alone('apk', at(path))),
    ...RPM_FOLDERS.flatMap(folder => RPM_FILES.map(name => `${folder}/${name}`)).flatMap(path =>
      at(path).map(file => ({
        kind: 'rpm' as const,
        ...file,
        beside: RPM_BESIDE.flatMap(role => at(`${path}-${role}`).map(one => ({ ...one, role }))),
      })),
    ),
  ];
  // A folder that is a link to another holds the same files.
  return [...new Map(found.map(database => [database.path, database])).values()];
}

/** Distroless images keep lists of checksums beside the files of packages. */
function isNoPackage(path: EntryPath): boolean {
  return path.endsWith('.md5sums');
}

function filesAt(tree: Tree, path: EntryPath): readonly DatabaseFile[] {
  const node = resolvePath(tree, path);
  return node === undefined ? [] : [describe(tree, node)];
}

/** By name; numbers of updates have as many digits each. */
function filesIn(tree: Tree, folder: EntryPath, chosen: (name: string) => boolean): readonly DatabaseFile[] {
  const node = resolvePath(tree, folder);
  const children = node === undefined ? [] : childrenOf(tree, node);
  refuseMore('files of package databases', children.length, LIMITS.packageFiles);
  const names = children
    .map(child => nodeName(tree, child))
    .filter(chosen)
    .sort();
  return names.flatMap(name => filesAt(tree, `${folder}/${name}`));
}

function describe(tree: Tree, node: TreeNode): DatabaseFile {
  const path = pathOf(tree, node);
  const { kind, contentLayer: layer, contentAt } = inodeOf(tree, node);
  if (kind !== ENTRY.file) {
    fail('format-packages', `${showPath(path)} lies where a package database belongs, and is no file`, {
      details: { file: `/${pathText(path)}` },
    });
  }
  return { path, layer, entry: tree.layers[layer]?.path(contentAt) ?? path };
}
