import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parse as parseLoosely } from 'yaml';
import { utf8 } from '../../../src/base/bytes.js';
import { computeDigest } from '../../../src/base/digest.js';
import { readDocument } from '../../../src/policy/document-source.js';
import { edit, parse, refusalOf, SHOP } from './support.js';

const MiB = 1024 * 1024;
const read = (text: string, format: 'yaml' | 'json' = 'yaml') => readDocument(utf8(text), 'shop', format);

/** Each text with the twin that lacks its one defect. */
const YAML_FAULTS: readonly (readonly [string, string, string, string])[] = [
  [
    'a duplicate key',
    'a: 1\nb: 2\na: 3',
    'a: 1\nb: 2\nc: 3',
    'line 3, column 1: the document has the key "a" twice',
  ],
  ['a duplicate key in braces', 'a: {b: 1, b: 2}', 'a: {b: 1, c: 2}', 'line 1, column 11'],
  ['a duplicate key by quotes', 'a: 1\n"a": 2', 'a: 1\n"b": 2', 'line 2, column 1'],
  ['a merge key', 'a: {<<: {b: 1}}', 'a: {c: {b: 1}}', '"<<" cannot be used as a key'],
  ['an anchor', 'a: &x 1', 'a: "&x 1"', 'anchor'],
  ['an anchor on a key', '&x a: 1', '"&x a": 1', 'anchor'],
  ['an anchor on a list', '- &x [a]', '- [a]', 'anchor'],
  ['an alias', 'a: *x', 'a: "*x"', 'alias'],
  ['a core tag', 'a: !!str 1', 'a: "1"', 'tag'],
  ['a tag of its own', 'a: !secret b', 'a: "!secret b"', 'tag'],
  ['a directive', '%YAML 1.1\n---\na: 1', '---\na: 1', 'directive'],
  ['two documents', 'a: 1\n---\nb: 1', 'a: 1\n', 'followed by a second one'],
  ['two documents, the first closed', 'a: 1\n...\nb: 1', 'a: 1\n...\n', 'line 3'],
  ['nothing', '', '{}', 'is empty'],
  ['only a comment', '# a: 1', 'a: 1', 'is empty'],
  ['an octal number', 'a: 010', 'a: 10', 'line 1, column 4: the document has a number'],
  ['a hexadecimal number', 'a: 0x10', 'a: "0x10"', 'number'],
  ['a number with an exponent', 'a: 1e3', 'a: 1000', 'number'],
  ['a fraction', 'a: 1.5', 'a: "1.5"', 'number'],
  ['infinity', 'a: .inf', 'a: inf', 'number'],
  ['a number beyond 2^53', 'a: 9007199254740993', 'a: 9007199254740991', 'number'],
  ['a list as a key', '? [a]\n: b', '? a\n: b', 'a key that is not a text'],
  ['a tab as indentation', 'a:\n\tb: 1', 'a:\n  b: 1', 'tab'],
  ['an open bracket', 'a: [1', 'a: [1]', 'line 1'],
  ['a crooked indentation', 'a:\n  b: 1\n c: 2', 'a:\n  b: 1\n  c: 2', 'not valid YAML'],
  [
    'depth by brackets',
    `a: ${'['.repeat(17)}${']'.repeat(17)}`,
    `a: ${'['.repeat(16)}${']'.repeat(16)}`,
    'deeper than 16',
  ],
  ['depth by dashes', `${'- '.repeat(17)}x`, `${'- '.repeat(16)}x`, 'deeper than 16'],
];

