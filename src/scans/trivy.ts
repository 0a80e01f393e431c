import type { Field } from '../base/fields.js';
import { dig, digestIn, packageOf, place, placesOf, readList, readText, readTexts } from './report-fields.js';
import type { ScanFinding, ScanReport } from './scan-report.js';
import { severityOf } from './severity.js';

/**
 * A report of `trivy image --format json`, schema version 2 (Trivy documentation, "Reporting"; `types.Report` of its
 * source). Vulnerabilities, secrets and failed checks are findings; licences are not.
 */
export function readTrivy(report: Field): Omit<ScanReport, 'format'> {
  const version = report.get('SchemaVersion');
  if (version.value !== 2) version.fail('must be 2: make the report with a Trivy of this decade');
  const metadata = report.get('Metadata');
  const imageID = readText(dig(metadata, 'ImageID'));
  const images = readTexts(dig(metadata, 'RepoDigests')).map(digestIn);
  const trivy = readText(dig(report, 'Trivy', 'Version'));
  return {
    formatVersion: '2',
    tool: { name: 'trivy', version: trivy },
    created: readText(report.get('CreatedAt')),
    subject: {
      name: readText(report.get('ArtifactName')),
      images: imageID === null ? images : [imageID, ...images],
      layers: readTexts(dig(metadata, 'DiffIDs')),
    },
    searched: true,
    findings: readList(report.get('Results')).flatMap(readResult),
    components: [],
    dismissed: 0,
  };
}

function readResult(result: Field): readonly ScanFinding[] {
  const target = readText(result.get('Target'));
  const kind = readText(result.get('Class'));
  const type = readText(result.get('Type'));
  const ecosystem = ecosystemOf(kind, type);
  // Of packages of the system the target is the image; of those that lie about in folders it is a word such as "Java".
  const path = kind === 'os-pkgs' || GATHERED.has(type ?? '') ? null : target;
  return [
    ...readList(result.get('Vulnerabilities')).map(item => readVulnerability(item, path, ecosystem)),
    ...readList(result.get('Secrets')).map(item => readSecret(item, target)),
    ...readList(result.get('Misconfigurations')).flatMap(item => readCheck(item, target)),
  ];
}

const GATHERED = new Set(['node-pkg', 'python-pkg', 'gemspec', 'jar', 'conda-pkg']);

/** Distributions, as Trivy calls them; the others that it knows have rpm. */
const DISTRIBUTIONS: ReadonlyMap<string, string> = new Map([
  ['debian', 'deb'],
  ['ubuntu', 'deb'],
  ['echo', 'deb'],
  ['alpine', 'apk'],
  ['wolfi', 'apk'],
  ['chainguard', 'apk'],
  ['minimos', 'apk'],
]);

/** As package URLs call it. */
function ecosystemOf(kind: string | null, type: string | null): string | null {
  return kind === 'os-pkgs' ? (DISTRIBUTIONS.get(type ?? '') ?? 'rpm') : type;
}

function readVulnerability(item: Field, path: string | null, ecosystem: string | null): ScanFinding {
  const severityWord = readText(item.get('Severity'));
  return {
    id: item.get('VulnerabilityID').string(256),
    aliases: readTexts(item.get('VendorIDs')),
    title: readText(item.get('Title')),
    severity: severityOf(severityWord),
    severityWord,
    package: packageOf({
      name: item.get('PkgName').string(1024),
      version: readText(item.get('InstalledVersion')),
      purl: readText(dig(item, 'PkgIdentifier', 'PURL')),
      ecosystem,
    }),
    fixedIn: (readText(item.get('FixedVersion')) ?? '').split(/,\s*/).filter(text => text !== ''),
    source: readText(dig(item, 'DataSource', 'ID')),
    places: placesOf([place(readText(item.get('PkgPath')) ?? path, ...readLayer(item))]),
  };
}

/** The secret itself, `Match`, is not taken over. */
function readSecret(item: Field, path: string | null): ScanFinding {
  return aboutFile(item, item.get('RuleID').string(256), path);
}

function readCheck(item: Field, path: string | null): readonly ScanFinding[] {
  const status = readText(item.get('Status'));
  if (status !== null && status !== 'FAIL') return [];
  return [aboutFile(item, item.get('ID').string(256), path)];
}

function aboutFile(item: Field, id: string, path: string | null): ScanFinding {
  const severityWord = readText(item.get('Severity'));
  return {
    ...{ id, aliases: [], title: readText(item.get('Title')) },
    ...{ severity: severityOf(severityWord), severityWord },
    ...{ package: null, fixedIn: [], source: null },
    places: placesOf([place(path, ...readLayer(item))]),
  };
}

function readLayer(item: Field): readonly (string | null)[] {
  return [readText(dig(item, 'Layer', 'DiffID')), readText(dig(item, 'Layer', 'Digest'))];
}
