import { bundleFromJSON } from '@sigstore/bundle';
import { TrustedRoot } from '@sigstore/protobuf-specs';
import { toSignedEntity, toTrustMaterial, Verifier } from '@sigstore/verify';
import { describe, expect, it } from 'vitest';
import {
  ARTIFACT,
  bareClaim,
  claim,
  Deployment,
  ISSUER,
  LEAF,
  type Loose,
  MINUTE,
  NOW,
  type Signing,
  SUBJECT,
} from './deployment.js';
import { verdictOf } from './judge.js';
import {
  basicConstraints,
  ecKey,
  keyUsage,
  purposes,
  sha256,
  subjectNames,
  TIME_STAMPING,
  uriName,
} from './mint.js';

/**
 * `@sigstore/verify` as a second opinion: on every bundle of the table both say the same, or the line says which of them says no
 * alone, and why that is so.
 */
const deployment = new Deployment();
const statement = {
  _type: 'https://in-toto.io/Statement/v1',
  subject: [{ digest: { sha256: sha256(ARTIFACT).toString('hex') } }],
  predicateType: 'https://sigstore.dev/cosign/sign/v1',
  predicate: {},
};

function oracle(bundle: Loose, root: Loose): boolean {
  try {
    const verifier = new Verifier(toTrustMaterial(TrustedRoot.fromJSON(root)), {
      tlogThreshold: 1,
      ctlogThreshold: 1,
      timestampThreshold: 1,
    });
    const entity = toSignedEntity(bundleFromJSON(bundle), ARTIFACT);
    // Its names are patterns without anchors.
    const literal = (text: string) => `^${text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')}$`;
    verifier.verify(entity, {
      subjectAlternativeName: literal(SUBJECT),
      extensions: { issuer: ISSUER },
    });
    return true;
  } catch {
    return false;
  }
}

const ours = async (bundle: Loose, root: Loose): Promise<boolean> => {
  try {
    return (await verdictOf(bundle, root)) === 'ok';
  } catch {
    return false;
  }
};

type Mutation = (bundle: Loose, root: Loose) => void;
const none: Mutation = () => {};
const entry =
  (change: (entry: Loose) => void): Mutation =>
  bundle =>
    change(bundle.verificationMaterial.tlogEntries[0]);
const swap = (key: keyof typeof LEAF, part: Uint8Array): Signing => ({
  extensions: Object.values({ ...LEAF, [key]: part }),
});
const flip = (text: string) =>
  Buffer.from(Buffer.from(text, 'base64').map((byte, i) => (i === 12 ? byte ^ 1 : byte))).toString('base64');
const theirs = new Deployment();

type Line = readonly [
  what: string,
  signing: Signing,
  change: Mutation,
  expected: 'yes' | 'no' | 'only we refuse' | 'only they refuse',
];

