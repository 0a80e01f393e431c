import { describe, expect, it } from 'vitest';
import { DER, der } from '../../../src/crypto/der.js';
import { Deployment, type Loose, MINUTE, NOW } from './deployment.js';
import { judge, publicKeyOf, verdictOf } from './judge.js';
import { basicConstraints, CODE_SIGNING, ecKey, keyUsage, mint, purposes, TIME_STAMPING } from './mint.js';

const deployment = new Deployment();
const DAY = 24 * 60 * MINUTE;
const base64 = (bytes: Uint8Array) => Buffer.from(bytes).toString('base64');
const TOO_FEW = 'time: time-threshold-not-met';

const stampsOf = (bundle: Loose) => bundle.verificationMaterial.timestampVerificationData.rfc3161Timestamps;
const signed = () => {
  const { bundle } = deployment.sign({ log: 'v2' });
  return { bundle, signature: Buffer.from(bundle.messageSignature.signature, 'base64') };
};

/** The verdict and what is told of the timestamp. */
async function outcome(bundle: Loose, root = deployment.root()): Promise<string> {
  const result = await judge(bundle, root);
  const [stamp] = result.timestamps;
  return result.ok ? 'ok' : `${result.code}: ${stamp?.ok ? 'ok' : stamp?.code}`;
}

describe('timestamps', () => {
  it.each<[string, string, (der: Buffer) => Buffer]>([
    ['untouched', 'ok', stamp => stamp],
    [
      'another time',
      'time-threshold-not-met: timestamp-mismatch',
      stamp => replace(stamp, '20260110120100Z', '20260110120200Z'),
    ],
    [
      'a time that is none',
      'time-threshold-not-met: format-timestamp',
      stamp => replace(stamp, '20260110120100Z', '20260130250100Z'),
    ],
    ['cut short', 'time-threshold-not-met: format-timestamp', stamp => stamp.subarray(0, -3)],
    [
      'something behind it',
      'time-threshold-not-met: format-timestamp',
      stamp => Buffer.concat([stamp, Buffer.of(5, 0)]),
    ],
    [
      'a token beside a refusal',
      'time-threshold-not-met: format-timestamp',
      stamp => {
        const at = stamp.indexOf(Buffer.from('3003020100', 'hex'));
        return Buffer.from(stamp.map((byte, i) => (i === at + 4 ? 2 : byte)));
      },
    ],
    [
      'a refusal of the authority',
      'time-threshold-not-met: format-timestamp',
      () => Buffer.from(der(DER.sequence, der(DER.sequence, der(DER.integer, Uint8Array.of(2))))),
    ],
    [
      'another signature by the authority’s name',
      'time-threshold-not-met: timestamp-untrusted',
      stamp => flip(stamp, stamp.length - 8),
    ],
    ['too large', 'time-threshold-not-met: limit-exceeded', () => Buffer.alloc(70_000, 0x30)],
  ])('%s', async (_what, expected, change) => {
    const { bundle } = signed();
    const [stamp] = stampsOf(bundle);
    stamp.signedTimestamp = base64(change(Buffer.from(stamp.signedTimestamp, 'base64')));
    expect(await outcome(bundle)).toBe(expected);
  });

  it('a true timestamp of another signature', async () => {
    const [mine, yours] = [signed().bundle, signed().bundle];
    stampsOf(mine)[0] = stampsOf(yours)[0];
    expect(await outcome(mine)).toBe('time-threshold-not-met: timestamp-mismatch');
  });

  it('two by one authority are one source; those of a stranger are none, and do no harm', async () => {
    const { bundle, signature } = signed();
    stampsOf(bundle).push({ signedTimestamp: base64(deployment.stamp(signature, NOW + 2 * MINUTE)) });
    const two = { time: { kind: 'vouched', sources: 2 } } as const;
    expect(await verdictOf(bundle, deployment)).toBe('ok');
    expect(await verdictOf(bundle, deployment, two)).toBe(TOO_FEW);
    const stranger = new Deployment();
    stampsOf(bundle)[1] = { signedTimestamp: base64(stranger.stamp(signature)) };
    expect(await judge(bundle, deployment.root())).toMatchObject({
      ok: true,
      timestamps: [{ ok: true }, { ok: false, code: 'timestamp-untrusted' }],
    });
    expect(await verdictOf(bundle, deployment, two)).toBe(TOO_FEW);
    const both = deployment.root();
    both.timestampAuthorities.push(...stranger.root().timestampAuthorities);
    expect(await verdictOf(bundle, both, two)).toBe('ok');
  });

  it('a policy may ask for authorities where the log alone would do', async () => {
    const asked = { time: { kind: 'vouched', sources: 1, timestampAuthorities: 1 } } as const;
    expect(await verdictOf(deployment.sign().bundle, deployment)).toBe('ok');
    expect(await verdictOf(deployment.sign().bundle, deployment, asked)).toBe(TOO_FEW);
    expect(await verdictOf(deployment.sign({ timestamp: true }).bundle, deployment, asked)).toBe('ok');
  });

  it('by an authority that is trusted at another time only', async () => {
    const { bundle } = signed();
    const root = deployment.root();
    const [authority] = root.timestampAuthorities;
    authority.validFor.end = new Date(NOW + MINUTE).toISOString();
    expect(await outcome(bundle, root)).toBe('ok');
    authority.validFor.end = new Date(NOW + MINUTE - 1000).toISOString();
    expect(await outcome(bundle, root)).toBe('time-threshold-not-met: timestamp-untrusted');
  });
});

