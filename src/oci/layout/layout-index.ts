import { utf8 } from '../../base/bytes.js';
import type { Digest } from '../../base/digest.js';
import { fail } from '../../base/errors.js';
import { Field } from '../../base/fields.js';
import { type JsonObject, type JsonValue, parseJson } from '../../base/json.js';
import { LIMITS } from '../../base/limits.js';
import { type Descriptor, descriptorJson, parseDescriptor } from '../descriptor.js';
import { INDEX_TYPES, MEDIA_TYPES } from '../media-types.js';
import { attachmentTag, sameRepository } from '../reference.js';

const REF_NAME = 'org.opencontainers.image.ref.name';
/** What containerd and Docker call the image in full: `docker.io/library/alpine:3`. */
const IMAGE_NAME = 'io.containerd.image.name';
/** cosign's mark on what an entry of a layout is; without it `cosign verify --local-image` finds nothing. */
const KIND = 'kind';
const KINDS = 'dev.cosignproject.cosign/';

/** One entry of index.json. */
export interface LayoutEntry {
  readonly descriptor: Descriptor;
  /** `org.opencontainers.image.ref.name`: a tag, sometimes a whole reference. */
  readonly name: string | undefined;
  /** Docker's full name of it. */
  readonly imageName: string | undefined;
  /** What cosign says it is: `image`, `imageIndex`, `sigs`, `atts`. */
  readonly kind: string | undefined;
  /** As it stood, with members that this tool does not know. */
  readonly json: JsonObject;
}

/** index.json of an image layout (OCI image specification, "Image Layout"). */
export interface LayoutIndex {
  readonly document: JsonObject;
  readonly entries: readonly LayoutEntry[];
}

/**
 * Parses index.json. `what` names the file.
 * @throws TouchmarkError `format-layout`, `limit-exceeded`
 */
export function parseLayoutIndex(bytes: Uint8Array, what: string): LayoutIndex {
  const document = parseJson(bytes, what, {
    code: 'format-layout',
    maxSize: LIMITS.layoutIndexSize,
  });
  const field = new Field(document, what, 'format-layout').onlyKeys([
    'schemaVersion',
    'mediaType',
    'artifactType',
    'manifests',
    'subject',
    'annotations',
  ]);
  if (field.get('schemaVersion').value !== 2) field.get('schemaVersion').fail('must be 2');
  // skopeo leaves the media type out; what is there must be an index.
  const mediaType = field.get('mediaType').optionalString();
  if (mediaType !== undefined && mediaType !== MEDIA_TYPES.ociIndex) {
    field.get('mediaType').fail(`must be ${MEDIA_TYPES.ociIndex}`);
  }
  const manifests = field.get('manifests').empty ? [] : field.get('manifests').array(LIMITS.layoutEntries);
  return {
    document: field.object(),
    entries: manifests.map(item => layoutEntry(parseDescriptor(item), item.object())),
  };
}

function layoutEntry(descriptor: Descriptor, json: JsonObject): LayoutEntry {
  const annotations = descriptor.annotations ?? {};
  const kind = annotations[KIND];
  return {
    descriptor,
    name: annotations[REF_NAME],
    imageName: annotations[IMAGE_NAME],
    kind: kind?.startsWith(KINDS) ? kind.slice(KINDS.length) : undefined,
    json,
  };
}

/** The index of a layout that holds nothing yet. */
export function emptyLayoutIndex(): LayoutIndex {
  return {
    document: { schemaVersion: 2, mediaType: MEDIA_TYPES.ociIndex, manifests: [] },
    entries: [],
  };
}

export function serializeLayoutIndex(index: LayoutIndex): Uint8Array {
  return utf8(JSON.stringify({ ...index.document, manifests: index.entries.map(entry => entry.json) }));
}

/** The tag in a name that may be a whole reference: `1.4` of `registry.example:5000/app:1.4`. */
export function tagOfName(name: string): string | undefined {
  const path = name.slice(name.lastIndexOf('/') + 1).split('@')[0] as string;
  const colon = path.indexOf(':');
  if (colon >= 0) return path.slice(colon + 1);
  return name === path ? name : undefined;
}

/**
 * Finds what a tag names: an entry with exactly this name, else the one whose name ends in this tag, else, in a layout that
 * `cosign save` wrote (one image, nothing named), that image's signatures or attestations.
 * @throws TouchmarkError `format-layout`, `usage-reference` when the tag names several manifests
 */
export function findTag(index: LayoutIndex, tag: string): LayoutEntry | undefined {
  const exact = index.entries.filter(entry => entry.name === tag);
  const [first] = exact;
  if (first) {
    if (distinct(exact).length > 1) {
      fail('format-layout', `the tag ${JSON.stringify(tag)} stands at ${distinct(exact).length} manifests`, {
        hint: 'name the one you mean by its digest: oci:DIR@sha256:…',
        details: { digests: distinct(exact) },
      });
    }
    return first;
  }
  const full = index.entries.filter(entry =>
    [entry.name, entry.imageName].some(name => sameImage(name, tag)),
  );
  if (full[0] && distinct(full).length === 1) return full[0];
  const partial = index.entries.filter(entry => entry.name !== undefined && tagOfName(entry.name) === tag);
  if (distinct(partial).length > 1) {
    const names = partial.map(entry => entry.name ?? '');
    fail('usage-reference', `the tag ${JSON.stringify(tag)} fits several images: ${names.join(', ')}`, {
      hint: 'name the one you mean by its digest: oci:DIR@sha256:…',
      details: { names, digests: distinct(partial) },
    });
  }
  return partial[0] ?? findByKind(index, tag);
}

