import type { Field } from '../base/fields.js';
import { packageOf, place, placesOf, readList, readMembers, readText, readTexts } from './report-fields.js';
import type { ScanFinding, ScanPackage, ScanPlace, ScanReport } from './scan-report.js';
import { severityOf } from './severity.js';

/**
 * A vulnerability report of Clair v4 (its OpenAPI document, `VulnerabilityReport`; `claircore.VulnerabilityReport`):
 * tables of packages, environments and vulnerabilities, tied by ids.
 */
export function readClair(report: Field): Omit<ScanReport, 'format'> {
  const packages = new Map(readMembers(report.get('packages')));
  const environments = new Map(readMembers(report.get('environments')));
  const vulnerabilities = new Map(readMembers(report.get('vulnerabilities')));
  const ties = report.get('package_vulnerabilities');
  ties.object();
  const findings = readMembers(ties).flatMap(([id, ids]) => {
    const part = packages.get(id) ?? ids.fail('is about a package that the report does not have');
    const known = environments.get(id);
    const where = known ? readList(known) : [];
    const databases = where.map(environment => readText(environment.get('package_db')));
    const found = readPackage(part, databases);
    const places = placesOf(where.map(readEnvironment));
    return readTexts(ids).map(vulnerability =>
      readVulnerability(
        vulnerabilities.get(vulnerability) ?? ids.fail('names a vulnerability that the report does not have'),
        found,
        places,
      ),
    );
  });
  const hash = readText(report.get('manifest_hash'));
  return {
    formatVersion: null,
    tool: { name: 'clair', version: null },
    created: null,
    subject: { name: null, images: hash === null ? [] : [hash], layers: [] },
    searched: true,
    findings,
    components: [],
    dismissed: 0,
  };
}

/** The layer that a package came in with, and the database or file that it was found in: `python:usr/lib/…` has a prefix. */
function readEnvironment(environment: Field): ScanPlace {
  const database = readText(environment.get('package_db'))?.replace(/^[a-z]+:/, '') ?? null;
  return place(database, readText(environment.get('introduced_in')));
}

function readPackage(part: Field, databases: readonly (string | null)[]): ScanPackage {
  return packageOf({
    name: part.get('name').string(1024),
    version: readText(part.get('version')),
    purl: null,
    ecosystem: ecosystemOf(databases),
    architecture: readText(part.get('arch')),
  });
}

/** Clair does not name it: the database does. */
function ecosystemOf(databases: readonly (string | null)[]): string | null {
  for (const database of databases) {
    if (database === null) continue;
    if (/(?:^|\/)var\/lib\/dpkg\//.test(database)) return 'deb';
    if (/(?:^|\/)lib\/apk\/db\//.test(database)) return 'apk';
    if (/^(?:bdb|sqlite|ndb):|(?:^|\/)(?:var\/lib|usr\/lib\/sysimage)\/rpm/.test(database)) return 'rpm';
    const prefix = /^([a-z]+):/.exec(database)?.[1];
    if (prefix !== undefined) return PREFIXES.get(prefix) ?? prefix;
  }
  return null;
}

const PREFIXES: ReadonlyMap<string, string> = new Map([
  ['python', 'pypi'],
  ['nodejs', 'npm'],
  ['go', 'golang'],
  ['ruby', 'gem'],
  ['jar', 'maven'],
]);

function readVulnerability(item: Field, part: ScanPackage, places: readonly ScanPlace[]): ScanFinding {
  const severityWord = readText(item.get('normalized_severity')) ?? readText(item.get('severity'));
  const fixed = readText(item.get('fixed_in_version'));
  return {
    id: item.get('name').string(256),
    aliases: [],
    title: null,
    severity: severityOf(severityWord),
    severityWord,
    package: part,
    // A database of flaws without a fix writes 0 there.
    fixedIn: fixed === null || fixed === '0' ? [] : [fixed],
    source: readText(item.get('updater')),
    places,
  };
}
