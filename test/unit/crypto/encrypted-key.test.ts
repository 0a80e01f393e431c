import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { ReasonCode } from '../../../src/base/codes.js';
import { TouchmarkError } from '../../../src/base/errors.js';
import {
  createSigner,
  decryptPrivateKey,
  encryptPrivateKey,
  KEY_KINDS,
  parsePublicKey,
  readScryptParameters,
} from '../../../src/crypto/index.js';
import { formatPem, parsePem } from '../../../src/crypto/pem.js';
import { fixture, PASSWORD, refusal } from './fixtures.js';

const open = (file: Uint8Array, password: Uint8Array = PASSWORD) =>
  decryptPrivateKey(file, password, 'some.key');
const keyidOf = (kind: string) => parsePublicKey(fixture(`touchmark/${kind}.pub`), kind).keyid;
interface Envelope {
  readonly kdf: { readonly params: object };
  readonly cipher: object;
  readonly ciphertext: string;
}
const envelope = (path: string): Envelope =>
  JSON.parse(Buffer.from(parsePem(fixture(path), path)[0]!.der).toString());
const seal = (document: unknown) =>
  formatPem('ENCRYPTED SIGSTORE PRIVATE KEY', Buffer.from(JSON.stringify(document)));

describe('cosign’s own files', () => {
  test.each(['v2', 'v3'])('%s generate-key-pair', async version => {
    const key = await open(fixture(`cosign/${version}-generated.key`));
    expect(key.publicKey.keyid).toBe(
      parsePublicKey(fixture(`cosign/${version}-generated.pub`), version).keyid,
    );
  });

  test.each(['v2', 'v3'])('%s import-key-pair, every kind', async version => {
    for (const kind of KEY_KINDS) {
      const file = fixture(`cosign/${version}-imported-${kind}.key`);
      expect((await open(file)).publicKey).toMatchObject({ kind, keyid: keyidOf(kind) });
      expect(readScryptParameters(file, kind)).toEqual({ N: 65536, r: 8, p: 1 });
    }
  });

  test.each([
    ['scrypt-32768', 32768],
    ['scrypt-65536', 65536],
    ['scrypt-131072', 131072],
    ['cosign-label', 32768],
  ])('%s', async (name, N) => {
    const file = fixture(`touchmark/${name}.key`);
    expect(readScryptParameters(file, name)).toEqual({ N, r: 8, p: 1 });
    expect((await open(file)).publicKey.keyid).toBe(keyidOf('ecdsa-p256'));
  });
});

test('a file of ours opens again, is salted anew, and signs as the key did', async () => {
  const key = await open(fixture('touchmark/scrypt-32768.key'));
  const password = Buffer.from([0, 0xff, 0x0a]);
  const [first, second] = [
    await encryptPrivateKey(key, password, { cost: 32768 }),
    await encryptPrivateKey(key, password, { cost: 32768 }),
  ];
  expect(Buffer.compare(first, second)).not.toBe(0);
  const message = Buffer.from('same');
  const again = await createSigner(await open(first, password));
  expect(again.sign(message)).toEqual((await createSigner(key)).sign(message));
});

