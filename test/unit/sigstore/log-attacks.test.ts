import { generateKeyPairSync, sign } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { parseSigstoreBundle } from '../../../src/sigstore/index.js';
import { MerkleTree } from '../../private-sigstore/merkle.js';
import { ARTIFACT, Deployment, type Loose, MINUTE, NOW, type Signing } from './deployment.js';
import { bytes, judge, publicKeyOf, verdictOf } from './judge.js';
import { ecKey, sha256, spkiOf } from './mint.js';

const deployment = new Deployment();
const statement = {
  _type: 'https://in-toto.io/Statement/v1',
  subject: [{ digest: { sha256: sha256(ARTIFACT).toString('hex') } }],
  predicateType: 'https://sigstore.dev/cosign/sign/v1',
  predicate: {},
};
const base64 = (value: Uint8Array | string) => Buffer.from(value).toString('base64');
const entryOf = (bundle: Loose) => bundle.verificationMaterial.tlogEntries[0];
const other = (text: string) =>
  base64(Buffer.from(text, 'base64').map((byte, i) => (i === 9 ? byte ^ 1 : byte)));

/** Enters what `change` makes of the true body, so that the log vouches for it. */
function logged(signing: Signing, change: (body: Loose) => void): Loose {
  const { bundle } = deployment.sign(signing);
  const entry = entryOf(bundle);
  const body = JSON.parse(Buffer.from(entry.canonicalizedBody, 'base64').toString());
  change(body);
  const log = signing.log === 'v2' ? 'v2' : 'v1';
  bundle.verificationMaterial.tlogEntries = [deployment.enterBody(log, entry.kindVersion, body)];
  return bundle;
}

const pemOfSomebody = () => base64(ecKey().publicKey.export({ type: 'spki', format: 'pem' }));
const MISMATCH = 'logs: log-entry-mismatch';

describe('entries that a trusted log has, about something else', () => {
  it.each<[string, Signing, string, (body: Loose) => void]>([
    ['nothing changed', {}, 'ok', () => {}],
    [
      'another signature',
      {},
      MISMATCH,
      body => (body.spec.signature.content = other(body.spec.signature.content)),
    ],
    ['another signer', {}, MISMATCH, body => (body.spec.signature.publicKey.content = pemOfSomebody())],
    ['another file', {}, MISMATCH, body => (body.spec.data.hash.value = '00'.repeat(32))],
    ['a digest under another name', {}, MISMATCH, body => (body.spec.data.hash.algorithm = 'sha512')],
    [
      'a signer that is no PEM',
      {},
      'logs: format-log-entry',
      body => (body.spec.signature.publicKey.content = 'AAAA'),
    ],
    [
      'another payload (dsse)',
      { statement, entryKind: 'dsse' },
      MISMATCH,
      body => (body.spec.payloadHash.value = '00'.repeat(32)),
    ],
    [
      'a second signature (dsse)',
      { statement, entryKind: 'dsse' },
      'logs: format-log-entry',
      body => body.spec.signatures.push(body.spec.signatures[0]),
    ],
    [
      'another payload (intoto)',
      { statement, entryKind: 'intoto' },
      MISMATCH,
      body => (body.spec.content.payloadHash.value = '00'.repeat(32)),
    ],
    [
      'a signature in plain base64 (intoto)',
      { statement, entryKind: 'intoto' },
      'logs: format-log-entry',
      body => {
        const [first] = body.spec.content.envelope.signatures;
        first.sig = Buffer.from(first.sig, 'base64').toString();
      },
    ],
    [
      'another file (v2)',
      { log: 'v2' },
      MISMATCH,
      body => (body.spec.hashedRekordV002.data.digest = base64(Buffer.alloc(32))),
    ],
    [
      'another signature (v2)',
      { log: 'v2' },
      MISMATCH,
      body => (body.spec.hashedRekordV002.signature.content = base64(Buffer.alloc(70))),
    ],
    [
      'another signer (v2)',
      { log: 'v2' },
      MISMATCH,
      body =>
        (body.spec.hashedRekordV002.signature.verifier.x509Certificate.rawBytes = base64(deployment.anchor)),
    ],
    [
      'more than it should say (v2)',
      { log: 'v2' },
      'logs: format-log-entry',
      body => (body.spec.hashedRekordV002.extra = 1),
    ],
    ['another kind than the entry says', {}, 'logs: format-log-entry', body => (body.kind = 'rekord')],
    [
      'another version than the entry says',
      {},
      'logs: format-log-entry',
      body => (body.apiVersion = '0.0.2'),
    ],
  ])('%s', async (_what, signing, expected, change) => {
    expect(await verdictOf(logged(signing, change), deployment)).toBe(expected);
  });

  it('the true entry of another signature, whole and valid', async () => {
    for (const log of ['v1', 'v2'] as const) {
      const [mine, yours] = [deployment.sign({ log }).bundle, deployment.sign({ log }).bundle];
      expect(await verdictOf(mine, deployment)).toBe('ok');
      mine.verificationMaterial.tlogEntries = yours.verificationMaterial.tlogEntries;
      expect(await verdictOf(mine, deployment)).toBe(MISMATCH);
      const beside = deployment.sign({ log }).bundle;
      beside.verificationMaterial.tlogEntries.push(...yours.verificationMaterial.tlogEntries);
      expect(await verdictOf(beside, deployment)).toBe(MISMATCH);
    }
  });
});

