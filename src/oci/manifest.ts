import { utf8 } from '../base/bytes.js';
import { Field } from '../base/fields.js';
import { parseJson } from '../base/json.js';
import { LIMITS } from '../base/limits.js';
import { type Descriptor, describe, descriptorJson, parseDescriptor, sortKeys } from './descriptor.js';
import { INDEX_TYPES, MANIFEST_TYPES, MEDIA_TYPES } from './media-types.js';

/** A manifest or an index as it was stored: the raw twin of every parsed view. */
export interface RawManifest {
  /** Of the bytes: its digest was computed here, never taken from a header. */
  readonly descriptor: Descriptor;
  readonly bytes: Uint8Array;
}

interface ManifestBase {
  readonly mediaType: string;
  readonly artifactType?: string;
  readonly subject?: Descriptor;
  readonly annotations: Readonly<Record<string, string>>;
}

export interface ImageManifest extends ManifestBase {
  readonly kind: 'image';
  readonly config: Descriptor;
  /** Base layer first. */
  readonly layers: readonly Descriptor[];
}

export interface ImageIndex extends ManifestBase {
  readonly kind: 'index';
  readonly manifests: readonly Descriptor[];
}

export type Manifest = ImageManifest | ImageIndex;

const KNOWN_KEYS = [
  'schemaVersion',
  'mediaType',
  'artifactType',
  'config',
  'layers',
  'manifests',
  'subject',
  'annotations',
];

/**
 * Parses an image manifest or index (OCI image specification; Docker schema 2). `mediaType` is what the store said the
 * bytes are; the document must agree. A document that could be read as both is refused (CVE-2021-41190).
 *
 * @throws TouchmarkError `format-manifest`, `oci-digest-mismatch` (inlined data), `limit-exceeded`
 */
export function parseManifest(raw: RawManifest): Manifest {
  const { mediaType } = raw.descriptor;
  const value = parseJson(raw.bytes, 'the manifest', { code: 'format-manifest' });
  const field = new Field(value, 'manifest', 'format-manifest').onlyKeys(KNOWN_KEYS);
  const isIndex = INDEX_TYPES.includes(mediaType);
  if (!isIndex && !MANIFEST_TYPES.includes(mediaType)) {
    field.fail(`has a media type this tool does not read: ${JSON.stringify(mediaType.slice(0, 120))}`);
  }
  if (field.get('schemaVersion').value !== 2) field.get('schemaVersion').fail('must be 2');
  const stated = field.get('mediaType').optionalString();
  if (stated !== undefined && stated !== mediaType) {
    field
      .get('mediaType')
      .fail(`says ${JSON.stringify(stated.slice(0, 120))} where it was served as ${mediaType}`);
  }
  const hasImageMembers = field.get('layers').present || field.get('config').present;
  if (field.get('manifests').present && hasImageMembers) field.fail('is both an image and an index');
  // Without a mediaType of its own, an image served as an index would read as an index of nothing.
  if (isIndex && hasImageMembers) field.fail('is an image that was served as an index');
  const artifactType = field.get('artifactType').optionalString();
  const base: ManifestBase = {
    mediaType,
    annotations: field.get('annotations').stringMap(),
    ...(artifactType !== undefined && { artifactType }),
    ...(!field.get('subject').empty && { subject: parseDescriptor(field.get('subject')) }),
  };
  if (isIndex) {
    const manifests = field.get('manifests').empty ? [] : field.get('manifests').array(LIMITS.indexEntries);
    return { ...base, kind: 'index', manifests: manifests.map(parseDescriptor) };
  }
  return {
    ...base,
    kind: 'image',
    config: parseDescriptor(field.get('config')),
    layers: field.get('layers').empty ? [] : field.get('layers').array(LIMITS.layers).map(parseDescriptor),
  };
}

/** What a manifest is an artifact of: its `artifactType`, else its config's media type. */
export function artifactTypeOf(manifest: Manifest): string | undefined {
  return manifest.artifactType ?? (manifest.kind === 'image' ? manifest.config.mediaType : undefined);
}

export type NewManifest =
  | (Partial<ManifestBase> & Pick<ImageManifest, 'config' | 'layers'>)
  | (Partial<ManifestBase> & Pick<ImageIndex, 'manifests'>);

/** Serializes a new manifest or index, compact, members in the order of Go's encoder. */
export function serializeManifest(manifest: NewManifest): RawManifest {
  const isIndex = 'manifests' in manifest;
  const mediaType = manifest.mediaType ?? (isIndex ? MEDIA_TYPES.ociIndex : MEDIA_TYPES.ociManifest);
  const annotations =
    manifest.annotations && Object.keys(manifest.annotations).length > 0 ? manifest.annotations : undefined;
  const document = {
    schemaVersion: 2,
    mediaType,
    ...(isIndex
      ? { manifests: manifest.manifests.map(descriptorJson) }
      : { config: descriptorJson(manifest.config), layers: manifest.layers.map(descriptorJson) }),
    ...(annotations && { annotations: sortKeys(annotations) }),
    ...(manifest.subject && { subject: descriptorJson(manifest.subject) }),
    ...(manifest.artifactType && { artifactType: manifest.artifactType }),
  };
  return rawManifest(mediaType, utf8(JSON.stringify(document)));
}

/** Pairs manifest bytes with their descriptor. */
export function rawManifest(mediaType: string, bytes: Uint8Array): RawManifest {
  return { descriptor: describe(mediaType, bytes), bytes };
}
