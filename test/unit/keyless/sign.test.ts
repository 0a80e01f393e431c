import { createPublicKey, verify, X509Certificate } from 'node:crypto';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { fail } from '../../../src/base/errors.js';
import {
  chooseServices,
  type IdentityContent,
  type IdentitySigning,
  parseIdentityToken,
  signWithIdentity,
} from '../../../src/keyless/index.js';
import { createStoreAccess } from '../../../src/oci/open.js';
import { preAuthEncoding } from '../../../src/signature/dsse.js';
import { json } from '../../private-sigstore/http-service.js';
import { type PrivateSigstore, startPrivateSigstore } from '../../private-sigstore/index.js';
import { failure, random } from './support.js';

const access = createStoreAccess();
let sigstore: PrivateSigstore;
beforeAll(async () => {
  sigstore = await startPrivateSigstore();
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
const statement: IdentityContent = { kind: 'statement', statement: Buffer.from('{"_type":"x"}') };

const sign = (content: IdentityContent, log: 1 | 2 = 1, more: Partial<IdentitySigning> = {}) => {
  const now = new Date();
  const token = parseIdentityToken(sigstore.issuer.token(), { now, audience: 'sigstore', from: 'the test' });
  const chosen = chooseServices(Buffer.from(sigstore.signingConfig(log)), now);
  return signWithIdentity(access, content, {
    token,
    services: chosen,
    now,
    random,
    check: () => {},
    ...more,
  });
};
const read = (bundle: Uint8Array) => JSON.parse(Buffer.from(bundle).toString());
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
    expect(payload.toString()).toBe('{"_type":"x"}');
    const signed = preAuthEncoding(dsseEnvelope.payloadType, payload);
    const key = createPublicKey(leaf.publicKey.export({ type: 'spki', format: 'pem' }));
    expect(verify('sha256', signed, key, decode(dsseEnvelope.signatures[0].sig))).toBe(true);
  });

  it('is made with a key of its own each time', async () => {
    const leaf = (bundle: Uint8Array) =>
      new X509Certificate(decode(read(bundle).verificationMaterial.certificate.rawBytes));
    const [a, b] = [leaf(await sign(file)), leaf(await sign(file))];
    expect(a.publicKey.equals(b.publicKey)).toBe(false);
  });

  it('shows the token to the certificate authority and to nobody else', async () => {
    const before = services().map(({ service }) => service.calls.length);
    const text = sigstore.issuer.token();
    const token = parseIdentityToken(text, { now: new Date(), audience: 'sigstore', from: 'the test' });
    const bundle = await sign(file, 1, { token });
    const seen = services().map(({ service }, i) =>
      service.calls
        .slice(before[i])
        .some(({ url, headers, body }) => `${url}${JSON.stringify(headers)}${body}`.includes(text)),
    );
    expect(seen).toEqual([true, false, false, false]);
    expect(Buffer.from(bundle).toString()).not.toContain(text);
  });

  it('is checked before it is given: what does not verify is no signature', async () => {
    const checked: Uint8Array[] = [];
    const bundle = await sign(file, 1, { check: candidate => void checked.push(candidate) });
    expect(checked).toEqual([bundle]);
    const check = () => fail('service-mismatch', 'does not hold');
    expect((await failure(() => sign(file, 1, { check }))).message).toBe('does not hold');
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
    const options = { token, services: chosen, now, random, check: () => {} };
    expect((await failure(() => signWithIdentity(offline, file, options))).code).toBe('net-offline');
  });
});