describe('entries that are not true', () => {
  const PROMISE = 'logs: log-promise-invalid';
  const PROOF = 'logs: log-proof-invalid';
  const CHECKPOINT = 'logs: log-checkpoint-invalid';
  const foreignTree = new MerkleTree();
  foreignTree.add(Buffer.from('something'));

  it.each<[string, Signing, string, (entry: Loose, bundle: Loose) => void]>([
    ['another time', {}, PROMISE, entry => (entry.integratedTime = String(NOW / 1000 + 61))],
    ['another place', {}, PROMISE, entry => (entry.logIndex = '1')],
    [
      'another promise',
      {},
      PROMISE,
      entry => (entry.inclusionPromise.signedEntryTimestamp = base64('nothing')),
    ],
    ['another place in the tree', {}, PROOF, entry => (entry.inclusionProof.logIndex = '0')],
    ['a place outside the tree', {}, PROOF, entry => (entry.inclusionProof.logIndex = '999999')],
    ['a proof too short', {}, PROOF, entry => entry.inclusionProof.hashes.pop()],
    ['a proof too long', {}, PROOF, entry => entry.inclusionProof.hashes.push(base64(Buffer.alloc(32)))],
    [
      'another root than its checkpoint',
      {},
      PROOF,
      entry => (entry.inclusionProof.rootHash = base64(Buffer.alloc(32))),
    ],
    ['another size than its checkpoint', {}, PROOF, entry => (entry.inclusionProof.treeSize = '999')],
    ['no checkpoint', {}, CHECKPOINT, entry => delete entry.inclusionProof.checkpoint],
    [
      'a checkpoint of another size',
      {},
      CHECKPOINT,
      entry => {
        const note: string = entry.inclusionProof.checkpoint.envelope;
        const [origin, size = '', ...rest] = note.split('\n');
        entry.inclusionProof.checkpoint.envelope = [origin, `${Number(size) + 1}`, ...rest].join('\n');
      },
    ],
    [
      'a true checkpoint of another tree',
      {},
      PROOF,
      entry => (entry.inclusionProof.checkpoint.envelope = deployment.checkpoint('v1', foreignTree)),
    ],
    [
      'a checkpoint signed by the other log',
      {},
      CHECKPOINT,
      entry => (entry.inclusionProof.checkpoint.envelope = deployment.checkpoint('v2')),
    ],
    [
      'a checkpoint whose signature has another key’s hint',
      {},
      CHECKPOINT,
      entry => {
        const note: string = entry.inclusionProof.checkpoint.envelope;
        entry.inclusionProof.checkpoint.envelope = note.replace(
          / [A-Za-z0-9+/=]+\n$/,
          text => ` AAAA${text.slice(5)}`,
        );
      },
    ],
    [
      'a checkpoint of another origin (v2)',
      { log: 'v2' },
      CHECKPOINT,
      entry =>
        (entry.inclusionProof.checkpoint.envelope = deployment.checkpoint(
          'v2',
          deployment.tree,
          'evil.test',
        )),
    ],
    [
      'a checkpoint signed under another name (v2)',
      { log: 'v2' },
      CHECKPOINT,
      entry => {
        const { checkpoint } = entry.inclusionProof;
        checkpoint.envelope = checkpoint.envelope.replace('— tiles.test', '— evil.test');
      },
    ],
    ['no proof (v2)', { log: 'v2' }, 'logs: log-proof-missing', entry => delete entry.inclusionProof],
    ['no proof in version 0.3', {}, 'logs: log-proof-missing', entry => delete entry.inclusionProof],
    [
      'no promise in version 0.1',
      {},
      'logs: log-promise-missing',
      (entry, bundle) => {
        bundle.mediaType = 'application/vnd.dev.sigstore.bundle+json;version=0.1';
        delete entry.inclusionPromise;
      },
    ],
    [
      'no promise: in the log, at no time',
      {},
      'time: time-threshold-not-met',
      entry => delete entry.inclusionPromise,
    ],
    [
      'a time beside a Rekor v2 entry, which nobody signed',
      { log: 'v2', timestamp: false },
      'time: time-threshold-not-met',
      entry => (entry.integratedTime = String(NOW / 1000)),
    ],
    [
      'an unknown log',
      {},
      'logs: log-threshold-not-met',
      entry => (entry.logId.keyId = base64(Buffer.alloc(32))),
    ],
    [
      'no entry',
      {},
      'logs: log-threshold-not-met',
      (_entry, bundle) => (bundle.verificationMaterial.tlogEntries = []),
    ],
    [
      'one entry twice',
      {},
      'logs: log-entry-repeated',
      (entry, bundle) => bundle.verificationMaterial.tlogEntries.push(entry),
    ],
  ])('%s', async (_what, signing, expected, change) => {
    const { bundle } = deployment.sign(signing);
    if (signing.timestamp !== false) expect(await verdictOf(bundle, deployment)).toBe('ok');
    change(entryOf(bundle), bundle);
    expect(await verdictOf(bundle, deployment)).toBe(expected);
  });

  it('other signatures on a checkpoint are passed over', async () => {
    const { bundle } = deployment.sign({ log: 'v2' });
    const { checkpoint } = entryOf(bundle).inclusionProof;
    const [text, signature] = checkpoint.envelope.split('\n\n');
    checkpoint.envelope = `${text}\n\n— witness.test ${base64(Buffer.alloc(68, 7))}\n${signature}`;
    expect(await verdictOf(bundle, deployment)).toBe('ok');
    checkpoint.envelope = `${text}\n\n— witness.test ${base64(Buffer.alloc(68, 7))}\n`;
    expect(await verdictOf(bundle, deployment)).toBe(CHECKPOINT);
  });

  it('a promise by a log of tiles gives no time, be it signed by that log', async () => {
    const { bundle } = deployment.sign({ log: 'v2', timestamp: false });
    const entry = entryOf(bundle);
    const promised = {
      body: entry.canonicalizedBody,
      integratedTime: NOW / 1000 + 60,
      logID: deployment.tilesId.toString('hex'),
      logIndex: Number(entry.logIndex),
    };
    const promise = sign(null, Buffer.from(JSON.stringify(promised)), deployment.tiles.privateKey);
    entry.integratedTime = String(promised.integratedTime);
    entry.inclusionPromise = { signedEntryTimestamp: base64(promise) };
    expect(await verdictOf(bundle, deployment)).toBe('time: time-threshold-not-met');
  });
});

