import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { Digest } from '../../../src/base/digest.js';
import { comparePrefix, type LayerLists } from '../../../src/custody/index.js';
import { layer } from './world.js';

const lists = (text: string, stored = text): LayerLists => ({
  digests: [...stored].map(seed => layer(seed).digest),
  diffIDs: [...text].map(seed => layer(seed).diffID),
});

test.each([
  ['', '', []],
  ['', 'ab', []],
  ['ab', 'ab', []],
  ['ab', 'abc', []],
])('an image %j begins with %j', (base, image, recompressed) => {
  expect(comparePrefix(lists(base), lists(image))).toEqual({ holds: true, recompressed });
});

test('layers that are stored in other bytes are to be read; those above the base are not compared', () => {
  const result = comparePrefix(lists('abc'), lists('abcd', 'aBCD'));
  expect(result).toEqual({ holds: true, recompressed: [1, 2] });
});

test.each([
  ['abc', 'ab', 2, 'base-mismatch', 'lacks the last layers'],
  ['abc', '', 0, 'base-mismatch', 'lacks the last layers'],
  ['aebe', 'aeb', 3, 'base-mismatch', 'lacks the last layers'],
  ['abc', 'x', 0, 'custody-collapsed', 'squashed'],
  ['abc', 'bacx', 0, 'base-mismatch', 'in another order'],
  ['abc', 'xabc', 0, 'base-mismatch', 'in another order, or with others between'],
  ['abc', 'xyz', 0, 'base-mismatch', 'built on another image'],
  ['abc', 'abxd', 2, 'base-mismatch', 'moved since'],
  ['abc', 'a1c', 1, 'base-mismatch', 'moved since'],
  // The empty layer comes twice in the base and once in the image.
  ['aebe', 'aebx', 3, 'base-mismatch', 'moved since'],
])('base %s, image %s: layer %i differs first', (base, image, at, code, hint) => {
  const result = comparePrefix(lists(base), lists(image));
  expect(result).toMatchObject({ holds: false, code, hint: expect.stringContaining(hint) });
  const { message } = result as { message: string };
  expect(message).toContain(`layer ${at} of the`);
  expect(message).toContain(lists(base).diffIDs[at]);
  expect(message).toContain(
    lists(image).diffIDs[at] ?? `it has ${image.length} layers, the base ${base.length}`,
  );
});

test('it holds for what begins with the base, and for nothing else', () => {
  const ids = fc.array(fc.constantFrom('a', 'b', 'e'), { maxLength: 5 });
  fc.assert(
    fc.property(ids, ids, (base, image) => {
      const { holds } = comparePrefix(lists(base.join('')), lists(image.join('')));
      const diffIDs = (seeds: readonly string[]): readonly Digest[] => seeds.map(seed => layer(seed).diffID);
      expect(holds).toBe(diffIDs(image).slice(0, base.length).join() === diffIDs(base).join());
    }),
  );
});
