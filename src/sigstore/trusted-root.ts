import { fromAnyBase64, toHex } from '../base/bytes.js';
import { TouchmarkError } from '../base/errors.js';
import { Field } from '../base/fields.js';
import { parseJson } from '../base/json.js';
import { LIMITS } from '../base/limits.js';
import { type PublicKey, parseSpki } from '../crypto/index.js';
import { wrapRsaPublicKey } from '../crypto/public-key.js';
import { type Certificate, parseCertificate } from './certificate.js';
import type { Authority } from './certificate-chain.js';
import { type Interval, parseInterval } from './interval.js';
import { type SignatureAlgorithm, usualAlgorithm } from './signature-algorithm.js';

/** What verification believes, and from when to when: a `trusted_root.json`, as sigstore deployments publish it. */
export interface TrustedRoot {
  readonly certificateAuthorities: readonly Authority[];
  readonly timestampAuthorities: readonly Authority[];
  readonly transparencyLogs: readonly TransparencyLog[];
  readonly certificateLogs: readonly TransparencyLog[];
  /** Paths of keys and certificates that are of a kind this tool does not use; what they would vouch for does not count. */
  readonly ignored: readonly string[];
}

/** A log and its key. */
export interface TransparencyLog {
  readonly baseUrl: string;
  /** Hex: SHA-256 of the key for Rekor v1 and certificate logs, the key id of signed notes for Rekor v2. */
  readonly logId: string;
  /** Hex of the first four bytes of the key id in this log's signed notes. */
  readonly noteKeyHint: string;
  readonly publicKey: PublicKey;
  readonly algorithm: SignatureAlgorithm;
  readonly validFor: Interval;
}

const MEDIA_TYPES: readonly string[] = [
  'application/vnd.dev.sigstore.trustedroot+json;version=0.1',
  'application/vnd.dev.sigstore.trustedroot.v0.1+json',
  'application/vnd.dev.sigstore.trustedroot.v0.2+json',
];

/**
 * Parses a trusted root (protobuf-specs `TrustedRoot`, JSON form). Old entries are kept, each with its interval: they verify what
 * was signed in their time. An interval without a start is refused.
 * @throws TouchmarkError `format-trusted-root`, `limit-exceeded`
 */
export function parseTrustedRoot(bytes: Uint8Array): TrustedRoot {
  const value = parseJson(bytes, 'the trusted root', {
    code: 'format-trusted-root',
    maxSize: LIMITS.trustedRootSize,
  });
  const root = new Field(value, 'trustedRoot', 'format-trusted-root').onlyKeys([
    'mediaType',
    'tlogs',
    'certificateAuthorities',
    'ctlogs',
    'timestampAuthorities',
  ]);
  const mediaType = root.get('mediaType');
  if (!MEDIA_TYPES.includes(mediaType.string(100)))
    mediaType.fail(`is a kind of trusted root this tool does not read: ${JSON.stringify(mediaType.value)}`);
  const ignored: string[] = [];
  const list = <T>(name: string, parse: (field: Field) => T): readonly T[] =>
    root.get(name).empty
      ? []
      : root
          .get(name)
          .array(LIMITS.trustedRootEntries)
          .flatMap(field => supported(field, parse, ignored));
  return {
    certificateAuthorities: list('certificateAuthorities', parseAuthority),
    timestampAuthorities: list('timestampAuthorities', parseAuthority),
    transparencyLogs: list('tlogs', parseLog),
    certificateLogs: list('ctlogs', parseLog),
    ignored,
  };
}

/** An entry with a key of tomorrow must not take away the others. */
function supported<T>(field: Field, parse: (field: Field) => T, ignored: string[]): readonly T[] {
  try {
    return [parse(field)];
  } catch (error) {
    if (!(error instanceof TouchmarkError) || error.code !== 'key-unsupported') throw error;
    ignored.push(`${field.path}: ${error.message}`);
    return [];
  }
}

function parseAuthority(field: Field): Authority {
  field.onlyKeys(['subject', 'uri', 'certChain', 'validFor', 'operator']);
  const certificates = field.get('certChain').get('certificates').array(LIMITS.certificateChain);
  if (certificates.length === 0) field.get('certChain').fail('holds no certificate');
  return {
    uri: field.get('uri').optionalString() ?? '',
    certificates: certificates.map(parseRootCertificate),
    validFor: parseInterval(field.get('validFor')),
  };
}

function parseRootCertificate(field: Field): Certificate {
  const bytes = base64(field.get('rawBytes'));
  try {
    return parseCertificate(bytes);
  } catch (error) {
    if (!(error instanceof TouchmarkError)) throw error;
    const unsupported = error.cause instanceof TouchmarkError && error.cause.code === 'key-unsupported';
    if (unsupported) throw error.cause;
    return field.fail(`does not hold a usable certificate: ${error.message}`);
  }
}

function parseLog(field: Field): TransparencyLog {
  field.onlyKeys(['baseUrl', 'hashAlgorithm', 'publicKey', 'logId', 'checkpointKeyId', 'operator']);
  const hash = field.get('hashAlgorithm');
  if (hash.value !== 'SHA2_256') hash.fail('must be SHA2_256, the hash of every tree that is known');
  const key = field.get('publicKey').onlyKeys(['rawBytes', 'keyDetails', 'validFor']);
  const details = key.get('keyDetails').string(60);
  const publicKey = parseKey(key.get('rawBytes'), details);
  const logId = base64(field.get('logId').get('keyId'));
  if (logId.length < 4 || logId.length > 64) field.get('logId').fail('is not a key id');
  const checkpointId = field.get('checkpointKeyId');
  const noteKey = checkpointId.empty ? logId : base64(checkpointId.get('keyId'));
  return {
    baseUrl: field.get('baseUrl').optionalString() ?? '',
    logId: toHex(logId),
    noteKeyHint: toHex(noteKey.subarray(0, 4)),
    publicKey,
    algorithm: usualAlgorithm(publicKey.kind),
    validFor: parseInterval(key.get('validFor')),
  };
}

function parseKey(field: Field, details: string): PublicKey {
  const bytes = base64(field);
  try {
    return parseSpki(details === 'PKCS1_RSA_PKCS1V5' ? wrapRsaPublicKey(bytes) : bytes, field.path);
  } catch (error) {
    if (!(error instanceof TouchmarkError) || error.code === 'key-unsupported') throw error;
    return field.fail(`does not hold a usable key: ${error.message}`);
  }
}

function base64(field: Field): Uint8Array {
  return fromAnyBase64(field.string(200_000)) ?? field.fail('is not base64');
}
