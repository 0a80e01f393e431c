import { constants, createHash, generateKeyPairSync, sign } from 'node:crypto';
import { beforeAll, describe, expect, test } from 'vitest';
import type { ExactJsonObject } from '../../../src/base/json.js';
import {
  computeKeyid,
  countSignatures,
  type ForeignKeyids,
  hasOwnKeyid,
  openKey,
  parseEnvelope,
  type TufKey,
} from '../../../src/tuf/index.js';
import { type Loose, makeKey, type TestKey } from './simulator.js';

const message = Buffer.from('the bytes that were signed');
const pem = (key: Loose): string => key.export({ type: 'spki', format: 'pem' });
const point = (key: Loose, size: number): string =>
  key
    .export({ type: 'spki', format: 'der' })
    .subarray(-1 - 2 * size)
    .toString('hex');
const keyOf = (keytype: string, scheme: string, value: unknown, more: Loose = {}): TufKey => {
  const raw = { keytype, scheme, keyval: { public: value as string }, ...more };
  return { keyid: computeKeyid(raw), keytype, scheme, raw };
};
const ec = (namedCurve: string) => generateKeyPairSync('ec', { namedCurve });
const [p256, p384, p521] = [ec('prime256v1'), ec('secp384r1'), ec('secp521r1')];
const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 });
const ed = generateKeyPairSync('ed25519');
const edHex =
  pem(ed.publicKey) &&
  (ed.publicKey.export({ type: 'spki', format: 'der' }) as Buffer).subarray(-32).toString('hex');

/** Does the signature verify? And does it no more when message, signature or key are others? */
function verifies(key: TufKey, signature: Uint8Array): boolean {
  const verifier = openKey(key);
  if (!verifier.usable) throw new Error(verifier.problem);
  const bad = Buffer.from(signature);
  bad[bad.length - 3]! ^= 1;
  expect(verifier.verify(message, bad)).toBe(false);
  expect(verifier.verify(Buffer.from('others'), signature)).toBe(false);
  return verifier.verify(message, signature);
}

