import { createPrivateKey } from 'node:crypto';
import { inspect } from 'node:util';
import { describe, expect, test } from 'vitest';
import { CURVES } from '../../../src/crypto/algorithms.js';
import { DER, der, membersOf, parseDer } from '../../../src/crypto/der.js';
import {
  generateKey,
  KEY_KINDS,
  type KeyFileFormat,
  openPrivateKey,
  parsePublicKey,
} from '../../../src/crypto/index.js';
import { formatPem, parsePem } from '../../../src/crypto/pem.js';
import { parsePkcs1, parsePkcs8, parseSec1, secretOf } from '../../../src/crypto/private-key.js';
import { fixture, noPassword, PASSWORD, password, passwordOf, refusal } from './fixtures.js';

const open = (path: string, source = password) => openPrivateKey(fixture(path), path, source);
const keyidOf = (kind: string) => parsePublicKey(fixture(`touchmark/${kind}.pub`), kind).keyid;
const derOf = (path: string) => parsePem(fixture(path), path).at(-1)!.der;
const p256 = () => parsePkcs8(derOf('openssl/pkcs8-ecdsa-p256.pem'), 'p256');

describe('every form is opened, and is the key it was made from', () => {
  test.each<[string, KeyFileFormat, string]>([
    ...KEY_KINDS.map(kind => [`openssl/pkcs8-${kind}.pem`, 'pkcs8', kind] as [string, KeyFileFormat, string]),
    ['openssl/sec1.pem', 'sec1', 'ecdsa-p256'],
    ['openssl/sec1-no-public.pem', 'sec1', 'ecdsa-p256'],
    ['openssl/sec1-compressed.pem', 'sec1', 'ecdsa-p256'],
    ['openssl/sec1-with-parameters.pem', 'sec1', 'ecdsa-p256'],
    ['openssl/pkcs1.pem', 'pkcs1', 'rsa-2048'],
  ])('%s without a password', async (path, format, kind) => {
    const opened = await open(path, noPassword);
    expect(opened).toMatchObject({ format, isEncrypted: false });
    expect(opened.key.publicKey).toMatchObject({ kind, keyid: keyidOf(kind) });
  });

  test.each<[string, KeyFileFormat, string]>([
    ['openssl/pkcs8-pbes2.pem', 'pkcs8-encrypted', 'ecdsa-p256'],
    ['openssl/pkcs8-scrypt.pem', 'pkcs8-encrypted', 'ecdsa-p256'],
    ['openssl/pkcs8-pkcs12.pem', 'pkcs8-encrypted', 'rsa-2048'],
    ['openssl/sec1-aes128.pem', 'openssl-encrypted', 'ecdsa-p256'],
    ['openssl/pkcs1-aes256.pem', 'openssl-encrypted', 'rsa-2048'],
  ])('%s with its password, not with another', async (path, format, kind) => {
    const opened = await open(path);
    expect(opened).toMatchObject({ format, isEncrypted: true });
    expect(opened.key.publicKey.keyid).toBe(keyidOf(kind));
    await refusal('key-wrong-password', () => open(path, passwordOf('touchmarK')));
    await refusal('key-wrong-password', () => open(path, passwordOf('')));
    await refusal('key-wrong-password', () => open(path, passwordOf('x'.repeat(2000))));
  });

  test('PKCS#8 comes back as Go writes it', async () => {
    for (const kind of KEY_KINDS) {
      const path = `openssl/pkcs8-${kind}.pem`;
      expect((await open(path)).key.pkcs8).toEqual(new Uint8Array(derOf(path)));
    }
    for (const path of ['sec1', 'sec1-no-public', 'sec1-compressed']) {
      expect((await open(`openssl/${path}.pem`)).key.pkcs8).toEqual(p256().pkcs8);
    }
  });

  test.each(KEY_KINDS)('a new %s key', async kind => {
    const key = await generateKey(kind);
    expect(key.publicKey.kind).toBe(kind);
    expect(parsePkcs8(key.pkcs8, 'again').publicKey.keyid).toBe(key.publicKey.keyid);
    expect(key.publicKey.keyid).not.toBe(keyidOf(kind));
  });
});

