import type { Field } from '../base/fields.js';
import { LIMITS } from '../base/limits.js';
import { parsePackageUrl } from './package-url.js';
import type { ScanPackage, ScanPlace } from './scan-report.js';

/** What all formats have in common: members may be missing, null or empty, and all three mean that nothing is said. */

/** @throws TouchmarkError `report-invalid` for anything but text, and for text that is too long */
export function readText(field: Field): string | null {
  if (field.empty) return null;
  const text = field.string(LIMITS.reportText);
  return text === '' ? null : text;
}

export function readList(field: Field): readonly Field[] {
  return field.empty ? [] : field.array(LIMITS.reportEntries);
}

export function readTexts(field: Field): readonly string[] {
  return readList(field).flatMap(item => readText(item) ?? []);
}

/** The members of an object, by key. */
export function readMembers(field: Field): readonly (readonly [string, Field])[] {
  if (field.empty) return [];
  const keys = Object.keys(field.object());
  if (keys.length > LIMITS.reportEntries)
    field.fail(`has ${keys.length} members; at most ${LIMITS.reportEntries} are read`);
  return keys.map(key => [key, field.get(key)]);
}

/** A member that may be missing, of an object that may be missing. */
export function dig(field: Field, ...path: readonly string[]): Field {
  let at = field;
  for (const key of path) {
    if (at.empty) return at;
    at = at.get(key);
  }
  return at;
}

/** Puts a value behind those that a key has already. */
export function append<K, V>(map: Map<K, V[]>, key: K, value: V): void {
  const values = map.get(key);
  if (values) values.push(value);
  else map.set(key, [value]);
}

/** `name@sha256:…` and `sha256:…` as the digest alone. */
export function digestIn(text: string): string {
  return text.slice(text.lastIndexOf('@') + 1);
}

export function place(path: string | null, ...layers: readonly (string | null)[]): ScanPlace {
  return { path, layers: [...new Set(layers.flatMap(layer => (layer === null ? [] : digestIn(layer))))] };
}

/** Places that say something, each once. */
export function placesOf(places: readonly ScanPlace[]): readonly ScanPlace[] {
  const said = places.filter(({ path, layers }) => path !== null || layers.length > 0);
  return [...new Map(said.map(one => [JSON.stringify(one), one])).values()];
}

export interface PackageFacts {
  readonly name: string;
  readonly version: string | null;
  readonly purl: string | null;
  /** Where the report says it outside the package URL. */
  readonly ecosystem?: string | null;
  readonly architecture?: string | null;
}

/** What the report says of a package, and what its package URL adds. */
export function packageOf({ name, version, purl, ecosystem, architecture }: PackageFacts): ScanPackage {
  const url = parsePackageUrl(purl);
  return {
    ecosystem: url?.type ?? ecosystem ?? null,
    name,
    version: version ?? url?.version ?? null,
    architecture: architecture ?? url?.qualifiers.get('arch') ?? null,
    purl,
  };
}

/** Digests of the image that a package URL of type `oci` or `docker` names. */
export function imageDigestsOf(purl: string | null): readonly string[] {
  const url = parsePackageUrl(purl);
  return (url?.type === 'oci' || url?.type === 'docker') && url.version?.startsWith('sha256:')
    ? [url.version]
    : [];
}
