import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { utf8 } from '../../../src/base/bytes.js';
import { parseExactJson, parseJson } from '../../../src/base/json.js';
import { codeOf } from '../support.js';

const read = (text: string, limits = {}) => parseJson(utf8(text), 'the document', limits);

describe('strict JSON', () => {
  test('reads what JSON.parse reads, for documents without traps', () => {
    fc.assert(
      fc.property(fc.jsonValue({ maxDepth: 6 }), value => {
        const text = JSON.stringify(value);
        // -0 prints as 0, and whole numbers beyond 2^53 are refused: both are this reader's business, not JSON's.
        fc.pre(!/(?<![\d.])-0(?![\d.])/.test(text));
        let mine: unknown;
        try {
          mine = read(text, { maxDepth: 100 });
        } catch {
          expect(text).toMatch(/\d{16,}|e\+?\d|\\ud[89a-f]/i);
          return;
        }
        expect(JSON.stringify(mine)).toBe(JSON.stringify(JSON.parse(text)));
      }),
      { numRuns: 500 },
    );
  });

  test.each([
    ['a duplicate key', '{"a":1,"a":2}', '{"a":1,"b":2}'],
    ['a duplicate key deep down', '[{"x":{"a":1,"a":2}}]', '[{"x":{"a":1,"b":2}}]'],
    ['a duplicate key behind an escape', '{"a":1,"\\u0061":2}', '{"a":1,"\\u0062":2}'],
    ['a number that would be rounded', '[9007199254740993]', '[9007199254740991]'],
    ['an infinite number', '[1e999]', '[1e9]'],
    ['a leading zero', '[01]', '[10]'],
    ['a trailing comma', '[1,]', '[1]'],
    ['a comment', '[1]//', '[1]'],
    ['single quotes', "['a']", '["a"]'],
    ['a raw line break in a string', '["a\nb"]', '["a\\nb"]'],
    ['half a surrogate pair', '["\\ud800"]', '["\\ud83d\\ude00"]'],
    ['a low surrogate first', '["\\ude00\\ud83d"]', '["\\ud83d\\ude00"]'],
    ['two documents', '{}{}', '{}'],
    ['an empty text', '', 'null'],
    ['NaN', '[NaN]', '[null]'],
  ])('refuses %s', (_, bad, good) => {
    expect(codeOf(() => read(bad))).toBe('format-json');
    expect(codeOf(() => read(good))).toBeUndefined();
  });

  test('refuses bytes that are not UTF-8', () => {
    expect(codeOf(() => parseJson(Uint8Array.of(0x22, 0xff, 0x22), 'it'))).toBe('format-json');
    expect(codeOf(() => parseJson(Uint8Array.of(0x22, 0x7f, 0x22), 'it'))).toBeUndefined();
  });

  test('bounds depth and size', () => {
    const nested = (n: number) => '['.repeat(n) + ']'.repeat(n);
    expect(codeOf(() => read(nested(32)))).toBeUndefined();
    expect(codeOf(() => read(nested(40)))).toBe('format-json');
    expect(codeOf(() => read(nested(1_000_000)))).toBe('format-json');
    expect(codeOf(() => read(' '.repeat(100), { maxSize: 99 }))).toBe('limit-exceeded');
  });

  test('__proto__ and constructor are keys like any other', () => {
    const value = read('{"__proto__":{"polluted":true},"constructor":1}') as Record<string, unknown>;
    expect(Object.keys(value)).toEqual(['__proto__', 'constructor']);
    expect(({} as Record<string, unknown>)['polluted']).toBeUndefined();
    const empty = read('{"a":{}}') as Record<string, object>;
    for (const name of ['constructor', '__proto__', 'toString', 'hasOwnProperty'])
      expect(name in empty['a']!).toBe(false);
    expect(codeOf(() => read('{"__proto__":1,"__proto__":1}'))).toBe('format-json');
    expect(codeOf(() => read('{"constructor":1,"constructor":1}'))).toBe('format-json');
  });

  test('read exactly, it keeps whole numbers of any size, and has no others', () => {
    const exact = (text: string) => parseExactJson(utf8(text), 'the document').value;
    expect(exact('[9007199254740991,9007199254740992,-9007199254740993]')).toEqual([
      9007199254740991,
      9007199254740992n,
      -9007199254740993n,
    ]);
    for (const number of ['1.5', '1.0', '1e2', '9'.repeat(101)]) {
      expect(
        codeOf(() => exact(`[${number}]`)),
        number,
      ).toBe('format-json');
    }
  });
});