describe('thresholds count distinct logs', () => {
  it('two entries of one log are one log; two logs are two', async () => {
    const { bundle } = deployment.sign();
    const entry = entryOf(bundle);
    const body = JSON.parse(Buffer.from(entry.canonicalizedBody, 'base64').toString());
    const again = deployment.enterBody('v1', entry.kindVersion, body, NOW + 2 * MINUTE);
    bundle.verificationMaterial.tlogEntries.push(again);
    expect(await verdictOf(bundle, deployment)).toBe('ok');
    expect(await verdictOf(bundle, deployment, { logs: 2 })).toBe('logs: log-threshold-not-met');
    expect(await verdictOf(bundle, deployment, { time: { kind: 'vouched', sources: 2 } })).toBe(
      'time: time-threshold-not-met',
    );
    const tiles = deployment.enterBody(
      'v2',
      { kind: 'hashedrekord', version: '0.0.2' },
      {
        apiVersion: '0.0.2',
        kind: 'hashedrekord',
        spec: {
          hashedRekordV002: {
            data: { algorithm: 'SHA2_256', digest: base64(sha256(ARTIFACT)) },
            signature: {
              content: bundle.messageSignature.signature,
              verifier: {
                keyDetails: 'PKIX_ECDSA_P256_SHA_256',
                x509Certificate: bundle.verificationMaterial.certificate,
              },
            },
          },
        },
      },
    );
    bundle.verificationMaterial.tlogEntries.push(tiles);
    expect(await verdictOf(bundle, deployment, { logs: 2 })).toBe('ok');
  });

  it('an entry of an unknown log neither counts nor hurts, and is told', async () => {
    const { bundle } = deployment.sign();
    const foreign = new Deployment();
    bundle.verificationMaterial.tlogEntries.push(entryOf(foreign.sign().bundle));
    const result = await judge(bundle, deployment.root());
    expect(result).toMatchObject({
      ok: true,
      logEntries: [{ ok: true }, { ok: false, code: 'log-unknown' }],
    });
    expect(await verdictOf(bundle, deployment, { logs: 2 })).toBe('logs: log-threshold-not-met');
  });
});

