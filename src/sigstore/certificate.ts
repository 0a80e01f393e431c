import { equalBytes } from '../base/bytes.js';
import { fail, TouchmarkError } from '../base/errors.js';
import { LIMITS } from '../base/limits.js';
import { DER, type DerElement, membersOf, parseDer } from '../crypto/der.js';
import { type PublicKey, parseSpki } from '../crypto/index.js';
import { asn1Time } from './asn1-time.js';
import { type ObjectId, objectIdOf } from './object-id.js';
import { type SignatureAlgorithm, signatureAlgorithm } from './signature-algorithm.js';

/** An X.509 certificate, read and not yet believed. Byte fields are views into {@link der}. */
export interface Certificate {
  readonly der: Uint8Array;
  /** TBSCertificate: what {@link signature} is over. */
  readonly toBeSigned: DerElement;
  readonly serialNumber: Uint8Array;
  /** Names as DER: they are equal when their bytes are. */
  readonly issuer: Uint8Array;
  readonly subject: Uint8Array;
  /** Milliseconds since 1970, both included. */
  readonly notBefore: number;
  readonly notAfter: number;
  readonly publicKey: PublicKey;
  readonly algorithm: SignatureAlgorithm;
  readonly signature: Uint8Array;
  readonly extensions: ReadonlyMap<ObjectId, Extension>;
}

export interface Extension {
  readonly critical: boolean;
  /** Contents of the OCTET STRING. */
  readonly value: Uint8Array;
}

/**
 * Parses a certificate (RFC 5280 4.1): version 3, DER throughout, each extension once, a key of a kind that is accepted.
 * @throws TouchmarkError `format-certificate`, `limit-exceeded`
 */
export function parseCertificate(bytes: Uint8Array): Certificate {
  if (bytes.length > LIMITS.certificateSize)
    fail(
      'limit-exceeded',
      `the certificate has ${bytes.length} bytes; at most ${LIMITS.certificateSize} are read`,
    );
  const outer = parseDer(bytes);
  const [toBeSigned, algorithm, bits, ...more] =
    (outer?.length === 1 ? membersOf(outer[0], DER.sequence, DER.sequence, DER.bitString) : undefined) ?? [];
  if (!toBeSigned || !algorithm || bits?.content[0] !== 0 || more.length > 0)
    return malformed('it is not a DER Certificate');
  // version [0], serialNumber, signature, issuer, validity, subject, subjectPublicKeyInfo, extensions [3]
  const members = membersOf(
    toBeSigned,
    DER.context0,
    DER.integer,
    DER.sequence,
    DER.sequence,
    DER.sequence,
    DER.sequence,
    DER.sequence,
  );
  if (members === undefined) return malformed('it is not of version 3, or has its members in no known order');
  const [version, serial, inner, issuer, validity, subject, spki, ...tail] = members as readonly [
    DerElement,
    DerElement,
    DerElement,
    DerElement,
    DerElement,
    DerElement,
    DerElement,
    ...DerElement[],
  ];
  if (!equalBytes(version.content, VERSION_3)) return malformed('it is not of version 3');
  if (!equalBytes(inner.bytes, algorithm.bytes))
    return malformed('it names one signature algorithm inside and another outside');
  const signedWith = signatureAlgorithm(algorithm);
  if (signedWith === undefined) return malformed('it is signed with an algorithm that is not accepted');
  const times = membersOf(validity) ?? [];
  const [notBefore, notAfter] = times.map(asn1Time);
  if (times.length !== 2 || notBefore === undefined || notAfter === undefined || notAfter < notBefore)
    return malformed('its validity is not two times in order');
  if (tail.length > 1 || (tail[0] !== undefined && tail[0].tag !== DER.context3))
    return malformed('it has unique identifiers or other members that are not accepted');
  return {
    der: bytes,
    toBeSigned,
    serialNumber: serial.content,
    issuer: issuer.bytes,
    subject: subject.bytes,
    notBefore,
    notAfter,
    publicKey: keyOf(spki.bytes),
    algorithm: signedWith,
    signature: bits.content.subarray(1),
    extensions: readExtensions(tail[0]),
  };
}

const VERSION_3 = Uint8Array.of(DER.integer, 1, 2);

function keyOf(spki: Uint8Array): PublicKey {
  try {
    return parseSpki(spki, 'the key of the certificate');
  } catch (error) {
    return malformed(error instanceof TouchmarkError ? error.message : 'its key is not usable', error);
  }
}

function readExtensions(element: DerElement | undefined): ReadonlyMap<ObjectId, Extension> {
  const extensions = new Map<ObjectId, Extension>();
  if (element === undefined) return extensions;
  const wrapped = membersOf(element, DER.sequence);
  const list = wrapped?.length === 1 ? membersOf(wrapped[0]) : undefined;
  if (list === undefined || list.length === 0) return malformed('its extensions are not a list');
  for (const item of list) {
    const { id, extension } = readExtension(item);
    if (extensions.has(id)) return malformed('it has one extension twice');
    extensions.set(id, extension);
  }
  return extensions;
}

function readExtension(item: DerElement): { readonly id: ObjectId; readonly extension: Extension } {
  const members = item.tag === DER.sequence ? membersOf(item, DER.oid) : undefined;
  const id = objectIdOf(members?.[0]);
  const flag = members?.length === 3 ? members[1] : undefined;
  const value = members?.at(-1);
  if (
    !members ||
    id === undefined ||
    value?.tag !== DER.octetString ||
    members.length < 2 ||
    members.length > 3
  )
    return malformed('one of its extensions is malformed');
  // DER leaves a default out, but certificates with an explicit FALSE are around and read alike by everyone.
  if (members.length === 3 && (flag?.tag !== DER.boolean || flag.content.length !== 1))
    return malformed('one of its extensions is malformed');
  return { id, extension: { critical: flag !== undefined && flag.content[0] !== 0, value: value.content } };
}

/** @throws TouchmarkError `format-certificate` */
export function malformed(problem: string, cause?: unknown): never {
  return fail('format-certificate', `the certificate cannot be used: ${problem}`, { cause });
}