describe('signatures of every kind that python-tuf and go-tuf write', () => {
  test.each<[string, string, string, () => string, () => Uint8Array]>([
    ['Ed25519', 'ed25519', 'ed25519', () => edHex, () => sign(null, message, ed.privateKey)],
    [
      'P-256',
      'ecdsa',
      'ecdsa-sha2-nistp256',
      () => pem(p256.publicKey),
      () => sign('sha256', message, p256.privateKey),
    ],
    [
      'P-256 of the old key type',
      'ecdsa-sha2-nistp256',
      'ecdsa-sha2-nistp256',
      () => pem(p256.publicKey),
      () => sign('sha256', message, p256.privateKey),
    ],
    [
      'P-256 as a point in hex, of old go-tuf',
      'ecdsa-sha2-nistp256',
      'ecdsa-sha2-nistp256',
      () => point(p256.publicKey, 32),
      () => sign('sha256', message, p256.privateKey),
    ],
    [
      'P-384',
      'ecdsa',
      'ecdsa-sha2-nistp384',
      () => pem(p384.publicKey),
      () => sign('sha384', message, p384.privateKey),
    ],
    [
      'P-384 of the old key type',
      'ecdsa-sha2-nistp384',
      'ecdsa-sha2-nistp384',
      () => pem(p384.publicKey),
      () => sign('sha384', message, p384.privateKey),
    ],
    [
      'P-521',
      'ecdsa',
      'ecdsa-sha2-nistp521',
      () => pem(p521.publicKey),
      () => sign('sha512', message, p521.privateKey),
    ],
  ])('%s', (_, keytype, scheme, value, signature) => {
    expect(verifies(keyOf(keytype, scheme, value()), signature())).toBe(true);
  });

  test.each(['sha224', 'sha256', 'sha384', 'sha512'])('RSA with %s, PSS and PKCS#1 v1.5', hash => {
    const pss = (saltLength: number) =>
      sign(hash, message, { key: rsa.privateKey, padding: constants.RSA_PKCS1_PSS_PADDING, saltLength });
    const key = keyOf('rsa', `rsassa-pss-${hash}`, pem(rsa.publicKey));
    expect(verifies(key, pss(constants.RSA_PSS_SALTLEN_DIGEST))).toBe(true);
    expect(verifies(key, pss(constants.RSA_PSS_SALTLEN_MAX_SIGN))).toBe(true);
    const old = sign(hash, message, rsa.privateKey);
    expect(verifies(keyOf('rsa', `rsa-pkcs1v15-${hash}`, pem(rsa.publicKey)), old)).toBe(true);
    expect(verifies(key, old), 'one padding is not the other').toBe(false);
  });

  test('the hash is that of the scheme: P-384 with SHA-256 does not verify', () => {
    const key = keyOf('ecdsa', 'ecdsa-sha2-nistp384', pem(p384.publicKey));
    expect(verifies(key, sign('sha256', message, p384.privateKey))).toBe(false);
  });

  test.each<[string, TufKey]>([
    ['a curve that is not that of the scheme', keyOf('ecdsa', 'ecdsa-sha2-nistp256', pem(p384.publicKey))],
    [
      'a key type that is not that of the scheme',
      keyOf('ed25519', 'ecdsa-sha2-nistp256', pem(p256.publicKey)),
    ],
    ['an ECDSA key that says RSA', keyOf('rsa', 'ecdsa-sha2-nistp256', pem(p256.publicKey))],
    ['an RSA key that says ECDSA', keyOf('ecdsa', 'ecdsa-sha2-nistp256', pem(rsa.publicKey))],
    ['a scheme that nobody knows', keyOf('ecdsa', 'constructor', pem(p256.publicKey))],
    ['post-quantum keys', keyOf('ml-dsa', 'ml-dsa-44/1', pem(p256.publicKey))],
    ['an Ed25519 key of 31 bytes', keyOf('ed25519', 'ed25519', edHex.slice(2))],
    ['an Ed25519 key that anyone can sign for', keyOf('ed25519', 'ed25519', `01${'0'.repeat(62)}`)],
    ['a point that is not on the curve', keyOf('ecdsa', 'ecdsa-sha2-nistp256', `04${'01'.repeat(64)}`)],
    ['text that is no PEM', keyOf('ecdsa', 'ecdsa-sha2-nistp256', 'hello')],
    ['no text', keyOf('ecdsa', 'ecdsa-sha2-nistp256', 7)],
    [
      'a short RSA key',
      keyOf('rsa', 'rsassa-pss-sha256', pem(generateKeyPairSync('rsa', { modulusLength: 1024 }).publicKey)),
    ],
  ])('%s: the key is there, and verifies nothing', (_, key) => {
    expect(openKey(key).usable).toBe(false);
  });
});

describe('keyids', () => {
  const key = keyOf('ecdsa', 'ecdsa-sha2-nistp256', pem(p256.publicKey));

  test('are the SHA-256 of the canonical key, with its line breaks as they are', () => {
    const text = `{"keytype":"ecdsa","keyval":{"public":"${pem(p256.publicKey)}"},"scheme":"ecdsa-sha2-nistp256"}`;
    expect(computeKeyid(key.raw)).toBe(createHash('sha256').update(text).digest('hex'));
  });

  test('belong to a key with or without members that were added to it', () => {
    const added = { 'x-owner': '@a', keyid_hash_algorithms: ['sha256', 'sha512'] };
    expect(hasOwnKeyid(key)).toBe(true);
    expect(hasOwnKeyid({ ...key, raw: { ...key.raw, ...added } })).toBe(true);
    expect(hasOwnKeyid(keyOf('ecdsa', 'ecdsa-sha2-nistp256', pem(p256.publicKey), added))).toBe(true);
    const { keyid } = keyOf('ecdsa', 'ecdsa-sha2-nistp256', pem(p256.publicKey), { 'x-owner': '@a' });
    expect(hasOwnKeyid({ ...key, keyid, raw: { ...key.raw, ...added } })).toBe(true);
  });

  test('do not belong to another key', () => {
    expect(hasOwnKeyid({ ...key, raw: { ...key.raw, keyval: { public: pem(p384.publicKey) } } })).toBe(false);
    expect(hasOwnKeyid({ ...key, raw: { ...key.raw, scheme: 'ed25519' } })).toBe(false);
    expect(hasOwnKeyid({ ...key, keyid: key.keyid.toUpperCase() })).toBe(false);
  });
});

