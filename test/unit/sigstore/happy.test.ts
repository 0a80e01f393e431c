import { createHash, generateKeyPairSync, type KeyObject, sign } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { ARTIFACT, Deployment, type Signing } from './deployment.js';
import { judge, publicKeyOf, verdictOf } from './judge.js';
import { ecKey, sha256 } from './mint.js';

const deployment = new Deployment();
const statement = {
  _type: 'https://in-toto.io/Statement/v1',
  subject: [{ digest: { sha256: sha256(ARTIFACT).toString('hex') } }],
  predicateType: 'https://sigstore.dev/cosign/sign/v1',
  predicate: {},
};
const digests = { sha256: sha256(ARTIFACT).toString('hex') };

describe('good bundles', () => {
  it.each<[string, Signing]>([
    ['a file in Rekor v1', {}],
    ['a file in Rekor v2 with a timestamp', { log: 'v2' }],
    ['a statement, hashedrekord 0.0.1', { statement }],
    ['a statement, dsse 0.0.1', { statement, entryKind: 'dsse' }],
    ['a statement, intoto 0.0.2', { statement, entryKind: 'intoto' }],
    ['a statement in Rekor v2, hashedrekord 0.0.2', { statement, log: 'v2' }],
    ['a statement in Rekor v2, dsse 0.0.2', { statement, log: 'v2', entryKind: 'dsse' }],
    ['a certificate promised with extensions', { promiseExtensions: Buffer.from([0, 0, 5, 1, 2, 3, 4, 5]) }],
    ['log and timestamp', { timestamp: true }],
    ['P-384 with its own hash', { statement, curve: 'P-384' }],
    ['P-521 with its own hash', { statement, curve: 'P-521' }],
  ])('%s', async (_what, signing) => {
    const { bundle } = deployment.sign(signing);
    const result = await judge(bundle, deployment.root());
    expect(result).toMatchObject({ ok: true });
    if (!result.ok) return;
    const sources = [
      ...(signing.log === 'v2' ? [] : ['log']),
      ...(signing.timestamp || signing.log === 'v2' ? ['timestamp-authority'] : []),
    ];
    expect(result.times.map(({ source }) => source)).toEqual(sources);
  });

  it('a file of which only the digest is known', async () => {
    const { bundle } = deployment.sign();
    expect(await verdictOf(bundle, deployment, { artifact: { digests } })).toBe('ok');
    const wrong = { digests: { sha256: sha256(Buffer.from('other')).toString('hex') } };
    expect(await verdictOf(bundle, deployment, { artifact: wrong })).toBe('signature: sig-no-match');
  });

  it.each<[string, string, () => { privateKey: KeyObject; publicKey: KeyObject }]>([
    ['RSA', 'sha256', () => generateKeyPairSync('rsa', { modulusLength: 2048 })],
    ['P-384, its own hash', 'sha384', () => ecKey('P-384')],
    ['P-384, the hash that cosign takes', 'sha256', () => ecKey('P-384')],
    ['P-521', 'sha512', () => ecKey('P-521')],
  ])('a file by a key, from its digest alone: %s', async (_what, hash, makeKey) => {
    const { privateKey, publicKey } = makeKey();
    const { bundle } = deployment.sign({ bareKey: true, log: 'none' });
    bundle.messageSignature.signature = sign(hash, ARTIFACT, privateKey).toString('base64');
    const key = publicKeyOf(publicKey.export({ type: 'spki', format: 'pem' }));
    const of = (bytes: Buffer) => ({ digests: { [hash]: createHash(hash).update(bytes).digest('hex') } });
    const policy = { signer: { kind: 'key', key }, logs: 0, time: { kind: 'none' } } as const;
    expect(await verdictOf(bundle, deployment, { ...policy, artifact: of(ARTIFACT) })).toBe('ok');
    expect(await verdictOf(bundle, deployment, { ...policy, artifact: of(Buffer.from('x')) })).toBe(
      'signature: sig-no-match',
    );
  });

  it('a key, in either log and in none', async () => {
    for (const log of ['v1', 'v2', 'none'] as const) {
      const { bundle, key } = deployment.sign({ bareKey: true, log });
      const signer = {
        kind: 'key',
        key: publicKeyOf(key.publicKey.export({ type: 'spki', format: 'pem' })),
      } as const;
      const policy = { signer, logs: log === 'none' ? 0 : 1, time: { kind: 'none' } } as const;
      expect(await verdictOf(bundle, deployment, policy)).toBe('ok');
      if (log === 'none')
        expect(await verdictOf(bundle, deployment, { ...policy, logs: 1 })).toBe(
          'logs: log-threshold-not-met',
        );
    }
  });

  it('in versions 0.1 and 0.2, with a chain whose upper certificates are never looked at', async () => {
    for (const version of ['0.1', '0.2']) {
      const { bundle } = deployment.sign();
      const { certificate } = bundle.verificationMaterial;
      delete bundle.verificationMaterial.certificate;
      bundle.verificationMaterial.x509CertificateChain = {
        certificates: [certificate, { rawBytes: 'AAAA' }],
      };
      bundle.mediaType = `application/vnd.dev.sigstore.bundle+json;version=${version}`;
      expect(await verdictOf(bundle, deployment)).toBe('ok');
    }
  });
});
