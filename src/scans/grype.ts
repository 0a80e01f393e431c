import type { Field } from '../base/fields.js';
import { LIMITS } from '../base/limits.js';
import { dig, digestIn, packageOf, place, placesOf, readList, readText, readTexts } from './report-fields.js';
import type { ScanFinding, ScanReport, ScanSubject } from './scan-report.js';
import { severityOf } from './severity.js';

/**
 * A report of `grype -o json` (Grype's published schema, `schema/grype/json`). What its configuration told it to ignore
 * stands in `ignoredMatches` and is counted as dismissed.
 */
export function readGrype(report: Field): Omit<ScanReport, 'format'> {
  const tool = report.get('descriptor');
  return {
    formatVersion: null,
    tool: { name: readText(dig(tool, 'name')) ?? 'grype', version: readText(dig(tool, 'version')) },
    created: readText(dig(tool, 'timestamp')),
    subject: readSource(report.get('source')),
    searched: true,
    findings: report.get('matches').array(LIMITS.reportEntries).map(readMatch),
    components: [],
    dismissed: readList(report.get('ignoredMatches')).length,
  };
}

/** The target is an object for images, and the path itself for folders. */
function readSource(source: Field): ScanSubject {
  const target = dig(source, 'target');
  if (typeof target.value === 'string') return { name: readText(target), images: [], layers: [] };
  const images = [readText(dig(target, 'manifestDigest')), readText(dig(target, 'imageID'))];
  return {
    name: readText(dig(target, 'userInput')),
    images: [
      ...images.filter(digest => digest !== null),
      ...readTexts(dig(target, 'repoDigests')).map(digestIn),
    ],
    layers: readList(dig(target, 'layers')).flatMap(layer => readText(layer.get('digest')) ?? []),
  };
}

function readMatch(match: Field): ScanFinding {
  const vulnerability = match.get('vulnerability');
  const artifact = match.get('artifact');
  const id = vulnerability.get('id').string(256);
  const severityWord = readText(vulnerability.get('severity'));
  const related = readList(match.get('relatedVulnerabilities')).map(other => other.get('id').string(256));
  return {
    id,
    aliases: [...new Set(related)].filter(other => other !== id),
    title: null,
    severity: severityOf(severityWord),
    severityWord,
    package: packageOf({
      name: artifact.get('name').string(1024),
      version: readText(artifact.get('version')),
      purl: readText(artifact.get('purl')),
      ecosystem: readText(artifact.get('type')),
    }),
    fixedIn: readTexts(dig(vulnerability, 'fix', 'versions')),
    source: readText(vulnerability.get('namespace')),
    places: placesOf(
      readList(artifact.get('locations')).map(location =>
        place(readText(location.get('path')), readText(location.get('layerID'))),
      ),
    ),
  };
}
