import { createHash, X509Certificate } from 'node:crypto';
import { decodeUtf8 } from '../../base/bytes.js';
import { fail } from '../../base/errors.js';
import { LIMITS } from '../../base/limits.js';
import { membersOf, parseDer } from '../../crypto/der.js';
import { type PublicKey, parseSpki } from '../../crypto/index.js';

/** The certificate around a root key or a delegation's key, with the authorities that came along. */
export interface KeyCertificate {
  readonly publicKey: PublicKey;
  /** Hex SHA-256 of the certificate, DER. */
  readonly fingerprint: string;
  /** For a root: the repository that it is for, or a prefix that ends in `*`. */
  readonly commonName: string;
  readonly notBefore: Date;
  readonly notAfter: Date;
  readonly leaf: X509Certificate;
  readonly intermediates: readonly X509Certificate[];
}

const BLOCK = /-----BEGIN CERTIFICATE-----[A-Za-z0-9+/=\s]+-----END CERTIFICATE-----/g;
/** A chain is short; more of them is an attempt to keep the verifier busy. */
const MAX_CERTIFICATES = 16;

/**
 * Reads PEM certificates.
 * @throws TouchmarkError `key-malformed`
 */
export function parseCertificates(pem: Uint8Array, where: string): readonly X509Certificate[] {
  const blocks = decodeUtf8(pem)?.match(BLOCK) ?? [];
  if (pem.length > LIMITS.certificatesSize || blocks.length === 0)
    fail('key-malformed', `${where} holds no PEM certificate`);
  if (blocks.length > MAX_CERTIFICATES)
    fail(
      'limit-exceeded',
      `${where} holds ${blocks.length} certificates; at most ${MAX_CERTIFICATES} are read`,
    );
  return blocks.map(block => {
    try {
      return new X509Certificate(block);
    } catch (cause) {
      return fail('key-malformed', `${where} is not a certificate`, { cause });
    }
  });
}

/**
 * Reads the value of an `-x509` key: the leaf first, authorities behind it.
 * @throws TouchmarkError `key-malformed`, `key-unsupported`
 */
export function parseKeyCertificate(pem: Uint8Array, where: string): KeyCertificate {
  const [leaf, ...intermediates] = parseCertificates(pem, where);
  if (leaf === undefined || leaf.ca || intermediates.some(({ ca }) => !ca))
    return fail('key-malformed', `${where} must be one certificate of a key, with authorities behind it`);
  const names = leaf.subject?.split('\n').filter(line => line.startsWith('CN=')) ?? [];
  if (names.length !== 1) fail('key-malformed', `the certificate of ${where} must have one common name`);
  return {
    publicKey: parseSpki(leaf.publicKey.export({ format: 'der', type: 'spki' }), where),
    fingerprint: createHash('sha256').update(leaf.raw).digest('hex'),
    commonName: names[0]?.slice('CN='.length) ?? '',
    notBefore: new Date(leaf.validFrom),
    notAfter: new Date(leaf.validTo),
    leaf,
    intermediates,
  };
}

/** Is a root certificate for this repository? A name that ends in `*` is for all that begin as it does. */
export function isForGun({ commonName }: KeyCertificate, gun: string): boolean {
  return commonName.endsWith('*') ? gun.startsWith(commonName.replace(/\*+$/, '')) : commonName === gun;
}

/** Algorithms that certificates may be signed with, as OIDs in hex: SHA-1 is not among them. */
const SIGNED_WITH = new Set([
  '06082a8648ce3d040302', // ecdsa-with-SHA256, -384, -512
  '06082a8648ce3d040303',
  '06082a8648ce3d040304',
  '06092a864886f70d01010b', // sha256WithRSAEncryption, 384, 512
  '06092a864886f70d01010c',
  '06092a864886f70d01010d',
  '06032b6570', // Ed25519
]);

function isSoundlySigned({ raw }: X509Certificate): boolean {
  const algorithm = membersOf(membersOf(parseDer(raw)?.[0])?.[1])?.[0]?.bytes;
  return algorithm !== undefined && SIGNED_WITH.has(Buffer.from(algorithm).toString('hex'));
}

/**
 * Did one of the authorities issue this certificate, directly or through those that came along? Every certificate on the way
 * but the authority itself must be valid at `now`.
 */
export function isIssuedBy(
  { leaf, intermediates }: KeyCertificate,
  authorities: readonly X509Certificate[],
  now: Date,
): boolean {
  let current = leaf;
  for (let steps = 0; steps <= intermediates.length; steps++) {
    if (!isSoundlySigned(current) || !isInForce(current, now)) return false;
    const issued = (issuer: X509Certificate) =>
      issuer.ca && current.checkIssued(issuer) && current.verify(issuer.publicKey);
    if (authorities.some(authority => isInForce(authority, now) && issued(authority))) return true;
    const next = intermediates.find(issued);
    if (next === undefined) return false;
    current = next;
  }
  return false;
}

function isInForce({ validFrom, validTo }: X509Certificate, now: Date): boolean {
  return new Date(validFrom) <= now && now < new Date(validTo);
}