const BOTH_FAULTS: readonly (readonly [string, string, string, string])[] = [
  [
    'a key of prototypes',
    '{"a": {"__proto__": {}}}',
    '{"a": {"constructor": {}}}',
    '"__proto__" cannot be used',
  ],
  ['an escaped control character', '{"a": "\\u0007"}', '{"a": "\\u00e9"}', 'a holds a control character'],
  ['an escaped reordering character', '{"a": "\\u202e"}', '{"a": "\\u2020"}', 'a holds a control character'],
  ['half of a surrogate pair', '{"a": "\\ud83e"}', '{"a": "\\ud83e\\udd80"}', 'surrogate'],
  ['a control character in a key', '{"a\\u0007": 1}', '{"a": 1}', ''],
  ['a list that is too long', `[${'1,'.repeat(256)}1]`, `[${'1,'.repeat(255)}1]`, '257 entries'],
  ['too many keys', `{${keys(257)}}`, `{${keys(256)}}`, '257 entries'],
  ['too many bytes', `{"a": 1}${' '.repeat(MiB - 7)}`, `{"a": 1}${' '.repeat(MiB - 8)}`, 'at most 1048576'],
  ['a byte order mark', '\ufeff{"a": 1}', '{"a": 1}', 'U+FEFF'],
  [
    'text that runs backwards',
    '{"a": "\u202e1"}',
    '{"a": "1"}',
    'line 1, column 8: the document holds the character U+202E',
  ],
  ['a line break of YAML 1.1', '{"a":\n "x\u2028y"}', '{"a":\n "x y"}', 'line 2, column 4'],
  ['a lone carriage return', '{"a":\r 1}', '{"a":\r\n 1}', 'U+000D'],
  [
    'a deep nesting',
    `{"a": ${'['.repeat(17)}${']'.repeat(17)}}`,
    `{"a": ${'['.repeat(16)}${']'.repeat(16)}}`,
    'deeper than 16',
  ],
  ['a duplicate key', '{"a": 1,\n "a": 2}', '{"a": 1,\n "b": 2}', ''],
  ['a missing colon', '{"a" 1}', '{"a": 1}', 'line 1'],
];

function keys(count: number): string {
  return Array.from({ length: count }, (_, i) => `"k${i}": ${i}`).join(', ');
}

function expectRefusal(bad: string, good: string, message: string, format: 'yaml' | 'json'): void {
  const refusal = refusalOf(() => read(bad, format));
  expect(refusal?.code).toBe('policy-invalid');
  expect(refusal?.message).toContain(message);
  expect(refusalOf(() => read(good, format))).toBeUndefined();
}