describe('certificates of timestamp authorities', () => {
  const leaf = (extensions: readonly Uint8Array[], more: object = {}) =>
    mint({
      subject: 'stamps',
      issuer: 'stamps root',
      key: deployment.stampKey.publicKey,
      signedBy: deployment.stampAnchorKey.privateKey,
      notBefore: NOW - DAY,
      notAfter: NOW + DAY,
      extensions,
      serial: 9,
      ...more,
    });
  const good = [keyUsage(0x80), purposes([TIME_STAMPING], true)];
  const UNTRUSTED = 'time-threshold-not-met: timestamp-untrusted';

  it.each<[string, string, readonly Uint8Array[], object]>([
    ['as it should be', 'ok', good, {}],
    ['expired today and valid then', 'ok', good, { notAfter: NOW + MINUTE }],
    ['expired then', UNTRUSTED, good, { notAfter: NOW }],
    ['valid only later', UNTRUSTED, good, { notBefore: NOW + 2 * MINUTE }],
    ['for timestamps, not critical', UNTRUSTED, [good[0]!, purposes([TIME_STAMPING])], {}],
    ['for timestamps and code', UNTRUSTED, [good[0]!, purposes([TIME_STAMPING, CODE_SIGNING], true)], {}],
    ['for code', UNTRUSTED, [good[0]!, purposes([CODE_SIGNING], true)], {}],
    ['not for signatures', UNTRUSTED, [keyUsage(0x20), good[1]!], {}],
    ['of another serial number', UNTRUSTED, good, { serial: 10 }],
    ['not signed by its anchor', UNTRUSTED, good, { signedBy: ecKey().privateKey }],
  ])('%s', async (_what, expected, extensions, more) => {
    const { bundle, signature } = signed();
    const certificate = leaf(extensions, more);
    stampsOf(bundle)[0] = { signedTimestamp: base64(deployment.stamp(signature, NOW + MINUTE, certificate)) };
    const root = deployment.root();
    root.timestampAuthorities[0].certChain.certificates[0] = { rawBytes: base64(certificate) };
    expect(await outcome(bundle, root)).toBe(expected);
  });

  it('comes with the timestamp where the root lists none, and must lead to the authority', async () => {
    const { bundle } = signed();
    const root = deployment.root();
    root.timestampAuthorities[0].certChain.certificates.shift();
    expect(await outcome(bundle, root)).toBe('ok');
    const other = ecKey();
    const anchor = mint({
      subject: 'stamps root',
      issuer: 'stamps root',
      key: other.publicKey,
      signedBy: other.privateKey,
      notBefore: NOW - DAY,
      notAfter: NOW + DAY,
      extensions: [basicConstraints(true), keyUsage(0x04)],
    });
    root.timestampAuthorities[0].certChain.certificates = [{ rawBytes: base64(anchor) }];
    expect(await outcome(bundle, root)).toBe(UNTRUSTED);
  });

  it('a timestamp that names another certificate than the one that signed', async () => {
    const { bundle, signature } = signed();
    stampsOf(bundle)[0] = {
      signedTimestamp: base64(
        deployment.stamp(signature, NOW + MINUTE, leaf(good, { notAfter: NOW + 2 * DAY })),
      ),
    };
    expect(await outcome(bundle)).toBe(UNTRUSTED);
  });

  it('an authority of certificates does not stamp', async () => {
    const { bundle } = signed();
    const root = deployment.root();
    root.timestampAuthorities = root.certificateAuthorities;
    expect(await outcome(bundle, root)).toBe(UNTRUSTED);
  });
});

it('a key with an interval is judged at every time that is known', async () => {
  const { bundle, key } = deployment.sign({ bareKey: true, timestamp: true, stampTime: NOW + 5 * MINUTE });
  const parsed = publicKeyOf(key.publicKey.export({ type: 'spki', format: 'pem' }));
  const until = (end: number) => ({
    signer: { kind: 'key', key: parsed, validFor: { start: NOW, end } } as const,
  });
  expect(await verdictOf(bundle, deployment, until(NOW + 5 * MINUTE))).toBe('ok');
  expect(await verdictOf(bundle, deployment, until(NOW + 2 * MINUTE))).toBe('time: certificate-expired');
  await expect(
    verdictOf(bundle, deployment, { ...until(NOW), time: { kind: 'none' } }),
  ).rejects.toMatchObject({ code: 'usage-argument' });
});

function replace(stamp: Buffer, from: string, to: string): Buffer {
  const at = stamp.indexOf(from, 0, 'latin1');
  expect(at).toBeGreaterThan(0);
  return Buffer.concat([stamp.subarray(0, at), Buffer.from(to, 'latin1'), stamp.subarray(at + from.length)]);
}

function flip(stamp: Buffer, at: number): Buffer {
  return Buffer.from(stamp.map((byte, i) => (i === at ? byte ^ 1 : byte)));
}