describe('keys of logs count while they are trusted', () => {
  const end = async (log: 0 | 1, time: number, signing: Signing) => {
    const root = deployment.root();
    root.tlogs[log].publicKey.validFor.end = new Date(time).toISOString();
    return verdictOf(deployment.sign(signing).bundle, root);
  };

  it('at the time that the promise says, both ends included', async () => {
    expect(await end(0, NOW + MINUTE, {})).toBe('ok');
    expect(await end(0, NOW + MINUTE - 1000, {})).toBe('logs: log-time-implausible');
  });

  it('for Rekor v2 at the time of a timestamp: a log whose key is lost cannot make entries today', async () => {
    expect(await end(1, NOW + MINUTE, { log: 'v2' })).toBe('ok');
    expect(await end(1, NOW + MINUTE - 1000, { log: 'v2' })).toBe('logs: log-time-implausible');
  });

  it('a log with another key of the same id at another time', async () => {
    const root = deployment.root();
    const retired = JSON.parse(JSON.stringify(root.tlogs[0]));
    retired.publicKey.rawBytes = base64(spkiOf(ecKey().publicKey));
    retired.publicKey.validFor = { start: '2020-01-01T00:00:00Z', end: '2021-01-01T00:00:00Z' };
    root.tlogs.unshift(retired);
    expect(await verdictOf(deployment.sign().bundle, root)).toBe('ok');
  });
});

