import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { utf8 } from '../../../src/base/bytes.js';
import {
  type FoundMark,
  isContentClaim,
  type LayerFact,
  readMark,
  type VerifyInput,
  verify,
} from '../../../src/custody/index.js';
import { aSigner } from '../images.js';
import {
  APP,
  aPolicy,
  BASE,
  DAY,
  digestOf,
  flowStep,
  layer,
  mark,
  NOW,
  REPOSITORY,
  RUNTIME,
  signDocument,
  tell,
} from './world.js';

/** What an attacker with the registry and the application team's key can do to what the verifier finds. */
type Move =
  | {
      readonly kind: 'drop' | 'duplicate' | 'swap' | 'cross' | 'resign';
      readonly at: number;
      readonly other: number;
    }
  | {
      readonly kind: 'flip';
      readonly at: number;
      readonly other: number;
      readonly where: 'payload' | 'signature';
    };

const moves = fc.array(
  fc.oneof(
    fc.record({
      kind: fc.constantFrom(
        'drop' as const,
        'duplicate' as const,
        'swap' as const,
        'cross' as const,
        'resign' as const,
      ),
      at: fc.nat(),
      other: fc.nat(),
    }),
    fc.record({
      kind: fc.constant('flip' as const),
      at: fc.nat(),
      other: fc.nat(),
      where: fc.constantFrom('payload' as const, 'signature' as const),
    }),
  ),
  { minLength: 1, maxLength: 4 },
);

function flip(bytes: Uint8Array, bit: number): Uint8Array {
  const copy = Uint8Array.from(bytes);
  const at = (bit >> 3) % Math.max(1, copy.length);
  copy[at] = (copy[at] ?? 0) ^ (1 << (bit & 7));
  return copy;
}

async function applyMove(marks: readonly FoundMark[], move: Move): Promise<readonly FoundMark[]> {
  if (marks.length === 0) return marks;
  const at = move.at % marks.length;
  const other = move.other % marks.length;
  const [one, two] = [marks[at]!, marks[other]!];
  const put = (...changed: FoundMark[]) => [...marks.slice(0, at), ...changed, ...marks.slice(at + 1)];
  switch (move.kind) {
    case 'drop':
      return put();
    case 'duplicate':
      return put(one, one);
    case 'swap':
      return marks.map((entry, index) => (index === at ? two : index === other ? one : entry));
    case 'cross':
      return put({ ...one, signature: two.signature });
    case 'flip':
      return put({ ...one, [move.where]: flip(one[move.where], move.other) });
    case 'resign': {
      const signer = await aSigner(move.other % 2 === 0 ? 'amy' : 'eve');
      return put(one, signDocument(signer, one.carrier, one.payload, 'signed again', one.place));
    }
  }
}

/** Each a definite no for a reason that no key of the application team can mend. */
const NOES: Readonly<Record<string, () => Promise<VerifyInput>>> = {
  'a base with one signer of two': async () =>
    (await tell({ steps: [{ ...BASE, signers: ['linus'] }, RUNTIME, APP] })).input,
  'a runtime mark by the application team': async () =>
    (await tell({ steps: [BASE, { ...RUNTIME, signers: ['amy'] }, APP] })).input,
  'no approvals': async () => (await tell({ approvals: 'none' })).input,
  'a stale base': async () =>
    (await tell({ steps: [{ ...BASE, time: '2026-01-01T00:00:00Z' }, RUNTIME, APP] })).input,
  'a swapped layer': async () =>
    (
      await tell({
        steps: [
          BASE,
          RUNTIME,
          {
            ...APP,
            image: {
              layers: [layer('evil'), ...[...BASE.layers, ...RUNTIME.layers, ...APP.layers].slice(1)],
            },
          },
        ],
      })
    ).input,
  'another repository': async () => {
    const { input } = await tell();
    return { ...input, image: { ...input.image, repository: 'registry.example.com/shop/other' } };
  },
};

describe('no becomes yes by nothing the application team or the registry can do', () => {
  test.each(Object.entries(NOES))('%s', async (_what, make) => {
    const input = await make();
    expect((await verify(input)).verdict).toBe('fail');
    await fc.assert(
      fc.asyncProperty(moves, async list => {
        let { marks } = input;
        for (const move of list) marks = await applyMove(marks, move);
        expect((await verify({ ...input, marks })).verdict).not.toBe('pass');
      }),
      { numRuns: 40 },
    );
  });

  test('an image with a flipped bit is not the marked one', async () => {
    const { input } = await tell();
    expect((await verify(input)).verdict).toBe('pass');
    await fc.assert(
      fc.asyncProperty(fc.nat(), fc.boolean(), async (bit, inConfig) => {
        const { manifest, config } = input.image;
        const image = inConfig
          ? { ...input.image, config: flip(config, bit) }
          : { ...input.image, manifest: { ...manifest, bytes: flip(manifest.bytes, bit) } };
        expect((await verify({ ...input, image })).verdict).not.toBe('pass');
      }),
      { numRuns: 60 },
    );
  });

  test('a mark whose claim was edited counts for nothing', async () => {
    const { input } = await tell();
    const members = ['team', 'step', 'seq', 'repo', 'time', 'kind', 'span', 'chain', 'subject'];
    await fc.assert(
      fc.asyncProperty(fc.constantFrom(...members), fc.nat(), async (member, at) => {
        const target = at % input.marks.length;
        const marks = input.marks.map((entry, index) => {
          if (index !== target) return entry;
          const text = Buffer.from(entry.payload).toString();
          return { ...entry, payload: utf8(text.replaceAll(`"${member}":`, `"x-${member}":`)) };
        });
        const result = await verify({ ...input, marks });
        expect(result.findings.map(({ code }) => code)).toContain('mark-unverifiable');
      }),
      { numRuns: 30 },
    );
  });
});

