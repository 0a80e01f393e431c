import { generateKeyPairSync, type KeyObject, sign } from 'node:crypto';
import canonicalize from 'canonicalize';
import { DER, der } from '../../../src/crypto/der.js';
import { preAuthEncoding } from '../../../src/signature/dsse.js';
import { MerkleTree } from '../../private-sigstore/merkle.js';
import {
  basicConstraints,
  type CertificateOptions,
  CODE_SIGNING,
  ecKey,
  extension,
  generalizedTime,
  integer,
  keyUsage,
  mint,
  name,
  octets,
  oid,
  purposes,
  sequence,
  set,
  sha256,
  spkiOf,
  subjectNames,
  TIME_STAMPING,
  text8,
  toBeSigned,
  uriName,
} from './mint.js';

/** JSON that tests change at will. */
// biome-ignore lint/suspicious/noExplicitAny: bundles and roots are taken apart by tests
export type Loose = any;

export const NOW = Date.UTC(2026, 0, 10, 12, 0, 0);
export const MINUTE = 60_000;
const YEAR = 365 * 24 * 60 * MINUTE;
export const SUBJECT = 'https://github.com/example/app/.github/workflows/release.yml@refs/heads/main';
export const ISSUER = 'https://token.actions.githubusercontent.com';
export const ARTIFACT = Buffer.from('an artifact\n');

const base64 = (bytes: Uint8Array): string => Buffer.from(bytes).toString('base64');
const day = (time: number): string => new Date(time).toISOString().replace('.000', '');

const anchor = (subject: string, key: ReturnType<typeof ecKey>, more: Partial<CertificateOptions> = {}) => ({
  subject,
  issuer: subject,
  key: key.publicKey,
  signedBy: key.privateKey,
  notBefore: NOW - YEAR,
  notAfter: NOW + YEAR,
  extensions: [basicConstraints(true), keyUsage(0x04)],
  ...more,
});

export const FULCIO = (n: number): string => `1.3.6.1.4.1.57264.1.${n}`;
export const claim = (n: number, text: string): Uint8Array => extension(FULCIO(n), text8(text));
export const bareClaim = (n: number, text: string): Uint8Array => extension(FULCIO(n), Buffer.from(text));

/** What a signer's certificate is usually made of; tests swap parts. */
export const LEAF = {
  usage: keyUsage(0x80),
  purposes: purposes([CODE_SIGNING]),
  names: subjectNames(uriName(SUBJECT)),
  issuer: claim(8, ISSUER),
  bareIssuer: bareClaim(1, ISSUER),
} as const;

export interface Signing {
  readonly log?: 'v1' | 'v2' | 'none';
  readonly timestamp?: boolean;
  /** In place of a file. */
  readonly statement?: object | string;
  readonly payloadType?: string;
  readonly curve?: 'P-256' | 'P-384' | 'P-521';
  readonly extensions?: readonly Uint8Array[];
  readonly certificate?: Partial<CertificateOptions>;
  readonly integratedTime?: number;
  readonly stampTime?: number;
  /** Extensions of the certificate log's promise. */
  readonly promiseExtensions?: Uint8Array;
  readonly promised?: boolean;
  /** Signed with a bare key. */
  readonly bareKey?: boolean;
  readonly entryKind?: 'hashedrekord' | 'dsse' | 'intoto';
}

/** A whole sigstore in memory whose every part lies on request. */
export class Deployment {
  readonly rootKey = ecKey('P-384');
  readonly issuerKey = ecKey();
  readonly certificateLog = ecKey();
  readonly rekor = ecKey();
  readonly tiles = generateKeyPairSync('ed25519');
  readonly tree = new MerkleTree();
  readonly anchor = mint({
    ...anchor('root', this.rootKey),
    extensions: [basicConstraints(true, 1), keyUsage(0x04)],
  });
  readonly intermediate = mint({
    ...anchor('fulcio', this.issuerKey),
    issuer: 'root',
    signedBy: this.rootKey.privateKey,
    extensions: [basicConstraints(true, 0), keyUsage(0x04), purposes([CODE_SIGNING])],
  });
  readonly stampAnchorKey = ecKey();
  readonly stampKey = ecKey('P-384');
  readonly stampAnchor = mint(anchor('stamps root', this.stampAnchorKey));
  readonly stampLeaf = mint({
    ...anchor('stamps', this.stampKey),
    issuer: 'stamps root',
    signedBy: this.stampAnchorKey.privateKey,
    extensions: [keyUsage(0x80), purposes([TIME_STAMPING], true)],
    serial: 9,
  });
  readonly tilesId = sha256(
    Buffer.concat([Buffer.from('tiles.test\n\x01', 'latin1'), spkiOf(this.tiles.publicKey).subarray(-32)]),
  );

