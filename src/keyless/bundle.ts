import { toBase64, utf8 } from '../base/bytes.js';
import { MEDIA_TYPES } from '../oci/media-types.js';
import type { LogEntry, LoggedSignature } from './log-entry.js';

/**
 * Serializes a bundle v0.3 around one certificate: the leaf alone, because whoever verifies has the rest of the chain from
 * elsewhere or must not believe it.
 */
export function serializeIdentityBundle(
  { content, signature, certificate }: LoggedSignature,
  witnesses: { readonly entries: readonly LogEntry[]; readonly timestamps: readonly Uint8Array[] },
): Uint8Array {
  const rfc3161Timestamps = witnesses.timestamps.map(bytes => ({ signedTimestamp: toBase64(bytes) }));
  const verificationMaterial = {
    certificate: { rawBytes: toBase64(certificate) },
    ...(witnesses.entries.length > 0 && { tlogEntries: witnesses.entries }),
    ...(rfc3161Timestamps.length > 0 && { timestampVerificationData: { rfc3161Timestamps } }),
  };
  const signed =
    content.kind === 'message'
      ? {
          messageSignature: {
            messageDigest: { algorithm: 'SHA2_256', digest: toBase64(content.digest) },
            signature: toBase64(signature),
          },
        }
      : {
          dsseEnvelope: {
            payload: toBase64(content.payload),
            payloadType: content.payloadType,
            signatures: [{ sig: toBase64(signature) }],
          },
        };
  return utf8(JSON.stringify({ mediaType: MEDIA_TYPES.sigstoreBundle, verificationMaterial, ...signed }));
}