describe('thresholds', () => {
  let [a, b]: TestKey[] = [];
  beforeAll(async () => {
    a = await makeKey();
    b = await makeKey('ecdsa-p256');
  });

  const toKey = ({ keyid, key }: { keyid: string; key: Loose }): TufKey => ({
    keyid,
    keytype: key.keytype,
    scheme: key.scheme,
    raw: key as ExactJsonObject,
  });

  /** How many keys count, of signatures by these keys under these ids over one payload. */
  function count(
    signatures: readonly (readonly [string, TestKey | string])[],
    keys: readonly TufKey[],
    foreign: ForeignKeyids = 'refuse',
    keyids = keys.map(key => key.keyid),
  ): number {
    const list = signatures.map(([keyid, by]) => ({
      keyid,
      sig: typeof by === 'string' ? by : Buffer.from(by.signer.sign(Buffer.from('{"a":1}'))).toString('hex'),
    }));
    const file = Buffer.from(JSON.stringify({ signatures: list, signed: { a: 1 } }));
    const known = new Map(keys.map(key => [key.keyid, key]));
    return countSignatures(parseEnvelope(file, 'it', 1e6), known, { keyids, threshold: 1 }, foreign).valid
      .size;
  }

  test('count keys that signed', () => {
    const signatures = [[a!.keyid, a!] as const, [b!.keyid, b!] as const];
    expect(count(signatures, [toKey(a!), toKey(b!)])).toBe(2);
    expect(count(signatures.slice(1), [toKey(a!), toKey(b!)])).toBe(1);
  });

  test('do not count a key of another role, a swapped signature, a placeholder or noise', () => {
    const keys = [toKey(a!), toKey(b!)];
    expect(count([[a!.keyid, a!]], keys, 'refuse', [b!.keyid])).toBe(0);
    expect(count([[a!.keyid, b!]], keys)).toBe(0);
    expect(count([[a!.keyid, '']], keys)).toBe(0);
    expect(count([[a!.keyid, 'zz']], keys)).toBe(0);
    expect(count([[a!.keyid, 'ab'.repeat(5000)]], keys)).toBe(0);
    expect(
      count(
        [
          ['unknown', a!],
          [a!.keyid, a!],
        ],
        keys,
      ),
    ).toBe(1);
  });

  test('count one key once, whatever the number of its ids', () => {
    // The same key under a second id, which is a true hash: of another spelling of the key.
    const twin = toKey({ keyid: computeKeyid({ ...b!.key, 'x-a': 1 }), key: { ...b!.key, 'x-a': 1 } });
    const old = { ...b!.key, keytype: 'ecdsa-sha2-nistp256' };
    const third = toKey({ keyid: computeKeyid(old), key: old });
    const signatures = [b!.keyid, twin.keyid, third.keyid].map(keyid => [keyid, b!] as const);
    expect(count(signatures, [toKey(b!), twin, third])).toBe(1);
    expect(count(signatures, [toKey(b!), twin, third], 'accept')).toBe(1);
  });

  test('do not count a key under an id that is not made from it, unless that is asked for', () => {
    const foreign = { ...toKey(a!), keyid: '7'.repeat(64) };
    expect(count([[foreign.keyid, a!]], [foreign])).toBe(0);
    expect(count([[foreign.keyid, a!]], [foreign], 'accept')).toBe(1);
  });

  test('pass over an id without a key', () => {
    expect(
      count(
        [
          [a!.keyid, a!],
          ['gone', a!],
        ],
        [toKey(a!)],
        'refuse',
        ['gone', a!.keyid],
      ),
    ).toBe(1);
  });
});
