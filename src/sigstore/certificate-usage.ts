import { DER, membersOf, parseDer, smallInteger } from '../crypto/der.js';
import { type Certificate, malformed } from './certificate.js';
import { formatObjectId, type ObjectId, objectId, objectIdOf } from './object-id.js';

export const EXTENSION = {
  keyUsage: objectId('2.5.29.15'),
  subjectAltName: objectId('2.5.29.17'),
  basicConstraints: objectId('2.5.29.19'),
  nameConstraints: objectId('2.5.29.30'),
  extendedKeyUsage: objectId('2.5.29.37'),
  signedTimestamps: objectId('1.3.6.1.4.1.11129.2.4.2'),
} as const;

export const PURPOSE = {
  codeSigning: objectId('1.3.6.1.5.5.7.3.3'),
  timeStamping: objectId('1.3.6.1.5.5.7.3.8'),
} as const;

const ANY_PURPOSE = objectId('2.5.29.37.0');

/** What the extensions say a certificate may be used for (RFC 5280 4.2.1). */
export interface CertificateUsage {
  readonly authority: boolean;
  /** Authorities that may stand between this one and the leaf; undefined is any number. */
  readonly pathLength: number | undefined;
  readonly mayCertify: boolean;
  readonly maySign: boolean;
  /** Undefined where the extension is absent, which on an authority means any. */
  readonly purposes: readonly ObjectId[] | undefined;
  readonly purposesCritical: boolean;
}

const UNDERSTOOD: ReadonlySet<ObjectId> = new Set([
  EXTENSION.keyUsage,
  EXTENSION.subjectAltName,
  EXTENSION.basicConstraints,
  EXTENSION.extendedKeyUsage,
]);

/**
 * Reads what the certificate may be used for. A critical extension that is not understood here makes it unusable, and so do name
 * constraints, critical or not: they bind whoever honours them, and they are not checked here.
 * @throws TouchmarkError `format-certificate`
 */
export function usageOf(certificate: Certificate): CertificateUsage {
  for (const [id, { critical }] of certificate.extensions) {
    if ((critical && !UNDERSTOOD.has(id)) || id === EXTENSION.nameConstraints)
      malformed(`it has the extension ${formatObjectId(id)}, which is not understood here`);
  }
  const constraints = basicConstraintsOf(certificate);
  const bits = keyUsageOf(certificate);
  const purposes = certificate.extensions.get(EXTENSION.extendedKeyUsage);
  return {
    ...constraints,
    mayCertify: bits !== undefined && (bits & KEY_CERT_SIGN) !== 0,
    maySign: bits !== undefined && (bits & DIGITAL_SIGNATURE) !== 0,
    purposes: purposes && purposesIn(purposes.value),
    purposesCritical: purposes?.critical ?? false,
  };
}

/** May an authority issue certificates for this purpose? Where it names purposes, they bind what it issues, as in Go. */
export function allowsBelow(usage: CertificateUsage, purpose: ObjectId): boolean {
  return (
    usage.purposes === undefined || usage.purposes.includes(purpose) || usage.purposes.includes(ANY_PURPOSE)
  );
}

const DIGITAL_SIGNATURE = 0x80;
const KEY_CERT_SIGN = 0x04;

function basicConstraintsOf(certificate: Certificate): Pick<CertificateUsage, 'authority' | 'pathLength'> {
  const extension = certificate.extensions.get(EXTENSION.basicConstraints);
  if (extension === undefined) return { authority: false, pathLength: undefined };
  const outer = parseDer(extension.value);
  const members = outer?.length === 1 && outer[0]?.tag === DER.sequence ? membersOf(outer[0]) : undefined;
  if (members === undefined || members.length > 2) return malformed('its basic constraints are malformed');
  const [flag, length] = members;
  if (flag === undefined) return { authority: false, pathLength: undefined };
  if (flag.tag !== DER.boolean || flag.content.length !== 1)
    return malformed('its basic constraints are malformed');
  const authority = flag.content[0] !== 0;
  if (length === undefined) return { authority, pathLength: undefined };
  const pathLength = smallInteger(length);
  if (pathLength === undefined || !authority) return malformed('its path length is malformed');
  return { authority, pathLength };
}

function keyUsageOf(certificate: Certificate): number | undefined {
  const extension = certificate.extensions.get(EXTENSION.keyUsage);
  if (extension === undefined) return undefined;
  const [bits, ...more] = parseDer(extension.value) ?? [];
  if (bits?.tag !== DER.bitString || bits.content.length < 2 || bits.content.length > 3 || more.length > 0)
    return malformed('its key usage is malformed');
  return bits.content[1];
}

function purposesIn(value: Uint8Array): readonly ObjectId[] {
  const outer = parseDer(value);
  const members = outer?.length === 1 && outer[0]?.tag === DER.sequence ? membersOf(outer[0]) : undefined;
  const purposes = members?.map(objectIdOf);
  if (!purposes || purposes.length === 0 || purposes.some(id => id === undefined))
    return malformed('its extended key usage is malformed');
  return purposes as ObjectId[];
}
