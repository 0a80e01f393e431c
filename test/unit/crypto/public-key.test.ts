import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { TouchmarkError } from '../../../src/base/errors.js';
import { CURVES } from '../../../src/crypto/algorithms.js';
import { KEY_KINDS, parsePublicKey, publicKeyHint, serializePublicKey } from '../../../src/crypto/index.js';
import { formatPem, parsePem } from '../../../src/crypto/pem.js';
import { wrapEcPoint } from '../../../src/crypto/public-key.js';
import { fixture, refusal } from './fixtures.js';

const parse = (bytes: Uint8Array) => parsePublicKey(bytes, 'key.pub');
const spkiOf = (path: string) => parsePem(fixture(path), path)[0]!.der;
const text = (value: string) => Buffer.from(value);
const good = fixture('touchmark/ecdsa-p256.pub');
describe('what is read', () => {
  test.each(KEY_KINDS)('%s, as touchmark and both cosigns wrote it: one key, one keyid', kind => {
    const ours = parse(fixture(`touchmark/${kind}.pub`));
    expect(ours.kind).toBe(kind);
    expect(ours.keyid).toBe(createHash('sha256').update(ours.spki).digest('hex'));
    for (const version of ['v2', 'v3']) {
      expect(parse(fixture(`cosign/${version}-imported-${kind}.pub`)).keyid).toBe(ours.keyid);
    }
    expect(serializePublicKey(ours)).toEqual(new Uint8Array(fixture(`touchmark/${kind}.pub`)));
  });

  test('PKCS#1 is the same key as its SubjectPublicKeyInfo', () => {
    expect(parse(fixture('openssl/pkcs1.pub'))).toMatchObject({
      kind: 'rsa-2048',
      keyid: parse(fixture('touchmark/rsa-2048.pub')).keyid,
    });
  });

  test('text around the block, CRLF and a missing last newline do not matter', () => {
    const { keyid } = parse(good);
    expect(parse(text(`our release key\n${good}\nkept by Ada\n`)).keyid).toBe(keyid);
    expect(parse(text(good.toString().replaceAll('\n', '\r\n'))).keyid).toBe(keyid);
    expect(parse(text(good.toString().trimEnd())).keyid).toBe(keyid);
  });

  test('the hint is what cosign puts into a bundle', () => {
    const key = parse(good);
    expect(publicKeyHint(key)).toBe(createHash('sha256').update(key.spki).digest('base64'));
  });
});

