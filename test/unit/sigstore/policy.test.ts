import { describe, expect, it } from 'vitest';
import type { BundlePolicy } from '../../../src/sigstore/index.js';
import { Deployment, MINUTE, NOW } from './deployment.js';
import { publicKeyOf, verdictOf } from './judge.js';

const deployment = new Deployment();
const { bundle } = deployment.sign();
const keyed = deployment.sign({ bareKey: true });
const key = publicKeyOf(keyed.key.publicKey.export({ type: 'spki', format: 'pem' }));

describe('a policy', () => {
  it.each<[string, Partial<BundlePolicy>]>([
    ['a negative number of logs', { logs: -1 }],
    ['half a log', { logs: 0.5 }],
    ['a number that is none', { certificateLogs: Number.NaN }],
    ['a certificate without a time', { time: { kind: 'none' } }],
    ['a certificate with no source of time', { time: { kind: 'vouched', sources: 0 } }],
    [
      'a key with an interval and no time',
      { signer: { kind: 'key', key, validFor: { start: 0, end: undefined } }, time: { kind: 'none' } },
    ],
    ['nobody', { signer: { kind: 'identity', anyOf: [] } }],
    ['nothing that is signed', { artifact: { digests: {} } }],
  ])('that asks for %s is an error, not an answer', async (_what, policy) => {
    expect(await verdictOf(bundle, deployment)).toBe('ok');
    await expect(verdictOf(bundle, deployment, policy)).rejects.toMatchObject({ code: 'usage-argument' });
  });

  it('may take now for the time: of certificates that are valid now, and at every other time that is known', async () => {
    const at = (now: number) => ({ logs: 0, time: { kind: 'unsafe-now', now } }) as const;
    const { bundle: plain } = deployment.sign({ log: 'none' });
    expect(await verdictOf(plain, deployment)).toBe('logs: log-threshold-not-met');
    expect(await verdictOf(plain, deployment, { logs: 0 })).toBe('time: time-threshold-not-met');
    expect(await verdictOf(plain, deployment, at(NOW + MINUTE))).toBe('ok');
    expect(await verdictOf(plain, deployment, at(NOW + 11 * MINUTE))).toBe(
      'certificate: certificate-expired',
    );
    const late = deployment.sign({ integratedTime: NOW + 20 * MINUTE });
    expect(await verdictOf(late.bundle, deployment, at(NOW + MINUTE))).toBe(
      'certificate: certificate-expired',
    );
  });

  it('that asks for no log still refuses an entry that is not true', async () => {
    const other = deployment.sign();
    other.bundle.verificationMaterial.tlogEntries = bundle.verificationMaterial.tlogEntries;
    const now = { logs: 0, time: { kind: 'unsafe-now', now: NOW + MINUTE } } as const;
    expect(await verdictOf(other.bundle, deployment, now)).toBe('logs: log-entry-mismatch');
  });
});
