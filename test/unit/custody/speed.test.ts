import canonicalize from 'canonicalize';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { utf8 } from '../../../src/base/bytes.js';
import type { JsonValue } from '../../../src/base/json.js';
import { LIMITS } from '../../../src/base/limits.js';
import { canonicalJson } from '../../../src/custody/claim-digest.js';
import { type FoundMark, readMark, type VerifyInput, verify } from '../../../src/custody/index.js';
import type { KnownClaims } from '../../../src/custody/parse-claim.js';
import { uniteMarks } from '../../../src/custody/unite-marks.js';
import { aSigner } from '../images.js';
import { APP, buildLink, mark, REPOSITORY, signDocument, tell } from './world.js';

/** Ways of doing less must not be ways of seeing less: each is held to the plain way. */

const text = fc.oneof(
  fc.string({ unit: 'binary' }),
  fc.string(),
  fc.constantFrom('\\ud800', '10', '9', '__proto__'),
);
const { value } = fc.letrec<{ value: unknown }>(tie => ({
  value: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    fc.constantFrom(null, true, false, 0, -0, 1e21, 5e-324),
    fc.double({ noNaN: true, noDefaultInfinity: true }),
    text,
    fc.array(tie('value')),
    fc.dictionary(text, tie('value')),
  ),
}));

test('canonical JSON is that of the reference, whatever order the keys come in', () => {
  fc.assert(
    fc.property(value, any => {
      expect(canonicalJson(any as JsonValue)).toBe(canonicalize(any));
    }),
    { numRuns: 500 },
  );
});

test('canonical JSON of what is canonical already is that text', () => {
  fc.assert(
    fc.property(value, any => {
      const canonical = canonicalize(any) as string;
      expect(canonicalJson(JSON.parse(canonical))).toBe(canonical);
    }),
    { numRuns: 500 },
  );
});

test.each([['\ud800'], [{ '\udfff': 1 }], [Number.NaN], [[Number.POSITIVE_INFINITY]]])(
  'what has no canonical form is refused: %j',
  odd => {
    expect(() => canonicalize(odd)).toThrow();
    expect(() => canonicalJson(odd)).toThrow();
  },
);

test('a claim known from one carrier is the same one in the other; carriers are held to it all the same', async () => {
  const { claim, digest } = buildLink(APP);
  const [payload, statement] = (await mark(claim, ['amy'])) as [FoundMark, FoundMark];
  const known: KnownClaims = new Map();
  const read = readMark(payload, known);
  expect(read?.digest).toBe(digest);
  expect(readMark(statement, known)).toEqual(readMark(statement));
  expect([...known.values()]).toEqual([read]);
  expect(readMark(statement, known)?.claim).toBe(read?.claim);
  const edit = (from: string, to: string) => {
    const bytes = utf8(Buffer.from(statement.payload).toString().replaceAll(from, to));
    return { ...statement, payload: bytes };
  };
  expect(() => readMark(edit('"custody.step":"app"', '"custody.step":"base"'), known)).toThrow(
    'custody.step',
  );
  expect(() => readMark(edit(`"name":"${REPOSITORY}"`, '"name":"example.com/x"'), known)).toThrow('name');
  expect(() => readMark(edit('"seq":0', '"seq":0,"seq":0'), known)).toThrow('twice');
  expect(() => readMark(edit('"seq":0', '"seq":-0'), known)).toThrow('whole number');
  const later = edit(claim.time, '2026-11-18T00:00:00Z');
  expect(() => readMark(later, known)).toThrow('custody.claim');
});

test('copies of one signature are one mark, on the image where any copy is', async () => {
  const { claim } = buildLink(APP);
  const [first, second] = (await mark(claim, ['amy'])) as [FoundMark, FoundMark];
  const attached: FoundMark = { ...first, place: 'attached', source: 'the .sig tag' };
  const hinted: FoundMark = { ...first, keyHint: 'abc' };
  expect(uniteMarks([first, attached, second, hinted])).toEqual([{ ...attached, keyHint: 'abc' }, second]);
  expect(uniteMarks([attached, first])).toEqual([attached]);
  const other = signDocument(await aSigner('rita'), first.carrier, first.payload, 'by rita');
  expect(uniteMarks([first, other])).toHaveLength(2);
  expect(uniteMarks([first, { ...first, payloadType: 'text/plain' }])).toHaveLength(2);
  expect(uniteMarks([first, { ...first, carrier: 'bundle' }])).toHaveLength(2);
});

test('copies change no verdict and count against no limit', async () => {
  const { input } = await tell();
  const copies = Array.from(
    { length: Math.ceil(LIMITS.marks / input.marks.length) },
    () => input.marks,
  ).flat();
  expect(copies.length + input.marks.length).toBeGreaterThan(LIMITS.marks);
  const moved = copies.map((copy): FoundMark => ({ ...copy, place: 'artifact', source: 'a copy' }));
  const verdict = await verify(input);
  const many: VerifyInput = { ...input, marks: [...moved, ...input.marks] };
  expect(await verify(many)).toEqual(verdict);
  expect(verdict.verdict).toBe('pass');
});