  constructor() {
    for (const other of ['one', 'two', 'three']) this.tree.add(Buffer.from(other));
  }

  /** A fresh `trusted_root.json`. */
  root(): Loose {
    const validFor = { start: day(NOW - YEAR) };
    const log = (baseUrl: string, key: KeyObject, keyId: Uint8Array, keyDetails: string) => ({
      baseUrl,
      hashAlgorithm: 'SHA2_256',
      publicKey: { rawBytes: base64(spkiOf(key)), keyDetails, validFor },
      logId: { keyId: base64(keyId) },
    });
    const idOf = (key: KeyObject) => sha256(spkiOf(key));
    const p256 = 'PKIX_ECDSA_P256_SHA_256';
    const chain = (...list: readonly Buffer[]) => ({
      certificates: list.map(bytes => ({ rawBytes: base64(bytes) })),
    });
    // No part is shared with another: tests change them.
    const root = {
      mediaType: 'application/vnd.dev.sigstore.trustedroot+json;version=0.1',
      tlogs: [
        log('https://rekor.test', this.rekor.publicKey, idOf(this.rekor.publicKey), p256),
        log('https://tiles.test', this.tiles.publicKey, this.tilesId, 'PKIX_ED25519'),
      ],
      ctlogs: [
        log('https://ct.test', this.certificateLog.publicKey, idOf(this.certificateLog.publicKey), p256),
      ],
      certificateAuthorities: [
        {
          subject: { organization: 'test', commonName: 'fulcio' },
          uri: 'https://fulcio.test',
          certChain: chain(this.intermediate, this.anchor),
          validFor,
        },
      ],
      timestampAuthorities: [
        {
          subject: { organization: 'test', commonName: 'stamps' },
          uri: 'https://stamps.test',
          certChain: chain(this.stampLeaf, this.stampAnchor),
          validFor,
        },
      ],
    };
    return JSON.parse(JSON.stringify(root));
  }

  issue(key: KeyObject, signing: Signing = {}): Buffer {
    const extensions = signing.extensions ?? Object.values(LEAF);
    const options = {
      subject: '',
      issuer: 'fulcio',
      key,
      signedBy: this.issuerKey.privateKey,
      notBefore: NOW,
      notAfter: NOW + 10 * MINUTE,
      ...signing.certificate,
      extensions,
    };
    if (signing.promised === false) return mint(options);
    return mint({
      ...options,
      extensions: [...extensions, this.promise(options, signing.promiseExtensions)],
    });
  }

  /** The certificate log's promise over the certificate as it is without it (RFC 6962 3.2). */
  promise(options: CertificateOptions, more: Uint8Array = new Uint8Array()): Uint8Array {
    const tbs = toBeSigned(options);
    const fixed = Buffer.alloc(12);
    fixed.writeBigUInt64BE(BigInt(NOW), 2);
    fixed.writeUInt16BE(1, 10);
    const tail = (size: number, bytes: Uint8Array) => {
      const length = Buffer.alloc(size);
      length.writeUIntBE(bytes.length, 0, size);
      return Buffer.concat([length, bytes]);
    };
    const issuerHash = sha256(spkiOf(this.issuerKey.publicKey));
    const signed = Buffer.concat([fixed, issuerHash, tail(3, tbs), tail(2, more)]);
    const signature = sign('sha256', signed, this.certificateLog.privateKey);
    const promise = Buffer.concat([
      Buffer.of(0),
      sha256(spkiOf(this.certificateLog.publicKey)),
      fixed.subarray(2, 10),
      tail(2, more),
      Buffer.of(4, 3),
      tail(2, signature),
    ]);
    return extension('1.3.6.1.4.1.11129.2.4.2', octets(tail(2, tail(2, promise))));
  }

