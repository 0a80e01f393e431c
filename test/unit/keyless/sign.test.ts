import { createPublicKey, verify, X509Certificate } from 'node:crypto';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import {
  chooseServices,
  type IdentityContent,
  type IdentitySignature,
  type IdentitySigning,
  openIdentitySigner,
  parseIdentityToken,
} from '../../../src/keyless/index.js';
import { createStoreAccess } from '../../../src/oci/open.js';
import { preAuthEncoding } from '../../../src/signature/dsse.js';
import { parseTrustedRoot, type TrustedRoot } from '../../../src/sigstore/index.js';
import { type HttpService, json } from '../../private-sigstore/http-service.js';
import { type PrivateSigstore, startPrivateSigstore } from '../../private-sigstore/index.js';
import { failure, random } from './support.js';

// biome-ignore lint/suspicious/noExplicitAny: an entry of either version, to be spoiled
type Entry = any;

const access = createStoreAccess();
let sigstore: PrivateSigstore;
let trustedRoot: TrustedRoot;
beforeAll(async () => {
  sigstore = await startPrivateSigstore();
  trustedRoot = parseTrustedRoot(Buffer.from(sigstore.trustedRoot()));
});
const services = () => [sigstore.fulcio, sigstore.rekorV1, sigstore.rekorV2, sigstore.timestamps];
afterEach(() => {
  for (const { service } of services()) service.lie(undefined);
});
afterAll(async () => {
  await access.close();
  await sigstore.close();
});

const file: IdentityContent = { kind: 'file', bytes: Buffer.from('a file\n') };
const about = { sha256: 'ab'.repeat(32) };
const document = {
  _type: 'https://in-toto.io/Statement/v1',
  subject: [{ name: 'thing', digest: about }],
  predicateType: 'https://example.com/p',
  predicate: {},
};
const statement: IdentityContent = {
  kind: 'statement',
  statement: Buffer.from(JSON.stringify(document)),
  about,
};

const open = (log: 1 | 2 = 1, more: Partial<IdentitySigning> = {}) => {
  const now = new Date();
  const token = parseIdentityToken(sigstore.issuer.token(), { now, audience: 'sigstore', from: 'the test' });
  const chosen = chooseServices(Buffer.from(sigstore.signingConfig(log)), now);
  return openIdentitySigner(access, { token, services: chosen, now, random, trustedRoot, ...more });
};
const sign = async (content: IdentityContent, log: 1 | 2 = 1, more: Partial<IdentitySigning> = {}) =>
  (await open(log, more)).sign(content);
const read = ({ bundle }: IdentitySignature) => JSON.parse(Buffer.from(bundle).toString());
const decode = (text: string) => Buffer.from(text, 'base64');

