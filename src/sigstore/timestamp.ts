import { fail } from '../base/errors.js';
import { LIMITS } from '../base/limits.js';
import { DER, type DerElement, der, membersOf, parseDer, smallInteger } from '../crypto/der.js';
import { asn1Time } from './asn1-time.js';
import { type ObjectId, objectId, objectIdOf } from './object-id.js';
import {
  cmsSignatureAlgorithm,
  type HashName,
  hashAlgorithm,
  type SignatureAlgorithm,
} from './signature-algorithm.js';

/** An RFC 3161 timestamp, read and not yet believed. Byte fields are views into what was read. */
export interface Timestamp {
  /** What was stamped, hashed. */
  readonly imprint: { readonly algorithm: HashName; readonly digest: Uint8Array };
  /** Milliseconds since 1970. */
  readonly time: number;
  /** TSTInfo: what {@link contentDigest} is of. */
  readonly content: Uint8Array;
  readonly signer: TimestampSigner;
  /** DER of the certificates sent along. */
  readonly certificates: readonly Uint8Array[];
}

export interface TimestampSigner {
  /** Name and serial number of the certificate, or its key identifier. */
  readonly id:
    | { readonly issuer: Uint8Array; readonly serialNumber: Uint8Array }
    | { readonly keyIdentifier: Uint8Array };
  readonly hash: HashName;
  readonly contentDigest: Uint8Array;
  /** Of the signer's certificate, where the timestamp names it (RFC 5035). */
  readonly certificateDigest: { readonly algorithm: HashName; readonly digest: Uint8Array } | undefined;
  /** The signed attributes as they are hashed. */
  readonly signedBytes: Uint8Array;
  readonly algorithm: SignatureAlgorithm;
  readonly signature: Uint8Array;
}

const SIGNED_DATA = objectId('1.2.840.113549.1.7.2');
const TST_INFO = objectId('1.2.840.113549.1.9.16.1.4');
const ATTRIBUTE = {
  contentType: objectId('1.2.840.113549.1.9.3'),
  messageDigest: objectId('1.2.840.113549.1.9.4'),
  signingCertificateV2: objectId('1.2.840.113549.1.9.16.2.47'),
} as const;

/**
 * Parses a `TimeStampResp` (RFC 3161 2.4.2) that grants a token, which is CMS signed data (RFC 5652 5) with one signer over a TSTInfo.
 * DER throughout; SHA-1 is not accepted.
 * @throws TouchmarkError `format-timestamp`, `limit-exceeded`
 */
export function parseTimestamp(bytes: Uint8Array): Timestamp {
  if (bytes.length > LIMITS.timestampSize)
    fail(
      'limit-exceeded',
      `the timestamp has ${bytes.length} bytes; at most ${LIMITS.timestampSize} are read`,
    );
  const outer = parseDer(bytes);
  const response = outer?.length === 1 ? membersOf(outer[0], DER.sequence, DER.sequence) : undefined;
  if (response?.length !== 2) return malformed('it is not a response with a token');
  const status = smallInteger(membersOf(response[0], DER.integer)?.[0]);
  if (status !== 0 && status !== 1) return malformed('the authority did not grant it');
  const signedData = explicit(response[1], SIGNED_DATA, DER.sequence);
  const parts =
    membersOf(signedData, DER.integer, DER.set, DER.sequence) ?? malformed('it is not signed data');
  const content = explicit(parts[2], TST_INFO, DER.octetString)?.content;
  if (content === undefined) return malformed('it is not about a TSTInfo');
  const certificates = parts.find((part, i) => i > 2 && part.tag === DER.context0);
  const signers = parts.at(-1)?.tag === DER.set ? membersOf(parts.at(-1), DER.sequence) : undefined;
  if (parts.length < 4 || signers?.length !== 1) return malformed('it does not have exactly one signer');
  return {
    ...readInfo(content),
    content,
    signer: readSigner(signers[0]),
    certificates:
      certificates === undefined ? [] : (membersOf(certificates) ?? []).map(element => element.bytes),
  };
}

/** The value of `SEQUENCE { type OBJECT IDENTIFIER, [0] EXPLICIT value }`. */
function explicit(element: DerElement | undefined, type: ObjectId, tag: number): DerElement | undefined {
  const members = membersOf(element, DER.oid, DER.context0);
  if (members?.length !== 2 || objectIdOf(members[0]) !== type) return undefined;
  const inner = membersOf(members[1], tag);
  return inner?.length === 1 ? inner[0] : undefined;
}

