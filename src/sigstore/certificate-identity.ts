import { decodeUtf8, toHex } from '../base/bytes.js';
import { DER, type DerElement, membersOf, parseDer } from '../crypto/der.js';
import { type Certificate, malformed } from './certificate.js';
import { EXTENSION } from './certificate-usage.js';
import { type ObjectId, objectId, objectIdOf } from './object-id.js';

/** Who a certificate is for, as the authority found out from the identity token. */
export interface CertificateIdentity {
  /** The one subject alternative name. */
  readonly subject: string;
  /** What kind of name that is: a workflow or workload, a person, or a user name without either. */
  readonly subjectKind: 'uri' | 'email' | 'username';
  /** The OpenID Connect issuer of the token. */
  readonly issuer: string | undefined;
  /** Everything else that the authority wrote about the token, by the names of Fulcio's list of object identifiers. */
  readonly claims: Readonly<Partial<Record<CertificateClaim, string>>>;
}

/**
 * Fulcio's extensions below 1.3.6.1.4.1.57264.1, by number. The first six hold bare text, later ones a DER UTF8String; reading one
 * as the other gives another text, so each is read in its own form only.
 */
const CLAIMS = {
  githubWorkflowTrigger: 2,
  githubWorkflowSha: 3,
  githubWorkflowName: 4,
  githubWorkflowRepository: 5,
  githubWorkflowRef: 6,
  buildSignerUri: 9,
  buildSignerDigest: 10,
  runnerEnvironment: 11,
  sourceRepositoryUri: 12,
  sourceRepositoryDigest: 13,
  sourceRepositoryRef: 14,
  sourceRepositoryIdentifier: 15,
  sourceRepositoryOwnerUri: 16,
  sourceRepositoryOwnerIdentifier: 17,
  buildConfigUri: 18,
  buildConfigDigest: 19,
  buildTrigger: 20,
  runInvocationUri: 21,
  sourceRepositoryVisibility: 22,
  deploymentEnvironment: 23,
  tokenSubject: 24,
} as const;

/** The name of one of Fulcio's extensions. */
export type CertificateClaim = keyof typeof CLAIMS;
export const CERTIFICATE_CLAIMS = Object.keys(CLAIMS) as readonly CertificateClaim[];

const ARC = '1.3.6.1.4.1.57264.1';
const LAST_BARE_TEXT = 6;
const extensionIds: ReadonlyMap<number, ObjectId> = new Map(
  [1, 8, ...Object.values(CLAIMS)].map(number => [number, objectId(`${ARC}.${number}`)]),
);
const USERNAME = objectId(`${ARC}.7`);

/**
 * Reads who the certificate is for. Exactly one name is accepted: with two, which of them a rule meant would be the reader's guess.
 * @throws TouchmarkError `format-certificate`
 */
export function identityOf(certificate: Certificate): CertificateIdentity {
  const bare = claimOf(certificate, 1);
  const issuer = claimOf(certificate, 8) ?? bare;
  if (bare !== undefined && bare !== issuer) malformed('it names two issuers of tokens');
  const claims: Partial<Record<CertificateClaim, string>> = {};
  for (const name of CERTIFICATE_CLAIMS) {
    const text = claimOf(certificate, CLAIMS[name]);
    if (text !== undefined) claims[name] = text;
  }
  return { ...subjectOf(certificate), issuer, claims };
}

function claimOf(certificate: Certificate, number: number): string | undefined {
  const value = certificate.extensions.get(extensionIds.get(number) ?? '')?.value;
  if (value === undefined) return undefined;
  const text = number <= LAST_BARE_TEXT ? decodeUtf8(value) : textOf(parseDer(value));
  return (
    text ?? malformed(`its extension ${ARC}.${number} does not hold text in the form that belongs to it`)
  );
}

/** The text of a lone UTF8String. */
function textOf(elements: readonly DerElement[] | undefined): string | undefined {
  const [element, ...more] = elements ?? [];
  return element?.tag === DER.utf8String && more.length === 0 ? decodeUtf8(element.content) : undefined;
}

function subjectOf(certificate: Certificate): Pick<CertificateIdentity, 'subject' | 'subjectKind'> {
  const extension = certificate.extensions.get(EXTENSION.subjectAltName);
  if (extension === undefined) return malformed('it has no subject alternative name');
  const outer = parseDer(extension.value);
  const names = outer?.length === 1 && outer[0]?.tag === DER.sequence ? membersOf(outer[0]) : undefined;
  if (names?.length !== 1)
    return malformed(
      `it has ${names?.length ?? 'unreadable'} subject alternative names; exactly one is accepted`,
    );
  const [name] = names;
  if (name?.tag === DER.implicit6) return { subject: plainText(name.content), subjectKind: 'uri' };
  if (name?.tag === DER.implicit1) return { subject: plainText(name.content), subjectKind: 'email' };
  const other = name?.tag === DER.context0 ? membersOf(name, DER.oid, DER.context0) : undefined;
  const text = textOf(other && parseDer(other[1]?.content ?? new Uint8Array()));
  if (other?.length !== 2 || objectIdOf(other[0]) !== USERNAME || !text)
    return malformed('its subject alternative name is of a kind that names no signer');
  return { subject: text, subjectKind: 'username' };
}

/** An IA5String without control characters: a zero byte once ended names early for some readers. */
function plainText(bytes: Uint8Array): string {
  if (bytes.length === 0 || bytes.some(byte => byte < 0x20 || byte > 0x7e))
    return malformed(
      `its subject alternative name has characters that do not belong there: ${toHex(bytes).slice(0, 80)}`,
    );
  return Buffer.from(bytes).toString('latin1');
}
