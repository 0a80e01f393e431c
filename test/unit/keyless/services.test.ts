import { inspect } from 'node:util';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { DER, der, parseDer } from '../../../src/crypto/der.js';
import { createEphemeralSigner } from '../../../src/keyless/ephemeral-key.js';
import { requestCertificate } from '../../../src/keyless/fulcio.js';
import { parseIdentityToken } from '../../../src/keyless/index.js';
import type { LoggedSignature } from '../../../src/keyless/log-entry.js';
import { addToRekorV1 } from '../../../src/keyless/rekor-v1.js';
import { addToRekorV2 } from '../../../src/keyless/rekor-v2.js';
import { requestTimestamp } from '../../../src/keyless/timestamp-authority.js';
import { createStoreAccess } from '../../../src/oci/open.js';
import { type HttpService, json, type Lie, type Reply } from '../../private-sigstore/http-service.js';
import { type PrivateSigstore, startPrivateSigstore } from '../../private-sigstore/index.js';
import { sha256 } from '../../private-sigstore/merkle.js';
import { failure, random } from './support.js';

const access = createStoreAccess();
let sigstore: PrivateSigstore;
beforeAll(async () => {
  sigstore = await startPrivateSigstore();
});
afterEach(() => {
  for (const { service } of [sigstore.fulcio, sigstore.rekorV1, sigstore.rekorV2, sigstore.timestamps])
    service.lie(undefined);
});
afterAll(async () => {
  await access.close();
  await sigstore.close();
});

/** Answers everything with what the service said to an earlier request. */
async function replay(service: HttpService, work: () => Promise<unknown>): Promise<void> {
  let earlier: Reply;
  service.lie(async (_call, honest) => {
    earlier = await honest();
    return earlier;
  });
  await work();
  service.lie(() => earlier);
}

// biome-ignore lint/suspicious/noExplicitAny: the answers of five services, and what becomes of them
type Answer = any;

/** Changes a JSON answer. */
const changed =
  (change: (answer: Answer) => unknown): Lie =>
  async (_call, honest) => {
    const reply = await honest();
    return { ...reply, body: JSON.stringify(change(JSON.parse(String(reply?.body)))) };
  };

/** What any service may answer in place of JSON of its own. */
const nonsense: readonly (readonly [string, Lie, string])[] = [
  [
    'a redirect',
    () => ({ status: 302, headers: { location: 'https://elsewhere.example/' } }),
    'net-redirect',
  ],
  ['a huge answer', () => json({ more: 'x'.repeat(1_100_000) }, 201), 'limit-exceeded'],
  ['a refusal', () => json({ code: 3, message: 'no' }, 400), 'service-rejected'],
  ['a web page', () => ({ status: 200, body: '<html>' }), 'format-service'],
  ['nothing', () => ({ status: 200 }), 'format-service'],
  ['a list', () => json([]), 'format-service'],
];

