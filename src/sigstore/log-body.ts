import { fromBase64 } from '../base/bytes.js';
import { TouchmarkError } from '../base/errors.js';
import { Field } from '../base/fields.js';
import { parseJson } from '../base/json.js';
import { LIMITS } from '../base/limits.js';
import { type PemBlock, parsePem } from '../crypto/pem.js';
import { hashOfProtobufName, type LogEntry } from './bundle.js';
import type { HashName } from './signature-algorithm.js';

/** What a log's entry says was signed, by whom, and with which signature. */
export interface LoggedSignature {
  /** Of the payload of an envelope, or of all that the signature is over. */
  readonly digestOf: 'payload' | 'signed';
  readonly algorithm: HashName;
  readonly digest: Uint8Array;
  readonly signature: Uint8Array;
  /** DER of the certificate or of the key. */
  readonly verifier: Uint8Array;
}

type BodyParser = (spec: Field) => LoggedSignature;

/** Kinds of entries, by name and version. The first three are of Rekor v1, the others of v2. */
const PARSERS: Readonly<Record<string, BodyParser>> = {
  'hashedrekord 0.0.1': parseHashedRekord,
  'dsse 0.0.1': parseDsse,
  'intoto 0.0.2': parseIntoto,
  'hashedrekord 0.0.2': spec => parseHashedRekord2(spec.onlyKeys(['hashedRekordV002'], true)),
  'dsse 0.0.2': spec => parseDsse2(spec.onlyKeys(['dsseV002'], true)),
};

/** Is the entry one of a Rekor v2 log, which vouches for no time? */
export function isTileLogEntry(entry: Pick<LogEntry, 'kind' | 'version'>): boolean {
  return entry.version === '0.0.2' && entry.kind !== 'intoto';
}

/**
 * Reads an entry's body, which is the leaf that is in the tree, byte for byte.
 * @throws TouchmarkError `format-log-entry` for kinds that are not known and for bodies of another kind than the entry says
 */
export function parseLogBody(entry: LogEntry): LoggedSignature {
  const value = parseJson(entry.body, 'the body of the log entry', {
    code: 'format-log-entry',
    maxSize: LIMITS.payloadSize,
  });
  const body = new Field(value, 'body', 'format-log-entry').onlyKeys(['apiVersion', 'kind', 'spec'], true);
  const name = `${entry.kind} ${entry.version}`;
  if (name !== `${body.get('kind').string(40)} ${body.get('apiVersion').string(20)}`)
    body.fail(`is not of the kind that the entry says, ${name}`);
  const parse = Object.hasOwn(PARSERS, name) ? PARSERS[name] : undefined;
  return parse ? parse(body.get('spec')) : body.fail(`is of a kind this tool does not read: ${name}`);
}

function parseHashedRekord(spec: Field): LoggedSignature {
  const hash = spec.onlyKeys(['data', 'signature']).get('data').get('hash');
  const signature = spec.get('signature');
  return {
    digestOf: 'signed',
    ...hexDigest(hash),
    signature: base64(signature.get('content')),
    verifier: pem(signature.get('publicKey').get('content')),
  };
}

/** `envelopeHash` is over JSON text that no bundle holds; the payload, its type and the signature are what counts. */
function parseDsse(spec: Field): LoggedSignature {
  spec.onlyKeys(['envelopeHash', 'payloadHash', 'signatures']);
  const signature = only(spec.get('signatures'));
  return {
    digestOf: 'payload',
    ...hexDigest(spec.get('payloadHash')),
    signature: base64(signature.get('signature')),
    verifier: pem(signature.get('verifier')),
  };
}

function parseIntoto(spec: Field): LoggedSignature {
  const content = spec.onlyKeys(['content']).get('content').onlyKeys(['envelope', 'hash', 'payloadHash']);
  const signature = only(content.get('envelope').get('signatures'));
  // This kind has the base64 of the base64 of the signature.
  const inner = Buffer.from(base64(signature.get('sig'))).toString('latin1');
  return {
    digestOf: 'payload',
    ...hexDigest(content.get('payloadHash')),
    signature: fromBase64(inner) ?? signature.get('sig').fail('is not base64 of base64'),
    verifier: pem(signature.get('publicKey')),
  };
}

function parseHashedRekord2(spec: Field): LoggedSignature {
  const entry = spec.get('hashedRekordV002').onlyKeys(['data', 'signature'], true);
  return { digestOf: 'signed', ...base64Digest(entry.get('data')), ...signature2(entry.get('signature')) };
}

function parseDsse2(spec: Field): LoggedSignature {
  const entry = spec.get('dsseV002').onlyKeys(['payloadHash', 'signatures'], true);
  return {
    digestOf: 'payload',
    ...base64Digest(entry.get('payloadHash')),
    ...signature2(only(entry.get('signatures'))),
  };
}

function signature2(field: Field): Pick<LoggedSignature, 'signature' | 'verifier'> {
  const verifier = field
    .onlyKeys(['content', 'verifier'], true)
    .get('verifier')
    .onlyKeys(['keyDetails', 'x509Certificate', 'publicKey'], true);
  const [certificate, key] = [verifier.get('x509Certificate'), verifier.get('publicKey')];
  if (certificate.empty === key.empty) verifier.fail('must have exactly one of x509Certificate, publicKey');
  return {
    signature: base64(field.get('content')),
    verifier: base64((certificate.empty ? key : certificate).get('rawBytes')),
  };
}

function only(list: Field): Field {
  const [first, ...more] = list.array(LIMITS.bundleEntries);
  return first === undefined || more.length > 0 ? list.fail('must hold exactly one signature') : first;
}

function hexDigest(field: Field): Pick<LoggedSignature, 'algorithm' | 'digest'> {
  const name = field.get('algorithm').string(20);
  const algorithm = name === 'sha256' || name === 'sha384' || name === 'sha512' ? name : undefined;
  const text = field.get('value').string(128);
  if (algorithm === undefined || !/^(?:[0-9a-f]{2})+$/.test(text)) return field.fail('is not a digest');
  return { algorithm, digest: Buffer.from(text, 'hex') };
}

function base64Digest(field: Field): Pick<LoggedSignature, 'algorithm' | 'digest'> {
  const name = field.onlyKeys(['algorithm', 'digest'], true).get('algorithm');
  const algorithm = hashOfProtobufName(name.string(40)) ?? name.fail('is a hash this tool does not use');
  return { algorithm, digest: base64(field.get('digest')) };
}

function base64(field: Field): Uint8Array {
  return fromBase64(field.string()) ?? field.fail('is not base64');
}

/** The one certificate or key in base64 of PEM. */
function pem(field: Field): Uint8Array {
  const blocks = pemBlocks(base64(field));
  const [block] = blocks;
  const isVerifier = block?.type === 'CERTIFICATE' || block?.type === 'PUBLIC KEY';
  return block && isVerifier && blocks.length === 1
    ? block.der
    : field.fail('is not one certificate or public key in PEM');
}

function pemBlocks(bytes: Uint8Array): readonly PemBlock[] {
  try {
    return parsePem(bytes, 'the verifier');
  } catch (error) {
    // Its codes are those of key files of the user's own.
    if (error instanceof TouchmarkError) return [];
    throw error;
  }
}
