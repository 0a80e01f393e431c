import { createHash } from 'node:crypto';
import { fail } from '../base/errors.js';
import type { Signer } from '../crypto/keys.js';
import type { StoreAccess } from '../oci/open.js';
import { IN_TOTO_PAYLOAD_TYPE, preAuthEncoding } from '../signature/dsse.js';
import {
  type Artifact,
  type CertificateIdentity,
  identityOf,
  parseCertificate,
  type TrustedRoot,
} from '../sigstore/index.js';
import { serializeIdentityBundle } from './bundle.js';
import { createEphemeralSigner } from './ephemeral-key.js';
import { requestCertificate } from './fulcio.js';
import type { IdentityToken } from './identity-token.js';
import type { LogEntry, LoggedSignature } from './log-entry.js';
import { addToRekorV1 } from './rekor-v1.js';
import { addToRekorV2 } from './rekor-v2.js';
import { requireVerified, type SignedAs } from './self-check.js';
import { requireTime, type SigningServices } from './services.js';
import { requestTimestamp } from './timestamp-authority.js';

/** What is signed: an in-toto statement in an envelope, with the digests of what it is about; or a file as it is. */
export type IdentityContent =
  | { readonly kind: 'statement'; readonly statement: Uint8Array; readonly about: Artifact['digests'] }
  | { readonly kind: 'file'; readonly bytes: Uint8Array };

export interface IdentitySigning {
  readonly token: IdentityToken;
  readonly services: SigningServices;
  readonly now: Date;
  /** Bytes that nobody can guess. */
  readonly random: (length: number) => Uint8Array;
  /** What those will go by who verify it: nothing is given that does not verify with it. */
  readonly trustedRoot: TrustedRoot;
}

/** Signs as one identity, for as long as its certificate is valid. */
export interface IdentitySigner {
  /** As the certificate has it; each signature is verified to be by it. */
  readonly identity: CertificateIdentity;
  /** The last second of the certificate. */
  readonly notAfter: Date;
  /**
   * Signs, has the signature witnessed by every log and timestamp authority, and verifies what came of it.
   * @throws TouchmarkError `service-*`, `format-service`, `limit-exceeded`, `net-*`; the reason code of what does not verify
   */
  sign(content: IdentityContent): Promise<IdentitySignature>;
}

export interface IdentitySignature extends SignedAs {
  /** A sigstore bundle v0.3. */
  readonly bundle: Uint8Array;
}

/**
 * Makes a key that is in this process alone, and gets a certificate for it.
 * @throws TouchmarkError `services-missing`, `service-*`, `format-service`, `format-certificate`, `limit-exceeded`, `net-*`
 */
export async function openIdentitySigner(
  access: StoreAccess,
  { token, services, now, random, trustedRoot }: IdentitySigning,
): Promise<IdentitySigner> {
  requireTime(services);
  const signer = await createEphemeralSigner();
  const certificate = await requestCertificate(access, { url: services.fulcio, token, signer, now });
  const [leaf] = certificate.chain;
  if (certificate.timestamp instanceof Uint8Array) {
    fail(
      'service-mismatch',
      `${services.fulcio.host} gives the timestamp of its log beside the certificate`,
      {
        hint: 'a bundle has no place for it; its operator can have it put into the certificate',
        details: { host: services.fulcio.host },
      },
    );
  }
  return {
    identity: identityOf(parseCertificate(leaf)),
    notAfter: certificate.notAfter,
    async sign(content) {
      const signed = signOnce(signer, content, leaf);
      const { signature } = signed;
      const [entries, timestamps] = await Promise.all([
        Promise.all(services.logs.map(log => enter(access, log, signed))),
        Promise.all(
          services.timestampAuthorities.map(url =>
            requestTimestamp(access, { url, signed: signature, random }),
          ),
        ),
      ]);
      const bundle = serializeIdentityBundle(signed, { entries, timestamps });
      const artifact =
        content.kind === 'file' ? { bytes: content.bytes, digests: {} } : { digests: content.about };
      return { bundle, ...(await requireVerified(bundle, artifact, trustedRoot, services)) };
    },
  };
}

function signOnce(signer: Signer, content: IdentityContent, certificate: Uint8Array): LoggedSignature {
  const message =
    content.kind === 'file' ? content.bytes : preAuthEncoding(IN_TOTO_PAYLOAD_TYPE, content.statement);
  const signature = signer.sign(message);
  const digest = createHash('sha256').update(message).digest();
  return {
    signature,
    certificate,
    content:
      content.kind === 'file'
        ? { kind: 'message', digest }
        : { kind: 'dsse', digest, payloadType: IN_TOTO_PAYLOAD_TYPE, payload: content.statement },
  };
}

function enter(
  access: StoreAccess,
  { url, version }: SigningServices['logs'][number],
  signed: LoggedSignature,
): Promise<LogEntry> {
  return version === 2 ? addToRekorV2(access, url, signed) : addToRekorV1(access, url, signed);
}