  /** Signs {@link ARTIFACT}, or a statement about it, with everything that makes a bundle good. */
  sign(signing: Signing = {}): { bundle: Loose; key: ReturnType<typeof ecKey> } {
    const key = ecKey(signing.curve);
    const hash = { 'P-256': 'sha256', 'P-384': 'sha384', 'P-521': 'sha512' }[signing.curve ?? 'P-256'];
    const certificate = signing.bareKey ? undefined : this.issue(key.publicKey, signing);
    const payload =
      signing.statement === undefined
        ? undefined
        : Buffer.from(
            typeof signing.statement === 'string' ? signing.statement : JSON.stringify(signing.statement),
          );
    const type = signing.payloadType ?? 'application/vnd.in-toto+json';
    const signed = payload === undefined ? ARTIFACT : preAuthEncoding(type, payload);
    const signature = sign(hash, signed, key.privateKey);
    const verifier = certificate ?? spkiOf(key.publicKey);
    const log = signing.log ?? 'v1';
    const entry =
      log === 'none' ? [] : [this.enter(log, { signature, verifier, certificate, signed, payload }, signing)];
    const bundle = {
      mediaType: 'application/vnd.dev.sigstore.bundle.v0.3+json',
      verificationMaterial: {
        ...(certificate === undefined
          ? { publicKey: { hint: base64(sha256(spkiOf(key.publicKey))) } }
          : { certificate: { rawBytes: base64(certificate) } }),
        tlogEntries: entry,
        ...((signing.timestamp ?? log === 'v2') && {
          timestampVerificationData: {
            rfc3161Timestamps: [{ signedTimestamp: base64(this.stamp(signature, signing.stampTime)) }],
          },
        }),
      },
      ...(payload === undefined
        ? {
            messageSignature: {
              messageDigest: { algorithm: 'SHA2_256', digest: base64(sha256(ARTIFACT)) },
              signature: base64(signature),
            },
          }
        : {
            dsseEnvelope: {
              payload: base64(payload),
              payloadType: type,
              signatures: [{ sig: base64(signature) }],
            },
          }),
    };
    return { bundle, key };
  }

  enter(
    log: 'v1' | 'v2',
    facts: {
      readonly signature: Uint8Array;
      readonly verifier: Uint8Array;
      readonly certificate: Uint8Array | undefined;
      readonly signed: Uint8Array;
      readonly payload: Uint8Array | undefined;
    },
    signing: Signing = {},
  ): Loose {
    const kind = signing.entryKind ?? 'hashedrekord';
    const spec = log === 'v1' ? bodyV1(kind, facts) : bodyV2(kind, facts);
    const version = log === 'v2' || kind === 'intoto' ? '0.0.2' : '0.0.1';
    return this.enterBody(
      log,
      { kind, version },
      { apiVersion: version, kind, spec },
      signing.integratedTime,
    );
  }

  enterBody(log: 'v1' | 'v2', kindVersion: Loose, value: object, time: number = NOW + MINUTE): Loose {
    const body = Buffer.from(canonicalize(value) ?? '');
    const index = this.tree.add(body);
    const proof = {
      logIndex: String(index),
      rootHash: this.tree.root().toString('base64'),
      treeSize: String(this.tree.size),
      hashes: this.tree.proof(index).map(hash => hash.toString('base64')),
      checkpoint: { envelope: this.checkpoint(log) },
    };
    const canonicalizedBody = base64(body);
    if (log === 'v2')
      return {
        logIndex: String(index),
        logId: { keyId: base64(this.tilesId) },
        kindVersion,
        inclusionProof: proof,
        canonicalizedBody,
      };
    const logId = sha256(spkiOf(this.rekor.publicKey));
    const integratedTime = time / 1000;
    // The index over all shards differs from that in the tree.
    const promised = {
      body: canonicalizedBody,
      integratedTime,
      logID: logId.toString('hex'),
      logIndex: index + 4000,
    };
    const promise = sign('sha256', Buffer.from(canonicalize(promised) ?? ''), this.rekor.privateKey);
    return {
      logIndex: String(index + 4000),
      logId: { keyId: base64(logId) },
      kindVersion,
      integratedTime: String(integratedTime),
      inclusionPromise: { signedEntryTimestamp: base64(promise) },
      inclusionProof: proof,
      canonicalizedBody,
    };
  }

