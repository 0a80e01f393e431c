import type { OwnedPackage } from '../packages/index.js';
import type { ScanPackage } from '../scans/index.js';

/** Whether a package manager of the system keeps such packages in a database. */
export function isOfSystem(ecosystem: string | null): boolean {
  return ecosystem === 'deb' || ecosystem === 'apk' || ecosystem === 'rpm';
}

/** Finds the installed package that a report speaks of: of that name and version; of several architectures the one named, if one is. */
export function createPackageLookup(
  installed: readonly OwnedPackage[],
): (asked: ScanPackage | null) => readonly OwnedPackage[] {
  const byName = new Map<string, OwnedPackage[]>();
  for (const one of installed) {
    const known = byName.get(one.name);
    if (known) known.push(one);
    else byName.set(one.name, [one]);
  }
  return asked => {
    if (asked === null || (asked.ecosystem !== null && !isOfSystem(asked.ecosystem))) return [];
    const same = (byName.get(asked.name) ?? []).filter(
      ({ ecosystem, version }) =>
        ecosystem === (asked.ecosystem ?? ecosystem) && sameVersion(version, asked.version),
    );
    const exact = same.filter(({ architecture }) => architecture === asked.architecture);
    return exact.length > 0 ? exact : same;
  };
}

/** Scanners write an epoch or leave it out, above all one of 0. */
function sameVersion(installed: string, said: string | null): boolean {
  if (said === null) return false;
  if (installed === said) return true;
  const epoch = /^(\d+):/;
  const [a, b] = [epoch.exec(installed)?.[1], epoch.exec(said)?.[1]];
  if (a !== undefined && b !== undefined && Number(a) !== Number(b)) return false;
  return installed.replace(epoch, '') === said.replace(epoch, '');
}
