import { describe, expect, it } from 'vitest';
import { parseCertificate } from '../../../src/sigstore/certificate.js';
import { compilePattern, type IdentityRule } from '../../../src/sigstore/index.js';
import {
  bareClaim,
  claim,
  Deployment,
  FULCIO,
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
  CODE_SIGNING,
  ecKey,
  emailName,
  extension,
  keyUsage,
  mint,
  octets,
  purposes,
  sequence,
  subjectNames,
  TIME_STAMPING,
  text8,
  uriName,
} from './mint.js';

const deployment = new Deployment();
const DAY = 24 * 60 * MINUTE;
const with_ = (change: Partial<Record<keyof typeof LEAF, Uint8Array>>, ...more: readonly Uint8Array[]) => [
  ...Object.values({ ...LEAF, ...change }),
  ...more,
];
const base64 = (bytes: Uint8Array) => Buffer.from(bytes).toString('base64');

describe('certificates that are refused, each beside one that is not', () => {
  it.each<[string, string, Signing, Signing]>([
    [
      'two names',
      'identity: format-certificate',
      { extensions: with_({ names: subjectNames(uriName('https://evil.example'), uriName(SUBJECT)) }) },
      { extensions: with_({ names: subjectNames(uriName(SUBJECT)) }) },
    ],
    [
      'no name',
      'identity: format-certificate',
      { extensions: Object.values({ ...LEAF }).filter(part => part !== LEAF.names) },
      {},
    ],
    [
      'a name of another kind with the same text',
      'identity: format-certificate',
      {
        extensions: with_({
          names: subjectNames(Buffer.concat([Buffer.of(0x82, SUBJECT.length), Buffer.from(SUBJECT)])),
        }),
      },
      {},
    ],
    [
      'a zero byte in the name',
      'identity: format-certificate',
      { extensions: with_({ names: subjectNames(uriName(`${SUBJECT}\0.evil.example`)) }) },
      {},
    ],
    [
      'the issuer as bare text where it must be a UTF8String',
      'identity: format-certificate',
      { extensions: with_({ issuer: bareClaim(8, ISSUER) }) },
      {},
    ],
    [
      'the old issuer as a UTF8String: another text',
      'identity: signer-identity-mismatch',
      { extensions: [LEAF.usage, LEAF.purposes, LEAF.names, claim(1, ISSUER)] },
      { extensions: [LEAF.usage, LEAF.purposes, LEAF.names, LEAF.bareIssuer] },
    ],
    [
      'two issuers that differ',
      'identity: format-certificate',
      { extensions: with_({ bareIssuer: bareClaim(1, 'https://evil.example') }) },
      {},
    ],
    [
      'a UTF8String with something behind it',
      'identity: format-certificate',
      { extensions: with_({ issuer: extension(FULCIO(8), Buffer.concat([text8(ISSUER), text8('x')])) }) },
      {},
    ],
    [
      'no issuer at all',
      'identity: signer-identity-mismatch',
      { extensions: [LEAF.usage, LEAF.purposes, LEAF.names] },
      {},
    ],
    [
      'for timestamps, not for code',
      'certificate: certificate-misused',
      { extensions: with_({ purposes: purposes([TIME_STAMPING]) }) },
      { extensions: with_({ purposes: purposes([TIME_STAMPING, CODE_SIGNING]) }) },
    ],
    [
      'for any purpose, which is not for code',
      'certificate: certificate-misused',
      { extensions: with_({ purposes: purposes(['2.5.29.37.0']) }) },
      {},
    ],
    [
      'for no purpose',
      'certificate: certificate-misused',
      { extensions: Object.values(LEAF).filter(part => part !== LEAF.purposes) },
      {},
    ],
    [
      'a key that may not sign',
      'certificate: certificate-misused',
      { extensions: with_({ usage: keyUsage(0x20) }) },
      {},
    ],
    [
      'an authority as the signer',
      'certificate: certificate-misused',
      { extensions: with_({}, basicConstraints(true)) },
      { extensions: with_({}, basicConstraints(false)) },
    ],
    [
      'an unknown critical extension',
      'certificate: format-certificate',
      { extensions: with_({}, extension('1.2.3.4', text8('x'), true)) },
      { extensions: with_({}, extension('1.2.3.4', text8('x'))) },
    ],
    [
      'name constraints, which are not checked here',
      'certificate: format-certificate',
      { extensions: with_({}, extension('2.5.29.30', sequence())) },
      {},
    ],
    ['one extension twice', 'signer: format-certificate', { extensions: with_({}, LEAF.issuer) }, {}],
    [
      'valid only later',
      'certificate: certificate-expired',
      { certificate: { notBefore: NOW + 2 * MINUTE } },
      { certificate: { notBefore: NOW + MINUTE } },
    ],
    [
      'expired when the log took it in',
      'certificate: certificate-expired',
      { certificate: { notAfter: NOW + MINUTE - 1000 } },
      { certificate: { notAfter: NOW + MINUTE } },
    ],
    [
      'valid at the time of the log and not of the timestamp: every time counts',
      'certificate: certificate-expired',
      { timestamp: true, stampTime: NOW + 11 * MINUTE },
      { timestamp: true, stampTime: NOW + 10 * MINUTE },
    ],
    [
      'issued under another name',
      'certificate: certificate-untrusted',
      { certificate: { issuer: 'fulcio2' } },
      {},
    ],
    [
      'issued by another key',
      'certificate: certificate-untrusted',
      { certificate: { signedBy: ecKey().privateKey } },
      {},
    ],
    ['never promised to a log', 'certificate-logs: sct-threshold-not-met', { promised: false }, {}],
    [
      'a list of promises cut short',
      'certificate-logs: format-certificate',
      {
        promised: false,
        extensions: with_({}, extension('1.3.6.1.4.1.11129.2.4.2', octets(Buffer.of(0, 9, 0)))),
      },
      {},
    ],
  ])('%s', async (_what, expected, bad, good) => {
    expect(await verdictOf(deployment.sign(bad).bundle, deployment)).toBe(expected);
    expect(await verdictOf(deployment.sign(good).bundle, deployment)).toBe('ok');
  });

  it('a promise for another certificate', async () => {
    const key = ecKey();
    const options = {
      subject: '',
      issuer: 'fulcio',
      key: key.publicKey,
      signedBy: deployment.issuerKey.privateKey,
      notBefore: NOW,
      notAfter: NOW + 10 * MINUTE,
      extensions: with_({ names: subjectNames(uriName('https://evil.example')) }),
    };
    const stolen = deployment.promise(options);
    const { bundle } = deployment.sign({ promised: false, extensions: with_({}, stolen) });
    expect(await verdictOf(bundle, deployment)).toBe('certificate-logs: sct-threshold-not-met');
    expect(await verdictOf(bundle, deployment, { certificateLogs: 0 })).toBe('ok');
  });

  it('a certificate log that was not trusted when it promised, or counted twice', async () => {
    const { bundle } = deployment.sign();
    const root = deployment.root();
    root.ctlogs[0].publicKey.validFor.end = new Date(NOW - 1000).toISOString();
    expect(await verdictOf(bundle, root)).toBe('certificate-logs: sct-threshold-not-met');
    root.ctlogs[0].publicKey.validFor.end = new Date(NOW).toISOString();
    expect(await verdictOf(bundle, root)).toBe('ok');
    root.ctlogs.push(root.ctlogs[0]);
    expect(await verdictOf(bundle, root, { certificateLogs: 2 })).toBe(
      'certificate-logs: sct-threshold-not-met',
    );
  });

  it('a certificate with an elliptic curve, an algorithm or bytes that are not those of X.509', () => {
    const good = deployment.issue(ecKey().publicKey);
    expect(parseCertificate(good).issuer.length).toBeGreaterThan(0);
    const broken: readonly Uint8Array[] = [
      good.subarray(0, -1),
      Buffer.concat([good, Buffer.of(0)]),
      Buffer.alloc(70_000),
      Buffer.from(
        good
          .toString('latin1')
          .replace('\x2a\x86\x48\xce\x3d\x04\x03\x02', '\x2a\x86\x48\xce\x3d\x04\x03\x01'),
        'latin1',
      ),
    ];
    for (const bytes of broken)
      expect(() => parseCertificate(bytes)).toThrow(
        expect.objectContaining({ code: expect.stringMatching(/^(?:format-certificate|limit-exceeded)$/) }),
      );
  });
});