describe('what is refused, and passes once the defect is gone', () => {
  test('a wrong password, with the hint about the newline', async () => {
    const file = fixture('touchmark/scrypt-32768.key');
    const error = await refusal('key-wrong-password', () => open(file, Buffer.from('touchmark\n')));
    expect(error.message).toContain('or the file is damaged');
    expect(error.hint).toContain('newline');
    expect((await open(file)).publicKey.kind).toBe('ecdsa-p256');
  });

  test.each<[string, ReasonCode, (document: Envelope) => void]>([
    ['bad/scrypt-16384.key', 'key-parameters', d => Object.assign(d.kdf.params, { N: 16384 })],
    ['bad/scrypt-r4.key', 'key-parameters', d => Object.assign(d.kdf.params, { r: 4 })],
    ['bad/scrypt-p2.key', 'key-parameters', d => Object.assign(d.kdf.params, { p: 2 })],
    ['bad/kdf-argon2.key', 'key-unsupported', d => Object.assign(d.kdf, { name: 'argon2id' })],
    ['bad/cipher-aes.key', 'key-unsupported', d => Object.assign(d.cipher, { name: 'aes-256-gcm' })],
  ])('%s, truly sealed that way, and a good file that only says so', async (path, code, spoil) => {
    await refusal(code, () => open(fixture(path)));
    const document = envelope('touchmark/scrypt-32768.key');
    expect((await open(seal(document))).publicKey.keyid).toBe(keyidOf('ecdsa-p256'));
    spoil(document);
    await refusal(code, () => open(seal(document)));
  });

  test.each<[string, (document: Envelope) => void]>([
    ['a foreign member', d => Object.assign(d, { extra: 1 })],
    ['a missing salt', d => Object.assign(d.kdf, { salt: undefined })],
    ['a cost that is text', d => Object.assign(d.kdf.params, { N: '32768' })],
    ['a short salt', d => Object.assign(d.kdf, { salt: Buffer.alloc(31).toString('base64') })],
    ['a long nonce', d => Object.assign(d.cipher, { nonce: Buffer.alloc(25).toString('base64') })],
    ['an empty ciphertext', d => Object.assign(d, { ciphertext: Buffer.alloc(16).toString('base64') })],
    [
      'base64 with a line break',
      d => Object.assign(d, { ciphertext: d.ciphertext.replace(/^(.{8})/, '$1\n') }),
    ],
    ['a member twice but for case', d => Object.assign(d, { Kdf: d.kdf })],
  ])('key-malformed: %s', async (_name, spoil) => {
    const document = envelope('touchmark/scrypt-32768.key');
    expect((await open(seal(document))).publicKey.kind).toBe('ecdsa-p256');
    spoil(document);
    await refusal('key-malformed', () => open(seal(document)));
  });

  test('what is inside must be PKCS#8, as cosign insists', async () => {
    await refusal('key-unsupported', () => open(fixture('bad/sec1-inside.key')));
    await refusal('key-malformed', () => open(fixture('bad/garbage-inside.key')));
    expect((await open(fixture('touchmark/scrypt-32768.key'))).publicKey.kind).toBe('ecdsa-p256');
  });

  test('a file cut short, an empty one, one too large, one of another sort', async () => {
    const file = fixture('touchmark/ecdsa-p256.key');
    await refusal('key-malformed', () => open(fixture('bad/truncated.key')));
    await refusal('key-empty', () => open(Buffer.alloc(0)));
    await refusal('key-too-large', () =>
      open(Buffer.concat([file, Buffer.alloc(65537 - file.length, '\n')])),
    );
    await refusal('key-unsupported', () => open(fixture('openssl/pkcs8-pbes2.pem')));
    expect((await open(file)).publicKey.kind).toBe('ecdsa-p256');
  });

  test('a password beyond the limit', async () => {
    const file = fixture('touchmark/scrypt-32768.key');
    await refusal('limit-exceeded', () => open(file, Buffer.alloc(65537)));
    await refusal('key-wrong-password', () => open(file, Buffer.alloc(65536)));
  });
});

test('no flipped bit makes the file another key', async () => {
  const file = fixture('touchmark/scrypt-32768.key');
  const { keyid } = (await open(file)).publicKey;
  await fc.assert(
    fc.asyncProperty(fc.nat(file.length - 1), fc.integer({ min: 0, max: 7 }), async (at, bit) => {
      const flipped = Buffer.from(file);
      flipped[at]! ^= 1 << bit;
      try {
        expect((await open(flipped)).publicKey.keyid).toBe(keyid);
      } catch (error) {
        if (!(error instanceof TouchmarkError)) throw error;
        expect(error.code).toMatch(/^key-/);
      }
    }),
    { numRuns: 100 },
  );
});
