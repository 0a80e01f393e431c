import { X509Certificate } from 'node:crypto';
import { decodeUtf8, equalBytes, fromBase64, toBase64, utf8 } from '../base/bytes.js';
import { fail } from '../base/errors.js';
import type { Field } from '../base/fields.js';
import { LIMITS } from '../base/limits.js';
import type { Signer } from '../crypto/keys.js';
import { formatPem, type PemBlock, parsePem } from '../crypto/pem.js';
import type { StoreAccess } from '../oci/open.js';
import { bearerOf, type IdentityToken } from './identity-token.js';
import { below, callService, readAnswer, refused } from './service.js';

/** A certificate over a key, as the authority gave it. Who issued it, and what it says, is for the verifier to check. */
export interface SigningCertificate {
  /** DER, the leaf first. */
  readonly chain: readonly [Uint8Array, ...Uint8Array[]];
  /**
   * What a log of certificates signed over it: `embedded` where the leaf holds it, bytes where it came beside, which no
   * bundle has a place for; undefined from an authority without such a log.
   */
  readonly timestamp: 'embedded' | Uint8Array | undefined;
  /** The last second it is valid in. */
  readonly notAfter: Date;
}

const WHO = 'the certificate authority';
/** The list of signed certificate timestamps (RFC 6962, 3.3) as a DER object identifier. */
const TIMESTAMP_LIST = Buffer.from('060a2b06010401d679020402', 'hex');
/** Milliseconds that the clock here may be behind or ahead of the authority's. */
const SKEW = 300_000;

/**
 * Asks a Fulcio for a certificate (API v2, `signingCert`): the token says who, a signature over its principal proves that
 * the key is here.
 * @throws TouchmarkError `service-mismatch` for a certificate of another key or time; `format-service`, `service-rejected`,
 * `net-*`
 */
export async function requestCertificate(
  access: StoreAccess,
  request: { readonly url: URL; readonly token: IdentityToken; readonly signer: Signer; readonly now: Date },
): Promise<SigningCertificate> {
  const { token, signer, now } = request;
  const bearer = bearerOf(token);
  const call = {
    method: 'POST',
    url: below(request.url, 'api/v2/signingCert'),
    headers: {
      authorization: `Bearer ${bearer}`,
      'content-type': 'application/json',
      accept: 'application/json',
    },
    body: utf8(
      JSON.stringify({
        publicKeyRequest: {
          publicKey: {
            algorithm: 'ECDSA',
            content: decodeUtf8(formatPem('PUBLIC KEY', signer.publicKey.spki)),
          },
          proofOfPossession: toBase64(signer.sign(utf8(token.principal))),
        },
      }),
    ),
    who: WHO,
  } as const;
  const answer = await callService(access, call);
  if (answer.status !== 200 && answer.status !== 201) {
    return refused(answer, call, {
      hint: `it must trust tokens of ${token.issuer}, meant for it, and not expired`,
      secrets: [bearer],
    });
  }
  const document = readAnswer(answer, WHO);
  const embedded = document.get('signedCertificateEmbeddedSct');
  const detached = document.get('signedCertificateDetachedSct');
  if (embedded.empty === detached.empty)
    return document.fail('must hold one certificate, with its timestamp in it or beside it');
  const chain = readChain((embedded.empty ? detached : embedded).get('chain'));
  const notAfter = requireLeaf(chain[0], signer, now, call.url);
  const beside = detached.empty ? undefined : detached.get('signedCertificateTimestamp');
  return {
    chain,
    notAfter,
    timestamp: embedded.empty ? beside && readTimestamp(beside) : requireEmbedded(chain[0], embedded),
  };
}

function readChain(chain: Field): SigningCertificate['chain'] {
  const certificates = chain.get('certificates');
  const [leaf, ...others] = certificates.array(LIMITS.certificateChain).map(readCertificate);
  return leaf ? [leaf, ...others] : certificates.fail('is empty');
}

function readCertificate(field: Field): Uint8Array {
  const text = utf8(field.string(LIMITS.keyFileSize));
  let blocks: readonly PemBlock[] = [];
  try {
    blocks = parsePem(text, 'a certificate');
  } catch {
    // Refused below: to the reader of PEM, whatever it cannot read is a key.
  }
  const [block, ...more] = blocks;
  if (block?.type !== 'CERTIFICATE' || more.length > 0) return field.fail('is not one PEM certificate');
  return block.der;
}

/** The leaf is over our key, for now, and ends a chain: anything else is another's, or of no use. */
function requireLeaf(leaf: Uint8Array, signer: Signer, now: Date, { host }: URL): Date {
  let certificate: X509Certificate;
  let spki: Uint8Array;
  try {
    certificate = new X509Certificate(leaf);
    spki = certificate.publicKey.export({ type: 'spki', format: 'der' });
  } catch {
    return fail('format-service', `${host} gave a certificate that cannot be read`);
  }
  if (!equalBytes(spki, signer.publicKey.spki))
    fail('service-mismatch', `${host} gave a certificate for another key`, { details: { host } });
  if (certificate.ca)
    fail('service-mismatch', `${host} gave a certificate that may issue others`, { details: { host } });
  const [notBefore, notAfter] = [new Date(certificate.validFrom), new Date(certificate.validTo)];
  if (!(notBefore.getTime() - SKEW <= now.getTime() && now.getTime() <= notAfter.getTime() + SKEW)) {
    fail('service-mismatch', `${host} gave a certificate that is not valid now`, {
      hint: 'check the clock of this machine',
      details: {
        host,
        notBefore: certificate.validFrom,
        notAfter: certificate.validTo,
        now: now.toISOString(),
      },
    });
  }
  return notAfter;
}

function requireEmbedded(leaf: Uint8Array, answer: Field): 'embedded' {
  return Buffer.from(leaf).includes(TIMESTAMP_LIST)
    ? 'embedded'
    : answer.fail('has no timestamp in its certificate');
}

/** An authority without a log of certificates leaves it empty. */
function readTimestamp(field: Field): Uint8Array | undefined {
  if (field.empty || field.value === '') return undefined;
  return fromBase64(field.string(8192)) ?? field.fail('is not base64');
}
