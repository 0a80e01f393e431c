import type { Package } from './package.js';

/** A difference between two lists of packages. */
export type PackageDifference<B extends Package, A extends Package> =
  | { readonly kind: 'added'; readonly after: A }
  | { readonly kind: 'removed'; readonly before: B }
  /** Another version, or another architecture. */
  | { readonly kind: 'changed'; readonly before: B; readonly after: A };

/** What makes two entries one package in one version. Its parts hold no spaces. */
export function identityOf({ ecosystem, name, architecture, version }: Package): string {
  return `${ecosystem} ${name} ${architecture} ${version}`;
}

/** By ecosystem, name, architecture and version, each by its characters' numbers: no order of versions. */
export function byName(a: Package, b: Package): number {
  return (
    order(a.ecosystem, b.ecosystem) ||
    order(a.name, b.name) ||
    order(a.architecture, b.architecture) ||
    order(a.version, b.version)
  );
}

function order(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

/**
 * What is in one list and not in the other. A name may be there in several versions and architectures: what goes and what comes
 * of one name is paired, first within an architecture.
 * @returns sorted as {@link byName} does
 */
export function comparePackages<B extends Package, A extends Package>(
  before: readonly B[],
  after: readonly A[],
): readonly PackageDifference<B, A>[] {
  const was = new Set(before.map(identityOf));
  const is = new Set(after.map(identityOf));
  const gone = before.filter(one => !is.has(identityOf(one))).sort(byName);
  const come = after.filter(one => !was.has(identityOf(one))).sort(byName);
  const pairs = new Map([...pair(gone, come, withArchitecture)]);
  const paired = new Set(pairs.values());
  const left = gone.filter(one => !pairs.has(one));
  for (const [one, other] of pair(
    left,
    come.filter(other => !paired.has(other)),
    withoutArchitecture,
  )) {
    pairs.set(one, other);
    paired.add(other);
  }
  const differences: PackageDifference<B, A>[] = [
    ...gone.map(one => {
      const other = pairs.get(one);
      return other
        ? { kind: 'changed' as const, before: one, after: other }
        : { kind: 'removed' as const, before: one };
    }),
    ...come.flatMap(one => (paired.has(one) ? [] : { kind: 'added' as const, after: one })),
  ];
  return differences.sort((a, b) => byName(subjectOf(a), subjectOf(b)));
}

function subjectOf<B extends Package, A extends Package>(difference: PackageDifference<B, A>): Package {
  return difference.kind === 'added' ? difference.after : difference.before;
}

function withArchitecture({ ecosystem, name, architecture }: Package): string {
  return `${ecosystem} ${name} ${architecture}`;
}

function withoutArchitecture({ ecosystem, name }: Package): string {
  return `${ecosystem} ${name}`;
}

/** The first of each that share a key, then the second, and so on. */
function* pair<B extends Package, A extends Package>(
  gone: readonly B[],
  come: readonly A[],
  keyOf: (one: Package) => string,
): Generator<readonly [B, A]> {
  const waiting = new Map<string, A[]>();
  for (const other of come) {
    const key = keyOf(other);
    const those = waiting.get(key);
    if (those) those.push(other);
    else waiting.set(key, [other]);
  }
  for (const one of gone) {
    const other = waiting.get(keyOf(one))?.shift();
    if (other) yield [one, other];
  }
}
