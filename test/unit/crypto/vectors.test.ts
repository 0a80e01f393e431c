import { createHash } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { CURVES } from '../../../src/crypto/algorithms.js';
import { DER, der } from '../../../src/crypto/der.js';
import {
  checkSignature,
  createSigner,
  decryptPrivateKey,
  encryptPrivateKey,
  type PrivateKey,
  publicKeyHint,
  type SignatureScheme,
} from '../../../src/crypto/index.js';
import { parsePkcs8, parseSec1 } from '../../../src/crypto/private-key.js';

const hex = (text: string) => Buffer.from(text, 'hex');
const ecKey = (curve: 0 | 1 | 2, scalar: string): PrivateKey =>
  parseSec1(
    der(
      DER.sequence,
      der(DER.integer, Uint8Array.of(1)),
      der(DER.octetString, hex(scalar)),
      der(DER.context0, CURVES[curve]!.oid),
    ),
    'vector',
  );

describe('cosign’s encrypted key file, byte for byte', () => {
  const key = ecKey(0, 'ab9b917cf963ddd042ab4682a446e5b72894b0b7f476e8b90623bf2ba40c704e');
  const counting = (size: number) =>
    Uint8Array.from({ length: size }, (_, i) => i + (size === 32 ? 0 : 0x40));

  test('the key', () => {
    expect(Buffer.from(key.publicKey.spki).toString('base64')).toBe(
      'MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEHodNTk9C5K56qsiw4SF274xAqooJ98rsx8bnFNCwTVPb1PMa13nx9AwoEkLtV3X2s93C8PVAW7KzxKdGhytuDg==',
    );
    expect(publicKeyHint(key.publicKey)).toBe('ciIXCOUHsk88zkt0dgzNRd7D4fLHsSKawtA/1Uhiy5Y=');
    expect(key.publicKey.keyid).toBe('72221708e507b24f3cce4b74760ccd45dec3e1f2c7b1229ac2d03fd54862cb96');
    expect(key.pkcs8).toHaveLength(138);
  });

  test.each([
    ['correct horse', 'a08c65d5263ed0450551e9edd9dc8ba5e87060282c35c84cf343549995108af7'],
    ['', '57fe585eb355b99113a12d2dbceaefb45c7ca2b31be0d7d5c18fb81f1b0d9742'],
  ])('the file for the password %j', async (password, digest) => {
    const file = await encryptPrivateKey(key, Buffer.from(password), { random: counting });
    expect(createHash('sha256').update(file).digest('hex')).toBe(digest);
    const opened = await decryptPrivateKey(file, Buffer.from(password), 'vector.key');
    expect(opened.publicKey.keyid).toBe(key.publicKey.keyid);
  });
});

