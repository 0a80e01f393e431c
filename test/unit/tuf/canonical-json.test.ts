import { createPublicKey, verify } from 'node:crypto';
import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { utf8 } from '../../../src/base/bytes.js';
import { compareCodePoints, type ExactJson, parseExactJson } from '../../../src/base/json.js';
import { encodeCanonical } from '../../../src/tuf/canonical-json.js';
import { parseEnvelope } from '../../../src/tuf/envelope.js';
import { computeKeyid } from '../../../src/tuf/keys.js';
import { codeOf, text } from '../support.js';

const read = (json: string) => parseExactJson(utf8(json), 'it').value;
const canonical = (json: string) => text(encodeCanonical(read(json)));
const envelope = (signed: string, signatures = '[]') =>
  parseEnvelope(utf8(`{"signatures":${signatures},"signed":${signed}}`), 'it', 1_000_000);

describe('OLPC canonical JSON', () => {
  test.each([
    ['a line break and a tab stay as they are', '"a\\nb\\tc"', '"a\nb\tc"'],
    ['so do control characters', '"\\u0001\\u007f\\u2028"', '"\u0001\u007f\u2028"'],
    ['only quotes and backslashes are escaped', '"\\"\\\\\\/é"', '"\\"\\\\/é"'],
    [
      'keys stand in order of code points, not of UTF-16 units',
      '{"\u{1f600}":1,"\ufb33":2}',
      '{"\ufb33":2,"\u{1f600}":1}',
    ],
    ['integer-like keys are ordered as text', '{"9":1,"10":2,"zeta":3}', '{"10":2,"9":1,"zeta":3}'],
    ['__proto__ is a key', '{"constructor":1,"__proto__":{"a":2}}', '{"__proto__":{"a":2},"constructor":1}'],
    [
      'big integers are exact',
      '[9007199254740993,-9007199254740993]',
      '[9007199254740993,-9007199254740993]',
    ],
    ['minus zero is zero', '[-0]', '[0]'],
    ['no space is left', ' { "b" : [ ] , "a" : { } } ', '{"a":{},"b":[]}'],
    ['words', '[true,false,null]', '[true,false,null]'],
  ])('%s', (_, json, expected) => {
    expect(canonical(json)).toBe(expected);
  });

  test.each(['1.5', '1.0', '1e2', '1E400', `${'9'.repeat(101)}`])('has no number %s', number => {
    expect(codeOf(() => read(`[${number}]`))).toBe('format-json');
    expect(codeOf(() => read(`[${'9'.repeat(100)}]`))).toBeUndefined();
  });

  test('refuses a number that is not known exactly', () => {
    expect(codeOf(() => encodeCanonical([1.5]))).toBe('tuf-format');
    expect(codeOf(() => encodeCanonical([2 ** 53]))).toBe('tuf-format');
    expect(codeOf(() => encodeCanonical([2n ** 53n]))).toBeUndefined();
  });

  test('refuses what JSON does not have', () => {
    for (const value of [undefined, () => 1, Symbol('x')])
      expect(codeOf(() => encodeCanonical({ a: value as never }))).toBe('tuf-format');
  });

  test('the order of code points is that of the UTF-8 bytes', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), fc.string({ unit: 'binary' }), (a, b) => {
        expect(Math.sign(compareCodePoints(a, b))).toBe(Buffer.compare(Buffer.from(a), Buffer.from(b)));
      }),
    );
  });
});

test('what notary signed verifies: order of code points, and no escapes of its own', () => {
  // Recorded from notary 0.7.0, which writes & < > U+2028 escaped and signs them as they are.
  const file = readFileSync(new URL('../../vectors/tuf/notary-odd-names.metadata', import.meta.url));
  const raw = file.subarray(file.indexOf('{"_type'), file.indexOf(',"signatures"'));
  expect(JSON.parse(raw.toString())._type).toBe('Targets');
  const { signedBytes } = parseEnvelope(file, 'it', 1_000_000);
  const spki =
    'MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEUh8Af0uNYZdgzOYzFpyK8i9ZTKWtf4yGeuTy8+JpVLjv5NdZwIc6/4UDwXriTl3cuKeFCV6ufZY/mPTuNOy9aQ==';
  const signature = JSON.parse(file.toString()).signatures[0].sig;
  const key = createPublicKey({ key: Buffer.from(spki, 'base64'), format: 'der', type: 'spki' });
  const holds = (bytes: Uint8Array) =>
    verify('sha256', bytes, { key, dsaEncoding: 'ieee-p1363' }, Buffer.from(signature, 'base64'));
  expect(holds(signedBytes)).toBe(true);
  expect(holds(raw)).toBe(false);
  // And the keyid, from the key as notary has it.
  const value = { keytype: 'ecdsa', keyval: { private: null, public: spki } };
  expect(computeKeyid(value)).toBe('a50024b389f912bf37c253e941f537c72d0175bc377d01441d8caafe15980ed5');
});