describe('a certificate', () => {
  const tokenText = () => sigstore.issuer.token();
  const request = async (text = tokenText()) => {
    const now = new Date();
    const token = parseIdentityToken(text, { now, audience: 'sigstore', from: 'the test' });
    const signer = await createEphemeralSigner();
    return requestCertificate(access, { url: sigstore.fulcio.service.url, token, signer, now });
  };

  it('is given for a token and a key that is here', async () => {
    const { chain, timestamp, notAfter } = await request();
    expect(chain).toHaveLength(2);
    expect(timestamp).toBe('embedded');
    expect(notAfter.getTime()).toBeGreaterThan(Date.now() + 500_000);
  });

  it('may have its timestamp beside it, or none', async () => {
    const beside = (signedCertificateTimestamp: string) =>
      changed(({ signedCertificateEmbeddedSct: { chain } }) => ({
        signedCertificateDetachedSct: { chain, signedCertificateTimestamp },
      }));
    sigstore.fulcio.service.lie(beside('AAEC'));
    expect((await request()).timestamp).toEqual(Buffer.from([0, 1, 2]));
    sigstore.fulcio.service.lie(beside(''));
    expect((await request()).timestamp).toBeUndefined();
  });

  it('of another key is refused', async () => {
    await replay(sigstore.fulcio.service, request);
    const error = await failure(request);
    expect(error.code).toBe('service-mismatch');
    expect(error.message).toContain('another key');
  });

  it.each([
    ...nonsense,
    [
      'an empty chain',
      changed(() => ({ signedCertificateEmbeddedSct: { chain: { certificates: [] } } })),
      'format-service',
    ],
    [
      'text for a certificate',
      changed(() => ({ signedCertificateEmbeddedSct: { chain: { certificates: ['x'] } } })),
      'format-service',
    ],
    [
      'bytes that are no certificate',
      changed(() => ({
        signedCertificateEmbeddedSct: {
          chain: { certificates: ['-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n'] },
        },
      })),
      'format-service',
    ],
    [
      'a long chain',
      changed(({ signedCertificateEmbeddedSct: { chain } }) => ({
        signedCertificateEmbeddedSct: { chain: { certificates: Array(11).fill(chain.certificates[0]) } },
      })),
      'limit-exceeded',
    ],
    [
      'two certificates',
      changed(({ signedCertificateEmbeddedSct: sct }) => ({
        signedCertificateEmbeddedSct: sct,
        signedCertificateDetachedSct: sct,
      })),
      'format-service',
    ],
  ] as const)('is not taken from %s', async (_name, lie, code) => {
    sigstore.fulcio.service.lie(lie);
    expect((await failure(request)).code).toBe(code);
  });

  it('of another time is refused', async () => {
    const now = new Date(Date.now() + 3_600_000);
    const text = sigstore.issuer.token({ exp: now.getTime() / 1000 + 600 });
    const token = parseIdentityToken(text, { now, audience: 'sigstore', from: 'the test' });
    const signer = await createEphemeralSigner();
    const work = () => requestCertificate(access, { url: sigstore.fulcio.service.url, token, signer, now });
    expect((await failure(work)).message).toContain('not valid now');
  });

  it('is refused by an honest authority for a token it does not know, and says so without the token', async () => {
    const [header, , signature] = tokenText().split('.');
    const claims = { iss: 'https://evil.example', sub: 'root', aud: 'sigstore', exp: 4e9 };
    const forged = `${header}.${Buffer.from(JSON.stringify(claims)).toString('base64url')}.${signature}`;
    const error = await failure(() => request(forged));
    expect(error.code).toBe('service-rejected');
    expect(error.details).toMatchObject({ status: 401 });
  });

  it('does not print a token that the authority sends back', async () => {
    const text = tokenText();
    sigstore.fulcio.service.lie(() => json({ message: `bad token ${text}, also ${text.slice(0, 40)}` }, 400));
    const error = await failure(() => request(text));
    expect(error.message).toContain('bad token');
    expect(inspect(error, { depth: 9 })).not.toContain(text.slice(0, 20));
    sigstore.fulcio.service.lie(() => ({ body: `{"${text}":1,"${text}":2}` }));
    expect(inspect(await failure(() => request(text)), { depth: 9 })).not.toContain(text.slice(0, 20));
  });
});

/** A signature that nobody checks; the services here take any. */
const signedOver = (text: string, kind: 'message' | 'dsse'): LoggedSignature => {
  const payload = Buffer.from(text);
  const digest = sha256(payload);
  return {
    signature: sha256(Buffer.from(`signature ${text}`)),
    certificate: sigstore.fulcio.root,
    content: kind === 'message' ? { kind, digest } : { kind, digest, payloadType: 'application/x', payload },
  };
};