test('a scalar with a leading zero keeps its width, and one written short is padded', () => {
  const scalar = Buffer.concat([Buffer.alloc(1), Buffer.alloc(31, 7)]);
  const sec1 = (bytes: Uint8Array) =>
    der(
      DER.sequence,
      der(DER.integer, Uint8Array.of(1)),
      der(DER.octetString, bytes),
      der(DER.context0, CURVES[0]!.oid),
    );
  const key = parseSec1(sec1(scalar), 'full');
  expect(secretOf(key)).toEqual(new Uint8Array(scalar));
  expect(parseSec1(sec1(scalar.subarray(1)), 'short').publicKey.keyid).toBe(key.publicKey.keyid);
  expect(parseSec1(sec1(Buffer.concat([Buffer.alloc(1), scalar])), 'long').publicKey.keyid).toBe(
    key.publicKey.keyid,
  );
});

describe('what is refused, and passes once the defect is gone', () => {
  test('a public key where a private one is due', async () => {
    const error = await refusal('key-not-private', () => open('touchmark/ecdsa-p256.pub'));
    expect(error.hint).toContain('touchmark/ecdsa-p256.key');
    expect((await open('touchmark/ecdsa-p256.key')).key.publicKey.keyid).toBe(keyidOf('ecdsa-p256'));
  });

  test('a public half that belongs to another private one', async () => {
    await refusal('key-malformed', () => open('bad/mixed-halves.pem', noPassword));
    const repaired = Buffer.from(derOf('bad/mixed-halves.pem'));
    repaired.set(p256().publicKey.spki.subarray(-65), repaired.length - 65);
    expect(parsePkcs8(repaired, 'repaired').publicKey.keyid).toBe(keyidOf('ecdsa-p256'));
  });

  test('the same for Ed25519 with its public key attached (RFC 8410 10.3)', async () => {
    const plain = parsePkcs8(derOf('openssl/pkcs8-ed25519.pem'), 'ed25519');
    const [, algorithm, inner] = membersOf(parseDer(plain.pkcs8)![0])!;
    const attach = (point: Uint8Array) =>
      der(
        DER.sequence,
        der(DER.integer, Uint8Array.of(1)),
        algorithm!.bytes,
        inner!.bytes,
        der(DER.implicit1, Uint8Array.of(0), point),
      );
    const point = plain.publicKey.spki.subarray(-32);
    expect(parsePkcs8(attach(point), 'own').publicKey.keyid).toBe(plain.publicKey.keyid);
    const other = Uint8Array.from(point);
    other[0]! ^= 1;
    await refusal('key-malformed', () => parsePkcs8(attach(other), 'foreign'));
  });

  test('RSA numbers that do not belong together', async () => {
    const pkcs1 = derOf('openssl/pkcs1.pem');
    expect(parsePkcs1(pkcs1, 'whole').publicKey.keyid).toBe(keyidOf('rsa-2048'));
    const broken = Buffer.from(pkcs1);
    broken[60]! ^= 4; // in the modulus
    await refusal('key-malformed', () => parsePkcs1(broken, 'broken'));
  });

  test('three primes, a curve spelt out, an algorithm nobody offers any more', async () => {
    await refusal('key-malformed', () => open('bad/three-primes.pem', noPassword));
    expect((await open('openssl/pkcs1.pem', noPassword)).format).toBe('pkcs1');
    await refusal('key-unsupported', () => open('bad/explicit-curve.pem', noPassword));
    expect((await open('openssl/sec1.pem', noPassword)).format).toBe('sec1');
    const error = await refusal('key-unsupported', () => open('bad/pkcs8-md5-des.pem'));
    expect(error.hint).toContain('openssl pkcs8 -topk8');
    expect((await open('openssl/pkcs8-pbes2.pem')).format).toBe('pkcs8-encrypted');
  });

  test('a key that names one curve inside and another outside', async () => {
    const sec1 = derOf('openssl/sec1.pem');
    await refusal('key-malformed', () => parseSec1(sec1, 'two curves', CURVES[1]!.oid));
    expect(parseSec1(sec1, 'one curve', CURVES[0]!.oid).publicKey.keyid).toBe(keyidOf('ecdsa-p256'));
  });

  test('scalars of zero and of the order of the curve', async () => {
    const order = 'ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551';
    const sec1 = (scalar: Buffer) =>
      der(DER.sequence, der(DER.integer, Uint8Array.of(1)), der(DER.octetString, scalar));
    await refusal('key-malformed', () => parseSec1(sec1(Buffer.alloc(32)), 'zero', CURVES[0]!.oid));
    const scalar = Buffer.from(order, 'hex');
    await refusal('key-malformed', () => parseSec1(sec1(scalar), 'order', CURVES[0]!.oid));
    scalar[31]! -= 1;
    expect(parseSec1(sec1(scalar), 'order - 1', CURVES[0]!.oid).publicKey.kind).toBe('ecdsa-p256');
    await refusal('key-malformed', () => parseSec1(sec1(scalar), 'no curve'));
  });

  test.each([
    ['iterations of PBKDF2', 'openssl/pkcs8-pbes2.pem', '02020800', '0204ffffff7f'.replace('ff', '7f')],
    ['cost of scrypt', 'openssl/pkcs8-scrypt.pem', '02024000', '020401000000'],
  ])('%s beyond the limit, before any password is asked for', async (_name, path, number, huge) => {
    const file = derOf(path);
    const at = Buffer.from(file).indexOf(Buffer.from(number, 'hex'));
    expect(at).toBeGreaterThan(0);
    const rebuilt = replaceElement(file, at, Buffer.from(huge, 'hex'));
    const pem = formatPem('ENCRYPTED PRIVATE KEY', rebuilt);
    const error = await refusal('key-parameters', () => openPrivateKey(pem, 'slow.pem', noPassword));
    expect(error.message).toContain('too much work');
    expect((await open(path)).isEncrypted).toBe(true);
  });
});

