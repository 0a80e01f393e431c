import { utf8 } from '../base/bytes.js';
import { fail } from '../base/errors.js';
import { LIMITS } from '../base/limits.js';
import { type Descriptor, describe } from '../oci/descriptor.js';
import { artifactTypeOf, parseManifest, type RawManifest, serializeManifest } from '../oci/manifest.js';
import { MEDIA_TYPES } from '../oci/media-types.js';
import { BUNDLE_TYPE_PREFIX } from './bundle.js';
import { SIGN_PREDICATE_TYPE } from './statement.js';

/** The two bytes `{}` that stand for "no config" (OCI image specification, "Guidance for an empty descriptor"). */
export const EMPTY_CONFIG = utf8('{}');

/**
 * The manifest that stores one bundle as a referrer of the image it signs, member for member as cosign 3 writes it;
 * a small bundle is inlined as well.
 * @param created RFC 3339, whole seconds
 */
export function bundleManifest(bundle: Uint8Array, subject: Descriptor, created: string): RawManifest {
  return serializeManifest({
    config: {
      ...describe(MEDIA_TYPES.ociEmpty, EMPTY_CONFIG),
      // `cosign clean` and `cosign load` recognise bundles by these two hints.
      artifactType: MEDIA_TYPES.sigstoreBundle,
    },
    layers: [
      describe(
        MEDIA_TYPES.sigstoreBundle,
        bundle,
        bundle.length <= LIMITS.inlineData ? { data: bundle } : {},
      ),
    ],
    annotations: {
      'dev.sigstore.bundle.content': 'dsse-envelope',
      'dev.sigstore.bundle.predicateType': SIGN_PREDICATE_TYPE,
      'org.opencontainers.image.created': created,
    },
    subject: { mediaType: subject.mediaType, size: subject.size, digest: subject.digest },
    artifactType: MEDIA_TYPES.sigstoreBundle,
  });
}

/**
 * Could a listed referrer be a bundle? Lists are unsigned hints, and old clients wrote the config's media type into
 * `artifactType` or left it out, so only a type that clearly names something else says no.
 */
export function mayBeBundle(descriptor: Descriptor): boolean {
  const type = descriptor.artifactType ?? '';
  return (
    type === '' ||
    type === MEDIA_TYPES.ociEmpty ||
    type === MEDIA_TYPES.ociConfig ||
    type.startsWith(BUNDLE_TYPE_PREFIX)
  );
}

/**
 * The bundle's descriptor when this referrer stores one, undefined when it stores something else.
 * @throws TouchmarkError `format-manifest`; `sig-wrong-subject` when the manifest refers to another image than it was listed for
 */
export function parseBundleManifest(raw: RawManifest, subject: Descriptor['digest']): Descriptor | undefined {
  const manifest = parseManifest(raw);
  if (manifest.kind !== 'image') return undefined;
  const [layer, ...more] = manifest.layers;
  if (layer === undefined || more.length > 0 || !layer.mediaType.startsWith(BUNDLE_TYPE_PREFIX))
    return undefined;
  if (manifest.subject?.digest !== subject) {
    fail(
      'sig-wrong-subject',
      `the ${artifactTypeOf(manifest)} refers to ${manifest.subject?.digest ?? 'nothing'}, not to this image`,
    );
  }
  return layer;
}