describe('a timestamp', () => {
  const signed = Buffer.from('a signature');
  const request = (bytes: Uint8Array = signed) =>
    requestTimestamp(access, { url: sigstore.timestamps.url, signed: bytes, random });

  it('comes whole, for the nonce and the imprint that were sent', async () => {
    expect(parseDer(await request())).toHaveLength(1);
    expect(sigstore.timestamps.service.calls.at(-1)?.headers['content-type']).toBe(
      'application/timestamp-query',
    );
  });

  it('of another signature is refused', async () => {
    await replay(sigstore.timestamps.service, () => request(Buffer.from('another')));
    expect((await failure(request)).message).toContain('something else');
  });

  it('of an earlier request is refused', async () => {
    await replay(sigstore.timestamps.service, request);
    expect((await failure(request)).message).toContain('another request');
  });

  const status = (code: number) =>
    der(DER.sequence, der(DER.sequence, der(DER.integer, Uint8Array.of(code))));
  it.each([
    ...nonsense.slice(0, 3),
    ['nothing', () => ({ status: 200 }), 'format-service'],
    ['text', () => ({ status: 200, body: 'granted' }), 'format-service'],
    ['a rejection', () => ({ status: 200, body: status(2) }), 'service-rejected'],
    ['a status alone', () => ({ status: 200, body: status(0) }), 'format-service'],
    [
      'half of one',
      async (_call, honest) => ({
        status: 200,
        body: Buffer.from((await honest())?.body ?? '').subarray(0, 90),
      }),
      'format-service',
    ],
  ] as readonly (readonly [string, Lie, string])[])('is not taken from %s', async (_name, lie, code) => {
    sigstore.timestamps.service.lie(lie);
    expect((await failure(request)).code).toBe(code);
  });
});

describe.each([
  ['hashedrekord', 'message'],
  ['dsse', 'dsse'],
] as const)('an entry of kind %s in a log of version 1', (kind, content) => {
  const add = (text: string) => addToRekorV1(access, sigstore.rekorV1.service.url, signedOver(text, content));
  const only = (answer: Record<string, Answer>) => Object.entries(answer)[0]!;

  it('is given as bundles have it', async () => {
    const entry = await add('new');
    expect(entry).toMatchObject({ kindVersion: { kind, version: '0.0.1' } });
    expect(entry.logId.keyId).toBe(sigstore.rekorV1.keyId.toString('base64'));
    expect(BigInt(entry.logIndex) - BigInt(entry.inclusionProof.logIndex)).toBe(4000n);
    expect(entry.inclusionProof.hashes.length).toBeGreaterThan(0);
  });

  it('that is there already is fetched', async () => {
    const first = await add('twice');
    const calls = sigstore.rekorV1.service.calls.length;
    const second = await add('twice');
    expect(second.logIndex).toBe(first.logIndex);
    expect(sigstore.rekorV1.service.calls.slice(calls).map(call => call.method)).toEqual(['POST', 'GET']);
  });

  it('that is there already is fetched from the log alone, wherever it says it is', async () => {
    const first = await add('elsewhere');
    sigstore.rekorV1.service.lie(async (call, honest) => {
      const reply = await honest();
      const id = reply?.headers?.['location']?.split('/').at(-1);
      return call.method === 'POST'
        ? { ...reply, headers: { location: `https://evil.example/${id}` } }
        : reply;
    });
    expect((await add('elsewhere')).logIndex).toBe(first.logIndex);
    sigstore.rekorV1.service.lie(() => ({ status: 409, headers: { location: '/../../etc' } }));
    expect((await failure(() => add('elsewhere'))).code).toBe('format-service');
  });

  it('of another artifact is refused', async () => {
    await replay(sigstore.rekorV1.service, () => add('another'));
    const error = await failure(() => add('mine'));
    expect(error.code).toBe('service-mismatch');
    expect(error.message).toContain('another digest');
  });

  it.each([
    ...nonsense,
    ['two entries', changed(answer => ({ ...answer, [`${'0'.repeat(64)}`]: {} })), 'format-service'],
    ['another id', changed(answer => ({ ['0'.repeat(80)]: only(answer)[1] })), 'service-mismatch'],
    [
      'no proof',
      changed(answer => ({ [only(answer)[0]]: { ...only(answer)[1], verification: {} } })),
      'format-service',
    ],
    [
      'an index that is none',
      changed(answer => ({ [only(answer)[0]]: { ...only(answer)[1], logIndex: -1 } })),
      'format-service',
    ],
    [
      'a log id in another encoding',
      changed(answer => ({ [only(answer)[0]]: { ...only(answer)[1], logID: 'AAAA' } })),
      'format-service',
    ],
  ] as const)('is not taken from %s', async (name, lie, code) => {
    sigstore.rekorV1.service.lie(lie);
    expect((await failure(() => add(`${name} ${kind}`))).code).toBe(code);
  });

  it.each([
    ['signature', (signed: LoggedSignature) => ({ ...signed, signature: Buffer.from('other') })],
    ['signer', (signed: LoggedSignature) => ({ ...signed, certificate: Buffer.from('other') })],
  ])('with another %s is refused', async (name, change) => {
    const signed = signedOver(`same ${name}`, content);
    await replay(sigstore.rekorV1.service, () =>
      addToRekorV1(access, sigstore.rekorV1.service.url, change(signed)),
    );
    const error = await failure(() => addToRekorV1(access, sigstore.rekorV1.service.url, signed));
    expect(error.message).toContain(`another ${name}`);
  });
});