describe('the signed bytes of an envelope', () => {
  test('are the canonical form, however the file is laid out', () => {
    const value = fc.letrec<{ value: ExactJson }>(tie => ({
      value: fc.oneof(
        { maxDepth: 4 },
        fc.string({ unit: 'binary' }),
        fc.string({ unit: fc.constantFrom('a', '"', '\\', '\n', '\u{1f600}', '\ufb33') }),
        fc.maxSafeInteger(),
        fc.boolean(),
        fc.constant(null),
        fc.array(tie('value'), { maxLength: 3 }),
        fc.dictionary(fc.string({ unit: 'binary', maxLength: 3 }), tie('value'), { maxKeys: 4 }),
      ),
    })).value;
    fc.assert(
      fc.property(fc.dictionary(fc.string(), value), fc.constantFrom('', '\t'), (signed, indent) => {
        const file = utf8(JSON.stringify({ signed, signatures: [] }, null, indent));
        const read = parseEnvelope(file, 'it', 1_000_000);
        expect(text(read.signedBytes)).toBe(text(encodeCanonical(read.signed)));
      }),
      { numRuns: 500 },
    );
  });

  test.each([
    ['it is canonical already', '{"a":[1,{"b":"\\"\\\\é"}],"c":true}', true],
    ['its keys are out of order', '{"c":1,"a":2}', false],
    ['a key deep inside is out of order', '{"a":[{"\u{1f600}":1,"\ufb33":2}]}', false],
    ['it has spaces', '{"a": 1}', false],
    ['it ends with a space', '{"a":1 }', false],
    ['it has space in strings and around them', '{ "a \\" : \\\\" :\r\n\t[ 1 , " , é " ] }', false],
    ['it has another escape', '{"a":"\\u0061"}', false],
    ['it escapes a slash', '{"a":"\\/"}', false],
    ['it has a minus zero', '{"a":-0}', false],
  ])('are encoded only when needed: %s', (_, signed, same) => {
    const read = envelope(signed);
    expect(text(read.signedBytes) === signed).toBe(same);
    expect(text(read.signedBytes)).toBe(text(encodeCanonical(read.signed)));
  });

  test('what stands around `signed` changes nothing', () => {
    const file = utf8('{ "signatures" : [ ] ,\n "é": "\u{1f600}", "signed" : {"a":1} , "more": [1, 2] }');
    expect(text(parseEnvelope(file, 'it', 1000).signedBytes)).toBe('{"a":1}');
  });
});

describe('an envelope', () => {
  const sig = (keyid: string, value: string) => `{"keyid":"${keyid}","sig":"${value}"}`;

  test('holds one signature a key', () => {
    expect(codeOf(() => envelope('{}', `[${sig('a', '00')},${sig('a', '01')}]`))).toBe('tuf-format');
    expect(codeOf(() => envelope('{}', `[${sig('a', '00')},${sig('b', '01')}]`))).toBeUndefined();
  });

  test('tolerates placeholders and what is not hex: neither counts', () => {
    const { signatures } = envelope(
      '{}',
      `[${sig('a', '')},${sig('b', 'zz')},${sig('c', '0')},${sig('d', 'aB')}]`,
    );
    expect([...signatures.values()].map(bytes => bytes?.length)).toEqual([
      undefined,
      undefined,
      undefined,
      1,
    ]);
  });

  test.each([
    ['is not an object', '[]'],
    ['has no signed', '{"signatures":[]}'],
    ['has no signatures', '{"signed":{}}'],
    ['has signatures that are no list', '{"signed":{},"signatures":{}}'],
    ['has a signature without a key', '{"signed":{},"signatures":[{"sig":""}]}'],
    ['has a signature that is a number', '{"signed":{},"signatures":[{"keyid":"a","sig":1}]}'],
    ['has a member twice', '{"signed":{},"signed":{},"signatures":[]}'],
    ['has a member twice deep down', '{"signed":{"a":{"b":1,"\\u0062":1}},"signatures":[]}'],
    ['has a fraction', '{"signed":{"a":1.5},"signatures":[]}'],
    ['is cut short', '{"signed":{},"signatures":['],
  ])('is refused when it %s', (_, file) => {
    expect(codeOf(() => parseEnvelope(utf8(file), 'it', 1000))).toBe('tuf-format');
    expect(codeOf(() => parseEnvelope(utf8('{"signed":{},"signatures":[]}'), 'it', 1000))).toBeUndefined();
  });

  test('is cut off at 1024 signatures and at its size', () => {
    const many = (count: number) => `[${Array.from({ length: count }, (_, i) => sig(`k${i}`, '')).join()}]`;
    expect(codeOf(() => envelope('{}', many(1024)))).toBeUndefined();
    expect(codeOf(() => envelope('{}', many(1025)))).toBe('limit-exceeded');
    expect(codeOf(() => parseEnvelope(utf8('{"signed":{},"signatures":[]}'), 'it', 10))).toBe(
      'limit-exceeded',
    );
  });
});
