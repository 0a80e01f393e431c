import { fromBase64 } from '../base/bytes.js';
import { computeDigest, type Digest, digestAlgorithm } from '../base/digest.js';
import { fail } from '../base/errors.js';
import type { Field } from '../base/fields.js';

export interface Platform {
  readonly os: string;
  readonly architecture: string;
  readonly variant?: string;
  readonly osVersion?: string;
}

/** A content descriptor (OCI image specification, "Content Descriptors"). */
export interface Descriptor {
  readonly mediaType: string;
  readonly digest: Digest;
  /** In bytes. */
  readonly size: number;
  /** The content itself, inlined; already checked against digest and size. */
  readonly data?: Uint8Array;
  readonly annotations?: Readonly<Record<string, string>>;
  readonly artifactType?: string;
  readonly platform?: Platform;
  readonly urls?: readonly string[];
}

const DESCRIPTOR_KEYS = [
  'mediaType',
  'digest',
  'size',
  'data',
  'annotations',
  'artifactType',
  'platform',
  'urls',
];

/**
 * Parses a descriptor. Inlined `data` is decoded and checked against digest and size, so that it can be used as the content.
 * @throws TouchmarkError with the field's code
 */
export function parseDescriptor(field: Field): Descriptor {
  field.onlyKeys(DESCRIPTOR_KEYS);
  const digest = field.get('digest').digest();
  const size = field.get('size').size();
  const descriptor: { -readonly [K in keyof Descriptor]: Descriptor[K] } = {
    mediaType: field.get('mediaType').string(255),
    digest,
    size,
  };
  const data = field.get('data').optionalString();
  if (data !== undefined) {
    const bytes = fromBase64(data) ?? field.get('data').fail('is not base64');
    checkContent(bytes, { digest, size }, field.get('data').path);
    descriptor.data = bytes;
  }
  if (!field.get('annotations').empty) descriptor.annotations = field.get('annotations').stringMap();
  const artifactType = field.get('artifactType').optionalString();
  if (artifactType !== undefined) descriptor.artifactType = artifactType;
  if (!field.get('platform').empty) descriptor.platform = parsePlatformObject(field.get('platform'));
  if (!field.get('urls').empty)
    descriptor.urls = field
      .get('urls')
      .array(100)
      .map(url => url.string());
  return descriptor;
}

function parsePlatformObject(field: Field): Platform {
  const platform: { -readonly [K in keyof Platform]: Platform[K] } = {
    os: field.get('os').string(64),
    architecture: field.get('architecture').string(64),
  };
  const variant = field.get('variant').optionalString();
  if (variant) platform.variant = variant;
  const osVersion = field.get('os.version').optionalString();
  if (osVersion) platform.osVersion = osVersion;
  return platform;
}

/**
 * Checks bytes against the size and then the digest they were asked by.
 * @throws TouchmarkError `oci-size-mismatch`, `oci-digest-mismatch`
 */
export function checkContent(
  bytes: Uint8Array,
  expected: Pick<Descriptor, 'digest' | 'size'>,
  what: string,
): void {
  if (bytes.length !== expected.size) failSize(what, expected, bytes.length);
  const actual = computeDigest(bytes, digestAlgorithm(expected.digest));
  if (actual !== expected.digest) failDigest(what, expected.digest, actual);
}

export function failSize(what: string, expected: Pick<Descriptor, 'digest' | 'size'>, actual: number): never {
  return fail('oci-size-mismatch', `${what} has ${actual} bytes where its descriptor says ${expected.size}`, {
    details: { digest: expected.digest, expected: expected.size, actual },
  });
}

export function failDigest(what: string, expected: Digest, actual: Digest): never {
  return fail(
    'oci-digest-mismatch',
    `${what} does not match its digest: asked for ${expected}, the bytes are ${actual}`,
    {
      details: { expected, actual },
    },
  );
}

/** A descriptor of bytes at hand. */
export function describe(mediaType: string, bytes: Uint8Array, more: Partial<Descriptor> = {}): Descriptor {
  return { mediaType, digest: computeDigest(bytes), size: bytes.length, ...more };
}

/** A descriptor as JSON, in the member order that Go's encoder gives it (image-spec `Descriptor`). */
export function descriptorJson(d: Descriptor): Record<string, unknown> {
  return {
    mediaType: d.mediaType,
    size: d.size,
    digest: d.digest,
    ...(d.data && { data: Buffer.from(d.data).toString('base64') }),
    ...(d.urls && { urls: d.urls }),
    ...(d.annotations && { annotations: sortKeys(d.annotations) }),
    ...(d.platform && {
      platform: {
        architecture: d.platform.architecture,
        os: d.platform.os,
        ...(d.platform.osVersion && { 'os.version': d.platform.osVersion }),
        ...(d.platform.variant && { variant: d.platform.variant }),
      },
    }),
    ...(d.artifactType && { artifactType: d.artifactType }),
  };
}

export function sortKeys(map: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(Object.entries(map).sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0)));
}