/** RFC 6979 A.2.5 to A.2.7, message "sample": the hash of the scheme drives the nonce too. */
const RFC6979: readonly [SignatureScheme, 0 | 1 | 2, string, string, string][] = [
  [
    'ecdsa-p256-sha256',
    0,
    'C9AFA9D845BA75166B5C215767B1D6934E50C3DB36E89B127B8A622B120F6721',
    'EFD48B2AACB6A8FD1140DD9CD45E81D69D2C877B56AAF991C34D0EA84EAF3716',
    'F7CB1C942D657C41D436C7A1B6E29F65F3E900DBB9AFF4064DC4AB2F843ACDA8',
  ],
  [
    'ecdsa-p384-sha384',
    1,
    '6B9D3DAD2E1B8C1C05B19875B6659F4DE23C3B667BF297BA9AA47740787137D896D5724E4C70A825F872C9EA60D2EDF5',
    '94EDBB92A5ECB8AAD4736E56C691916B3F88140666CE9FA73D64C4EA95AD133C81A648152E44ACF96E36DD1E80FABE46',
    '99EF4AEB15F178CEA1FE40DB2603138F130E740A19624526203B6351D0A3A94FA329C145786E679E7B82C71A38628AC8',
  ],
  [
    'ecdsa-p384-sha256',
    1,
    '6B9D3DAD2E1B8C1C05B19875B6659F4DE23C3B667BF297BA9AA47740787137D896D5724E4C70A825F872C9EA60D2EDF5',
    '21B13D1E013C7FA1392D03C5F99AF8B30C570C6F98D4EA8E354B63A21D3DAA33BDE1E888E63355D92FA2B3C36D8FB2CD',
    'F3AA443FB107745BF4BD77CB3891674632068A10CA67E3D45DB2266FA7D1FEEBEFDC63ECCD1AC42EC0CB8668A4FA0AB0',
  ],
  [
    'ecdsa-p521-sha512',
    2,
    '00FAD06DAA62BA3B25D2FB40133DA757205DE67F5BB0018FEE8C86E1B68C7E75CAA896EB32F1F47C70855836A6D16FCC1466F6D8FBEC67DB89EC0C08B0E996B83538',
    '00C328FAFCBD79DD77850370C46325D987CB525569FB63C5D3BC53950E6D4C5F174E25A1EE9017B5D450606ADD152B534931D7D4E8455CC91F9B15BF05EC36E377FA',
    '00617CCE7CF5064806C467F678D3B4080D6F1CC50AF26CA209417308281B68AF282623EAA63E5B5C0723D8B8C37FF0777B1A20F8CCB1DCCC43997F1EE0E44DA4A67A',
  ],
  [
    'ecdsa-p521-sha256',
    2,
    '00FAD06DAA62BA3B25D2FB40133DA757205DE67F5BB0018FEE8C86E1B68C7E75CAA896EB32F1F47C70855836A6D16FCC1466F6D8FBEC67DB89EC0C08B0E996B83538',
    '01511BB4D675114FE266FC4372B87682BAECC01D3CC62CF2303C92B3526012659D16876E25C7C1E57648F23B73564D67F61C6F14D527D54972810421E7D87589E1A7',
    '004A171143A83163D6DF460AAF61522695F207A58B95C0644D87E52AA1A347916E4F7A72930B1BC06DBE22CE3F58264AFD23704CBB63B29B931F7DE6C9D949A7ECFC',
  ],
];

test.each(RFC6979)('RFC 6979: %s', async (scheme, curve, scalar, r, s) => {
  const key = ecKey(curve, scalar);
  const signature = (await createSigner(key, { scheme })).sign(Buffer.from('sample'));
  const integer = (value: string) => {
    const bytes = hex(value.replace(/^(?:00)+/, ''));
    return der(DER.integer, (bytes[0] ?? 0) >= 0x80 ? Buffer.concat([Uint8Array.of(0), bytes]) : bytes);
  };
  expect(signature).toEqual(der(DER.sequence, integer(r), integer(s)));
  expect(await checkSignature(key.publicKey, Buffer.from('sample'), signature)).toBe(scheme);
});

/** RFC 8032 7.1 test 3 and 7.3. */
test.each<[SignatureScheme, string, string, string, string]>([
  [
    'ed25519',
    'c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7',
    'fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025',
    'af82',
    '6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a',
  ],
  [
    'ed25519ph',
    '833fe62409237b9d62ec77587520911e9a759cec1d19755b7da901b96dca3d42',
    'ec172b93ad5e563bf4932c70e1245034c35467ef2efd4d64ebf819683467e2bf',
    '616263',
    '98a70222f0b8121aa9d30f813d683f809e462b469c7ff87639499bb94e6dae4131f85042463c2a355a2003d062adf5aaa10b8c61e636062aaad11c2a26083406',
  ],
])('RFC 8032: %s', async (scheme, seed, publicKey, message, signature) => {
  const inner = der(DER.octetString, hex(seed));
  const algorithm = der(DER.sequence, hex('06032b6570'));
  const key = parsePkcs8(
    der(DER.sequence, der(DER.integer, Uint8Array.of(0)), algorithm, der(DER.octetString, inner)),
    'vector',
  );
  expect(Buffer.from(key.publicKey.spki.subarray(-32)).toString('hex')).toBe(publicKey);
  expect(Buffer.from((await createSigner(key, { scheme })).sign(hex(message))).toString('hex')).toBe(
    signature,
  );
  expect(await checkSignature(key.publicKey, hex(message), hex(signature))).toBe(scheme);
});