/** Writes the element that begins at `at` anew, and every element around it. */
function replaceElement(bytes: Uint8Array, at: number, element: Uint8Array, base = 0): Uint8Array {
  const parts = (parseDer(bytes) ?? []).map(part => {
    const start = part.bytes.byteOffset - bytes.byteOffset + base;
    if (start === at) return element;
    const header = part.bytes.length - part.content.length;
    const isAround = start < at && at < start + part.bytes.length;
    return isAround ? der(part.tag, replaceElement(part.content, at, element, start + header)) : part.bytes;
  });
  return Buffer.concat(parts);
}

test('secrets are not shown: not by inspect, not by JSON, not by errors', async () => {
  const { key } = await open('touchmark/ecdsa-p256.key');
  const scalar = Buffer.from(secretOf(key));
  for (const shown of [inspect(key, { depth: 9 }), JSON.stringify(key), String(key)]) {
    expect(shown).not.toContain(scalar.toString('hex'));
    expect(shown).not.toContain('pkcs8');
  }
  expect(createPrivateKey({ key: Buffer.from(key.pkcs8), format: 'der', type: 'pkcs8' }).type).toBe(
    'private',
  );
  const error = await refusal('key-wrong-password', () =>
    openPrivateKey(fixture('touchmark/ecdsa-p256.key'), 'a.key', passwordOf('hunter2 hunter2')),
  );
  expect(inspect(error, { depth: 9 })).not.toContain('hunter2');
  expect(PASSWORD.toString()).toBe('touchmark');
});
