import { createHash, createPrivateKey, sign } from 'node:crypto';
import { ed25519 } from '@noble/curves/ed25519.js';
import fc from 'fast-check';
import { beforeAll, describe, expect, test } from 'vitest';
import { toHex } from '../../../src/base/bytes.js';
import { DER, der, membersOf, parseDer, unsignedInteger } from '../../../src/crypto/der.js';
import {
  checkScheme,
  checkSignature,
  createSigner,
  defaultScheme,
  KEY_KINDS,
  type KeyKind,
  openPrivateKey,
  type PrivateKey,
  type SignatureScheme,
  schemesOf,
} from '../../../src/crypto/index.js';
import { checkSignaturePortably } from '../../../src/crypto/portable.js';
import { secretOf } from '../../../src/crypto/private-key.js';
import { fixture, noPassword, refusal } from './fixtures.js';

const keys = new Map<KeyKind, PrivateKey>();
beforeAll(async () => {
  for (const kind of KEY_KINDS) {
    const path = `openssl/pkcs8-${kind}.pem`;
    keys.set(kind, (await openPrivateKey(fixture(path), path, noPassword)).key);
  }
});
const keyOf = (kind: KeyKind) => keys.get(kind)!;
const cases = KEY_KINDS.flatMap(kind => schemesOf(kind).map(scheme => [kind, scheme] as const));
const message = Buffer.from('a payload, exactly as it was signed');

/** Both implementations, which must agree. */
async function check(kind: KeyKind, text: Uint8Array, signature: Uint8Array) {
  const { publicKey } = keyOf(kind);
  const found = await checkSignature(publicKey, text, signature);
  expect(checkSignaturePortably(publicKey, text, signature)).toBe(found);
  return found;
}

describe.each(cases)('%s with %s', (kind, scheme) => {
  test('signs the same bytes into the same signature, which verifies under that scheme alone', async () => {
    const signer = await createSigner(keyOf(kind), { scheme });
    const signature = signer.sign(message);
    expect(signer.scheme).toBe(scheme);
    expect((await createSigner(keyOf(kind), { scheme })).sign(message)).toEqual(signature);
    expect(await check(kind, message, signature)).toBe(scheme);
    for (const other of schemesOf(kind)) {
      expect(await checkScheme(keyOf(kind).publicKey, other, message, signature)).toBe(other === scheme);
    }
  });

  test('no flipped bit of signature or message verifies', async () => {
    const signature = (await createSigner(keyOf(kind), { scheme })).sign(message);
    await fc.assert(
      fc.asyncProperty(fc.nat(signature.length * 8 - 1), fc.nat(message.length * 8 - 1), async (a, b) => {
        const flip = (bytes: Uint8Array, bit: number) => {
          const copy = Uint8Array.from(bytes);
          copy[bit >> 3]! ^= 1 << (bit & 7);
          return copy;
        };
        expect(await check(kind, message, flip(signature, a))).toBeUndefined();
        expect(await check(kind, flip(message, b), signature)).toBeUndefined();
      }),
      { numRuns: 8 },
    );
    expect(await check(kind, message, signature)).toBe(scheme);
  });

  test('another key of the kind does not verify it, nor does any other kind', async () => {
    const signature = (await createSigner(keyOf(kind), { scheme })).sign(message);
    for (const other of KEY_KINDS.filter(known => known !== kind)) {
      expect(await check(other, message, signature)).toBeUndefined();
    }
  });
});

test.each(KEY_KINDS)(
  '%s: signature bytes of any length and content give an answer, never an exception',
  async kind => {
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 600 }), async bytes => {
        expect(await check(kind, message, bytes)).toBeUndefined();
      }),
      { numRuns: 20 },
    );
    expect(await check(kind, message, new Uint8Array(100_000))).toBeUndefined();
    expect(await check(kind, message, new Uint8Array(0))).toBeUndefined();
  },
);