  checkpoint(
    log: 'v1' | 'v2',
    tree = this.tree,
    origin = log === 'v1' ? 'rekor.test - 42' : 'tiles.test',
  ): string {
    const text = `${origin}\n${tree.size}\n${tree.root().toString('base64')}\n`;
    const key = log === 'v1' ? this.rekor.privateKey : this.tiles.privateKey;
    const id = log === 'v1' ? sha256(spkiOf(this.rekor.publicKey)) : this.tilesId;
    const signature = sign(log === 'v1' ? 'sha256' : null, Buffer.from(text), key);
    const signer = log === 'v1' ? 'rekor.test' : 'tiles.test';
    return `${text}\n— ${signer} ${base64(Buffer.concat([id.subarray(0, 4), signature]))}\n`;
  }

  /** A TimeStampResp (RFC 3161) by the leaf that the root lists. */
  stamp(signature: Uint8Array, time: number = NOW + MINUTE, leaf = this.stampLeaf): Buffer {
    const sha256Id = sequence(oid('2.16.840.1.101.3.4.2.1'));
    const info = sequence(
      integer(1),
      oid('1.3.6.1.4.1.57264.2'),
      sequence(sha256Id, octets(sha256(signature))),
      integer(5),
      generalizedTime(time),
    );
    const tst = oid('1.2.840.113549.1.9.16.1.4');
    const attribute = (type: string, value: Uint8Array) => sequence(oid(type), set(value));
    const attributes = [
      attribute('1.2.840.113549.1.9.3', tst),
      attribute('1.2.840.113549.1.9.4', octets(sha256(info))),
      attribute('1.2.840.113549.1.9.16.2.47', sequence(sequence(sequence(octets(sha256(leaf)))))),
    ];
    const signer = sequence(
      integer(1),
      sequence(name('stamps root'), integer(9)),
      sha256Id,
      der(DER.context0, ...attributes),
      sequence(oid('1.2.840.10045.4.3.2')),
      octets(sign('sha256', set(...attributes), this.stampKey.privateKey)),
    );
    const signedData = sequence(
      integer(3),
      set(sha256Id),
      sequence(tst, der(DER.context0, octets(info))),
      der(DER.context0, leaf),
      set(signer),
    );
    const token = sequence(oid('1.2.840.113549.1.7.2'), der(DER.context0, signedData));
    return Buffer.from(sequence(sequence(integer(0)), token));
  }
}

type Facts = Parameters<Deployment['enter']>[1];

function pemOf({ certificate, verifier }: Facts): string {
  const type = certificate === undefined ? 'PUBLIC KEY' : 'CERTIFICATE';
  const lines = base64(verifier).match(/.{1,64}/g) ?? [];
  return base64(Buffer.from(`-----BEGIN ${type}-----\n${lines.join('\n')}\n-----END ${type}-----\n`));
}

function bodyV1(kind: string, facts: Facts): object {
  const digest = (bytes: Uint8Array) => ({ algorithm: 'sha256', value: sha256(bytes).toString('hex') });
  const signature = base64(facts.signature);
  const payload = facts.payload ?? new Uint8Array();
  if (kind === 'dsse')
    return {
      envelopeHash: digest(Buffer.from('any')),
      payloadHash: digest(payload),
      signatures: [{ signature, verifier: pemOf(facts) }],
    };
  if (kind === 'intoto')
    return {
      content: {
        envelope: {
          payloadType: 'application/vnd.in-toto+json',
          signatures: [{ sig: base64(Buffer.from(signature)), publicKey: pemOf(facts) }],
        },
        hash: digest(Buffer.from('any')),
        payloadHash: digest(payload),
      },
    };
  return {
    data: { hash: digest(facts.signed) },
    signature: { content: signature, publicKey: { content: pemOf(facts) } },
  };
}

function bodyV2(kind: string, facts: Facts): object {
  const rawBytes = base64(facts.verifier);
  const verifier = {
    keyDetails: 'PKIX_ECDSA_P256_SHA_256',
    ...(facts.certificate === undefined ? { publicKey: { rawBytes } } : { x509Certificate: { rawBytes } }),
  };
  const signature = { content: base64(facts.signature), verifier };
  const digest = (bytes: Uint8Array) => ({ algorithm: 'SHA2_256', digest: base64(sha256(bytes)) });
  return kind === 'dsse'
    ? { dsseV002: { payloadHash: digest(facts.payload ?? new Uint8Array()), signatures: [signature] } }
    : { hashedRekordV002: { data: digest(facts.signed), signature } };
}
