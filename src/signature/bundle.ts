import { fromAnyBase64, toBase64, utf8 } from '../base/bytes.js';
import { Field } from '../base/fields.js';
import { parseJson } from '../base/json.js';
import { LIMITS } from '../base/limits.js';
import { MEDIA_TYPES } from '../oci/media-types.js';
import { IN_TOTO_PAYLOAD_TYPE, preAuthEncoding } from './dsse.js';

/** Media types of sigstore bundles 0.1 to 0.3; later versions are refused. */
const BUNDLE_TYPES: readonly string[] = [
  'application/vnd.dev.sigstore.bundle+json;version=0.1',
  'application/vnd.dev.sigstore.bundle+json;version=0.2',
  'application/vnd.dev.sigstore.bundle+json;version=0.3',
  MEDIA_TYPES.sigstoreBundle,
];

/** Every bundle media type begins so, whatever the version. */
export const BUNDLE_TYPE_PREFIX = 'application/vnd.dev.sigstore.bundle';

/** A sigstore bundle that carries a DSSE envelope: one statement and one signature over it. */
export interface Bundle {
  readonly mediaType: string;
  /** Made with a bare key, or with a certificate. */
  readonly material: 'public-key' | 'certificate';
  /** Base64 SHA-256 of the signer's SPKI, where the signer gave it. Unsigned: for display only. */
  readonly keyHint: string | undefined;
  readonly payloadType: string;
  readonly payload: Uint8Array;
  readonly signature: Uint8Array;
  /** Present, not verified. */
  readonly transparencyLogEntries: number;
  readonly timestamps: number;
}

/**
 * Parses a sigstore bundle (protobuf-specs `Bundle`, JSON form) with a DSSE envelope of exactly one signature.
 * Unknown top-level members are refused, as the reference implementation does.
 * @throws TouchmarkError `format-bundle`, `limit-exceeded`
 */
export function parseBundle(bytes: Uint8Array): Bundle {
  const { mediaType, kind, material, bundle } = openBundle(bytes);
  if (!bundle.get('messageSignature').empty || bundle.get('dsseEnvelope').empty) {
    bundle.fail('does not hold a DSSE envelope: it signs a file, not an image');
  }
  const timestamps = material.get('timestampVerificationData');
  return {
    mediaType,
    material: kind === 'publicKey' ? 'public-key' : 'certificate',
    keyHint: kind === 'publicKey' ? material.get('publicKey').get('hint').optionalString() : undefined,
    ...parseEnvelope(bundle.get('dsseEnvelope')),
    transparencyLogEntries: countOf(material.get('tlogEntries')),
    timestamps: timestamps.empty ? 0 : countOf(timestamps.get('rfc3161Timestamps')),
  };
}

/** A bundle whose outermost members are those of a version that is read. */
export interface OpenBundle {
  readonly mediaType: string;
  readonly bundle: Field;
  readonly material: Field;
  /** Which of the three ways to name a signer it uses. */
  readonly kind: 'publicKey' | 'certificate' | 'x509CertificateChain';
}

const MATERIAL_KINDS = ['publicKey', 'certificate', 'x509CertificateChain'] as const;

/**
 * Opens a bundle of any content.
 * @throws TouchmarkError `format-bundle`, `limit-exceeded`
 */
export function openBundle(bytes: Uint8Array): OpenBundle {
  const value = parseJson(bytes, 'the bundle', {
    code: 'format-bundle',
    maxSize: LIMITS.payloadSize,
  });
  const bundle = new Field(value, 'bundle', 'format-bundle').onlyKeys(
    ['mediaType', 'verificationMaterial', 'messageSignature', 'dsseEnvelope'],
    true,
  );
  const mediaType = bundle.get('mediaType').string(100);
  if (!BUNDLE_TYPES.includes(mediaType)) {
    bundle.get('mediaType').fail(`is a bundle version this tool does not read: ${JSON.stringify(mediaType)}`);
  }
  const material = bundle
    .get('verificationMaterial')
    .onlyKeys([...MATERIAL_KINDS, 'tlogEntries', 'timestampVerificationData'], true);
  const [kind, ...others] = MATERIAL_KINDS.filter(key => !material.get(key).empty);
  if (kind === undefined || others.length > 0)
    return material.fail('must have exactly one of publicKey, certificate, x509CertificateChain');
  return { mediaType, bundle, material, kind };
}

/**
 * Reads a DSSE envelope of exactly one signature.
 * @throws TouchmarkError `format-bundle`, `limit-exceeded`
 */
export function parseEnvelope(field: Field): Pick<Bundle, 'payloadType' | 'payload' | 'signature'> {
  const envelope = field.onlyKeys(['payload', 'payloadType', 'signatures'], true);
  const [signature, ...more] = envelope.get('signatures').array(LIMITS.signatures);
  if (signature === undefined || more.length > 0)
    return envelope.get('signatures').fail('must hold exactly one signature');
  return {
    payloadType: envelope.get('payloadType').string(200),
    payload: base64Field(envelope.get('payload')),
    signature: base64Field(signature.onlyKeys(['sig', 'keyid'], true).get('sig')),
  };
}

/** The bytes of a field in either alphabet of base64, as protobuf's JSON form has them. */
export function base64Field(field: Field): Uint8Array {
  return fromAnyBase64(field.string()) ?? field.fail('is not base64');
}

function countOf(field: Field): number {
  return field.empty ? 0 : field.array(LIMITS.bundleEntries).length;
}

/** The bytes that the bundle's signature is over. */
export function signedBytes(bundle: Bundle): Uint8Array {
  return preAuthEncoding(bundle.payloadType, bundle.payload);
}

/** Serializes a key-signed bundle v0.3 over an in-toto statement, without log entries or timestamps. */
export function serializeBundle(bundle: {
  readonly statement: Uint8Array;
  readonly signature: Uint8Array;
  /** Base64 SHA-256 of the signer's SPKI. */
  readonly keyHint: string;
}): Uint8Array {
  return utf8(
    JSON.stringify({
      mediaType: MEDIA_TYPES.sigstoreBundle,
      verificationMaterial: { publicKey: { hint: bundle.keyHint } },
      dsseEnvelope: {
        payload: toBase64(bundle.statement),
        payloadType: IN_TOTO_PAYLOAD_TYPE,
        signatures: [{ sig: toBase64(bundle.signature) }],
      },
    }),
  );
}
