import { expect, test } from 'vitest';
import { LIMITS } from '../../../src/base/limits.js';
import { type FoundMark, verify } from '../../../src/custody/index.js';
import { MarkPile } from '../../../src/verify/mark-pile.js';
import { tell } from '../custody/world.js';

/** One document under many signatures, as a custody artifact of little more than the document itself may hold. */
function bigMarks(count: number, size: number): readonly FoundMark[] {
  const payload = new Uint8Array(size);
  return Array.from({ length: count }, (_, i) => ({
    carrier: 'bundle',
    place: 'artifact',
    source: `flood[${i}]`,
    payload,
    payloadType: 'text/plain',
    signature: Uint8Array.of(i >> 8, i & 255),
  }));
}

const FULL = LIMITS.marksSize / LIMITS.payloadSize;

test('a big document under many signatures is left out as a whole; what else was found is looked at', async () => {
  const { marks } = (await tell()).input;
  const pile = new MarkPile();
  pile.add([
    { source: 'flood', marks: bigMarks(FULL + 1, LIMITS.payloadSize), problems: [] },
    { source: 'honest', marks, problems: [] },
  ]);
  expect(pile.marks).toEqual(marks);
  expect(pile.unread).toMatchObject([{ source: 'flood', code: 'limit-exceeded' }]);
});

test('places that are too much together: what came first stays', () => {
  const pile = new MarkPile();
  const place = (source: string) => ({ source, marks: bigMarks(FULL - 1, LIMITS.payloadSize), problems: [] });
  pile.add([place('first')]);
  // The same marks once more are no more of them.
  pile.add([place('again')]);
  expect(pile.unread).toEqual([]);
  const others = bigMarks(2, LIMITS.payloadSize).map(mark => ({ ...mark, payloadType: 'text/html' }));
  pile.add([{ source: 'more', marks: others, problems: [] }]);
  expect(pile.marks).toHaveLength(FULL - 1);
  expect(pile.unread).toMatchObject([{ source: 'more', code: 'limit-exceeded' }]);
});

test('nor does the check itself take them', async () => {
  const { input } = await tell();
  const flooded = (count: number) =>
    verify({ ...input, marks: [...input.marks, ...bigMarks(count, LIMITS.payloadSize)] });
  expect((await flooded(FULL - 1)).code).toBeNull();
  expect((await flooded(FULL)).code).toBe('limit-exceeded');
});