describe('authorities of the trusted root', () => {
  const judgeAuthority = async (change: (chain: Loose, root: Loose) => void) => {
    const root = deployment.root();
    change(root.certificateAuthorities[0].certChain.certificates, root);
    return verdictOf(deployment.sign().bundle, root);
  };
  const intermediate = (extensions: readonly Uint8Array[], more: object = {}) => ({
    rawBytes: base64(
      mint({
        subject: 'fulcio',
        issuer: 'root',
        key: deployment.issuerKey.publicKey,
        signedBy: deployment.rootKey.privateKey,
        notBefore: NOW - DAY,
        notAfter: NOW + DAY,
        extensions,
        ...more,
      }),
    ),
  });
  const good = [basicConstraints(true, 0), keyUsage(0x04), purposes([CODE_SIGNING])];

  it.each<[string, string, readonly Uint8Array[], object]>([
    ['as it should be', 'ok', good, {}],
    ['without purposes, which is any', 'ok', good.slice(0, 2), {}],
    ['no authority', 'certificate: certificate-untrusted', [basicConstraints(false), ...good.slice(1)], {}],
    ['no constraints', 'certificate: certificate-untrusted', good.slice(1), {}],
    ['may not certify', 'certificate: certificate-untrusted', [good[0]!, keyUsage(0x80)], {}],
    [
      'for other purposes',
      'certificate: certificate-untrusted',
      [...good.slice(0, 2), purposes([TIME_STAMPING])],
      {},
    ],
    [
      'an unknown critical extension',
      'certificate: certificate-untrusted',
      [...good, extension('1.2.3.4', text8('x'), true)],
      {},
    ],
    [
      'not signed by the anchor',
      'certificate: certificate-untrusted',
      good,
      { signedBy: ecKey('P-384').privateKey },
    ],
    ['under another name of its anchor', 'certificate: certificate-untrusted', good, { issuer: 'root2' }],
    ['expired when the signature was made', 'certificate: certificate-expired', good, { notAfter: NOW }],
    [
      'valid only later',
      'certificate: certificate-expired',
      good,
      { notBefore: NOW + DAY, notAfter: NOW + 2 * DAY },
    ],
  ])('an intermediate: %s', async (_what, expected, extensions, more) => {
    expect(await judgeAuthority(chain => chain.splice(0, 1, intermediate(extensions, more)))).toBe(expected);
  });

  it('a path longer than its anchor allows', async () => {
    const anchorOf = (pathLength: number) => ({
      rawBytes: base64(
        mint({
          subject: 'root',
          issuer: 'root',
          key: deployment.rootKey.publicKey,
          signedBy: deployment.rootKey.privateKey,
          notBefore: NOW - DAY,
          notAfter: NOW + DAY,
          extensions: [basicConstraints(true, pathLength), keyUsage(0x04)],
        }),
      ),
    });
    expect(await judgeAuthority(chain => chain.splice(1, 1, anchorOf(0)))).toBe(
      'certificate: certificate-untrusted',
    );
    expect(await judgeAuthority(chain => chain.splice(1, 1, anchorOf(1)))).toBe('ok');
  });

  it('trusted only at another time; its interval has both its ends', async () => {
    const interval = (start: number, end?: number) => (_chain: Loose, root: Loose) => {
      root.certificateAuthorities[0].validFor = {
        start: new Date(start).toISOString(),
        ...(end !== undefined && { end: new Date(end).toISOString() }),
      };
    };
    const signed = NOW + MINUTE;
    expect(await judgeAuthority(interval(signed))).toBe('ok');
    expect(await judgeAuthority(interval(signed + 1000))).toBe('certificate: certificate-expired');
    expect(await judgeAuthority(interval(0, signed))).toBe('ok');
    expect(await judgeAuthority(interval(0, signed - 1000))).toBe('certificate: certificate-expired');
  });

  it('two of one name: the one whose key signed is found, and promised for', async () => {
    const other = intermediate(good, { key: ecKey().publicKey });
    const first = (_chain: Loose, root: Loose) =>
      root.certificateAuthorities.unshift({
        ...root.certificateAuthorities[0],
        certChain: { certificates: [other, root.certificateAuthorities[0].certChain.certificates[1]] },
      });
    expect(await judgeAuthority(first)).toBe('ok');
  });

  it('an authority that a bundle brings along is none', async () => {
    const evil = ecKey();
    const { bundle } = deployment.sign({ certificate: { signedBy: evil.privateKey, issuer: 'evil' } });
    const anchor = mint({
      subject: 'evil',
      issuer: 'evil',
      key: evil.publicKey,
      signedBy: evil.privateKey,
      notBefore: NOW - DAY,
      notAfter: NOW + DAY,
      extensions: [basicConstraints(true), keyUsage(0x04)],
    });
    const { certificate } = bundle.verificationMaterial;
    delete bundle.verificationMaterial.certificate;
    bundle.verificationMaterial.x509CertificateChain = {
      certificates: [certificate, { rawBytes: base64(anchor) }],
    };
    bundle.mediaType = 'application/vnd.dev.sigstore.bundle+json;version=0.2';
    expect(await verdictOf(bundle, deployment)).toBe('certificate: certificate-untrusted');
  });
});

