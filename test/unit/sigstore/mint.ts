import { createHash, generateKeyPairSync, type KeyObject, sign } from 'node:crypto';
import { DER, der } from '../../../src/crypto/der.js';
import { objectId } from '../../../src/sigstore/object-id.js';

/** Makes certificates of any shape, good or bad. */
export interface CertificateOptions {
  readonly subject: string;
  readonly issuer: string;
  readonly key: KeyObject;
  readonly signedBy: KeyObject;
  readonly notBefore: number;
  readonly notAfter: number;
  readonly extensions: readonly Uint8Array[];
  readonly serial?: number;
}

export const hex = (text: string): Uint8Array => Buffer.from(text, 'hex');
export const oid = (dotted: string): Uint8Array => der(DER.oid, hex(objectId(dotted)));
export const sequence = (...parts: readonly Uint8Array[]): Uint8Array => der(DER.sequence, ...parts);
export const set = (...parts: readonly Uint8Array[]): Uint8Array => der(DER.set, ...parts);
export const octets = (...parts: readonly Uint8Array[]): Uint8Array => der(DER.octetString, ...parts);
export const integer = (value: number): Uint8Array => der(DER.integer, Uint8Array.of(value));
export const text8 = (text: string): Uint8Array => der(DER.utf8String, Buffer.from(text));
export const name = (common: string): Uint8Array =>
  common === '' ? sequence() : sequence(set(sequence(oid('2.5.4.3'), text8(common))));
export const generalizedTime = (time: number): Uint8Array =>
  der(DER.generalizedTime, Buffer.from(`${new Date(time).toISOString().replace(/[-:T]|\.\d+Z/g, '')}Z`));
const utcTime = (time: number): Uint8Array =>
  der(
    DER.utcTime,
    Buffer.from(
      `${new Date(time)
        .toISOString()
        .slice(2)
        .replace(/[-:T]|\.\d+Z/g, '')}Z`,
    ),
  );

export const extension = (dotted: string, value: Uint8Array, critical = false): Uint8Array =>
  sequence(oid(dotted), ...(critical ? [der(DER.boolean, Uint8Array.of(255))] : []), octets(value));
export const basicConstraints = (authority: boolean, pathLength?: number): Uint8Array =>
  extension(
    '2.5.29.19',
    sequence(
      ...(authority ? [der(DER.boolean, Uint8Array.of(255))] : []),
      ...(pathLength === undefined ? [] : [integer(pathLength)]),
    ),
    true,
  );
/** The first octet of the bits: 0x80 signs, 0x04 certifies. */
export const keyUsage = (bits: number): Uint8Array =>
  extension('2.5.29.15', der(DER.bitString, Uint8Array.of(0, bits)), true);
export const purposes = (list: readonly string[], critical = false): Uint8Array =>
  extension('2.5.29.37', sequence(...list.map(oid)), critical);
export const CODE_SIGNING = '1.3.6.1.5.5.7.3.3';
export const TIME_STAMPING = '1.3.6.1.5.5.7.3.8';

export const uriName = (uri: string): Uint8Array => der(DER.implicit6, Buffer.from(uri));
export const emailName = (email: string): Uint8Array => der(DER.implicit1, Buffer.from(email));
export const subjectNames = (...names: readonly Uint8Array[]): Uint8Array =>
  extension('2.5.29.17', sequence(...names), true);

export const ecKey = (curve: 'P-256' | 'P-384' | 'P-521' = 'P-256') =>
  generateKeyPairSync('ec', { namedCurve: curve });
export const spkiOf = (key: KeyObject): Buffer => key.export({ type: 'spki', format: 'der' });
export const sha256 = (bytes: Uint8Array): Buffer => createHash('sha256').update(bytes).digest();

const ECDSA_SHA256 = sequence(oid('1.2.840.10045.4.3.2'));

/** The part that is signed; `extensions` as they stand. */
export function toBeSigned(options: CertificateOptions): Uint8Array {
  return sequence(
    der(DER.context0, integer(2)),
    integer(options.serial ?? 7),
    ECDSA_SHA256,
    name(options.issuer),
    sequence(utcTime(options.notBefore), utcTime(options.notAfter)),
    name(options.subject),
    spkiOf(options.key),
    ...(options.extensions.length > 0 ? [der(DER.context3, sequence(...options.extensions))] : []),
  );
}

export function mint(options: CertificateOptions): Buffer {
  const tbs = toBeSigned(options);
  const signature = sign('sha256', tbs, options.signedBy);
  return Buffer.from(sequence(tbs, ECDSA_SHA256, der(DER.bitString, Uint8Array.of(0), signature)));
}
