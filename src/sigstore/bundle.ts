import { toHex } from '../base/bytes.js';
import type { Field } from '../base/fields.js';
import { LIMITS } from '../base/limits.js';
import { base64Field, openBundle, parseEnvelope } from '../signature/bundle.js';
import type { HashName } from './signature-algorithm.js';

/** A sigstore bundle with all its evidence, read and not yet believed. */
export interface SigstoreBundle {
  /** Of the format: 0.1 to 0.3. */
  readonly version: '0.1' | '0.2' | '0.3';
  readonly signer: BundleSigner;
  readonly content: BundleContent;
  /** Over the file, or over the envelope's pre-authentication encoding. */
  readonly signature: Uint8Array;
  readonly logEntries: readonly LogEntry[];
  /** RFC 3161 `TimeStampResp`s, DER, over {@link signature}. */
  readonly timestamps: readonly Uint8Array[];
}

export type BundleSigner =
  | { readonly kind: 'key' }
  /** DER of the leaf. Certificates above it that a bundle may hold are never used: trust comes from the trusted root alone. */
  | { readonly kind: 'certificate'; readonly certificate: Uint8Array };

export type BundleContent =
  /** The digest is what the signer said of the file; it is compared, never relied upon. */
  | { readonly kind: 'message'; readonly digest: SaidDigest | undefined }
  | { readonly kind: 'envelope'; readonly payloadType: string; readonly payload: Uint8Array };

export interface SaidDigest {
  readonly algorithm: HashName;
  readonly value: Uint8Array;
}

/** A `TransparencyLogEntry`. */
export interface LogEntry {
  /** In the log, over all its shards; decimal. */
  readonly logIndex: string;
  /** Hex. */
  readonly logId: string;
  readonly kind: string;
  readonly version: string;
  /** Seconds since 1970, trustworthy only together with a verified promise. */
  readonly integratedTime: number | undefined;
  /** The log's signature over body, time and place. */
  readonly promise: Uint8Array | undefined;
  readonly proof: InclusionProof | undefined;
  readonly body: Uint8Array;
}

export interface InclusionProof {
  /** In the tree, which is a shard of the log. */
  readonly leafIndex: number;
  readonly treeSize: number;
  readonly rootHash: Uint8Array;
  readonly hashes: readonly Uint8Array[];
  /** A signed note. */
  readonly checkpoint: string;
}

/**
 * Parses a sigstore bundle (protobuf-specs `Bundle`, JSON form) of version 0.1 to 0.3, with everything in it.
 * @throws TouchmarkError `format-bundle`, `limit-exceeded`
 */
export function parseSigstoreBundle(bytes: Uint8Array): SigstoreBundle {
  const { mediaType, bundle, material, kind } = openBundle(bytes);
  const version = /0\.[123]/.exec(mediaType)?.[0] as SigstoreBundle['version'];
  if (kind === 'x509CertificateChain' && version === '0.3')
    material.fail('must hold one certificate in version 0.3, not a chain');
  const message = bundle.get('messageSignature');
  const envelope = bundle.get('dsseEnvelope');
  if (message.empty === envelope.empty)
    bundle.fail('must have exactly one of messageSignature, dsseEnvelope');
  const timestamps = material.get('timestampVerificationData');
  return {
    version,
    signer:
      kind === 'publicKey'
        ? { kind: 'key' }
        : { kind: 'certificate', certificate: leafOf(material.get(kind), kind) },
    ...(message.empty ? readEnvelope(envelope) : readMessage(message)),
    logEntries: listOf(material.get('tlogEntries')).map(parseLogEntry),
    timestamps: timestamps.empty
      ? []
      : listOf(timestamps.onlyKeys(['rfc3161Timestamps'], true).get('rfc3161Timestamps')).map(field =>
          base64Field(field.get('signedTimestamp')),
        ),
  };
}

