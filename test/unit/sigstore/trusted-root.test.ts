import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { parseTrustedRoot } from '../../../src/sigstore/index.js';
import { Deployment, type Loose } from './deployment.js';
import { bytes } from './judge.js';

const deployment = new Deployment();
const publicGood = readFileSync(
  new URL('../../vectors/sigstore/public-good.trusted-root.json', import.meta.url),
);

describe('a trusted root', () => {
  it('of the public instance: every authority and log with its interval', () => {
    const root = parseTrustedRoot(publicGood);
    expect(root.ignored).toEqual([]);
    expect(root.certificateAuthorities.map(({ certificates }) => certificates.length)).toEqual([1, 2]);
    expect(root.certificateAuthorities[0]?.validFor.end).toBe(Date.parse('2022-12-31T23:59:59.999Z'));
    expect(root.certificateAuthorities[1]?.validFor.end).toBeUndefined();
    expect(root.certificateLogs).toHaveLength(2);
    expect(root.transparencyLogs[0]).toMatchObject({
      baseUrl: 'https://rekor.sigstore.dev',
      logId: 'c0d23d6ad406973f9559f3ba2d1ca01f84147d8ffc5b8445c224f98b9591801d',
      noteKeyHint: 'c0d23d6a',
      algorithm: { key: 'ec', hash: 'sha256' },
    });
    expect(root.transparencyLogs[0]?.publicKey.keyid).toBe(root.transparencyLogs[0]?.logId);
  });

  it('with a key of a kind to come: the others still count', () => {
    const root = deployment.root();
    const [first] = root.tlogs;
    const rsa =
      'MFwwDQYJKoZIhvcNAQEBBQADSwAwSAJBAKj34GkxFhD90vcNLYLInFEX6Ppy1tPf9Cnzj4p4WGeKLs1Pt8QuKUpRKfFLfRYC9AIKjbJTWit+CqvjWYzvQwECAwEAAQ==';
    first.publicKey.rawBytes = rsa;
    const parsed = parseTrustedRoot(bytes(root));
    expect(parsed.transparencyLogs).toHaveLength(1);
    expect(parsed.ignored).toEqual([expect.stringMatching(/tlogs\[0\].*RSA key of 512 bits/)]);
  });

  it('may leave lists out: nothing is trusted for what is not there', () => {
    const { mediaType } = deployment.root();
    expect(parseTrustedRoot(bytes({ mediaType }))).toMatchObject({
      transparencyLogs: [],
      certificateAuthorities: [],
    });
  });

  it.each<[string, RegExp, (root: Loose) => void]>([
    ['no media type', /mediaType/, root => delete root.mediaType],
    ['another media type', /mediaType/, root => (root.mediaType += '9')],
    [
      'a log without a start',
      /tlogs\[0\]\.publicKey\.validFor\.start is missing/,
      root => delete root.tlogs[0].publicKey.validFor.start,
    ],
    [
      'a log without an interval',
      /tlogs\[0\]\.publicKey\.validFor/,
      root => delete root.tlogs[0].publicKey.validFor,
    ],
    [
      'a certificate log without a start',
      /ctlogs\[0\]/,
      root => delete root.ctlogs[0].publicKey.validFor.start,
    ],
    [
      'an authority without a start',
      /certificateAuthorities\[0\]\.validFor\.start/,
      root => delete root.certificateAuthorities[0].validFor.start,
    ],
    [
      'a timestamp authority without a start',
      /timestampAuthorities\[0\]/,
      root => delete root.timestampAuthorities[0].validFor.start,
    ],
    [
      'a start that is no time',
      /must be a time/,
      root => (root.tlogs[0].publicKey.validFor.start = 'yesterday'),
    ],
    [
      'an end before its start',
      /ends before/,
      root => (root.tlogs[0].publicKey.validFor.end = '1999-01-01T00:00:00Z'),
    ],
    [
      'an authority without certificates',
      /holds no certificate/,
      root => (root.certificateAuthorities[0].certChain.certificates = []),
    ],
    [
      'a certificate that is none',
      /usable certificate/,
      root => (root.certificateAuthorities[0].certChain.certificates[0].rawBytes = 'AAAA'),
    ],
    ['a key that is none', /usable key/, root => (root.tlogs[0].publicKey.rawBytes = 'AAAA')],
    ['no id', /keyId/, root => delete root.tlogs[0].logId.keyId],
    ['another hash', /SHA2_256/, root => (root.tlogs[0].hashAlgorithm = 'SHA1')],
    ['a name in other letters', /some readers take/, root => (root.Tlogs = root.tlogs)],
  ])('%s is refused', (_what, message, change) => {
    const root = deployment.root();
    expect(() => parseTrustedRoot(bytes(root))).not.toThrow();
    change(root);
    expect(() => parseTrustedRoot(bytes(root))).toThrow(
      expect.objectContaining({ code: 'format-trusted-root', message: expect.stringMatching(message) }),
    );
  });

  it('of too many entries is refused', () => {
    const root = deployment.root();
    root.tlogs = Array(300).fill(root.tlogs[0]);
    expect(() => parseTrustedRoot(bytes(root))).toThrow(expect.objectContaining({ code: 'limit-exceeded' }));
  });
});