/** Are these two whole references to one image: `alpine:3` and `docker.io/library/alpine:3`? */
function sameImage(name: string | undefined, wanted: string): boolean {
  if (name === undefined || !/[:/]/.test(wanted) || !/[:/]/.test(name)) return false;
  return tagOfName(name) === tagOfName(wanted) && sameRepository(name, wanted);
}

function findByKind(index: LayoutIndex, tag: string): LayoutEntry | undefined {
  const kind = kindOfTag(tag);
  if (kind === undefined) return undefined;
  const images = index.entries.filter(entry => entry.kind === 'image' || entry.kind === 'imageIndex');
  const attached = index.entries.filter(entry => entry.kind === kind && entry.name === undefined);
  const [image] = images;
  if (!image || images.length > 1 || attached.length > 1) return undefined;
  const suffix = tag.slice(tag.lastIndexOf('.'));
  return attachmentTag(image.descriptor.digest, suffix) === tag ? attached[0] : undefined;
}

function distinct(entries: readonly LayoutEntry[]): Digest[] {
  return [...new Set(entries.map(entry => entry.descriptor.digest))];
}

const ATTACHMENT = /^[a-z0-9]+-[a-f0-9]{64}(?:\.([a-z0-9]+))?$/;

function kindOfTag(tag: string): string | undefined {
  const suffix = ATTACHMENT.exec(tag)?.[1];
  if (suffix === 'sig') return 'sigs';
  return suffix === 'att' ? 'atts' : undefined;
}

/** Is this something about an image (signatures, a fallback index) rather than an image? */
export function isAttachment(entry: LayoutEntry): boolean {
  if (entry.kind !== undefined) return entry.kind === 'sigs' || entry.kind === 'atts';
  const tag = entry.name === undefined ? undefined : tagOfName(entry.name);
  return tag !== undefined && ATTACHMENT.test(tag);
}

/** An index of manifests, some with names. */
export function indexOf(
  named: readonly { readonly descriptor: Descriptor; readonly name?: string }[],
): LayoutIndex {
  const entries = named.map(({ descriptor, name }) =>
    newEntry(descriptor, name === undefined ? {} : { [REF_NAME]: name }),
  );
  return { document: emptyLayoutIndex().document, entries };
}

/** Lets `tag` name a manifest. The same index when it does already; other entries stay as they are. */
export function withTag(index: LayoutIndex, tag: string, descriptor: Descriptor): LayoutIndex {
  const found = findTag(index, tag);
  if (found?.descriptor.digest === descriptor.digest && found.name === tag) return index;
  const attachment = ATTACHMENT.test(tag);
  const kind = attachment
    ? kindOfTag(tag)
    : INDEX_TYPES.includes(descriptor.mediaType)
      ? 'imageIndex'
      : 'image';
  const annotations = { [REF_NAME]: tag, ...(kind && { [KIND]: KINDS + kind }) };
  const replaced = index.entries.filter(
    entry => entry.name === tag || (entry === found && entry.name === undefined),
  );
  const bare = index.entries.find(
    entry =>
      entry.name === undefined && entry.descriptor.digest === descriptor.digest && !replaced.includes(entry),
  );
  const added = bare ? annotate(bare, annotations) : newEntry(descriptor, annotations);
  const kept = index.entries.filter(entry => !replaced.includes(entry) && entry !== bare);
  const entries = attachment ? kept.map(entry => markSubject(entry, tag)) : kept;
  return { document: index.document, entries: [...entries, added] };
}

/** Marks the image that an attachment is about as cosign would have, so that cosign finds it too. */
function markSubject(entry: LayoutEntry, tag: string): LayoutEntry {
  if (entry.kind !== undefined || isAttachment(entry)) return entry;
  if (attachmentTag(entry.descriptor.digest) !== tag.split('.')[0]) return entry;
  const kind = INDEX_TYPES.includes(entry.descriptor.mediaType) ? 'imageIndex' : 'image';
  return entry.descriptor.annotations?.[KIND] === undefined
    ? annotate(entry, { [KIND]: KINDS + kind })
    : entry;
}

/** Lists a manifest without a name, unless it is listed. */
export function withUntagged(index: LayoutIndex, descriptor: Descriptor): LayoutIndex {
  if (index.entries.some(entry => entry.descriptor.digest === descriptor.digest)) return index;
  return { document: index.document, entries: [...index.entries, newEntry(descriptor, {})] };
}

function newEntry(descriptor: Descriptor, annotations: Readonly<Record<string, string>>): LayoutEntry {
  const { mediaType, digest, size } = descriptor;
  const named =
    Object.keys(annotations).length > 0
      ? { mediaType, digest, size, annotations }
      : { mediaType, digest, size };
  return layoutEntry(named, descriptorJson(named) as JsonObject);
}

function annotate(entry: LayoutEntry, more: Readonly<Record<string, string>>): LayoutEntry {
  const annotations = { ...entry.descriptor.annotations, ...more };
  const json: Record<string, JsonValue> = { ...entry.json, annotations };
  return layoutEntry({ ...entry.descriptor, annotations }, json);
}