describe('an entry in a log of version 2', () => {
  const add = (text: string, kind: 'message' | 'dsse' = 'message') =>
    addToRekorV2(access, sigstore.rekorV2.service.url, signedOver(text, kind));

  it('is a hashedrekord without a time, whatever was signed', async () => {
    for (const kind of ['message', 'dsse'] as const) {
      const entry = await add(`new ${kind}`, kind);
      expect(entry.kindVersion).toEqual({ kind: 'hashedrekord', version: '0.0.2' });
      expect(entry).not.toHaveProperty('integratedTime');
      expect(entry).not.toHaveProperty('inclusionPromise');
      expect(entry.inclusionProof.checkpoint.envelope).toContain('127.0.0.1\n');
    }
  });

  it('of another artifact is refused', async () => {
    await replay(sigstore.rekorV2.service, () => add('another'));
    expect((await failure(() => add('mine'))).code).toBe('service-mismatch');
  });

  it('without the members that protobuf leaves out is taken', async () => {
    sigstore.rekorV2.service.lie(
      changed(({ logIndex: _, inclusionProof: { logIndex: __, ...proof }, ...entry }) => ({
        ...entry,
        inclusionProof: proof,
      })),
    );
    expect((await add('first')).logIndex).toBe('0');
  });

  it.each([
    ...nonsense,
    [
      'another kind',
      changed(entry => ({ ...entry, kindVersion: { kind: 'dsse', version: '0.0.2' } })),
      'service-mismatch',
    ],
    [
      'a body that says more',
      changed(entry => ({
        ...entry,
        canonicalizedBody: Buffer.from(
          Buffer.from(entry.canonicalizedBody, 'base64').toString().replace('{', '{"a":1,'),
        ).toString('base64'),
      })),
      'service-mismatch',
    ],
    [
      'no checkpoint',
      changed(entry => ({ ...entry, inclusionProof: { ...entry.inclusionProof, checkpoint: null } })),
      'format-service',
    ],
    [
      'a short hash',
      changed(entry => ({ ...entry, inclusionProof: { ...entry.inclusionProof, hashes: ['AAAA'] } })),
      'format-service',
    ],
    [
      'a hundred hashes',
      changed(entry => ({
        ...entry,
        inclusionProof: { ...entry.inclusionProof, hashes: Array(100).fill(entry.logId.keyId) },
      })),
      'limit-exceeded',
    ],
  ] as const)('is not taken from %s', async (name, lie, code) => {
    sigstore.rekorV2.service.lie(lie);
    expect((await failure(() => add(name))).code).toBe(code);
  });
});
