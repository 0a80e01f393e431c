import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { compileGlob, globProblem, matchGlob } from '../../../src/base/glob.js';
import { codeOf } from '../support.js';

/** The language by its definition, segment by segment, with backtracking: slow and plainly right. */
function naive(pattern: readonly string[], text: readonly string[]): boolean {
  const [first, ...rest] = pattern;
  if (first === undefined) return text.length === 0;
  if (first === '**') {
    const least = rest.length === 0 ? 1 : 0;
    for (let taken = least; taken <= text.length; taken++) {
      // A segment that `**` swallows is never empty.
      if (taken > 0 && taken < text.length && rest.length > 0 && text[taken - 1] === '') return false;
      if (rest.length === 0 ? text[0] !== '' : naive(rest, text.slice(taken))) return true;
    }
    return false;
  }
  return text.length > 0 && naiveSegment([...first], [...(text[0] as string)]) && naive(rest, text.slice(1));
}

function naiveSegment(pattern: readonly string[], text: readonly string[]): boolean {
  const [first, ...rest] = pattern;
  if (first === undefined) return text.length === 0;
  if (first === '*')
    return naiveSegment(rest, text) || (text.length > 0 && naiveSegment(pattern, text.slice(1)));
  return text.length > 0 && (first === '?' || first === text[0]) && naiveSegment(rest, text.slice(1));
}

describe('a glob', () => {
  it.each([
    ['registry.example.com/shop/*', 'registry.example.com/shop/app', true],
    ['registry.example.com/shop/*', 'registry.example.com/shop/team/app', false],
    ['registry.example.com/shop/*', 'registry.example.com/shop', false],
    ['registry.example.com/shop/*', 'registryXexample.com/shop/app', false],
    ['registry.example.com/**', 'registry.example.com/shop/team/app', true],
    ['registry.example.com/**', 'registry.example.com', false],
    ['registry.example.com/**', 'registry.example.com/', false],
    ['registry.example.com/**/app', 'registry.example.com/app', true],
    ['registry.example.com/**/app', 'registry.example.com/a/b/app', true],
    ['registry.example.com/**/app', 'registry.example.com/a/bapp', false],
    ['**', 'anything/at/all', true],
    ['**', '', false],
    ['**/app', 'app', true],
    ['app-*', 'app-shop', true],
    ['app-*', 'app', false],
    ['app-?', 'app-1', true],
    ['app-?', 'app-12', false],
    ['a?c', 'a/c', false],
    ['?', '🦀', true],
    ['??', '🦀', false],
    ['a.c', 'abc', false],
    ['(a|b)+', '(a|b)+', true],
    ['[ab]', 'a', false],
    ['*', '', true],
  ])('%s on %j: %s', (pattern, text, expected) => {
    expect(matchGlob(pattern, text)).toBe(expected);
  });

  it('without a separator lets * and ? cross slashes', () => {
    expect(matchGlob('org.*', 'org.example/name', '')).toBe(true);
    expect(matchGlob('org.*', 'org.example/name')).toBe(false);
  });

  it.each([
    ['', 'x'],
    ['a**', 'a*'],
    ['**b/c', '**/b/c'],
    ['***', '**'],
    ['a/**/**/b', 'a/**/b'],
    ['a\u0000', 'a'],
    ['a\ud800', 'a\u{1f980}'],
    ['x'.repeat(256), 'x'.repeat(255)],
  ])('%j is malformed, %j is not', (bad, good) => {
    expect(globProblem(bad)).toBeTypeOf('string');
    expect(codeOf(() => compileGlob(bad))).toBe('policy-invalid');
    expect(globProblem(good)).toBeUndefined();
    expect(codeOf(() => compileGlob(good))).toBeUndefined();
  });

  it('has no ** where there are no segments', () => {
    expect(codeOf(() => compileGlob('a/**', ''))).toBe('policy-invalid');
    expect(codeOf(() => compileGlob('a/*', ''))).toBeUndefined();
  });

  it('matches exactly what its definition says', () => {
    const piece = fc.constantFrom('a', 'b', '*', '?', '🦀', '.');
    const segment = fc.oneof(
      {
        weight: 3,
        arbitrary: fc.array(piece, { maxLength: 4 }).map(parts => parts.join('').replaceAll('**', '*')),
      },
      { weight: 1, arbitrary: fc.constant('**') },
    );
    const pattern = fc
      .array(segment, { minLength: 1, maxLength: 4 })
      .map(parts => parts.join('/'))
      .filter(text => globProblem(text) === undefined);
    const text = fc
      .array(fc.constantFrom('a', 'b', '/', '🦀', '.'), { maxLength: 9 })
      .map(parts => parts.join(''));
    let matches = 0;
    fc.assert(
      fc.property(pattern, text, (glob, subject) => {
        const expected = naive(glob.split('/'), subject.split('/'));
        if (expected) matches++;
        expect(matchGlob(glob, subject)).toBe(expected);
      }),
      { numRuns: 5000 },
    );
    expect(matches).toBeGreaterThan(50);
  });

  it('matches what was made from it', () => {
    const part = fc.constantFrom<readonly [string, string]>(
      ['*', ''],
      ['*', 'xy'],
      ['?', 'z'],
      ['ab', 'ab'],
      ['/', '/'],
      ['/**/', '/'],
      ['/**/', '/p/q/'],
    );
    fc.assert(
      fc.property(fc.array(part, { minLength: 1, maxLength: 8 }), parts => {
        const pattern = `x${parts.map(([glob]) => glob).join('')}x`;
        // Two stars side by side would be one `**`, which says something else.
        fc.pre(
          globProblem(pattern) === undefined &&
            !pattern.includes('//') &&
            !parts.some(([glob], i) => glob === '*' && parts[i + 1]?.[0] === '*'),
        );
        expect(matchGlob(pattern, `x${parts.map(([, text]) => text).join('')}x`)).toBe(true);
      }),
    );
  });

  it('takes no longer than text times pattern, where backtracking never ends', () => {
    const glob = compileGlob(`${'*a'.repeat(100)}b`);
    expect(glob('a'.repeat(20_000))).toBe(false);
    expect(glob(`${'a'.repeat(20_000)}b`)).toBe(true);
  });
});