describe('yes becomes no by nothing unknown (G7)', () => {
  const junk = fc.record({
    carrier: fc.constantFrom('simplesigning' as const, 'bundle' as const),
    place: fc.constantFrom('attached' as const, 'artifact' as const),
    source: fc.constant('junk'),
    payload: fc.uint8Array({ maxLength: 200 }),
    payloadType: fc.option(fc.string(), { nil: undefined }),
    signature: fc.uint8Array({ maxLength: 80 }),
    keyHint: fc.option(fc.string(), { nil: undefined }),
  });
  const facts = fc.array(
    fc.record({
      index: fc.nat(100),
      digest: fc.constant(digestOf('junk')),
      outcome: fc.constant('unavailable' as const),
    }),
    { maxLength: 3 },
  );

  test('junk signatures, unknown signers, junk blobs and facts about other blobs', async () => {
    const story = await tell();
    const foreign = [
      ...(await mark(story.head.claim, ['eve'])),
      ...(await mark({ ...story.head.claim, team: 'eve' }, ['eve'], { place: 'attached' })),
      ...(await mark({ ...story.links[0]!.claim, next: ['nobody'] }, ['eve'])),
    ];
    await fc.assert(
      fc.asyncProperty(
        fc.array(junk, { maxLength: 4 }),
        fc.subarray(foreign),
        fc.array(fc.uint8Array({ maxLength: 100 }), { maxLength: 3 }),
        facts,
        fc.nat(),
        async (noise, others, blobs, layerEvidence: readonly LayerFact[], at) => {
          const { marks, carried } = story.input;
          const cut = at % marks.length;
          const more = [...marks.slice(0, cut), ...noise, ...others, ...marks.slice(cut)];
          const input = { ...story.input, marks: more, carried: [...blobs, ...carried], layerEvidence };
          expect(await verify(input)).toMatchObject({ verdict: 'pass', code: null });
        },
      ),
      { numRuns: 60 },
    );
  });

  test('order and repetition of marks and blobs', async () => {
    const { input } = await tell();
    const { findings: _, ...expected } = await verify(input);
    await fc.assert(
      fc.asyncProperty(
        fc.shuffledSubarray([...input.marks], { minLength: input.marks.length }),
        async marks => {
          const again = {
            ...input,
            marks: [...marks, ...marks.slice(0, 3)],
            carried: [...input.carried].reverse(),
          };
          expect(await verify(again)).toMatchObject(expected);
        },
      ),
      { numRuns: 20 },
    );
  });
});

test('five teams and sixty layers: every layer has its owner', async () => {
  const teams = ['base', 'runtime', 'app', 'security', 'release'];
  const signers = ['linus', 'rita', 'amy', 'sam', 'rob'];
  const steps = teams.map((team, at) => ({
    ...RUNTIME,
    team,
    step: team,
    signers: [signers[at]!],
    layers: Array.from({ length: 12 }, (_, index) => layer(`${team} ${index}`)),
    repo: REPOSITORY,
  }));
  const flow = teams.map(team => flowStep({ step: team, team, kinds: ['add'], maxAge: 90 * DAY }));
  const { input } = await tell({ steps, approvals: 'none', policy: { flow, approvals: [], config: {} } });
  const verdict = await verify(input);
  expect(verdict).toMatchObject({ verdict: 'pass', level: 'manifest' });
  expect(verdict.layers.map(({ index, team }) => [index, team])).toEqual(
    Array.from({ length: 60 }, (_, index) => [index, teams[Math.floor(index / 12)]]),
  );
  const read = input.marks.map(entry => readMark(entry)?.claim);
  // A claim holds its own layers only, so what is read and hashed grows with the layers and not with their square.
  expect(read.every(claim => claim && isContentClaim(claim) && claim.layers.length === 12)).toBe(true);
});

test('the answer depends on nothing but the input', async () => {
  const { input } = await tell();
  const policy = await aPolicy();
  const first = await verify({ ...input, policy });
  expect(await verify({ ...input, policy, now: new Date(NOW) })).toEqual(first);
});
