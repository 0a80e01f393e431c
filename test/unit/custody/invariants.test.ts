import { describe, expect, test } from 'vitest';
import {
  type ContentClaim,
  type CustodyPolicy,
  claimDigest,
  extendChain,
  parseClaim,
  type VerifyInput,
  verify,
} from '../../../src/custody/index.js';
import {
  APP,
  BASE,
  buildLinks,
  daysAgo,
  digestOf,
  layer,
  mark,
  RUNTIME,
  type StepDraft,
  tell,
} from './world.js';

/** One broken link at a time: nothing else in the chain is wrong, and it names the invariant. */
type Edit = (claim: ContentClaim) => unknown;
const bare: Partial<CustodyPolicy> = { approvals: [], config: {} };
const tellWith = async (edits: { base?: Edit; runtime?: Edit; app?: Edit }): Promise<VerifyInput> => {
  const step = (draft: StepDraft, edit: Edit | undefined): StepDraft => (edit ? { ...draft, edit } : draft);
  const steps = [step(BASE, edits.base), step(RUNTIME, edits.runtime), step(APP, edits.app)];
  return (await tell({ steps, approvals: 'none', policy: bare })).input;
};

describe('invariants', () => {
  test('hold in an honest chain', async () => {
    expect(await verify(await tellWith({}))).toMatchObject({ verdict: 'pass', findings: [] });
  });

  test.each<[string, Parameters<typeof tellWith>[0], string]>([
    [
      'I2 manifest size',
      { app: c => ({ ...c, subject: { ...c.subject, manifest: { ...c.subject.manifest, size: 1 } } }) },
      'subject-mismatch',
    ],
    [
      'I2 config',
      {
        app: c => ({
          ...c,
          subject: { ...c.subject, config: { ...c.subject.config, digest: digestOf('x') } },
        }),
      },
      'subject-mismatch',
    ],
    [
      'I2 config size',
      { app: c => ({ ...c, subject: { ...c.subject, config: { ...c.subject.config, size: 1 } } }) },
      'subject-mismatch',
    ],
    ['I3 number', { base: c => ({ ...c, seq: 1 }) }, 'chain-start-invalid'],
    [
      'I3 base',
      { base: c => ({ ...c, base: { manifest: digestOf('m'), config: digestOf('c'), layers: 0 } }) },
      'chain-start-invalid',
    ],
    ['I3 first layer', { base: c => ({ ...c, span: { from: 1, to: 3 } }) }, 'chain-start-invalid'],
    [
      'I3 layers below',
      { base: c => ({ ...c, chain: { ...c.chain, before: digestOf('below') } }) },
      'chain-start-invalid',
    ],
    ['I4 number', { app: c => ({ ...c, seq: 3 }) }, 'prev-mismatch'],
    ['I4 team', { app: c => ({ ...c, prev: { ...c.prev!, team: 'base' } }) }, 'prev-mismatch'],
    ['I4 step', { app: c => ({ ...c, prev: { ...c.prev!, step: 'base' } }) }, 'prev-mismatch'],
    ['I4 missing', { app: c => ({ ...c, prev: { ...c.prev!, claim: digestOf('other') } }) }, 'prev-missing'],
    ['I5 no base', { app: ({ base: _, ...c }) => c }, 'base-mismatch'],
    [
      'I5 manifest',
      { app: c => ({ ...c, base: { ...c.base!, manifest: digestOf('other') } }) },
      'base-mismatch',
    ],
    ['I5 config', { app: c => ({ ...c, base: { ...c.base!, config: digestOf('other') } }) }, 'base-mismatch'],
    ['I5 layers', { app: c => ({ ...c, base: { ...c.base!, layers: 3 } }) }, 'base-mismatch'],
    ['I6 gap', { app: c => ({ ...c, span: { from: 5, to: 7 } }) }, 'coverage-gap'],
    ['I6 overlap', { app: c => ({ ...c, span: { from: 3, to: 5 } }) }, 'coverage-overlap'],
    ['I7 fewer', { app: c => ({ ...c, layers: c.layers.slice(1) }) }, 'layer-count-mismatch'],
    ['I7 order', { app: c => ({ ...c, layers: [...c.layers].reverse() }) }, 'layer-count-mismatch'],
    [
      'I7 twice',
      { app: c => ({ ...c, layers: c.layers.map(entry => ({ ...entry, i: 4 })) }) },
      'layer-count-mismatch',
    ],
    [
      'I8',
      {
        app: c => {
          const before = digestOf('other');
          return {
            ...c,
            chain: {
              before,
              after: extendChain(
                before,
                c.layers.map(entry => entry.diffID),
              ),
            },
          };
        },
      },
      'chain-before-mismatch',
    ],
    ['I9', { app: c => ({ ...c, chain: { ...c.chain, after: digestOf('other') } }) }, 'chain-after-mismatch'],
    [
      'I11 along the chain',
      { base: c => ({ ...c, platform: { os: 'linux', architecture: 'arm64' } }) },
      'platform-mismatch',
    ],
    [
      'I11 variant',
      { base: c => ({ ...c, platform: { ...c.platform, variant: 'v3' } }) },
      'platform-mismatch',
    ],
  ])('%s', async (_id, edits, code) => {
    const result = await verify(await tellWith(edits));
    expect(result).toMatchObject({ verdict: 'fail', code });
  });

  test('I3: a config step cannot begin a chain that has layers', async () => {
    const first: StepDraft = {
      ...BASE,
      kind: 'config',
      layers: [],
      edit: c => ({ ...c, span: { from: 2, to: 2 } }),
    };
    const flow = [
      { ...(await tell()).input.policy.flow[1]!, kinds: ['config' as const] },
      ...(await tell()).input.policy.flow.slice(2),
    ];
    const draft = { approvals: 'none' as const, policy: { ...bare, flow } };
    expect((await verify((await tell({ ...draft, steps: [first, RUNTIME, APP] })).input)).code).toBe(
      'chain-start-invalid',
    );
    const empty: StepDraft = { ...BASE, kind: 'config', layers: [] };
    expect((await verify((await tell({ ...draft, steps: [empty, RUNTIME, APP] })).input)).code).toBeNull();
  });

  test('I4: an approval is no link of a chain', async () => {
    const story = await tell({ policy: bare });
    const link = { ...story.head.claim.prev!, claim: claimDigest(story.approvals.qa) };
    const claim = { ...story.head.claim, prev: link };
    const marks = story.input.marks.filter(({ source }) => !source.startsWith('app by'));
    const result = await verify({ ...story.input, marks: [...marks, ...(await mark(claim, ['amy']))] });
    expect(result).toMatchObject({ verdict: 'fail', code: 'prev-mismatch' });
    expect((await verify(story.input)).code).toBeNull();
  });

  test('I4: nobody adopts in the middle of a chain', () => {
    const [, runtime] = buildLinks([BASE, RUNTIME]);
    expect(() => parseClaim({ ...runtime!.claim, kind: 'adopt', inputs: [] } as never)).toThrow(
      /cannot have base/,
    );
  });

  test('I13: what a step saw came before it', async () => {
    const story = await tell({ policy: bare });
    const early = { ...story.approvals.qa, time: daysAgo(11) };
    const late = { ...story.approvals.qa, time: daysAgo(1) };
    const seeing = async (approval: typeof early) => {
      const steps = [
        BASE,
        RUNTIME,
        { ...APP, edit: (c: ContentClaim) => ({ ...c, saw: [claimDigest(approval)] }) },
      ];
      const { input } = await tell({ steps, approvals: 'none', policy: bare });
      return (await verify({ ...input, marks: [...input.marks, ...(await mark(approval, ['sam']))] })).code;
    };
    expect(await seeing(early)).toBeNull();
    expect(await seeing(late)).toBe('time-implausible');
  });

  test('a clock may be off by the skew, and no more', async () => {
    const at = async (seconds: number) => {
      const time = `${new Date(Date.parse(RUNTIME.time) - seconds * 1000).toISOString().slice(0, 19)}Z`;
      const { input } = await tell({
        steps: [BASE, RUNTIME, { ...APP, time }],
        approvals: 'none',
        policy: bare,
      });
      return (await verify(input)).code;
    };
    expect(await at(300)).toBeNull();
    expect(await at(301)).toBe('time-implausible');
  });

  test('a layer that nobody has is seen at any place', async () => {
    for (const place of [0, 3, 5]) {
      const layers = [...BASE.layers, ...RUNTIME.layers, ...APP.layers].map((entry, at) =>
        at === place ? layer('evil') : entry,
      );
      const { input } = await tell({
        steps: [BASE, RUNTIME, { ...APP, image: { layers } }],
        approvals: 'none',
        policy: bare,
      });
      expect((await verify(input)).code).toBe('chain-mismatch');
    }
  });
});
