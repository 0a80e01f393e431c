import { fromBase64, toBase64, utf8 } from '../base/bytes.js';
import type { Digest } from '../base/digest.js';
import { fail } from '../base/errors.js';
import { LIMITS } from '../base/limits.js';
import { type Descriptor, describe } from '../oci/descriptor.js';
import { parseManifest, type RawManifest, serializeManifest } from '../oci/manifest.js';
import { MEDIA_TYPES } from '../oci/media-types.js';
import { goJsonString } from './payload.js';

/** Layer annotations of cosign's `.sig` manifest (cosign SIGNATURE_SPEC). */
export const SIGNATURE_ANNOTATION = 'dev.cosignproject.cosign/signature';
const CERTIFICATE_ANNOTATION = 'dev.sigstore.cosign/certificate';
const REKOR_ANNOTATION = 'dev.sigstore.cosign/bundle';
const TIMESTAMP_ANNOTATION = 'dev.sigstore.cosign/rfc3161timestamp';

/** One layer of a `.sig` manifest: a payload and one signature over it. */
export interface SignatureLayer {
  /** Position in the manifest. Two signatures over one payload have the same digest and different positions. */
  readonly index: number;
  readonly payload: Descriptor;
  /** Undefined when the annotation is missing or not base64. */
  readonly signature: Uint8Array | undefined;
  /** Further material that the signer attached; present, not verified. */
  readonly certificate: boolean;
  readonly transparencyLog: boolean;
  readonly timestamp: boolean;
}

/**
 * Parses what a `.sig` tag points at. Layers of other media types are left out.
 * @throws TouchmarkError `format-manifest`, `limit-exceeded`
 */
export function parseSignatureManifest(raw: RawManifest): readonly SignatureLayer[] {
  const manifest = parseManifest(raw);
  if (manifest.kind !== 'image')
    return fail('format-manifest', 'the signature tag points at an index, not at signatures');
  if (manifest.layers.length > LIMITS.signatures) {
    fail(
      'limit-exceeded',
      `the image has ${manifest.layers.length} signatures; at most ${LIMITS.signatures} are looked at`,
    );
  }
  return manifest.layers.flatMap((payload, index) => {
    if (payload.mediaType !== MEDIA_TYPES.simpleSigning) return [];
    const annotations = payload.annotations ?? {};
    return {
      index,
      payload,
      signature: fromBase64(annotations[SIGNATURE_ANNOTATION] ?? '-'),
      certificate: CERTIFICATE_ANNOTATION in annotations,
      transparencyLog: REKOR_ANNOTATION in annotations,
      timestamp: TIMESTAMP_ANNOTATION in annotations,
    };
  });
}

/** The layer of a new signature; a small payload is inlined, which saves every reader a request. */
export function signatureLayer(payload: Uint8Array, signature: Uint8Array): Descriptor {
  return describe(MEDIA_TYPES.simpleSigning, payload, {
    ...(payload.length <= LIMITS.inlineData && { data: payload }),
    annotations: { [SIGNATURE_ANNOTATION]: toBase64(signature) },
  });
}

export interface SignatureSet {
  readonly manifest: RawManifest;
  readonly config: { readonly descriptor: Descriptor; readonly bytes: Uint8Array };
}

/**
 * The `.sig` manifest with `added` behind what `current` holds, or undefined when nothing is missing there.
 * Layers of others, whatever their kind, are kept as they are.
 * @throws TouchmarkError `format-manifest` when the tag holds something else: it is not overwritten; `limit-exceeded`
 */
export function addSignatures(
  current: RawManifest | undefined,
  added: readonly Descriptor[],
): SignatureSet | undefined {
  const manifest = current && parseManifest(current);
  if (manifest && manifest.kind !== 'image')
    fail('format-manifest', 'the signature tag points at an index; it is not overwritten');
  const existing = manifest?.layers ?? [];
  const missing = added.filter(layer => !existing.some(other => sameSignature(other, layer)));
  if (missing.length === 0) return undefined;
  const layers = [...existing, ...missing];
  if (layers.length > LIMITS.signatures) {
    fail(
      'limit-exceeded',
      `the image would have ${layers.length} signatures; readers look at no more than ${LIMITS.signatures}`,
    );
  }
  const config = describeConfig(layers);
  return {
    config,
    manifest: serializeManifest({
      ...(manifest && { mediaType: manifest.mediaType, annotations: manifest.annotations }),
      ...(manifest?.subject && { subject: manifest.subject }),
      ...(manifest?.artifactType && { artifactType: manifest.artifactType }),
      config: manifest ? { ...config.descriptor, mediaType: manifest.config.mediaType } : config.descriptor,
      layers,
    }),
  };
}

function sameSignature(a: Descriptor, b: Descriptor): boolean {
  return (
    a.digest === b.digest && a.annotations?.[SIGNATURE_ANNOTATION] === b.annotations?.[SIGNATURE_ANNOTATION]
  );
}

const ZERO_TIME = '0001-01-01T00:00:00Z';

/** The config cosign writes: one history entry and one diffID a layer, no time. */
function describeConfig(layers: readonly Descriptor[]): SignatureSet['config'] {
  const history = layers.map(() => `{"created":"${ZERO_TIME}"}`).join(',');
  const diffIds = layers.map(layer => goJsonString(layer.digest satisfies Digest)).join(',');
  const bytes = utf8(
    `{"architecture":"","created":"${ZERO_TIME}","history":[${history}],"os":"",` +
      `"rootfs":{"type":"layers","diff_ids":[${diffIds}]},"config":{}}`,
  );
  return { descriptor: describe(MEDIA_TYPES.ociConfig, bytes), bytes };
}