describe('what is refused, and passes once the defect is gone', () => {
  const repaired: readonly [string, string, () => Uint8Array, () => Uint8Array][] = [
    ['key-empty', 'an empty file', () => text(''), () => good],
    ['key-empty', 'blank lines', () => text('\n \n'), () => good],
    [
      'key-too-large',
      'a file beyond the limit',
      () => text(`${good}${'#'.repeat(65536 - good.length)}\n`),
      () => text(`${good}${'#'.repeat(65535 - good.length)}\n`),
    ],
    ['key-malformed', 'no PEM at all', () => text('hello'), () => good],
    ['key-malformed', 'DER', () => spkiOf('touchmark/ecdsa-p256.pub'), () => good],
    ['key-malformed', 'a file cut short', () => good.subarray(0, good.length - 30), () => good],
    [
      'key-malformed',
      'an end of another type',
      () => text(good.toString().replace('END PUBLIC', 'END PRIVATE')),
      () => good,
    ],
    [
      'key-malformed',
      'a letter that is not base64',
      () => text(good.toString().replace('MFkw', 'MF!w')),
      () => good,
    ],
    [
      'key-malformed',
      'two keys in one file',
      () => fixture('bad/two-keys.pub'),
      () => fixture('bad/two-keys.pub').subarray(0, good.length),
    ],
    [
      'key-malformed',
      'a whole key behind a damaged one',
      () => text(`-----BEGIN PUBLIC KEY-----\n${good}`),
      () => good,
    ],
    [
      'key-malformed',
      'a byte behind the key',
      () => fixture('bad/trailing-byte.pub'),
      () => formatPem('PUBLIC KEY', spkiOf('bad/trailing-byte.pub').subarray(0, -1)),
    ],
    [
      'key-malformed',
      'a whole element behind the key',
      () =>
        formatPem(
          'PUBLIC KEY',
          Buffer.concat([spkiOf('touchmark/ecdsa-p256.pub'), Buffer.from('0500', 'hex')]),
        ),
      () => good,
    ],
    [
      'key-malformed',
      'a point that is not on the curve',
      () => fixture('bad/off-curve.pub'),
      () => {
        const spki = Buffer.from(spkiOf('bad/off-curve.pub'));
        spki[spki.length - 1]! ^= 1;
        return formatPem('PUBLIC KEY', spki);
      },
    ],
    ['key-malformed', 'the point at infinity', () => fixture('bad/infinity.pub'), () => good],
    ['key-unsupported', 'a compressed point', () => fixture('bad/compressed.pub'), () => good],
    ['key-unsupported', 'a curve spelt out', () => fixture('bad/explicit-curve.pub'), () => good],
    ['key-unsupported', 'a certificate', () => fixture('bad/certificate.pem'), () => good],
    ['key-unsupported', 'the curve P-224', () => fixture('bad/p224.pub'), () => good],
    ['key-unsupported', 'the curve secp256k1', () => fixture('bad/secp256k1.pub'), () => good],
    ['key-unsupported', 'X25519', () => fixture('bad/x25519.pub'), () => fixture('touchmark/ed25519.pub')],
    [
      'key-unsupported',
      'an Ed25519 point of small order',
      () => fixture('bad/ed25519-identity.pub'),
      () => fixture('touchmark/ed25519.pub'),
    ],
    [
      'key-unsupported',
      'RSA of 1024 bits',
      () => fixture('bad/rsa-1024.pub'),
      () => fixture('touchmark/rsa-2048.pub'),
    ],
    [
      'key-unsupported',
      'RSA of 2056 bits',
      () => fixture('bad/rsa-2056.pub'),
      () => fixture('touchmark/rsa-2048.pub'),
    ],
    [
      'key-unsupported',
      'RSA with exponent 3',
      () => fixture('bad/rsa-exponent-3.pub'),
      () => fixture('touchmark/rsa-2048.pub'),
    ],
    [
      'key-unsupported',
      'an RSA key for PSS only',
      () => fixture('bad/rsa-pss.pub'),
      () => fixture('touchmark/rsa-2048.pub'),
    ],
    ['key-not-public', 'a private key', () => fixture('openssl/sec1.pem'), () => good],
    ['key-not-public', 'an encrypted private key', () => fixture('touchmark/ecdsa-p256.key'), () => good],
  ];
  test.each(repaired)('%s: %s', async (code, _name, broken, whole) => {
    await refusal(code as 'key-malformed', () => parse(broken()));
    expect(parse(whole()).keyid).toMatch(/^[0-9a-f]{64}$/);
  });

  test('a private key is told how to give its public half', async () => {
    const error = await refusal('key-not-public', () =>
      parsePublicKey(fixture('openssl/sec1.pem'), 'a key.pem'),
    );
    expect(error.hint).toContain("touchmark key export 'a key.pem'");
  });

  test('every spelling of the eight weak Ed25519 points, sign bit set or not', async () => {
    const key = Buffer.from(spkiOf('bad/ed25519-identity.pub'));
    const prefix = key.subarray(0, 12);
    const weak = [
      `01${'00'.repeat(31)}`,
      '00'.repeat(32),
      `ec${'ff'.repeat(30)}7f`,
      `ed${'ff'.repeat(30)}7f`,
      `ee${'ff'.repeat(30)}7f`,
      '26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05',
      'c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a',
    ];
    for (const y of weak) {
      for (const sign of [0, 0x80]) {
        const point = Buffer.from(y, 'hex');
        point[31]! |= sign;
        await refusal('key-unsupported', () =>
          parse(formatPem('PUBLIC KEY', Buffer.concat([prefix, point]))),
        );
      }
    }
  });

  test('a point of the right length on the wrong curve', async () => {
    const p256 = parse(good).spki.subarray(-65);
    expect(parse(formatPem('PUBLIC KEY', wrapEcPoint(CURVES[0]!, p256))).keyid).toBe(parse(good).keyid);
    await refusal('key-malformed', () => parse(formatPem('PUBLIC KEY', wrapEcPoint(CURVES[1]!, p256))));
  });
});

test('no flipped bit of a key file gives an error without a code, or the same keyid for another key', () => {
  for (const kind of KEY_KINDS) {
    const file = fixture(`touchmark/${kind}.pub`);
    const original = parse(file);
    fc.assert(
      fc.property(fc.nat(file.length - 1), fc.integer({ min: 0, max: 7 }), (at, bit) => {
        const flipped = Buffer.from(file);
        flipped[at]! ^= 1 << bit;
        try {
          const key = parse(flipped);
          // RSA moduli and Ed25519 points are hardly redundant: another key may come out, never the same name for it.
          expect(key.keyid === original.keyid).toBe(Buffer.compare(key.spki, original.spki) === 0);
          expect(key.kind).toBe(original.kind);
        } catch (error) {
          if (!(error instanceof TouchmarkError)) throw error;
          expect(error.code).toMatch(/^key-/);
        }
      }),
      { numRuns: 150 },
    );
  }
});