describe('one signature has one spelling', () => {
  test.each(['ecdsa-p256', 'ecdsa-p384', 'ecdsa-p521'] as const)('%s: strict DER', async kind => {
    const signature = (await createSigner(keyOf(kind))).sign(message);
    const [r, s] = membersOf(parseDer(signature)![0])!.map(member => member.content) as [
      Uint8Array,
      Uint8Array,
    ];
    const integer = (bytes: Uint8Array) => der(DER.integer, bytes);
    expect(await check(kind, message, der(DER.sequence, integer(r), integer(s)))).toBe(defaultScheme(kind));
    const longLength = Uint8Array.of(0x30, 0x82, 0, r.length + s.length + 4, ...integer(r), ...integer(s));
    const spellings = [
      der(DER.sequence, integer(Buffer.concat([Uint8Array.of(0), r])), integer(s)),
      der(DER.sequence, integer(r), integer(Buffer.concat([Uint8Array.of(0), s]))),
      Buffer.concat([signature, Uint8Array.of(0)]),
      der(DER.sequence, integer(r), integer(s), integer(Uint8Array.of(1))),
      longLength,
      Buffer.concat([r.slice(-32), s.slice(-32)]),
    ];
    for (const spelling of spellings) expect(await check(kind, message, spelling)).toBeUndefined();
  });

  test('zero is neither r nor s', async () => {
    const zero = der(DER.integer, Uint8Array.of(0));
    const one = der(DER.integer, Uint8Array.of(1));
    for (const pair of [
      [zero, zero],
      [zero, one],
      [one, zero],
    ]) {
      expect(await check('ecdsa-p256', message, der(DER.sequence, ...pair))).toBeUndefined();
    }
  });

  test('Ed25519: S below the order, not S plus the order', async () => {
    const order = 2n ** 252n + 27742317777372353535851937790883648493n;
    const signature = (await createSigner(keyOf('ed25519'))).sign(message);
    const s = BigInt(`0x${Buffer.from(signature.subarray(32)).reverse().toString('hex')}`);
    const write = (value: bigint) => Buffer.from(value.toString(16).padStart(64, '0'), 'hex').reverse();
    const r = signature.subarray(0, 32);
    expect(await check('ed25519', message, Buffer.concat([r, write(s)]))).toBe('ed25519');
    expect(await check('ed25519', message, Buffer.concat([r, write(s + order)]))).toBeUndefined();
  });

  test('Ed25519: an R of small order is none, whatever the OpenSSL below would say', async () => {
    const key = keyOf('ed25519');
    const publicKey = key.publicKey.spki.subarray(-32);
    const sha512 = (...parts: Uint8Array[]) => createHash('sha512').update(Buffer.concat(parts)).digest();
    const little = (bytes: Uint8Array) => BigInt(`0x${Buffer.from(bytes).reverse().toString('hex')}`);
    const write = (value: bigint) => Buffer.from(value.toString(16).padStart(64, '0'), 'hex').reverse();
    const order = 2n ** 252n + 27742317777372353535851937790883648493n;
    const half = sha512(secretOf(key)).subarray(0, 32);
    half[0]! &= 248;
    half[31] = (half[31]! & 127) | 64;
    // S = k·a signs for R = 0·B, that is for the neutral point: one that only the owner of the key can make, and none does.
    const signFor = (r: string, prefix: Uint8Array = Buffer.alloc(0), text: Uint8Array = message) => {
      const point = Buffer.from(r, 'hex');
      const k = little(sha512(prefix, point, publicKey, text)) % order;
      return Buffer.concat([point, write((k * little(half)) % order)]);
    };
    const neutral = `01${'00'.repeat(31)}`;
    const neutralAboveP = `ee${'ff'.repeat(30)}7f`;
    const ofOrderEight = '26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05';
    expect(await check('ed25519', message, signFor(neutral))).toBeUndefined();
    expect(await check('ed25519', message, signFor(neutralAboveP))).toBeUndefined();
    expect(await check('ed25519', message, signFor(ofOrderEight))).toBeUndefined();
    const dom2 = Buffer.from('SigEd25519 no Ed25519 collisions\x01\x00', 'latin1');
    expect(await check('ed25519', message, signFor(neutral, dom2, sha512(message)))).toBeUndefined();
    expect(await check('ed25519', message, signFor(ofOrderEight, dom2, sha512(message)))).toBeUndefined();
  });

  test('Ed25519: R is compared byte for byte, without the cofactor, as OpenSSL and Go do', async () => {
    const key = keyOf('ed25519');
    const { Point } = ed25519;
    const publicKey = key.publicKey.spki.subarray(-32);
    const sha512 = (...parts: Uint8Array[]) => createHash('sha512').update(Buffer.concat(parts)).digest();
    const little = (bytes: Uint8Array) => BigInt(`0x${Buffer.from(bytes).reverse().toString('hex')}`);
    const half = sha512(secretOf(key)).subarray(0, 32);
    half[0]! &= 248;
    half[31] = (half[31]! & 127) | 64;
    const order = Point.Fn.ORDER;
    const nonce = 12345678901234567890n;
    // R with or without a part of order 8: times the cofactor both equations hold, without it only the honest one.
    const sign = (r: InstanceType<typeof Point>) => {
      const encoded = Buffer.from(r.toBytes());
      const s = (nonce + little(sha512(encoded, publicKey, message)) * little(half)) % order;
      return Buffer.concat([encoded, Buffer.from(s.toString(16).padStart(64, '0'), 'hex').reverse()]);
    };
    const honest = Point.BASE.multiply(nonce);
    const ofOrderEight = Point.fromHex('26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05');
    expect(await check('ed25519', message, sign(honest))).toBe('ed25519');
    expect(await check('ed25519', message, sign(honest.add(ofOrderEight)))).toBeUndefined();
  });

  test('RSA: the signature is below the modulus', async () => {
    const key = keyOf('rsa-2048');
    const modulus = BigInt(
      `0x${toHex(unsignedInteger(membersOf(parseDer(key.publicKey.spki.subarray(24))![0])![0])!)}`,
    );
    const signer = await createSigner(key);
    const fits = (text: Uint8Array) => BigInt(`0x${toHex(signer.sign(text))}`) + modulus < 2n ** 2048n;
    const texts = Array.from({ length: 200 }, (_, i) => Buffer.from(`message ${i}`));
    const text = texts.find(fits)!;
    const signature = signer.sign(text);
    expect(await check('rsa-2048', text, signature)).toBe('rsa-pkcs1-sha256');
    const raised = (BigInt(`0x${toHex(signature)}`) + modulus).toString(16).padStart(512, '0');
    expect(await check('rsa-2048', text, Buffer.from(raised, 'hex'))).toBeUndefined();
  });

  test('RSA: as long as the modulus, and PKCS#1 v1.5 over SHA-256 only', async () => {
    const key = keyOf('rsa-2048');
    const signature = (await createSigner(key)).sign(message);
    expect(await check('rsa-2048', message, signature)).toBe('rsa-pkcs1-sha256');
    expect(await check('rsa-2048', message, Buffer.concat([Uint8Array.of(0), signature]))).toBeUndefined();
    const openssl = createPrivateKey(fixture('openssl/pkcs8-rsa-2048.pem'));
    expect(await check('rsa-2048', message, sign('sha256', message, openssl))).toBe('rsa-pkcs1-sha256');
    expect(await check('rsa-2048', message, sign('sha512', message, openssl))).toBeUndefined();
    expect(await check('rsa-2048', message, sign('sha1', message, openssl))).toBeUndefined();
    const pss = sign('sha256', message, { key: openssl, padding: 6 });
    expect(await check('rsa-2048', message, pss)).toBeUndefined();
  });
});

