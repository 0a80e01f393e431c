import { expect, test } from 'vitest';
import { utf8 } from '../../../src/base/bytes.js';
import { Field } from '../../../src/base/fields.js';
import { parseJson } from '../../../src/base/json.js';
import { codeOf } from '../support.js';

const field = (text: string) => new Field(parseJson(utf8(text), 'it'), 'it', 'format-payload');

test('refuses keys that a case-blind reader would take for known ones', () => {
  for (const key of ['KEY', '\u212aey', 'Key']) {
    expect(codeOf(() => field(`{"${key}":1}`).onlyKeys(['key']))).toBe('format-payload');
  }
  expect(codeOf(() => field('{"\u017fum":1}').onlyKeys(['sum']))).toBe('format-payload');
  expect(codeOf(() => field('{"key":1,"other":2,"OTHER":3}').onlyKeys(['key']))).toBeUndefined();
});

test('names the path of what is wrong', () => {
  expect(() => field('{"a":[{"b":-1}]}').get('a').array(9)[0]?.get('b').size()).toThrow(
    'it.a[0].b must be a whole number',
  );
  expect(() => field('{"a":[]}').get('a').get('b')).toThrow('it.a must be an object');
});

test('bounds lists and strings', () => {
  expect(codeOf(() => field('[1,2]').array(1))).toBe('limit-exceeded');
  expect(codeOf(() => field('"abc"').string(2))).toBe('format-payload');
});

test('an absent member is absent, also when every object has one of that name', () => {
  expect(field('{}').get('constructor').present).toBe(false);
  expect(field('{}').get('__proto__').present).toBe(false);
});
