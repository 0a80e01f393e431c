import type { ReasonCode } from '../base/codes.js';
import { computeDigest, type Digest, isDigest } from '../base/digest.js';
import { TouchmarkError, toTouchmarkError } from '../base/errors.js';
import { Field } from '../base/fields.js';
import { type JsonObject, type JsonValue, parseJson } from '../base/json.js';
import { LIMITS } from '../base/limits.js';
import { type ImageConfig, parseConfig } from '../oci/config.js';
import type { Descriptor, Platform } from '../oci/descriptor.js';
import { type ImageManifest, type Manifest, parseManifest, rawManifest } from '../oci/manifest.js';
import { INDEX_TYPES, MANIFEST_TYPES } from '../oci/media-types.js';
import { type Finding, failure } from './finding.js';

/** Bytes of a manifest or index, and what they were served as. */
export interface ManifestBytes {
  readonly mediaType: string;
  readonly bytes: Uint8Array;
}

/** The image asked about, as fetched; every digest is worked out again from these bytes. */
export interface ImageInput {
  /** `registry/path` by which the user named it; undefined for a layout or archive, which belongs to no repository. */
  readonly repository: string | undefined;
  readonly manifest: ManifestBytes;
  readonly config: Uint8Array;
  /** What the index says that this child is for, or the user wants it for; undefined when neither does. */
  readonly indexPlatform?: Platform | undefined;
}

export interface Image {
  readonly repository: string | undefined;
  /** Of the manifest bytes. */
  readonly descriptor: Descriptor;
  readonly manifest: ImageManifest;
  readonly configDigest: Digest;
  readonly configSize: number;
  readonly config: ImageConfig;
  readonly configDocument: JsonObject;
  readonly indexPlatform: Platform | undefined;
}

/** Reads the image strictly; a finding says why it cannot be judged. */
export function readImage(input: ImageInput): Image | Finding {
  const manifest = readManifest(input.manifest);
  if ('code' in manifest) return manifest;
  if (manifest.kind === 'index')
    return failure('manifest-unsupported', 'image', 'this is an index; its images are checked one by one');
  const configDigest = computeDigest(input.config);
  if (manifest.config.digest !== configDigest || manifest.config.size !== input.config.length) {
    const message = `the config is ${configDigest} where the manifest says ${manifest.config.digest}`;
    return failure('subject-mismatch', 'image', message);
  }
  try {
    const config = parseConfig(input.config);
    const [ids, layers] = [config.diffIDs.length, manifest.layers.length];
    if (ids !== layers) {
      const message = `the config lists ${ids} layers, the manifest ${layers}`;
      return failure('layer-count-mismatch', 'image', message);
    }
    return {
      repository: input.repository,
      descriptor: rawManifest(input.manifest.mediaType, input.manifest.bytes).descriptor,
      manifest,
      configDigest,
      configSize: input.config.length,
      config,
      configDocument: readConfigDocument(input.config),
      indexPlatform: input.indexPlatform,
    };
  } catch (error) {
    const { code, message } = toTouchmarkError(error);
    return failure(code === 'format-digest' ? 'digest-invalid' : code, 'image', message);
  }
}

/** A config as plain JSON. @throws TouchmarkError `format-config`, `limit-exceeded` */
export function readConfigDocument(bytes: Uint8Array): JsonObject {
  const value = parseJson(bytes, 'the image config', { code: 'format-config', maxSize: LIMITS.configSize });
  return new Field(value, 'config', 'format-config').object();
}

/** Parses a manifest or index, with a reason of its own for each way in which readers could be led apart. */
export function readManifest({ mediaType, bytes }: ManifestBytes): Manifest | Finding {
  try {
    return parseManifest(rawManifest(mediaType, bytes));
  } catch (error) {
    const { code, message } = toTouchmarkError(error);
    return failure(code === 'format-manifest' ? classify(mediaType, bytes) : code, 'image', message);
  }
}

const MEMBERS = ['schemaVersion', 'mediaType', 'config', 'layers', 'manifests', 'subject', 'artifactType'];

function classify(mediaType: string, bytes: Uint8Array): ReasonCode {
  if (!INDEX_TYPES.includes(mediaType) && !MANIFEST_TYPES.includes(mediaType)) return 'manifest-unsupported';
  let manifest: Field;
  try {
    const value = parseJson(bytes, 'the manifest', { code: 'manifest-ambiguous' });
    manifest = new Field(value, 'manifest', 'manifest-ambiguous').onlyKeys(MEMBERS);
  } catch (error) {
    if (error instanceof TouchmarkError) return error.code;
    throw error;
  }
  const members = manifest.object();
  const isImage = members['layers'] !== undefined || members['config'] !== undefined;
  if (isImage && (members['manifests'] !== undefined || INDEX_TYPES.includes(mediaType)))
    return 'manifest-ambiguous';
  if (typeof members['mediaType'] === 'string' && members['mediaType'] !== mediaType)
    return 'manifest-ambiguous';
  const descriptors = [members['config'], members['layers'], members['manifests']].flat() as JsonValue[];
  return descriptors.some(hasBadDigest) ? 'digest-invalid' : 'manifest-unsupported';
}

function hasBadDigest(descriptor: JsonValue | undefined): boolean {
  if (typeof descriptor !== 'object' || descriptor === null) return false;
  const { digest } = descriptor as JsonObject;
  return digest !== undefined && !isDigest(digest);
}
