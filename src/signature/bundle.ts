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
    .onlyKeys(
      ['publicKey', 'certificate', 'x509CertificateChain', 'tlogEntries', 'timestampVerificationData'],
      true,
    );
  const kinds = ['publicKey', 'certificate', 'x509CertificateChain'].filter(key => !material.get(key).empty);
  if (kinds.length !== 1)
    material.fail('must have exactly one of publicKey, certificate, x509CertificateChain');
  if (!bundle.get('messageSignature').empty || bundle.get('dsseEnvelope').empty) {
    bundle.fail('does not hold a DSSE envelope: it signs a file, not an image');
  }
  const envelope = bundle.get('dsseEnvelope').onlyKeys(['payload', 'payloadType', 'signatures'], true);
  const [signature, ...more] = envelope.get('signatures').array(LIMITS.signatures);
  if (signature === undefined || more.length > 0)
    return envelope.get('signatures').fail('must hold exactly one signature');
  const timestamps = material.get('timestampVerificationData');
  return {
    mediaType,
    material: kinds[0] === 'publicKey' ? 'public-key' : 'certificate',
    keyHint: kinds[0] === 'publicKey' ? material.get('publicKey').get('hint').optionalString() : undefined,
    payloadType: envelope.get('payloadType').string(200),
    payload: base64Field(envelope.get('payload')),
    signature: base64Field(signature.onlyKeys(['sig', 'keyid'], true).get('sig')),
    transparencyLogEntries: countOf(material.get('tlogEntries')),
    timestamps: timestamps.empty ? 0 : countOf(timestamps.get('rfc3161Timestamps')),
  };
}

function base64Field(field: Field): Uint8Array {
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
