import { createHash } from 'node:crypto';
import { pipeline } from 'node:stream/promises';
import { createGunzip } from 'node:zlib';
import { type Digest, finishDigest } from '../../base/digest.js';
import { fail, TouchmarkError } from '../../base/errors.js';
import { Field } from '../../base/fields.js';
import { parseJson } from '../../base/json.js';
import { LIMITS } from '../../base/limits.js';
import { type Descriptor, describe, failDigest } from '../descriptor.js';
import type { BlobFile, LayoutBackend } from '../layout/backend.js';
import { LAYOUT_HEADER } from '../layout/layout-header.js';
import { indexOf, type LayoutIndex } from '../layout/layout-index.js';
import { createLayoutStore, type LocalStore } from '../layout/layout-store.js';
import { type RawManifest, serializeManifest } from '../manifest.js';
import { MEDIA_TYPES } from '../media-types.js';
import type { ImageReference } from '../reference.js';
import { type ArchiveFile, openArchiveFile } from './archive-file.js';
import { type ArchiveOptions, archivedBlobs, blobPath, readArchivedIndex } from './oci-archive.js';
import { findInTar, type TarFile } from './tar-index.js';

/**
 * Opens the tar archive of `docker save`, for reading only. Newer ones hold an image layout too, which is served as it is.
 * Older ones do not hold the manifest: one of Docker's schema 2 is made from the config and the layers as they lie there,
 * always the same, but never the one that was in a registry: signatures on that one are not found here.
 * @throws TouchmarkError `oci-not-found`, `format-archive`, `format-config`, `oci-digest-mismatch`
 */
export async function openDockerArchiveStore(
  reference: Pick<ImageReference, 'location'>,
  options: ArchiveOptions = {},
): Promise<LocalStore> {
  const { location } = reference;
  const file = await openArchiveFile(location, options.signal);
  if (!file) {
    return fail('oci-not-found', `there is no file ${location}`, { details: { file: location } });
  }
  try {
    const content = file.index.files.has(LAYOUT_HEADER) ? await readLayout(file) : await synthesize(file);
    const backend = readOnly(file, content);
    return createLayoutStore({ transport: 'docker-archive', location }, backend, { writable: false });
  } catch (error) {
    await file.close();
    throw error;
  }
}

interface Content {
  readonly index: LayoutIndex;
  find(digest: Digest): BlobFile | undefined;
  digests(): Iterable<Digest>;
}

async function readLayout(file: ArchiveFile): Promise<Content> {
  return {
    index: await readArchivedIndex(file),
    find: digest => file.find(blobPath(digest)),
    digests: () => archivedBlobs(file),
  };
}

async function synthesize(file: ArchiveFile): Promise<Content> {
  const bytes = await file.readSmall('manifest.json', LIMITS.dockerArchiveManifestSize);
  if (!bytes) {
    return fail(
      'format-archive',
      `${file.path} was not made by docker save: it has no file "manifest.json"`,
      {
        details: { file: file.path },
      },
    );
  }
  const what = `manifest.json in ${file.path}`;
  const images = new Field(parseJson(bytes, what, { code: 'format-archive' }), what, 'format-archive');
  const blobs = new Map<Digest, BlobFile>();
  const named: { descriptor: Descriptor; name?: string }[] = [];
  for (const image of images.array(LIMITS.indexEntries)) {
    const manifest = await synthesizeManifest(file, image, blobs);
    const { descriptor } = manifest;
    blobs.set(descriptor.digest, inMemory(manifest.bytes));
    const tags = image.get('RepoTags').empty ? [] : image.get('RepoTags').array(LIMITS.indexEntries);
    for (const tag of tags) named.push({ descriptor, name: tag.string(300) });
    if (tags.length === 0) named.push({ descriptor });
  }
  return { index: indexOf(named), find: digest => blobs.get(digest), digests: () => [] };
}