function readInfo(content: Uint8Array): Pick<Timestamp, 'imprint' | 'time'> {
  const outer = parseDer(content);
  const [version, , imprint, , genTime] =
    (outer?.length === 1
      ? membersOf(outer[0], DER.integer, DER.oid, DER.sequence, DER.integer, DER.generalizedTime)
      : undefined) ?? malformed('its TSTInfo is malformed');
  const [algorithm, digest] = membersOf(imprint, DER.sequence, DER.octetString) ?? [];
  const hash = hashAlgorithm(algorithm);
  const time = asn1Time(genTime);
  if (smallInteger(version) !== 1 || hash === undefined || digest === undefined || time === undefined)
    return malformed('its TSTInfo has a version, a hash or a time that is not accepted');
  return { imprint: { algorithm: hash, digest: digest.content }, time };
}

function readSigner(element: DerElement | undefined): TimestampSigner {
  const members = membersOf(element, DER.integer) ?? malformed('its signer is malformed');
  const [, id, digestAlgorithm, attributes, algorithm, signature] = members;
  const hash = hashAlgorithm(digestAlgorithm);
  if (hash === undefined || attributes?.tag !== DER.context0 || signature?.tag !== DER.octetString)
    return malformed('its signer uses a hash that is not accepted, or signed no attributes');
  const signedWith = cmsSignatureAlgorithm(algorithm, hash);
  if (signedWith === undefined) return malformed('it is signed with an algorithm that is not accepted');
  const values = readAttributes(attributes);
  const digest = values.get(ATTRIBUTE.messageDigest);
  if (objectIdOf(values.get(ATTRIBUTE.contentType)) !== TST_INFO || digest?.tag !== DER.octetString)
    return malformed('its signed attributes are not about a TSTInfo');
  return {
    id: readSignerId(id),
    hash,
    contentDigest: digest.content,
    certificateDigest: readCertificateDigest(values.get(ATTRIBUTE.signingCertificateV2)),
    // RFC 5652 5.4: hashed as a SET OF, not with the tag it has here.
    signedBytes: der(DER.set, attributes.content),
    algorithm: signedWith,
    signature: signature.content,
  };
}

function readSignerId(element: DerElement | undefined): TimestampSigner['id'] {
  if (element?.tag === DER.implicit0) return { keyIdentifier: element.content };
  const [issuer, serial] =
    membersOf(element, DER.sequence, DER.integer) ?? malformed('its signer is not named');
  return { issuer: issuer?.bytes ?? new Uint8Array(), serialNumber: serial?.content ?? new Uint8Array() };
}

/** Attributes with exactly one value, each once. */
function readAttributes(element: DerElement): ReadonlyMap<ObjectId, DerElement> {
  const values = new Map<ObjectId, DerElement>();
  for (const attribute of membersOf(element) ?? malformed('its signed attributes are malformed')) {
    const members = membersOf(attribute, DER.oid, DER.set);
    const id = objectIdOf(members?.[0]);
    const [value, ...more] = membersOf(members?.[1]) ?? [];
    if (id === undefined || value === undefined || more.length > 0 || values.has(id))
      return malformed('its signed attributes are malformed');
    values.set(id, value);
  }
  return values;
}

/** The first ESSCertIDv2, which is that of the signer; its hash is SHA-256 unless it says otherwise. */
function readCertificateDigest(element: DerElement | undefined): TimestampSigner['certificateDigest'] {
  if (element === undefined) return undefined;
  const first = membersOf(membersOf(element, DER.sequence)?.[0], DER.sequence)?.[0];
  const members = membersOf(first) ?? malformed('the name of its certificate is malformed');
  const named = members[0]?.tag === DER.sequence ? members[0] : undefined;
  const algorithm = named === undefined ? 'sha256' : hashAlgorithm(named);
  const digest = members[named === undefined ? 0 : 1];
  if (algorithm === undefined || digest?.tag !== DER.octetString)
    return malformed('the name of its certificate is malformed');
  return { algorithm, digest: digest.content };
}

function malformed(problem: string): never {
  return fail('format-timestamp', `the timestamp cannot be used: ${problem}`);
}
