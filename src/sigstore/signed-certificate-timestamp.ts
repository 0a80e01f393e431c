import { createHash } from 'node:crypto';
import { concatBytes, toHex } from '../base/bytes.js';
import { LIMITS } from '../base/limits.js';
import { DER, type DerElement, der, membersOf, parseDer } from '../crypto/der.js';
import { ByteReader } from './byte-reader.js';
import { type Certificate, malformed } from './certificate.js';
import { EXTENSION } from './certificate-usage.js';
import { contains } from './interval.js';
import { objectIdOf } from './object-id.js';
import { isSigned, type SignatureAlgorithm } from './signature-algorithm.js';
import type { TransparencyLog } from './trusted-root.js';

/** A certificate log's promise to publish a certificate (RFC 6962 3.2), as embedded in it. */
export interface SignedCertificateTimestamp {
  /** Hex. */
  readonly logId: string;
  /** Milliseconds since 1970. */
  readonly time: number;
  readonly extensions: Uint8Array;
  readonly algorithm: SignatureAlgorithm;
  readonly signature: Uint8Array;
}

/**
 * Which logs have promised to publish this certificate? Promises of unknown logs, of logs not trusted at that time, and false ones
 * do not count; a log counts once.
 * @param issuer the certificate that issued `leaf`: the promise names its key
 * @throws TouchmarkError `format-certificate`, `limit-exceeded` for a malformed list
 */
export function findPromisingLogs(
  leaf: Certificate,
  issuer: Certificate,
  logs: readonly TransparencyLog[],
): ReadonlySet<string> {
  const found = new Set<string>();
  const timestamps = readTimestamps(leaf);
  if (timestamps.length === 0) return found;
  const entry = logEntry(leaf, issuer);
  for (const timestamp of timestamps) {
    if (found.has(timestamp.logId)) continue;
    const signed = signedBytes(timestamp, entry);
    const holds = logs.some(
      log =>
        log.logId === timestamp.logId &&
        contains(log.validFor, timestamp.time) &&
        isSigned(log.publicKey, timestamp.algorithm, signed, timestamp.signature),
    );
    if (holds) found.add(timestamp.logId);
  }
  return found;
}

function readTimestamps(leaf: Certificate): readonly SignedCertificateTimestamp[] {
  const extension = leaf.extensions.get(EXTENSION.signedTimestamps);
  if (extension === undefined) return [];
  const [list, ...more] = parseDer(extension.value) ?? [];
  if (list?.tag !== DER.octetString || more.length > 0)
    return malformed('its list of timestamps is malformed');
  const outer = new ByteReader(list.content, () => malformed('its list of timestamps is malformed'));
  const items = outer.part(outer.number(2));
  outer.end();
  const timestamps: SignedCertificateTimestamp[] = [];
  while (items.rest > 0) {
    if (timestamps.length === LIMITS.certificateTimestamps)
      malformed(`it has more than ${LIMITS.certificateTimestamps} timestamps`);
    const timestamp = readTimestamp(items.part(items.number(2)));
    if (timestamp !== undefined) timestamps.push(timestamp);
  }
  return timestamps;
}

/** Undefined for versions and algorithms of a later time, which cannot count. */
function readTimestamp(reader: ByteReader): SignedCertificateTimestamp | undefined {
  if (reader.number(1) !== 0) return undefined;
  const logId = toHex(reader.bytes(32));
  const time = reader.number(4) * 2 ** 32 + reader.number(4);
  const extensions = reader.bytes(reader.number(2));
  const [hash, kind] = [reader.number(1), reader.number(1)];
  const signature = reader.bytes(reader.number(2));
  reader.end();
  const key = kind === 3 ? 'ec' : kind === 1 ? 'rsa' : undefined;
  if (hash !== 4 || key === undefined) return undefined;
  return { logId, time, extensions, algorithm: { key, hash: 'sha256' }, signature };
}

/** `entry_type`, `issuer_key_hash` and `tbs_certificate` of the log's entry: the certificate as it was before the promise. */
function logEntry(leaf: Certificate, issuer: Certificate): Uint8Array {
  const keyHash = createHash('sha256').update(issuer.publicKey.spki).digest();
  const before = withoutTimestamps(leaf);
  return concatBytes(Uint8Array.of(0, 1), keyHash, integer(before.length, 3), before);
}

function withoutTimestamps(leaf: Certificate): Uint8Array {
  const members = membersOf(leaf.toBeSigned) ?? [];
  return der(
    DER.sequence,
    ...members.map(member => (member.tag === DER.context3 ? extensionsWithout(member) : member.bytes)),
  );
}

function extensionsWithout(element: DerElement): Uint8Array {
  const list = membersOf(membersOf(element)?.[0]) ?? [];
  const kept = list.filter(item => objectIdOf(membersOf(item)?.[0]) !== EXTENSION.signedTimestamps);
  return der(DER.context3, der(DER.sequence, ...kept.map(item => item.bytes)));
}

function signedBytes(timestamp: SignedCertificateTimestamp, entry: Uint8Array): Uint8Array {
  return concatBytes(
    Uint8Array.of(0, 0),
    integer(timestamp.time, 8),
    entry,
    integer(timestamp.extensions.length, 2),
    timestamp.extensions,
  );
}

function integer(value: number, size: number): Uint8Array {
  const bytes = new Uint8Array(size);
  for (let i = size - 1, rest = value; i >= 0; i--, rest = Math.floor(rest / 256)) bytes[i] = rest % 256;
  return bytes;
}
