import type { Field } from '../base/fields.js';
import {
  append,
  imageDigestsOf,
  packageOf,
  place,
  placesOf,
  readList,
  readText,
  readTexts,
} from './report-fields.js';
import type { ScanPlace, ScanReport } from './scan-report.js';

/**
 * An SPDX 3.0 document as JSON-LD (SPDX specification 3.0.1, "Serialization" and the Lite profile): a graph of elements.
 * Packages and the files that they contain are read; security profiles are not.
 */
export function readSpdx3(report: Field): Omit<ScanReport, 'format'> {
  const graph = readList(report.get('@graph'));
  const ofType = (type: string): readonly Field[] => graph.filter(item => item.get('type').value === type);
  const files = new Map(
    ofType('software_File').map(file => [idOf(file), place(readText(file.get('name')))] as const),
  );
  const contained = new Map<string, ScanPlace[]>();
  for (const relationship of ofType('Relationship')) {
    if (relationship.get('relationshipType').value !== 'contains') continue;
    const from = readText(relationship.get('from')) ?? '';
    for (const to of readTexts(relationship.get('to'))) {
      const file = files.get(to);
      if (file) append(contained, from, file);
    }
  }
  const roots = new Set(
    [...ofType('SpdxDocument'), ...ofType('software_Sbom')].flatMap(item =>
      readTexts(item.get('rootElement')),
    ),
  );
  const packages = ofType('software_Package');
  const subjects = packages.filter(item => roots.has(idOf(item)));
  const [information] = ofType('CreationInfo');
  return {
    formatVersion: 'SPDX-3.0',
    tool: readTool(ofType('Tool')),
    created: information ? readText(information.get('created')) : null,
    subject: {
      name: subjects[0] ? readText(subjects[0].get('name')) : null,
      images: subjects.flatMap(item => imageDigestsOf(purlOf(item))),
      layers: [],
    },
    searched: false,
    findings: [],
    components: packages
      .filter(item => !roots.has(idOf(item)))
      .map(item => ({
        package: packageOf({
          name: item.get('name').string(1024),
          version: readText(item.get('software_packageVersion')),
          purl: purlOf(item),
        }),
        places: placesOf(contained.get(idOf(item)) ?? []),
      })),
    dismissed: 0,
  };
}

function idOf(item: Field): string {
  return item.get('spdxId').string(4096);
}

function readTool([tool]: readonly Field[]): ScanReport['tool'] {
  return tool ? { name: tool.get('name').string(256), version: null } : null;
}

function purlOf(item: Field): string | null {
  const url = readText(item.get('software_packageUrl'));
  if (url !== null) return url;
  const identifier = readList(item.get('externalIdentifier')).find(
    ({ value }) =>
      (value as { externalIdentifierType?: unknown } | null)?.externalIdentifierType === 'packageUrl',
  );
  return identifier ? readText(identifier.get('identifier')) : null;
}