describe('identities', () => {
  const { bundle } = deployment.sign({
    extensions: [...Object.values(LEAF), claim(14, 'refs/heads/main'), bareClaim(5, 'example/app')],
  });
  const accepts = async (rule: Partial<IdentityRule>) =>
    verdictOf(bundle, deployment, {
      signer: {
        kind: 'identity',
        anyOf: [{ subject: { exact: SUBJECT }, issuer: { exact: ISSUER }, ...rule }],
      },
    });
  const NO = 'identity: signer-identity-mismatch';

  it('patterns match the whole name, and a dot is the author’s to escape', async () => {
    const pattern = async (source: string) => accepts({ subject: { pattern: await compilePattern(source) } });
    expect(await pattern('https://github\\.com/example/app/.*')).toBe('ok');
    expect(await pattern('^https://github\\.com/example/app/.*$')).toBe('ok');
    expect(await pattern('https://github\\.com/example/app')).toBe(NO);
    expect(await pattern('github\\.com/example/app/.*')).toBe(NO);
    expect(await pattern('release')).toBe(NO);
    expect(await pattern('x|.*/example/.*|y')).toBe('ok');
    expect(await pattern('https://evil|release.yml@refs/heads/main')).toBe(NO);
    expect(await pattern('(?i)HTTPS://GITHUB\\.COM/.*')).toBe('ok');
  });

  it('patterns that would take for ever take no time, and those of other dialects are refused', async () => {
    const evil = await compilePattern('(.*)*(.*)*(.*)*(a+)+$');
    expect(evil.matches(`${'a'.repeat(4000)}!`)).toBe(false);
    expect((await compilePattern('(a+)+')).matches(`${'a'.repeat(20_000)}!`)).toBe(false);
    for (const source of ['(?=a)', '(a)\\1', '[', 'a'.repeat(2000), '((a{1000}){1000}){1000}'])
      await expect(compilePattern(source)).rejects.toMatchObject({ code: 'usage-argument' });
  });

  it('issuer, subject and claims must all hold, and be equal, not alike', async () => {
    expect(await accepts({ issuer: { exact: `${ISSUER}/` } })).toBe(NO);
    expect(await accepts({ subject: { exact: SUBJECT.toUpperCase() } })).toBe(NO);
    expect(await accepts({ claims: { sourceRepositoryRef: 'refs/heads/main' } })).toBe('ok');
    expect(await accepts({ claims: { sourceRepositoryRef: 'refs/heads/mai' } })).toBe(NO);
    expect(await accepts({ claims: { githubWorkflowRepository: 'example/app' } })).toBe('ok');
    expect(
      await accepts({
        claims: { githubWorkflowRepository: 'example/app', runnerEnvironment: 'github-hosted' },
      }),
    ).toBe(NO);
  });

  it('a certificate without an issuer is of none, whatever the pattern', async () => {
    const anonymous = deployment.sign({ extensions: [LEAF.usage, LEAF.purposes, LEAF.names] });
    const pattern = await compilePattern('.*');
    const signer = { kind: 'identity', anyOf: [{ subject: { pattern }, issuer: { pattern } }] } as const;
    expect(await verdictOf(anonymous.bundle, deployment, { signer })).toBe(NO);
    expect(await verdictOf(bundle, deployment, { signer })).toBe('ok');
  });

  it('one of several is enough, and none is an error of the caller', async () => {
    const other = { subject: { exact: 'ada@example.com' }, issuer: { exact: ISSUER } };
    const mine = { subject: { exact: SUBJECT }, issuer: { exact: ISSUER } };
    expect(await verdictOf(bundle, deployment, { signer: { kind: 'identity', anyOf: [other, mine] } })).toBe(
      'ok',
    );
    expect(await verdictOf(bundle, deployment, { signer: { kind: 'identity', anyOf: [other] } })).toBe(NO);
    await expect(
      verdictOf(bundle, deployment, { signer: { kind: 'identity', anyOf: [] } }),
    ).rejects.toMatchObject({
      code: 'usage-argument',
    });
    const email = deployment.sign({
      extensions: with_({ names: subjectNames(emailName('ada@example.com')) }),
    });
    expect(
      await verdictOf(email.bundle, deployment, { signer: { kind: 'identity', anyOf: [other, mine] } }),
    ).toBe('ok');
  });
});
