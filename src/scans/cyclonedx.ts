import type { Field } from '../base/fields.js';
import { isDismissed, readVulnerability } from './cyclonedx-vulnerability.js';
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
 * A CycloneDX document, 1.4 to 1.7, in JSON (ECMA-424; cyclonedx.org/docs): its components, and its vulnerabilities where it
 * has some. Where a component lies is said by `evidence.occurrences`, and by the properties that Trivy and Syft write.
 */
export function readCycloneDx(report: Field): Omit<ScanReport, 'format'> {
  const form = report.get('bomFormat');
  if (form.value !== 'CycloneDX') form.fail('must be CycloneDX');
  const version = report.get('specVersion');
  const formatVersion = version.string(16);
  if (!/^1\.[4-7]$/.test(formatVersion)) version.fail('must be 1.4 to 1.7');
  const metadata = report.get('metadata');
  const components = listComponents(report.get('components'), 0);
  const read = components.map(component => ({
    ref: readText(component.get('bom-ref')),
    type: readText(component.get('type')),
    component: readComponent(component),
  }));
  const known = new Map(read.flatMap(({ ref, component }) => (ref === null ? [] : [[ref, component]])));
  const vulnerabilities = readList(report.get('vulnerabilities'));
  const open = vulnerabilities.filter(item => !isDismissed(item));
  return {
    formatVersion,
    tool: readTool(dig(metadata, 'tools')),
    created: readText(dig(metadata, 'timestamp')),
    subject: readSubject(dig(metadata, 'component')),
    searched: !report.get('vulnerabilities').empty,
    findings: open.flatMap(item => readVulnerability(item, known)),
    components: read.filter(({ type }) => type === 'library' || type === 'file').map(one => one.component),
    dismissed: vulnerabilities.length - open.length,
  };
}

const DEPTH = 16;

/** Components may hold components. */
function listComponents(list: Field, depth: number): readonly Field[] {
  if (depth > DEPTH) list.fail(`is nested deeper than ${DEPTH}`);
  return readList(list).flatMap(component => [
    component,
    ...listComponents(component.get('components'), depth + 1),
  ]);
}

function readComponent(component: Field): ScanComponent {
  const name = component.get('name').string(1024);
  const group = readText(component.get('group'));
  const properties = readProperties(component);
  const first = (key: string): string | null => properties.get(key)?.[0] ?? null;
  const trivy = place(
    first('aquasecurity:trivy:FilePath'),
    first('aquasecurity:trivy:LayerDiffID'),
    first('aquasecurity:trivy:LayerDigest'),
  );
  const occurrences = readList(dig(component.get('evidence'), 'occurrences')).map(occurrence =>
    place(readText(occurrence.get('location'))),
  );
  return {
    package: packageOf({
      name: group === null ? name : `${group}/${name}`,
      version: readText(component.get('version')),
      purl: readText(component.get('purl')),
      ecosystem: first('syft:package:type') ?? first('aquasecurity:trivy:PkgType'),
    }),
    places: placesOf([trivy, ...readSyftPlaces(properties), ...occurrences]),
  };
}

/** `syft:location:0:path` and `syft:location:0:layerID`. */
function readSyftPlaces(properties: ReadonlyMap<string, readonly string[]>): readonly ScanPlace[] {
  return [...properties.keys()].flatMap(key => {
    const number = /^syft:location:(\d{1,6}):path$/.exec(key)?.[1];
    if (number === undefined) return [];
    const layer = properties.get(`syft:location:${number}:layerID`)?.[0] ?? null;
    return place(properties.get(key)?.[0] ?? null, layer);
  });
}

function readProperties(holder: Field): ReadonlyMap<string, readonly string[]> {
  const properties = new Map<string, string[]>();
  for (const property of readList(holder.get('properties'))) {
    const name = readText(property.get('name'));
    const value = readText(property.get('value'));
    if (name !== null && value !== null) append(properties, name, value);
  }
  return properties;
}

/** A list of tools up to 1.4; from 1.5 an object with components. */
function readTool(tools: Field): ScanReport['tool'] {
  const list = Array.isArray(tools.value) ? readList(tools) : readList(dig(tools, 'components'));
  const [tool] = list;
  if (!tool) return null;
  return { name: tool.get('name').string(256), version: readText(tool.get('version')) };
}

/** Trivy names the image in properties, Syft by version; both may have a package URL. */
function readSubject(component: Field): ScanSubject {
  if (component.empty) return { name: null, images: [], layers: [] };
  const properties = readProperties(component);
  const version = readText(component.get('version')) ?? '';
  const named = ['aquasecurity:trivy:ImageID', 'aquasecurity:trivy:RepoDigest'].flatMap(
    key => properties.get(key)?.map(digestIn) ?? [],
  );
  return {
    name: readText(component.get('name')),
    images: [
      ...named,
      ...imageDigestsOf(readText(component.get('purl'))),
      ...(version.startsWith('sha256:') ? [version] : []),
    ],
    layers: properties.get('aquasecurity:trivy:DiffID') ?? [],
  };
}