describe('bundles that cannot be read', () => {
  const { bundle } = deployment.sign();
  const { bundle: envelope } = deployment.sign({ statement });
  it.each<[string, string, (bundle: Loose) => void, Loose?]>([
    ['version 0.4', 'format-bundle', b => (b.mediaType = 'application/vnd.dev.sigstore.bundle.v0.4+json')],
    ['no version', 'format-bundle', b => delete b.mediaType],
    ['an unknown member', 'format-bundle', b => (b.extra = 1)],
    ['a member in other letters', 'format-bundle', b => (b.MessageSignature = b.messageSignature)],
    ['a key and a certificate', 'format-bundle', b => (b.verificationMaterial.publicKey = { hint: '' })],
    ['neither key nor certificate', 'format-bundle', b => delete b.verificationMaterial.certificate],
    ['no signature', 'format-bundle', b => delete b.messageSignature],
    ['two contents', 'format-bundle', b => (b.dsseEnvelope = envelope.dsseEnvelope)],
    [
      'a chain in version 0.3',
      'format-bundle',
      b => {
        b.verificationMaterial.x509CertificateChain = { certificates: [b.verificationMaterial.certificate] };
        delete b.verificationMaterial.certificate;
      },
    ],
    [
      '10,000 log entries',
      'limit-exceeded',
      b => (b.verificationMaterial.tlogEntries = Array(10_000).fill({})),
    ],
    [
      '33 timestamps',
      'limit-exceeded',
      b =>
        (b.verificationMaterial.timestampVerificationData = {
          rfc3161Timestamps: Array(33).fill({ signedTimestamp: '' }),
        }),
    ],
    [
      '64 hashes in a proof',
      'limit-exceeded',
      b => (entryOf(b).inclusionProof.hashes = Array(64).fill('AAAA')),
    ],
    ['2 MiB', 'limit-exceeded', b => (b.messageSignature.signature = 'A'.repeat(2 * 1024 * 1024))],
    ['an index above 2^53', 'format-bundle', b => (entryOf(b).logIndex = '9007199254740993')],
    ['a negative time', 'format-bundle', b => (entryOf(b).integratedTime = '-1')],
    [
      'two signatures',
      'format-bundle',
      b => b.dsseEnvelope.signatures.push(b.dsseEnvelope.signatures[0]),
      envelope,
    ],
  ])('%s', (_what, code, change, from: Loose = bundle) => {
    const changed = JSON.parse(JSON.stringify(from));
    expect(() => parseSigstoreBundle(bytes(changed))).not.toThrow();
    change(changed);
    expect(() => parseSigstoreBundle(bytes(changed))).toThrow(expect.objectContaining({ code }));
  });

  it('tells duplicate members from one', () => {
    const text = JSON.stringify(bundle).replace('"tlogEntries"', '"tlogEntries":[],"tlogEntries"');
    expect(() => parseSigstoreBundle(Buffer.from(text))).toThrow(
      expect.objectContaining({ code: 'format-bundle' }),
    );
  });
});