const LINES: readonly Line[] = [
  ['a file in Rekor v1', {}, none, 'yes'],
  ['a file in Rekor v2', { log: 'v2' }, none, 'yes'],
  ['log and timestamp', { timestamp: true }, none, 'yes'],
  ['a statement, dsse 0.0.1', { statement, entryKind: 'dsse' }, none, 'yes'],
  ['a statement, intoto 0.0.2', { statement, entryKind: 'intoto' }, none, 'yes'],
  ['a statement, dsse 0.0.2', { statement, entryKind: 'dsse', log: 'v2' }, none, 'yes'],
  ['a promise with extensions', { promiseExtensions: Buffer.of(1, 2, 3) }, none, 'yes'],
  [
    'the issuer in the old extension alone',
    { extensions: [LEAF.usage, LEAF.purposes, LEAF.names, bareClaim(1, ISSUER)] },
    none,
    'yes',
  ],

  // They hash the envelope with SHA-256 whatever the curve is.
  ['a statement by P-384 with SHA-384', { statement, curve: 'P-384' }, none, 'only they refuse'],
  // Their line for Node 20 does not know an envelope's hashedrekord entry in Rekor v2.
  ['a statement, hashedrekord 0.0.2', { statement, log: 'v2' }, none, 'only they refuse'],
  // They want all entries to be of logs that they know.
  [
    'a second entry of an unknown log',
    {},
    bundle =>
      bundle.verificationMaterial.tlogEntries.push(theirs.sign().bundle.verificationMaterial.tlogEntries[0]),
    'only they refuse',
  ],

  [
    'another signature',
    {},
    bundle => (bundle.messageSignature.signature = flip(bundle.messageSignature.signature)),
    'no',
  ],
  ['another time', {}, entry(e => (e.integratedTime = String(NOW / 1000 + 61))), 'no'],
  [
    'another promise',
    {},
    entry(e => (e.inclusionPromise.signedEntryTimestamp = flip(e.inclusionPromise.signedEntryTimestamp))),
    'no',
  ],
  [
    'another hash in the proof',
    {},
    entry(e => (e.inclusionProof.hashes[0] = flip(e.inclusionProof.hashes[0]))),
    'no',
  ],
  ['another place in the tree', {}, entry(e => (e.inclusionProof.logIndex = '1')), 'no'],
  [
    'a checkpoint of another log',
    {},
    entry(e => (e.inclusionProof.checkpoint.envelope = theirs.checkpoint('v1'))),
    'no',
  ],
  ['no proof', {}, entry(e => delete e.inclusionProof), 'no'],
  ['no entry', {}, bundle => (bundle.verificationMaterial.tlogEntries = []), 'no'],
  [
    'the entry of another signature',
    {},
    bundle =>
      (bundle.verificationMaterial.tlogEntries = deployment.sign().bundle.verificationMaterial.tlogEntries),
    'no',
  ],
  [
    'the timestamp of another signature',
    { log: 'v2' },
    bundle =>
      (bundle.verificationMaterial.timestampVerificationData = deployment.sign({
        log: 'v2',
      }).bundle.verificationMaterial.timestampVerificationData),
    'no',
  ],
  [
    'the timestamp of another authority',
    { log: 'v2' },
    (_b, root) => (root.timestampAuthorities = theirs.root().timestampAuthorities),
    'no',
  ],
  ['no timestamp for Rekor v2', { log: 'v2', timestamp: false }, none, 'no'],
  [
    'the certificates of another authority',
    {},
    (_b, root) => (root.certificateAuthorities = theirs.root().certificateAuthorities),
    'no',
  ],
  ['promised to an unknown log', {}, (_b, root) => (root.ctlogs = theirs.root().ctlogs), 'no'],
  ['never promised', { promised: false }, none, 'no'],
  ['expired when it was logged', { certificate: { notAfter: NOW } }, none, 'no'],
  ['valid only later', { certificate: { notBefore: NOW + 2 * MINUTE } }, none, 'no'],
  ['stamped when it had expired', { timestamp: true, stampTime: NOW + 20 * MINUTE }, none, 'no'],
  ['another subject', swap('names', subjectNames(uriName(`${SUBJECT}x`))), none, 'no'],
  [
    'another issuer',
    { extensions: [LEAF.usage, LEAF.purposes, LEAF.names, claim(8, `${ISSUER}x`)] },
    none,
    'no',
  ],
  ['issued by another key', { certificate: { signedBy: ecKey().privateKey } }, none, 'no'],
  [
    'an authority trusted at another time',
    {},
    (_b, root) => (root.certificateAuthorities[0].validFor.end = new Date(NOW).toISOString()),
    'no',
  ],
  [
    'a log trusted at another time',
    {},
    (_b, root) => (root.tlogs[0].publicKey.validFor.end = new Date(NOW).toISOString()),
    'no',
  ],

  // They believe the checkpoint and pass over the root that the proof names.
  [
    'another root',
    {},
    entry(e => (e.inclusionProof.rootHash = flip(e.inclusionProof.rootHash))),
    'only we refuse',
  ],
  // They leave the subject of a statement, and its type, to the caller.
  [
    'a statement about something else',
    { statement: { ...statement, subject: [{ digest: { sha256: '00' } }] }, entryKind: 'dsse' },
    none,
    'only we refuse',
  ],
  [
    'an SBOM',
    { statement: { ...statement, predicateType: 'https://spdx.dev/Document' }, entryKind: 'dsse' },
    none,
    'only we refuse',
  ],
  // They do not ask what a certificate may be used for.
  ['a certificate for timestamps', swap('purposes', purposes([TIME_STAMPING])), none, 'only we refuse'],
  ['a certificate that may not sign', swap('usage', keyUsage(0x20)), none, 'only we refuse'],
  [
    'an authority as the signer',
    { extensions: [...Object.values(LEAF), basicConstraints(true)] },
    none,
    'only we refuse',
  ],
  // They take the first of several names.
  [
    'two names',
    swap('names', subjectNames(uriName(SUBJECT), uriName('https://evil.example'))),
    none,
    'only we refuse',
  ],
  // They pass over what the signer of an entry is.
  [
    'an entry with another signer',
    {},
    bundle =>
      relog(
        bundle,
        body =>
          (body.spec.signature.publicKey.content = Buffer.from(
            ecKey().publicKey.export({ type: 'spki', format: 'pem' }),
          ).toString('base64')),
      ),
    'only we refuse',
  ],
  // They take a key without a start for one that was always valid.
  [
    'a log without a start',
    {},
    (_b, root) => delete root.tlogs[0].publicKey.validFor.start,
    'only we refuse',
  ],
];

function relog(bundle: Loose, change: (body: Loose) => void): void {
  const [first] = bundle.verificationMaterial.tlogEntries;
  const body = JSON.parse(Buffer.from(first.canonicalizedBody, 'base64').toString());
  change(body);
  bundle.verificationMaterial.tlogEntries = [deployment.enterBody('v1', first.kindVersion, body)];
}

describe('the second opinion of @sigstore/verify', () => {
  it.each(LINES)('%s', async (_what, signing, change, expected) => {
    const { bundle } = deployment.sign(signing);
    const root = deployment.root();
    change(bundle, root);
    const copy = JSON.parse(JSON.stringify(bundle));
    expect({ ours: await ours(bundle, root), theirs: oracle(copy, root) }).toEqual({
      ours: expected === 'yes' || expected === 'only they refuse',
      theirs: expected === 'yes' || expected === 'only we refuse',
    });
  });
});
