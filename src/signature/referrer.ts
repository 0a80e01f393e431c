import { utf8 } from '../base/bytes.js';
import { fail } from '../base/errors.js';
import { LIMITS } from '../base/limits.js';
import { type Descriptor, describe } from '../oci/descriptor.js';
import {
  artifactTypeOf,
  type ImageManifest,
  parseManifest,
  type RawManifest,
  serializeManifest,
} from '../oci/manifest.js';
import { MEDIA_TYPES } from '../oci/media-types.js';
import { BUNDLE_TYPE_PREFIX } from './bundle.js';
import { SIGN_PREDICATE_TYPE } from './statement.js';

/** The two bytes `{}` that stand for "no config" (OCI image specification, "Guidance for an empty descriptor"). */
export const EMPTY_CONFIG = utf8('{}');

/**
 * The manifest that stores one bundle as a referrer of the image it signs, member for member as cosign 3 writes it;
 * a small bundle is inlined as well.
 * @param created RFC 3339, whole seconds
 * @param predicateType of the statement in the bundle: a hint, which `cosign load` needs
 */
export function bundleManifest(
  bundle: Uint8Array,
  subject: Descriptor,
  created: string,
  predicateType: string = SIGN_PREDICATE_TYPE,
): RawManifest {
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
      'dev.sigstore.bundle.predicateType': predicateType,
      'org.opencontainers.image.created': created,
    },
    subject: { mediaType: subject.mediaType, size: subject.size, digest: subject.digest },
    artifactType: MEDIA_TYPES.sigstoreBundle,
  });
}

const SIGNATURE_ARTIFACT_TYPE = 'application/vnd.dev.cosign.artifact.sig.v1+json';
/** Types that say nothing: old clients wrote the config's media type into a fallback index, others left the field out. */
const UNTELLING_TYPES: readonly string[] = ['', MEDIA_TYPES.ociEmpty, MEDIA_TYPES.ociConfig];

/**
 * Could a listed referrer hold signatures of a wanted kind? Lists are unsigned hints, so only a type that clearly names
 * something else says no.
 */
export function mayHoldSignatures(
  descriptor: Descriptor,
  wants: (carrier: 'simplesigning' | 'bundle') => boolean,
): boolean {
  const type = descriptor.artifactType ?? '';
  if (UNTELLING_TYPES.includes(type)) return true;
  if (type === SIGNATURE_ARTIFACT_TYPE) return wants('simplesigning');
  return type.startsWith(BUNDLE_TYPE_PREFIX) && wants('bundle');
}

export type ReferrerContent =
  | { readonly kind: 'bundle'; readonly bundle: Descriptor }
  /** A `.sig` manifest stored as a referrer, as cosign 2 could. */
  | { readonly kind: 'signatures' };

/**
 * What a referrer holds; undefined when it is neither a bundle nor signatures.
 * @throws TouchmarkError `format-manifest`; `sig-wrong-subject` when the manifest refers to another image than it was listed for
 */
export function parseReferrer(raw: RawManifest, subject: Descriptor['digest']): ReferrerContent | undefined {
  const manifest = parseManifest(raw);
  const content = manifest.kind === 'image' ? contentOf(manifest) : undefined;
  if (content && manifest.subject?.digest !== subject) {
    const actual = manifest.subject?.digest ?? 'nothing';
    fail('sig-wrong-subject', `the ${artifactTypeOf(manifest)} refers to ${actual}, not to this image`);
  }
  return content;
}

function contentOf(manifest: ImageManifest): ReferrerContent | undefined {
  const [layer, ...more] = manifest.layers;
  if (layer?.mediaType.startsWith(BUNDLE_TYPE_PREFIX) && more.length === 0)
    return { kind: 'bundle', bundle: layer };
  return layer?.mediaType === MEDIA_TYPES.simpleSigning ? { kind: 'signatures' } : undefined;
}