describe('the reading of a document', () => {
  it.each(YAML_FAULTS)('refuses %s in YAML', (_, bad, good, message) => {
    expectRefusal(bad, good, message, 'yaml');
  });

  it.each(BOTH_FAULTS)('refuses %s, in JSON and in YAML', (_, bad, good, message) => {
    expectRefusal(bad, good, message, 'json');
    expectRefusal(bad, good, message, 'yaml');
  });

  it('refuses bytes that are no UTF-8', () => {
    const bytes = utf8('a: "x"');
    expect(refusalOf(() => readDocument(bytes, 'p', 'yaml'))).toBeUndefined();
    bytes[4] = 0xff;
    expect(refusalOf(() => readDocument(bytes, 'p', 'yaml'))?.code).toBe('policy-invalid');
  });

  it('says where JSON ends to be JSON', () => {
    const refusal = refusalOf(() => read('{\n  "a": 1,\n}', 'json'));
    expect(refusal?.message).toContain(
      'line 3, column 1: the document is not acceptable JSON: a key is missing',
    );
  });

  it('survives nesting that would end the stack of a recursive reader', () => {
    for (const text of [
      '['.repeat(200_000),
      '{a: '.repeat(50_000),
      '- '.repeat(200_000),
      '? '.repeat(200_000),
    ])
      expect(refusalOf(() => read(text))?.message).toContain('deeper than 16');
  });

  it('refuses more text than any policy has, before it is put together', () => {
    for (const text of ['{}'.repeat(MiB / 2), '[1,'.concat('1,'.repeat(MiB / 2 - 4), ']'), '"'.repeat(MiB)])
      expect(refusalOf(() => read(text))?.message).toContain('more than 100000 words');
    const blank = (count: number) => `# ${'x '.repeat(100_000)}\n${'\n'.repeat(count)}[]`;
    expect(refusalOf(() => read(blank(100_000)))?.message).toContain('more than 100000 words');
    expect(refusalOf(() => read(blank(99_000)))).toBeUndefined();
  });

  it('takes syntax inside texts for text', () => {
    const { value } = read('a: |\n  &x *y !z\n  %w\nb: "&x *y !z"\nc: x &y *z !w\nd: >-\n  !x\n');
    expect({ ...(value as object) }).toEqual({
      a: '&x *y !z\n%w\n',
      b: '&x *y !z',
      c: 'x &y *z !w',
      d: '!x',
    });
  });

  it('takes a text that is the whole document for text', () => {
    expect(read('--- |\n&x\n').value).toBe('&x\n');
  });

  it('keeps words that other YAML versions take for truth values', () => {
    expect({
      ...(read('a: no\nb: on\nc: true\nd: 2027-03-01T00:00:00Z\ne: 12:30\nf: ~').value as object),
    }).toEqual({
      a: 'no',
      b: 'on',
      c: true,
      d: '2027-03-01T00:00:00Z',
      e: '12:30',
      f: null,
    });
  });

  it('comes to the same value from JSON and from YAML, and finds everything in both', () => {
    const name = fc.stringMatching(/^[a-z"\\ é🦀:#-]{1,6}$/u);
    const { value } = fc.letrec(tie => ({
      value: fc.oneof(
        { maxDepth: 4 },
        fc.integer(),
        fc.boolean(),
        fc.constant(null),
        name,
        tie('list'),
        tie('map'),
      ),
      list: fc.array(tie('value'), { maxLength: 4 }),
      map: fc.dictionary(name, tie('value'), { maxKeys: 4 }),
    }));
    fc.assert(
      fc.property(
        fc.dictionary(name, value, { minKeys: 1, maxKeys: 4 }),
        fc.boolean(),
        (document, pretty) => {
          const text = JSON.stringify(document, null, pretty ? 2 : 0);
          const [json, yaml] = [read(text, 'json'), read(text, 'yaml')];
          expect(JSON.stringify(json.value)).toBe(
            text.replaceAll(/^ +|\n/gm, '') && JSON.stringify(document),
          );
          expect(JSON.stringify(yaml.value)).toBe(JSON.stringify(json.value));
          for (const path of pathsOf(document)) {
            for (const part of ['key', 'value'] as const) {
              const position = json.locate(path, part);
              expect(position, `${part} of ${JSON.stringify(path)}`).toBeDefined();
              expect(yaml.locate(path, part)).toEqual(position);
            }
          }
          expect(json.locate(['not there'], 'value')).toBeUndefined();
          expect(yaml.locate(['not there'], 'value')).toBeUndefined();
        },
      ),
      { numRuns: 150 },
    );
  });

  it('agrees with a lenient reader on what it accepts', () => {
    expect(JSON.stringify(parse(SHOP).source.value)).toBe(JSON.stringify(parseLoosely(SHOP)));
  });

  it('gives the digest of the bytes, comments and all', () => {
    const commented = `${SHOP}# reviewed\n`;
    expect(parse(SHOP).source.digest).toBe(computeDigest(utf8(SHOP)));
    expect(parse(commented).source.digest).toBe(computeDigest(utf8(commented)));
    expect(parse(commented).source.digest).not.toBe(parse(SHOP).source.digest);
  });

  it('quotes no text of the document when the document may hold a key in the wrong place', () => {
    const secret = 'MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgSECRETSECRETSECRET';
    for (const document of [
      edit('name: shop', `name: ${secret}`),
      edit('name: shop', `name: "-----BEGIN PRIVATE KEY-----\\n${secret}\\n-----END PRIVATE KEY-----"`),
      edit('keys: ["base.pub"]', `keys: ${secret}`),
      edit('evidence: blobs', `evidence: ${secret}`),
      edit('distinctSigners: true', `-----BEGIN PRIVATE KEY-----\n${secret}\n`),
    ]) {
      const refusal = refusalOf(() => parse(document));
      expect(refusal?.code).toBe('policy-invalid');
      expect(JSON.stringify([refusal?.message, refusal?.hint, refusal?.details])).not.toMatch(
        /MIGHAgEA|SECRET/,
      );
    }
  });
});

function pathsOf(value: unknown): (string | number)[][] {
  if (typeof value !== 'object' || value === null) return [];
  const entries: [string | number, unknown][] = Array.isArray(value)
    ? [...value.entries()]
    : Object.entries(value);
  return entries.flatMap(([key, member]) => [[key], ...pathsOf(member).map(path => [key, ...path])]);
}