function listOf(field: Field): readonly Field[] {
  return field.empty ? [] : field.array(LIMITS.bundleEntries);
}

function leafOf(field: Field, kind: 'certificate' | 'x509CertificateChain'): Uint8Array {
  if (kind === 'certificate') return base64Field(field.get('rawBytes'));
  const [leaf] = field.get('certificates').array(LIMITS.certificateChain);
  return leaf === undefined ? field.fail('holds no certificate') : base64Field(leaf.get('rawBytes'));
}

function readEnvelope(field: Field): Pick<SigstoreBundle, 'content' | 'signature'> {
  const { signature, payloadType, payload } = parseEnvelope(field);
  return { content: { kind: 'envelope', payloadType, payload }, signature };
}

const MESSAGE_HASHES: Readonly<Record<string, HashName>> = {
  SHA2_256: 'sha256',
  SHA2_384: 'sha384',
  SHA2_512: 'sha512',
};

/** The hash that protobuf calls so; undefined for others. */
export function hashOfProtobufName(name: string): HashName | undefined {
  return Object.hasOwn(MESSAGE_HASHES, name) ? MESSAGE_HASHES[name] : undefined;
}

function readMessage(field: Field): Pick<SigstoreBundle, 'content' | 'signature'> {
  field.onlyKeys(['messageDigest', 'signature'], true);
  const digest = field.get('messageDigest');
  return {
    content: { kind: 'message', digest: digest.empty ? undefined : readDigest(digest) },
    signature: base64Field(field.get('signature')),
  };
}

function readDigest(field: Field): SaidDigest {
  const name = field.onlyKeys(['algorithm', 'digest'], true).get('algorithm');
  const algorithm = hashOfProtobufName(name.string(40)) ?? name.fail('is a hash this tool does not use');
  return { algorithm, value: base64Field(field.get('digest')) };
}

function parseLogEntry(field: Field): LogEntry {
  field.onlyKeys(
    [
      'logIndex',
      'logId',
      'kindVersion',
      'integratedTime',
      'inclusionPromise',
      'inclusionProof',
      'canonicalizedBody',
    ],
    true,
  );
  const promise = field.get('inclusionPromise');
  const proof = field.get('inclusionProof');
  const time = numberOf(field.get('integratedTime'));
  return {
    logIndex: String(numberOf(field.get('logIndex'))),
    logId: toHex(base64Field(field.get('logId').get('keyId'))),
    kind: field.get('kindVersion').get('kind').string(40),
    version: field.get('kindVersion').get('version').string(20),
    integratedTime: time === 0 ? undefined : time,
    promise: promise.empty ? undefined : base64Field(promise.get('signedEntryTimestamp')),
    proof: proof.empty ? undefined : parseProof(proof),
    body: base64Field(field.get('canonicalizedBody')),
  };
}

function parseProof(field: Field): InclusionProof {
  field.onlyKeys(['logIndex', 'rootHash', 'treeSize', 'hashes', 'checkpoint'], true);
  const hashes = field.get('hashes');
  const checkpoint = field.get('checkpoint');
  return {
    leafIndex: numberOf(field.get('logIndex')),
    treeSize: numberOf(field.get('treeSize')),
    rootHash: base64Field(field.get('rootHash')),
    hashes: hashes.empty ? [] : hashes.array(LIMITS.inclusionHashes).map(base64Field),
    checkpoint: checkpoint.empty ? '' : checkpoint.get('envelope').string(LIMITS.signedNoteSize),
  };
}

/** A 64-bit number, which protobuf writes as text and leaves out when it is 0. Above 2^53 no log has got. */
function numberOf(field: Field): number {
  if (field.empty) return 0;
  if (typeof field.value === 'number') return field.size();
  const text = field.string(20);
  const number = /^(?:0|[1-9][0-9]{0,15})$/.test(text) ? Number(text) : Number.NaN;
  return Number.isSafeInteger(number) ? number : field.fail('must be a whole number below 2^53');
}
