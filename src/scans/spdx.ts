import type { Field } from '../base/fields.js';
import {
  append,
  dig,
  digestIn,
  imageDigestsOf,
  packageOf,
  place,
  placesOf,
  readList,
  readText,
} from './report-fields.js';
import type { ScanComponent, ScanPlace, ScanReport, ScanSubject } from './scan-report.js';

/**
 * An SPDX document, 2.2 or 2.3, in JSON (SPDX specification 2.3, clauses 7, 8, 11 and 12): packages and the files they
 * contain. SPDX has no word for layers; what Trivy and Syft write into annotations and comments is read as they write it.
 */
export function readSpdx(report: Field): Omit<ScanReport, 'format'> {
  const version = report.get('spdxVersion');
  const formatVersion = version.string(16);
  if (!/^SPDX-2\.[23]$/.test(formatVersion)) version.fail('must be SPDX-2.2 or SPDX-2.3');
  const packages = readList(report.get('packages'));
  const files = new Map(
    readList(report.get('files')).map(file => [file.get('SPDXID').string(1024), readFile(file)] as const),
  );
  const contained = new Map<string, ScanPlace[]>();
  const roots = new Set(readList(report.get('documentDescribes')).map(id => id.string(1024)));
  for (const relationship of readList(report.get('relationships'))) {
    const from = relationship.get('spdxElementId').string(1024);
    const to = relationship.get('relatedSpdxElement').string(1024);
    const type = relationship.get('relationshipType').value;
    if (type === 'DESCRIBES' && from === 'SPDXRef-DOCUMENT') roots.add(to);
    const file = files.get(to);
    // Syft ties a package to what it knows it from with OTHER, and a comment that says so.
    if (!file || (type !== 'CONTAINS' && type !== 'OTHER')) continue;
    append(contained, from, file);
  }
  const isRoot = (item: Field) => roots.has(item.get('SPDXID').string(1024));
  const subjects = packages.filter(isRoot).map(readSubject);
  return {
    formatVersion,
    tool: readTool(readList(dig(report, 'creationInfo', 'creators'))),
    created: readText(dig(report, 'creationInfo', 'created')),
    subject: {
      name: subjects[0]?.name ?? readText(report.get('name')),
      images: subjects.flatMap(({ images }) => images),
      layers: subjects.flatMap(({ layers }) => layers),
    },
    searched: false,
    findings: [],
    components: packages
      .filter(item => !isRoot(item) && !STRUCTURE.has(readText(item.get('primaryPackagePurpose')) ?? ''))
      .map(item => readPackage(item, contained)),
    dismissed: 0,
  };
}

/** Packages that stand for a system or a lock file, not for a part of the image. */
const STRUCTURE = new Set(['CONTAINER', 'OPERATING-SYSTEM', 'APPLICATION', 'SOURCE']);

function readFile(file: Field): ScanPlace {
  const layer = /^layerID: (\S+)$/m.exec(readText(file.get('comment')) ?? '')?.[1];
  return place(readText(file.get('fileName'))?.replace(/^\.\//, '') ?? null, layer ?? null);
}

function readPackage(item: Field, contained: ReadonlyMap<string, readonly ScanPlace[]>): ScanComponent {
  const said = readAnnotations(item);
  const source = readText(item.get('sourceInfo')) ?? '';
  // Trivy: "package found in: PATH"; Syft: "acquired package info from DPKG DB: PATH, PATH".
  const paths = /^(?:package found in|acquired package info from [^:]*): (.+)$/s.exec(source)?.[1] ?? '';
  const layers = [...(said.get('LayerDiffID') ?? []), ...(said.get('LayerDigest') ?? [])];
  return {
    package: packageOf({
      name: item.get('name').string(1024),
      version: readText(item.get('versionInfo')),
      purl: purlsOf(item)[0] ?? null,
    }),
    places: placesOf([
      ...paths.split(', ').map(path => place(path || null, ...layers)),
      ...(contained.get(item.get('SPDXID').string(1024)) ?? []),
    ]),
  };
}

function purlsOf(item: Field): readonly string[] {
  return readList(item.get('externalRefs'))
    .filter(ref => ref.get('referenceType').value === 'purl')
    .flatMap(ref => readText(ref.get('referenceLocator')) ?? []);
}

/** Trivy's annotations are `KEY: VALUE`. */
function readAnnotations(item: Field): ReadonlyMap<string, readonly string[]> {
  const said = new Map<string, string[]>();
  for (const annotation of readList(item.get('annotations'))) {
    const match = /^(\w+): (.+)$/.exec(readText(annotation.get('comment')) ?? '');
    if (!match) continue;
    append(said, match[1] as string, match[2] as string);
  }
  return said;
}

function readSubject(item: Field): ScanSubject {
  const said = readAnnotations(item);
  const version = readText(item.get('versionInfo')) ?? '';
  return {
    name: readText(item.get('name')),
    images: [
      ...(said.get('ImageID') ?? []),
      ...(said.get('RepoDigest') ?? []).map(digestIn),
      ...purlsOf(item).flatMap(imageDigestsOf),
      ...(version.startsWith('sha256:') ? [version] : []),
    ],
    layers: said.get('DiffID') ?? [],
  };
}

/** `Tool: trivy-0.58.1` (clause 6.8). */
function readTool(creators: readonly Field[]): ScanReport['tool'] {
  for (const creator of creators) {
    const match = /^Tool: (.+?)(?:-v?(\d[^-]*))?$/.exec(readText(creator) ?? '');
    if (match) return { name: match[1] as string, version: match[2] ?? null };
  }
  return null;
}
