import { byName, comparePackages, identityOf, type PackageDifference } from './compare.js';
import type { Package } from './package.js';

/** A package of an image, and the layer in which this version of it came in. */
export type OwnedPackage = Package & {
  /** Index of the layer. */
  readonly layer: number;
};

/** What one layer did to the packages. */
export type PackageChange = PackageDifference<OwnedPackage, OwnedPackage> & { readonly layer: number };

export interface PackageHistory {
  /** After the last layer; by ecosystem, name, architecture, version. */
  readonly packages: readonly OwnedPackage[];
  /** In the order of layers; within one as `packages`. */
  readonly changes: readonly PackageChange[];
}

/**
 * Follows packages through the layers. Whoever writes a database anew is not taken for the one who brought what it lists:
 * a version that was listed before stays where it came in.
 * @param states the packages after each layer; the same list where nothing changed
 */
export function followPackages(states: readonly (readonly Package[])[]): PackageHistory {
  let packages: readonly OwnedPackage[] = [];
  const changes: PackageChange[] = [];
  states.forEach((state, layer) => {
    // Most layers change no database.
    if (state === states[layer - 1]) return;
    const since = new Map(packages.map(one => [identityOf(one), one.layer]));
    // Where two databases list the same version, it is one package.
    const now = [...new Map(state.map(one => [identityOf(one), one])).values()].map(one => ({
      ...one,
      layer: since.get(identityOf(one)) ?? layer,
    }));
    for (const difference of comparePackages(packages, now)) changes.push({ ...difference, layer });
    packages = now;
  });
  return { packages: [...packages].sort(byName), changes };
}