describe('what is signed', () => {
  const about = (change: object) => deployment.sign({ statement: { ...statement, ...change } }).bundle;

  it.each<[string, string, Loose]>([
    [
      'another file',
      'artifact: sig-wrong-digest',
      about({ subject: [{ digest: { sha256: '00'.repeat(32) } }] }),
    ],
    [
      'the right digest under a wrong name',
      'artifact: sig-wrong-digest',
      about({ subject: [{ digest: { sha512: sha256(ARTIFACT).toString('hex') } }] }),
    ],
    [
      'two digests of which one is wrong',
      'artifact: sig-wrong-digest',
      about({ subject: [{ digest: { ...statement.subject[0]?.digest, sha512: '00'.repeat(64) } }] }),
    ],
    ['no subject', 'artifact: sig-wrong-digest', about({ subject: [] })],
    [
      'an SBOM shown as a signature',
      'artifact: sig-wrong-type',
      about({ predicateType: 'https://spdx.dev/Document' }),
    ],
    [
      'a statement of an unknown type',
      'artifact: sig-wrong-type',
      about({ _type: 'https://in-toto.io/Statement/v9' }),
    ],
    ['a statement without a type', 'artifact: format-bundle', about({ _type: undefined })],
    [
      'a predicate with a number that would be rounded',
      'artifact: format-bundle',
      deployment.sign({ statement: JSON.stringify(statement).replace('{}', '{"n":9007199254740993}') })
        .bundle,
    ],
    [
      'one of several subjects',
      'ok',
      about({ subject: [{ digest: { sha256: '00'.repeat(32) } }, ...statement.subject] }),
    ],
  ])('%s', async (_what, expected, made) => {
    expect(await verdictOf(made, deployment)).toBe(expected);
  });

  it('an envelope whose payload is no statement, or was changed', async () => {
    const foreign = deployment.sign({ statement, payloadType: 'application/json' });
    expect(await verdictOf(foreign.bundle, deployment)).toBe('artifact: sig-wrong-type');
    const { bundle } = deployment.sign({ statement });
    const changed = JSON.parse(JSON.stringify(bundle));
    changed.dsseEnvelope.payload = base64(JSON.stringify({ ...statement, predicate: { x: 1 } }));
    expect(await verdictOf(changed, deployment)).toBe('signature: sig-no-match');
    bundle.dsseEnvelope.payloadType = 'application/json';
    expect(await verdictOf(bundle, deployment)).toBe('signature: sig-no-match');
  });

  it('a file: another, or one of which the signer named another digest', async () => {
    const { bundle } = deployment.sign();
    expect(
      await verdictOf(bundle, deployment, { artifact: { digests: {}, bytes: Buffer.from('other') } }),
    ).toBe('signature: sig-no-match');
    bundle.messageSignature.messageDigest.digest = base64(Buffer.alloc(32));
    expect(await verdictOf(bundle, deployment)).toBe('artifact: sig-wrong-digest');
  });

  it('a key where an identity is asked for, and the reverse; another key', async () => {
    const keyed = deployment.sign({ bareKey: true });
    expect(await verdictOf(keyed.bundle, deployment)).toBe('signer: signer-kind-mismatch');
    const key = publicKeyOf(keyed.key.publicKey.export({ type: 'spki', format: 'pem' }));
    const policy = { signer: { kind: 'key', key }, time: { kind: 'none' } } as const;
    expect(await verdictOf(keyed.bundle, deployment, policy)).toBe('ok');
    const certified = deployment.sign();
    const inside = publicKeyOf(certified.key.publicKey.export({ type: 'spki', format: 'pem' }));
    expect(
      await verdictOf(certified.bundle, deployment, { ...policy, signer: { kind: 'key', key: inside } }),
    ).toBe('signer: signer-kind-mismatch');
    const stranger = publicKeyOf(ecKey().publicKey.export({ type: 'spki', format: 'pem' }));
    expect(
      await verdictOf(keyed.bundle, deployment, { ...policy, signer: { kind: 'key', key: stranger } }),
    ).toBe('signature: sig-no-match');
  });

  it('an Ed25519 key needs the file itself', async () => {
    const { privateKey, publicKey } = generateKeyPairSync('ed25519');
    const key = publicKeyOf(publicKey.export({ type: 'spki', format: 'pem' }));
    const { bundle } = deployment.sign({ bareKey: true, log: 'none' });
    bundle.messageSignature.signature = base64(sign(null, ARTIFACT, privateKey));
    const policy = { signer: { kind: 'key', key }, logs: 0, time: { kind: 'none' } } as const;
    expect(await verdictOf(bundle, deployment, policy)).toBe('ok');
    const digests = { sha256: sha256(ARTIFACT).toString('hex') };
    await expect(verdictOf(bundle, deployment, { ...policy, artifact: { digests } })).rejects.toMatchObject({
      code: 'usage-argument',
    });
  });
});