describe('a signature with an identity', () => {
  it('over a file is a bundle v0.3 with the leaf, the entry and the timestamp', async () => {
    const bundle = read(await sign(file));
    const { certificate, tlogEntries, timestampVerificationData, ...rest } = bundle.verificationMaterial;
    expect(bundle.mediaType).toBe('application/vnd.dev.sigstore.bundle.v0.3+json');
    expect(rest).toEqual({});
    expect(tlogEntries).toHaveLength(1);
    expect(timestampVerificationData.rfc3161Timestamps).toHaveLength(1);
    const leaf = new X509Certificate(decode(certificate.rawBytes));
    expect(leaf.subjectAltName).toBe('URI:https://ci.example/app');
    const { signature } = bundle.messageSignature;
    expect(
      verify('sha256', file.kind === 'file' ? file.bytes : Buffer.of(), leaf.publicKey, decode(signature)),
    ).toBe(true);
  });

  it('over a statement signs its pre-authentication encoding', async () => {
    const { dsseEnvelope, verificationMaterial } = read(await sign(statement, 2));
    const leaf = new X509Certificate(decode(verificationMaterial.certificate.rawBytes));
    const payload = decode(dsseEnvelope.payload);
    expect(JSON.parse(payload.toString())).toEqual(document);
    const signed = preAuthEncoding(dsseEnvelope.payloadType, payload);
    const key = createPublicKey(leaf.publicKey.export({ type: 'spki', format: 'pem' }));
    expect(verify('sha256', signed, key, decode(dsseEnvelope.signatures[0].sig))).toBe(true);
  });

  it('may be one of several under one certificate', async () => {
    const calls = sigstore.fulcio.service.calls.length;
    const signer = await open();
    expect(signer.identity.subject).toBe('https://ci.example/app');
    expect(signer.notAfter.getTime()).toBeGreaterThan(Date.now());
    for (const content of [file, statement])
      expect((await signer.sign(content)).identity.subject).toBe(signer.identity.subject);
    expect(sigstore.fulcio.service.calls.length).toBe(calls + 1);
  });

  it('is made with a key of its own for each certificate', async () => {
    const leaf = (bundle: IdentitySignature) =>
      new X509Certificate(decode(read(bundle).verificationMaterial.certificate.rawBytes));
    const [a, b] = [leaf(await sign(file)), leaf(await sign(file))];
    expect(a.publicKey.equals(b.publicKey)).toBe(false);
  });

  it('shows the token to the certificate authority and to nobody else', async () => {
    const before = services().map(({ service }) => service.calls.length);
    const text = sigstore.issuer.token();
    const token = parseIdentityToken(text, { now: new Date(), audience: 'sigstore', from: 'the test' });
    const { bundle } = await sign(file, 1, { token });
    const seen = services().map(({ service }, i) =>
      service.calls
        .slice(before[i])
        .some(({ url, headers, body }) => `${url}${JSON.stringify(headers)}${body}`.includes(text)),
    );
    expect(seen).toEqual([true, false, false, false]);
    expect(Buffer.from(bundle).toString()).not.toContain(text);
  });

  it('says who signed and who vouches for when', async () => {
    for (const [log, sources] of [
      [1, ['log', 'timestamp-authority']],
      [2, ['timestamp-authority']],
    ] as const) {
      const { identity, times } = await sign(statement, log);
      expect(identity).toMatchObject({ subject: 'https://ci.example/app', issuer: sigstore.issuer.name });
      expect(times.map(({ source }) => source).sort()).toEqual(sources);
    }
  });

  it('is none when one witness fails', async () => {
    for (const service of [sigstore.rekorV1.service, sigstore.timestamps.service]) {
      service.lie(() => json({ message: 'closed' }, 410));
      expect((await failure(() => sign(file))).code).toBe('service-rejected');
      service.lie(undefined);
    }
    expect(read(await sign(file))).toHaveProperty('messageSignature');
  });

  it('is none without somebody who says the time; then nobody is asked for anything', async () => {
    const calls = sigstore.fulcio.service.calls.length;
    const chosen = chooseServices(Buffer.from(sigstore.signingConfig(2)), new Date());
    const error = await failure(() => sign(file, 2, { services: { ...chosen, timestampAuthorities: [] } }));
    expect(error.code).toBe('services-missing');
    expect(sigstore.fulcio.service.calls.length).toBe(calls);
  });

  it('is none when the timestamp of the certificate has no place in a bundle', async () => {
    sigstore.fulcio.service.lie(async (_call, honest) => {
      const { chain } = JSON.parse(String((await honest())?.body)).signedCertificateEmbeddedSct;
      return json({ signedCertificateDetachedSct: { chain, signedCertificateTimestamp: 'AAEC' } });
    });
    expect((await failure(() => sign(file))).code).toBe('service-mismatch');
  });

  it('is not made offline', async () => {
    const offline = createStoreAccess({ offline: true });
    const now = new Date();
    const token = parseIdentityToken(sigstore.issuer.token(), {
      now,
      audience: 'sigstore',
      from: 'the test',
    });
    const chosen = chooseServices(Buffer.from(sigstore.signingConfig()), now);
    const options = { token, services: chosen, now, random, trustedRoot };
    expect((await failure(() => openIdentitySigner(offline, options))).code).toBe('net-offline');
  });
});

