import { TouchmarkError } from '../base/errors.js';
import { LIMITS } from '../base/limits.js';
import {
  ENTRY,
  inodeOf,
  ownersOf,
  parsePathText,
  pathOf,
  pathText,
  resolvePath,
  type Tree,
  type TreeNode,
} from '../layers/index.js';
import type { OwnedPackage } from '../packages/index.js';
import type { ScanPackage, ScanPlace } from '../scans/index.js';
import type { BlamedLayer } from './blame-report.js';
import { createPackageLookup, isOfSystem } from './package-lookup.js';

/** How it is known whose something is, the strongest first. */
export const EVIDENCE = ['path', 'package', 'layer'] as const;
export type OwnerEvidence = (typeof EVIDENCE)[number];

export interface Owner {
  readonly by: OwnerEvidence;
  readonly team: string;
  readonly step: string;
  /** Index of the layer. */
  readonly layer: number;
  /** The team vouches for the layer and did not build it. */
  readonly adopted: boolean;
  /** The file in the image, absolute. */
  readonly path: string | null;
}

/** Why nobody is named. */
export type Orphan = 'place-missing' | 'path-unknown' | 'package-unknown' | 'layer-unknown';

export interface Ownership {
  /** By the strongest evidence that there is, each layer once. Empty: nobody can be named. */
  readonly owners: readonly Owner[];
  readonly orphan: Orphan | null;
  /** Weaker evidence that points to another team. */
  readonly contradictions: readonly Owner[];
  /** Layers that the report names and the image does not have. */
  readonly unknownLayers: readonly string[];
}

export interface ImageParts {
  readonly layers: readonly BlamedLayer[];
  readonly tree: Tree;
  readonly packages: readonly OwnedPackage[];
}

/** What is asked about: a finding, or a component. */
export interface Located {
  readonly package: ScanPackage | null;
  readonly places: readonly ScanPlace[];
}

/**
 * Says whose what a scanner found is. The file that it lies in is the strongest evidence: the layers say who wrote its bytes.
 * Then the layer that brought the package, by the databases of package managers: scanners name the layer that last rewrote
 * the database, whoever that was. Last the layer that the report names.
 */
export function createOwnerFinder(image: ImageParts): (located: Located) => Ownership {
  const ownerOf = (by: OwnerEvidence, layer: number, path: string | null): readonly Owner[] => {
    const found = image.layers[layer];
    if (!found) return [];
    const { team, step, adopted } = found;
    return [{ by, team, step, layer, adopted, path }];
  };
  const layersByName = indexLayers(image.layers);
  const findPackages = createPackageLookup(image.packages);
  return located => {
    const paths = located.places.flatMap(({ path }) => (path === null || isRecord(path) ? [] : [path]));
    const named = [...new Set(located.places.flatMap(({ layers }) => layers))];
    const evidence = {
      path: paths.flatMap(path => {
        const node = findFile(image.tree, path);
        if (node === undefined) return [];
        return ownerOf('path', contentLayerOf(image.tree, node), `/${pathText(pathOf(image.tree, node))}`);
      }),
      package: findPackages(located.package).flatMap(({ layer }) => ownerOf('package', layer, null)),
      layer: named
        .flatMap(name => layersByName.get(name) ?? [])
        .flatMap(layer => ownerOf('layer', layer, null)),
    };
    const strongest = EVIDENCE.find(by => evidence[by].length > 0);
    // Of the names of one layer one is enough: what was compressed anew has another blob.
    const unknownLayers = located.places.flatMap(({ layers }) =>
      layers.some(name => layersByName.has(name)) ? [] : layers.slice(0, 1),
    );
    if (strongest === undefined) {
      const orphan = explain(located, paths, unknownLayers);
      return { owners: [], orphan, contradictions: [], unknownLayers };
    }
    const owners = once(evidence[strongest]);
    const teams = new Set(owners.map(({ team }) => team));
    const weaker = EVIDENCE.slice(EVIDENCE.indexOf(strongest) + 1).flatMap(by => evidence[by]);
    const contradictions = once(weaker.filter(({ team }) => !teams.has(team)));
    return { owners, orphan: null, contradictions, unknownLayers };
  };
}

function explain(
  { package: part }: Located,
  paths: readonly string[],
  unknownLayers: readonly string[],
): Orphan {
  if (unknownLayers.length > 0) return 'layer-unknown';
  if (paths.length > 0) return 'path-unknown';
  return isOfSystem(part?.ecosystem ?? null) ? 'package-unknown' : 'place-missing';
}

/** By evidence and layer; the first path of each. */
function once(owners: readonly Owner[]): readonly Owner[] {
  const known = new Map<string, Owner>();
  for (const owner of owners) {
    const key = `${owner.by} ${owner.layer}`;
    if (!known.has(key)) known.set(key, owner);
  }
  return [...known.values()];
}

/** A layer by the digest of its blob and of what it unpacks to. The same bytes may lie in an image twice. */
function indexLayers(layers: readonly BlamedLayer[]): ReadonlyMap<string, readonly number[]> {
  const byName = new Map<string, number[]>();
  for (const { index, digest, diffID } of layers)
    for (const name of new Set<string>([digest, diffID]))
      byName.set(name, [...(byName.get(name) ?? []), index]);
  return byName;
}

/**
 * Files in which package managers keep what they know, and licence texts: who wrote them last is not who brought a package.
 * Scanners name them as the place of every package.
 */
const RECORDS =
  /^\/?(?:var\/lib\/dpkg\/(?!status\.d\/)|(?:usr\/)?lib\/apk\/db\/|(?:var\/lib|usr\/lib\/sysimage|usr\/share)\/rpm(?:\/|$)|usr\/share\/doc\/[^/]+\/copyright$)/;

function isRecord(path: string): boolean {
  return RECORDS.test(path);
}

/** The file at a path; or, for a path that goes on inside an archive (`app.jar/lib/x.jar`, `app.jar:lib/x.jar`), the archive. */
function findFile(tree: Tree, path: string): TreeNode | undefined {
  let found = resolve(tree, path);
  if (found !== undefined) return found;
  let outer = path.length > LIMITS.entryPathLength ? '' : path;
  for (let steps = 0; steps < LIMITS.archivePathDepth && outer !== '' && found === undefined; steps++) {
    outer = outer.slice(0, Math.max(0, outer.lastIndexOf('/'), outer.lastIndexOf(':')));
    found = resolve(tree, outer);
  }
  return found !== undefined && inodeOf(tree, found).kind === ENTRY.file ? found : undefined;
}

function resolve(tree: Tree, path: string): TreeNode | undefined {
  try {
    return resolvePath(tree, parsePathText(path));
  } catch (error) {
    if (error instanceof TouchmarkError) return undefined;
    throw error;
  }
}

/** Folders have no bytes: theirs is who made them. -1 for one that stands in no layer. */
function contentLayerOf(tree: Tree, node: TreeNode): number {
  const { path, content } = ownersOf(tree, node);
  return inodeOf(tree, node).kind === ENTRY.dir ? path : content;
}
