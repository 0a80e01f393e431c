import { gzipSync } from 'node:zlib';
import { concatBytes, utf8 } from '../base/bytes.js';
import { computeDigest, type Digest } from '../base/digest.js';
import { formatTarHeader, TAR_END, tarPadding } from '../oci/archive/tar-header.js';
import { type Descriptor, describe, type Platform } from '../oci/descriptor.js';
import { type RawManifest, serializeManifest } from '../oci/manifest.js';
import { MEDIA_TYPES } from '../oci/media-types.js';
import type { Store } from '../oci/store.js';

export interface TestLayer {
  readonly descriptor: Descriptor;
  readonly bytes: Uint8Array;
  /** Digest of the uncompressed tar. */
  readonly diffId: Digest;
}

export interface TestImage {
  readonly manifest: RawManifest;
  readonly config: Uint8Array;
  /** Base layer first. */
  readonly layers: readonly TestLayer[];
  /** Config and layers by digest; the manifest is not among them. */
  readonly blobs: ReadonlyMap<Digest, Uint8Array>;
  readonly platform: Platform;
}

export interface TestIndex {
  readonly manifest: RawManifest;
  readonly children: readonly (TestImage | TestIndex)[];
}

export interface LayerOptions {
  /** Default `gzip`. */
  readonly compression?: 'gzip' | 'none';
  /** Docker's media type instead of OCI's. */
  readonly docker?: boolean;
}

/**
 * Builds a layer: a tar of the files in the order given (a path that ends in `/` is a folder).
 * Owners and times are zero, so equal files give equal bytes.
 */
export function buildLayer(
  files: Readonly<Record<string, string | Uint8Array>>,
  options: LayerOptions = {},
): TestLayer {
  const tar = buildTar(files);
  const gzip = options.compression !== 'none';
  const bytes = gzip ? gzipSync(tar, { level: 6 }) : tar;
  // zlib writes the operating system into the header; 255 is "unknown" (RFC 1952, section 2.3.1).
  if (gzip) bytes[9] = 255;
  const type = options.docker
    ? `${MEDIA_TYPES.dockerLayer}${gzip ? '.gzip' : ''}`
    : `${MEDIA_TYPES.ociLayer}${gzip ? '+gzip' : ''}`;
  return { descriptor: describe(type, bytes), bytes, diffId: computeDigest(tar) };
}

/** Builds an uncompressed tar of the files in the order given. */
export function buildTar(files: Readonly<Record<string, string | Uint8Array>>): Uint8Array {
  const parts: Uint8Array[] = [];
  for (const [path, content] of Object.entries(files)) {
    const body = typeof content === 'string' ? utf8(content) : content;
    parts.push(formatTarHeader({ path, size: body.length }), body, new Uint8Array(tarPadding(body.length)));
  }
  return concatBytes(...parts, TAR_END);
}

export interface ImageOptions {
  /** The image whose layers come first. */
  readonly base?: TestImage;
  readonly layers: readonly (TestLayer | Readonly<Record<string, string | Uint8Array>>)[];
  /** Default: the base's, else linux/amd64. */
  readonly platform?: Platform;
  /** Docker schema 2 instead of an OCI manifest. */
  readonly docker?: boolean;
  readonly annotations?: Readonly<Record<string, string>>;
  /** More members of the config document, such as `{ config: { Env: […] } }`. */
  readonly config?: Readonly<Record<string, unknown>>;
}

/** Builds an image in memory; nothing in it depends on the time or the machine. */
export function buildImage(options: ImageOptions): TestImage {
  const docker = options.docker ?? false;
  const own = options.layers.map(layer => (isLayer(layer) ? layer : buildLayer(layer, { docker })));
  const layers = [...(options.base?.layers ?? []), ...own];
  const platform = options.platform ?? options.base?.platform ?? { os: 'linux', architecture: 'amd64' };
  const config = utf8(
    JSON.stringify({
      created: '1970-01-01T00:00:00Z',
      architecture: platform.architecture,
      ...(platform.variant && { variant: platform.variant }),
      os: platform.os,
      ...options.config,
      rootfs: { type: 'layers', diff_ids: layers.map(layer => layer.diffId) },
      history: layers.map(() => ({ created: '1970-01-01T00:00:00Z', created_by: 'test' })),
    }),
  );
  const configDescriptor = describe(docker ? MEDIA_TYPES.dockerConfig : MEDIA_TYPES.ociConfig, config);
  const manifest = serializeManifest({
    mediaType: docker ? MEDIA_TYPES.dockerManifest : MEDIA_TYPES.ociManifest,
    config: configDescriptor,
    layers: layers.map(layer => layer.descriptor),
    ...(options.annotations && { annotations: options.annotations }),
  });
  const blobs = new Map<Digest, Uint8Array>([[configDescriptor.digest, config]]);
  for (const layer of layers) blobs.set(layer.descriptor.digest, layer.bytes);
  return { manifest, config, layers, blobs, platform };
}

function isLayer(layer: TestLayer | Readonly<Record<string, string | Uint8Array>>): layer is TestLayer {
  return 'descriptor' in layer && 'diffId' in layer;
}

/** Builds an index over images (with their platforms) or indexes. */
export function buildIndex(
  children: readonly (TestImage | TestIndex)[],
  options: { readonly docker?: boolean; readonly annotations?: Readonly<Record<string, string>> } = {},
): TestIndex {
  const manifest = serializeManifest({
    mediaType: options.docker ? MEDIA_TYPES.dockerIndex : MEDIA_TYPES.ociIndex,
    manifests: children.map(child => ({
      ...child.manifest.descriptor,
      ...('platform' in child && { platform: child.platform }),
    })),
    ...(options.annotations && { annotations: options.annotations }),
  });
  return { manifest, children };
}

/** Writes an image or an index with all it needs to any store, and lets `tag` point at it. */
export async function pushImage(store: Store, image: TestImage | TestIndex, tag?: string): Promise<Digest> {
  if ('children' in image) {
    for (const child of image.children) await pushImage(store, child);
  } else {
    for (const [digest, bytes] of image.blobs) {
      await store.writeBlob({ mediaType: 'application/octet-stream', digest, size: bytes.length }, bytes);
    }
  }
  await store.writeManifest(image.manifest, tag);
  return image.manifest.descriptor.digest;
}