test('what OpenSSL signs verifies, high s included; hashes of other strengths do not', async () => {
  for (const [kind, hashes] of [
    ['ecdsa-p256', { sha256: 'ecdsa-p256-sha256', sha384: undefined }],
    ['ecdsa-p384', { sha256: 'ecdsa-p384-sha256', sha384: 'ecdsa-p384-sha384', sha512: undefined }],
    ['ecdsa-p521', { sha256: 'ecdsa-p521-sha256', sha384: undefined, sha512: 'ecdsa-p521-sha512' }],
  ] as const) {
    const openssl = createPrivateKey(fixture(`openssl/pkcs8-${kind}.pem`));
    for (const [hash, scheme] of Object.entries(hashes)) {
      for (let i = 0; i < 6; i++) {
        expect(await check(kind, message, sign(hash, message, openssl))).toBe(scheme);
      }
    }
  }
});

test('a scheme of another kind of key is refused before anything is signed', async () => {
  const scheme: SignatureScheme = 'ecdsa-p384-sha384';
  await refusal('usage-argument', () => createSigner(keyOf('ecdsa-p256'), { scheme }));
  expect((await createSigner(keyOf('ecdsa-p384'), { scheme })).scheme).toBe(scheme);
  const signature = (await createSigner(keyOf('ecdsa-p256'))).sign(message);
  expect(await checkScheme(keyOf('ecdsa-p256').publicKey, scheme, message, signature)).toBe(false);
  // The hash is the same and OpenSSL would say yes: the curve in the scheme's name is what it must not overlook.
  const p256 = keyOf('ecdsa-p256').publicKey;
  expect(await checkScheme(p256, 'ecdsa-p256-sha256', message, signature)).toBe(true);
  expect(await checkScheme(p256, 'ecdsa-p384-sha256', message, signature)).toBe(false);
});

test('the digest of the message is not the message', async () => {
  const digest = createHash('sha256').update(message).digest();
  for (const kind of KEY_KINDS) {
    const signature = (await createSigner(keyOf(kind))).sign(message);
    expect(await check(kind, digest, signature)).toBeUndefined();
  }
});
