import { describe, expect, it } from 'vitest';
import { clean, parseChallenges, parseNextLink, parseWarnings } from '../../../src/oci/http/headers.js';
import { parseRetryAfter } from '../../../src/oci/http/retry.js';
import { coversScopes, mergeScopes, parseScopes } from '../../../src/oci/http/scopes.js';

const flat = (header: string) =>
  parseChallenges(header).map(c => [c.scheme, Object.fromEntries(c.parameters)]);

describe('challenges', () => {
  it('reads quoted commas, escapes and any case', () => {
    expect(
      flat('BEARER Realm="https://a.example/t?x=1,2",service="s \\"q\\"",scope="repository:a/b:push,pull"'),
    ).toEqual([
      ['bearer', { realm: 'https://a.example/t?x=1,2', service: 's "q"', scope: 'repository:a/b:push,pull' }],
    ]);
  });

  it('reads several challenges in one header', () => {
    expect(flat('Negotiate, Basic realm="x" , Bearer realm="https://a/t",service=s')).toEqual([
      ['negotiate', {}],
      ['basic', { realm: 'x' }],
      ['bearer', { realm: 'https://a/t', service: 's' }],
    ]);
    expect(flat('Negotiate YWJj==, Basic realm=x')).toEqual([
      ['negotiate', {}],
      ['basic', { realm: 'x' }],
    ]);
  });

  it('keeps the first of two parameters of one name, and ends at what it cannot read', () => {
    expect(flat('Bearer realm="a",realm="b"')).toEqual([['bearer', { realm: 'a' }]]);
    expect(flat('Bearer realm="a')).toEqual([['bearer', {}]]);
    expect(flat('"')).toEqual([]);
  });
});

describe('links', () => {
  it('finds the next page among others', () => {
    expect(parseNextLink('</v2/a?last=x,y&n=1>; rel="next"')).toBe('/v2/a?last=x,y&n=1');
    expect(parseNextLink('</p>; rel="prev", </n>; title="a, b"; rel=next')).toBe('/n');
    expect(parseNextLink('</n>; rel="first next"')).toBe('/n');
  });
  it('finds none where there is none', () => {
    expect(parseNextLink(undefined)).toBeUndefined();
    expect(parseNextLink('</p>; rel="prev"')).toBeUndefined();
    expect(parseNextLink('</p>; rel="nextish"')).toBeUndefined();
  });
});

describe('warnings', () => {
  it('takes only 299 with the agent -', () => {
    expect(parseWarnings('299 - "one \\"two\\"", 199 - "no", 299 proxy "no", 299 - "three"')).toEqual([
      'one "two"',
      'three',
    ]);
  });
  it('refuses control characters and floods, and takes the same text without them', () => {
    expect(parseWarnings('299 - "a\u001b[2Jb"')).toEqual([]);
    expect(parseWarnings('299 - "a[2Jb"')).toEqual(['a[2Jb']);
    expect(parseWarnings(`299 - "${'x'.repeat(5000)}"`)).toEqual([]);
    expect(parseWarnings(`299 - "${'x'.repeat(4000)}"`)).toHaveLength(1);
  });
});

describe('Retry-After', () => {
  const now = Date.parse('2026-11-21T00:00:00Z');
  it('is seconds or a date', () => {
    expect(parseRetryAfter('7', now)).toBe(7000);
    expect(parseRetryAfter('Sat, 21 Nov 2026 00:00:09 GMT', now)).toBe(9000);
    expect(parseRetryAfter('Fri, 20 Nov 2026 00:00:09 GMT', now)).toBe(0);
  });
  it('is nothing else', () => {
    for (const text of [undefined, '', '-1', '1.5', 'soon', '2026-11-21'])
      expect(parseRetryAfter(text, now)).toBeUndefined();
  });
});

describe('scopes', () => {
  it('are merged by resource, whatever the order of actions', () => {
    expect(mergeScopes(['repository:a/b:push,pull'], ['repository:c:pull', 'repository:a/b:pull'])).toEqual([
      'repository:a/b:pull,push',
      'repository:c:pull',
    ]);
    expect(mergeScopes(['repository:host:5000/a:pull'])).toEqual(['repository:host:5000/a:pull']);
  });
  it('cover what they contain, and nothing more', () => {
    const have = ['repository:a:pull,push'];
    expect(coversScopes(have, ['repository:a:pull'])).toBe(true);
    expect(coversScopes(have, ['repository:a:delete'])).toBe(false);
    expect(coversScopes(have, ['repository:ab:pull'])).toBe(false);
    expect(coversScopes(['repository:a:*'], ['repository:a:delete'])).toBe(true);
  });
  it('are read from a challenge without what is no scope', () => {
    expect(parseScopes('repository:a:pull junk registry:catalog:*')).toEqual([
      'repository:a:pull',
      'registry:catalog:*',
    ]);
  });
});

it('clean text has one line and nothing for a terminal', () => {
  expect(clean('a\r\n\u001b[31mb\u202ec')).toBe('a [31mb c');
  expect(clean('x'.repeat(400))).toHaveLength(301);
});