describe('a signature that would not verify is not given', () => {
  let other: PrivateSigstore;
  beforeAll(async () => {
    other = await startPrivateSigstore();
  });
  afterAll(() => other.close());

  /** Sends what comes to `from` to the service of another deployment, and answers as that one does. */
  const divert = (service: HttpService, to: HttpService) =>
    service.lie(async ({ method, url, headers, body }) => {
      const answer = await fetch(new URL(url.pathname, to.url), {
        method,
        headers: { 'content-type': headers['content-type'] ?? '' },
        ...(method === 'POST' && { body }),
      });
      const type = answer.headers.get('content-type') ?? '';
      return {
        status: answer.status,
        headers: { 'content-type': type },
        body: Buffer.from(await answer.arrayBuffer()),
      };
    });

  it.each([
    ['the entry is in the tree of another log, version 1', 1, 'rekorV1', 'log-threshold-not-met'],
    ['the entry is in the tree of another log, version 2', 2, 'rekorV2', 'log-threshold-not-met'],
    ['another authority stamped it', 1, 'timestamps', 'time-threshold-not-met'],
  ] as const)('when %s', async (_name, log, name, code) => {
    divert(sigstore[name].service, other[name].service);
    for (const content of [file, statement]) {
      const error = await failure(() => sign(content, log));
      expect(error.code).toBe(code);
      expect(error.message).toContain('does not verify');
    }
  });

  it('when the authority is not the one that is trusted', async () => {
    const strange = parseTrustedRoot(Buffer.from(other.trustedRoot()));
    expect((await failure(() => sign(file, 1, { trustedRoot: strange }))).code).toBe('log-threshold-not-met');
    const mixed = { ...trustedRoot, certificateAuthorities: strange.certificateAuthorities };
    expect((await failure(() => sign(file, 1, { trustedRoot: mixed }))).code).toBe('certificate-untrusted');
    const unlisted = { ...trustedRoot, certificateLogs: strange.certificateLogs };
    expect((await failure(() => sign(file, 1, { trustedRoot: unlisted }))).code).toBe(
      'sct-threshold-not-met',
    );
  });

  const broken: readonly (readonly [string, 1 | 2, (entry: Entry) => void, string])[] = [
    [
      'the log promises another time',
      1,
      entry => {
        entry.integratedTime += 1;
      },
      'log-promise-invalid',
    ],
    [
      'the proof leads elsewhere',
      1,
      entry => {
        entry.verification.inclusionProof.hashes[0] = '0'.repeat(64);
      },
      'log-proof-invalid',
    ],
    [
      'the checkpoint is of another tree',
      2,
      entry => {
        const { checkpoint } = entry.inclusionProof;
        checkpoint.envelope = checkpoint.envelope.replace(/^(.*\n)\d+/, '$15000');
      },
      'log-checkpoint-invalid',
    ],
  ];
  it.each(broken)('when %s', async (_name, log, change, code) => {
    const { service } = log === 1 ? sigstore.rekorV1 : sigstore.rekorV2;
    service.lie(async (_call, honest) => {
      const reply = await honest();
      const answer = JSON.parse(String(reply?.body));
      change(log === 1 ? Object.values<Entry>(answer)[0] : answer);
      return { ...reply, body: JSON.stringify(answer) };
    });
    expect((await failure(() => sign(file, log))).code).toBe(code);
    service.lie(undefined);
    expect((await sign(file, log)).identity.subject).toBe('https://ci.example/app');
  });

  it('when the statement is about something else', async () => {
    const elsewhere = { ...statement, about: { sha256: 'cd'.repeat(32) } } as IdentityContent;
    expect((await failure(() => sign(elsewhere))).code).toBe('sig-wrong-digest');
  });
});