async function synthesizeManifest(
  file: ArchiveFile,
  image: Field,
  blobs: Map<Digest, BlobFile>,
): Promise<RawManifest> {
  const configPath = image.get('Config').string(1024);
  const config =
    (await file.readSmall(configPath, LIMITS.configSize)) ??
    image.get('Config').fail('names a file that is not there');
  const configDescriptor = describe(MEDIA_TYPES.dockerConfig, config);
  // docker names the config by its digest; a name that says otherwise is a config that was changed.
  const stated = /(?:^|[/:])([a-f0-9]{64})(?:\.json)?$/.exec(configPath)?.[1];
  if (stated !== undefined && `sha256:${stated}` !== configDescriptor.digest) {
    failDigest(`the config ${configPath}`, `sha256:${stated}` as Digest, configDescriptor.digest);
  }
  const diffIds = readDiffIds(config, `${configPath} in ${file.path}`);
  const paths = image.get('Layers').array(LIMITS.layers);
  if (paths.length !== diffIds.length) {
    image.get('Layers').fail(`has ${paths.length} layers where the config has ${diffIds.length}`);
  }
  const layers: Descriptor[] = [];
  for (const [i, path] of paths.entries()) {
    const layer = findInTar(file.index, path.string(1024)) ?? path.fail('names a file that is not there');
    const descriptor = await describeLayer(file, layer, diffIds[i] as Digest);
    layers.push(descriptor);
    blobs.set(descriptor.digest, { size: layer.size, read: () => file.read(layer), close: async () => {} });
  }
  blobs.set(configDescriptor.digest, inMemory(config));
  return serializeManifest({ mediaType: MEDIA_TYPES.dockerManifest, config: configDescriptor, layers });
}

function readDiffIds(config: Uint8Array, what: string): Digest[] {
  const value = parseJson(config, what, { code: 'format-config', maxSize: LIMITS.configSize });
  const rootfs = new Field(value, what, 'format-config').get('rootfs');
  return rootfs
    .get('diff_ids')
    .array(LIMITS.layers)
    .map(field => field.digest());
}

/**
 * A layer as it lies in the archive. Uncompressed its digest is the diffID, which reading it checks; a compressed one
 * (crane, Bazel) is read through here, because its own digest stands nowhere.
 */
async function describeLayer(file: ArchiveFile, layer: TarFile, diffId: Digest): Promise<Descriptor> {
  const raw = createHash('sha256');
  let isGzip: boolean | undefined;
  for await (const chunk of file.read(layer)) {
    isGzip ??= chunk[0] === 0x1f && chunk[1] === 0x8b;
    if (!isGzip) break;
    raw.update(chunk);
  }
  if (!isGzip) return { mediaType: MEDIA_TYPES.dockerLayer, digest: diffId, size: layer.size };
  const expanded = await hashExpanded(file, layer);
  if (expanded !== diffId) failDigest(`the layer ${layer.path}, expanded,`, diffId, expanded);
  return {
    mediaType: `${MEDIA_TYPES.dockerLayer}.gzip`,
    digest: finishDigest(raw, 'sha256'),
    size: layer.size,
  };
}

async function hashExpanded(file: ArchiveFile, layer: TarFile): Promise<Digest> {
  const hash = createHash('sha256');
  // gzip cannot expand more than 1032 times (RFC 1951); past the usual ratio by far, it is a bomb.
  const limit = LIMITS.layerSlack + LIMITS.layerRatio * layer.size;
  let size = 0;
  try {
    await pipeline(file.read(layer), createGunzip({ chunkSize: 1024 * 1024 }), async source => {
      for await (const chunk of source) {
        size += (chunk as Uint8Array).length;
        if (size > limit)
          fail('limit-exceeded', `the layer ${layer.path} expands to more than ${limit} bytes`);
        hash.update(chunk as Uint8Array);
      }
    });
  } catch (error) {
    if (error instanceof TouchmarkError) throw error;
    fail('format-archive', `the layer ${layer.path} in ${file.path} is damaged: ${(error as Error).message}`);
  }
  return finishDigest(hash, 'sha256');
}

function inMemory(bytes: Uint8Array): BlobFile {
  return {
    size: bytes.length,
    read: async function* () {
      yield bytes;
    },
    close: async () => {},
  };
}

function readOnly(file: ArchiveFile, content: Content): LayoutBackend {
  const refuse = async (): Promise<never> => fail('usage-read-only', `${file.path} can only be read`);
  return {
    what: `the archive ${file.path}`,
    readIndex: async () => content.index,
    findBlob: async digest => content.find(digest),
    listBlobs: async function* () {
      yield* content.digests();
    },
    version: async () => 'fixed',
    storeBlob: refuse,
    updateIndex: refuse,
    commit: async () => {},
    close: () => file.close(),
  };
}
