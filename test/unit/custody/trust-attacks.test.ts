import { describe, expect, test } from 'vitest';
import type { ReasonCode } from '../../../src/base/codes.js';
import {
  type CustodyPolicy,
  type CustodyVerdict,
  claimDigest,
  type ImageClaim,
  type TrustFacts,
  type VerifyInput,
  verify,
  type WithdrawClaim,
} from '../../../src/custody/index.js';
import { aSigner } from '../images.js';
import {
  APP,
  aPolicy,
  BASE,
  buildApproval,
  buildLinks,
  buildWithdrawal,
  DAY,
  daysAgo,
  digestOf,
  layer,
  mark,
  markStatement,
  NOW,
  RUNTIME,
  type StepDraft,
  type Story,
  tell,
} from './world.js';

/** Rows of CUSTODY.md section 8 that are seen with the teams' TUF metadata only. */
interface Row {
  readonly id: string;
  readonly does: string;
  /** Null for a pass. */
  readonly code: ReasonCode | null;
  readonly attack: () => Promise<VerifyInput>;
  /** The same without the one defect: it passes. */
  readonly honest: () => Promise<VerifyInput>;
}

const KEYS: Readonly<Record<string, readonly string[]>> = {
  base: ['linus', 'grace'],
  runtime: ['rita'],
  app: ['amy'],
  security: ['sam'],
  release: ['rob', 'ria'],
};

interface TrustEdit {
  readonly keys?: Readonly<Record<string, readonly string[]>>;
  readonly without?: readonly ImageClaim[];
  readonly withdrawn?: readonly ImageClaim[];
  readonly more?: readonly ImageClaim[];
  readonly teams?: readonly string[];
  readonly strays?: Readonly<Record<string, readonly ImageClaim[]>>;
  readonly policyVersion?: number;
}

/** What TUF lists when every team is delegated with its keys and lists what it claimed. */
async function trustOf(story: Story, edit: TrustEdit = {}): Promise<TrustFacts> {
  const { without = [], withdrawn = [], more = [], strays = {} } = edit;
  const claims = [...story.links.map(({ claim }) => claim), ...Object.values(story.approvals), ...more];
  const has = (list: readonly ImageClaim[], claim: ImageClaim) => list.includes(claim);
  const teams: TrustFacts['teams'] = new Map(
    await Promise.all(
      Object.entries({ ...KEYS, ...edit.keys })
        .filter(([team]) => edit.teams?.includes(team) ?? true)
        .map(async ([team, names]) => {
          const keys = await Promise.all(
            names.map(async name => {
              const [signer = '', label] = name.split('=');
              return { key: (await aSigner(signer)).publicKey, label };
            }),
          );
          const listed = new Map<string, object[]>();
          for (const claim of claims.filter(own => own.team === team && !has(without, own))) {
            const status = has(withdrawn, claim) ? 'withdrawn' : 'active';
            const manifest = claim.subject.manifest.digest;
            const entry = { claim: claimDigest(claim), status, reason: undefined };
            listed.set(manifest, [...(listed.get(manifest) ?? []), entry]);
          }
          const team_ = { keys, claims: listed, strays: new Set((strays[team] ?? []).map(claimDigest)) };
          return [team, team_] as const;
        }),
    ),
  ) as never;
  const head = story.links[0]!.claim.subject.manifest.digest;
  const { digest } = await aPolicy();
  return {
    teams,
    channels: new Map([['stable', [[head]]]]),
    policy: {
      version: edit.policyVersion ?? 7,
      digest: edit.policyVersion === undefined ? digest : digestOf('another'),
    },
  };
}

type PolicyEdit = Partial<CustodyPolicy>;

async function told(
  edit: (story: Story) => TrustEdit = () => ({}),
  policy: PolicyEdit = {},
  steps?: readonly StepDraft[],
): Promise<VerifyInput> {
  const story = await tell({ policy, ...(steps && { steps }) });
  return { ...story.input, trust: await trustOf(story, edit(story)) };
}

const OFF: PolicyEdit = { index: 'off' };
const COMPLETE: PolicyEdit = { index: 'complete' };

/** The base step must come from the newest two releases of a channel. */
async function currencyPolicy(): Promise<PolicyEdit> {
  const { flow } = await aPolicy();
  const currency = { channel: 'stable', maxBehind: 1 };
  return { flow: flow.map(step => (step.step === 'base' ? { ...step, currency } : step)) };
}

/** The base is this many releases old. */
async function onBase(behind: number): Promise<VerifyInput> {
  const input = await told(undefined, await currencyPolicy());
  const newer = Array.from({ length: behind }, (_, at) => {
    const [link] = buildLinks([{ ...BASE, layers: [layer(`release ${at}`)] }]);
    return [link!.claim.subject.manifest.digest];
  });
  const channel = [...newer, ...(input.trust?.channels.get('stable') ?? [])];
  return { ...input, trust: { ...input.trust!, channels: new Map([['stable', channel]]) } };
}

/** Team app rotated from `amy` to `ann`; its mark is still that of amy's key. */
const ROTATED = { keys: { app: ['ann=ann'] } };

/** The policy says that the thief's key, once amy's, is revoked. */
async function revokedAmy(index: CustodyPolicy['index']): Promise<PolicyEdit> {
  const { teams } = await aPolicy();
  const [amy, ann] = await Promise.all([aSigner('amy'), aSigner('ann')]);
  const signers = [{ name: 'amy', keys: [ann.publicKey], revoked: [amy.publicKey] }];
  return { index, teams: teams.map(team => (team.name === 'app' ? { ...team, signers } : team)) };
}

async function cosigned(policy: PolicyEdit, edit: (story: Story) => TrustEdit): Promise<VerifyInput> {
  const story = await tell({ policy });
  const marks = [...story.input.marks, ...(await mark(story.head.claim, ['ann'], { place: 'attached' }))];
  return { ...story.input, marks, trust: await trustOf(story, edit(story)) };
}

const ROWS: readonly Row[] = [
  {
    id: 'A7',
    does: 'hides the withdrawal of the base, which its team lists',
    code: 'base-withdrawn',
    attack: () => told(({ links }) => ({ withdrawn: [links[0]!.claim] }), COMPLETE),
    honest: () => told(undefined, COMPLETE),
  },
  {
    id: 'A8',
    does: 'rolls the tag back to an image on an old release of the base',
    code: 'base-behind',
    attack: () => onBase(2),
    honest: () => onBase(1),
  },
  {
    id: 'A22',
    does: 'serves all but one claim that TUF lists for this image',
    code: 'mark-missing',
    attack: async () => {
      const { approvals, head } = await tell();
      const hidden = buildApproval({ rule: 'scan', team: 'security', time: daysAgo(1) }, head);
      expect(claimDigest(hidden)).not.toBe(claimDigest(approvals.scan));
      return told(() => ({ more: [hidden] }), COMPLETE);
    },
    honest: async () => {
      const story = await tell({ policy: COMPLETE });
      const shown = buildApproval({ rule: 'scan', team: 'security', time: daysAgo(1) }, story.head);
      const marks = [...story.input.marks, ...(await mark(shown, ['sam']))];
      return { ...story.input, marks, trust: await trustOf(story, { more: [shown] }) };
    },
  },
  {
    id: 'B7',
    does: 'builds on a validly marked base that is no release of the channel any more',
    code: 'base-behind',
    attack: async () => {
      const input = await onBase(0);
      return { ...input, trust: { ...input.trust!, channels: new Map() } };
    },
    honest: () => onBase(0),
  },
  {
    id: 'C3',
    does: 'signs a back-dated claim with a key that was revoked',
    code: 'mark-unlisted',
    attack: async () =>
      told(({ head }) => ({ ...ROTATED, without: [head.claim] }), await revokedAmy('present')),
    honest: async () => told(() => ROTATED, await revokedAmy('present')),
  },
  {
    id: 'C3 without the listing',
    does: 'signs a back-dated claim with a key that was revoked',
    code: 'key-revoked',
    attack: async () => told(() => ROTATED, await revokedAmy('off')),
    honest: async () => cosigned(await revokedAmy('off'), () => ROTATED),
  },
  {
    id: 'C4',
    does: 'keeps an honest mark of a key that was replaced',
    code: null,
    attack: () => told(() => ROTATED),
    honest: () => told(),
  },
  {
    id: 'C4 without the listing',
    does: 'keeps an honest mark of a key that was replaced',
    code: 'key-retired',
    attack: () => told(() => ROTATED, OFF),
    honest: () => cosigned(OFF, () => ROTATED),
  },
  {
    id: 'C5',
    does: 'lists a claim of the base team in the metadata of its own team',
    code: 'tuf-path-not-delegated',
    attack: () => told(({ links }) => ({ without: [links[0]!.claim], strays: { app: [links[0]!.claim] } })),
    honest: () => told(({ links }) => ({ strays: { app: [links[0]!.claim] } })),
  },
  {
    id: 'C6',
    does: 'shows old marks of a team that was removed',
    code: 'team-not-delegated',
    attack: () => told(() => ({ teams: ['base', 'app', 'security', 'release'] })),
    honest: () => told(),
  },
  {
    id: 'C6 without the listing',
    does: 'shows old marks of a team that was removed',
    code: 'team-not-delegated',
    attack: () => told(() => ({ teams: ['base', 'app', 'security', 'release'] }), OFF),
    honest: () => told(undefined, OFF),
  },
  {
    id: 'C8',
    does: 'presents the policy of last year',
    code: 'policy-rollback',
    attack: () => told(() => ({ policyVersion: 8 })),
    honest: () => told(),
  },
  {
    id: 'C8 same version',
    does: 'presents another document under the version of today',
    code: 'policy-rollback',
    attack: async () => {
      const { digest } = (await tell()).head;
      return told(undefined, { digest });
    },
    honest: () => told(),
  },
  {
    id: 'C8 later',
    does: 'presents last year’s policy after it has ended',
    code: 'policy-expired',
    attack: () => told(undefined, { expires: new Date(NOW.getTime() - DAY) }),
    honest: () => told(),
  },
];

describe.each(ROWS)('$id: $does', ({ code, attack, honest }) => {
  const verdict: CustodyVerdict['verdict'] = code === null ? 'pass' : 'fail';
  test(`is ${verdict} (${code})`, async () => {
    const result = await verify(await attack());
    expect(result).toMatchObject({ verdict, code });
  });

  test('passes once the one defect is gone', async () => {
    const result = await verify(await honest());
    expect(result.findings.filter(({ severity }) => severity !== 'warning')).toEqual([]);
    expect(result).toMatchObject({ verdict: 'pass', code: null });
  });
});

test('rules over TUF metadata are no yes where nobody gave any', async () => {
  for (const policy of [{ index: 'present' as const }, COMPLETE, await currencyPolicy()]) {
    const { input } = await tell({ policy });
    expect(await verify(input)).toMatchObject({ verdict: 'fail', code: 'tuf-root-missing' });
  }
});

test('a policy that says nothing of the index wants marks listed where TUF is there', async () => {
  const input = await told(({ head }) => ({ without: [head.claim] }));
  expect(await verify(input)).toMatchObject({ verdict: 'fail', code: 'mark-unlisted' });
  expect(await verify({ ...input, policy: { ...input.policy, ...OFF } })).toMatchObject({ code: null });
});

test('a mark that a team listed as withdrawn does not stand, also where marks need no listing', async () => {
  const input = await told(({ head }) => ({ withdrawn: [head.claim] }), OFF);
  expect(await verify(input)).toMatchObject({ verdict: 'fail', code: 'mark-withdrawn' });
});

test('an approval that is not listed does not count', async () => {
  const input = await told(({ approvals }) => ({ without: [approvals.scan] }));
  const result = await verify(input);
  expect(result).toMatchObject({ verdict: 'fail', code: 'mark-unlisted' });
  expect(result.findings[0]?.where).toMatch(/^approval scan/);
});

test('a delegated key that nobody names counts for nobody', async () => {
  const steps = [BASE, RUNTIME, { ...APP, signers: ['ann'] }];
  expect(await verify(await told(() => ({ keys: { app: ['ann'] } }), {}, steps))).toMatchObject({
    verdict: 'fail',
    code: 'no-marks',
  });
  expect(await verify(await told(() => ROTATED, {}, steps))).toMatchObject({ verdict: 'pass' });
});

test('two keys that the delegation gives to one person are one signer', async () => {
  const steps = [{ ...BASE, signers: ['linus', 'ann'] }, RUNTIME, APP];
  const labelled = (label: string) => told(() => ({ keys: { base: ['linus', `ann=${label}`] } }), {}, steps);
  expect(await verify(await labelled('linus'))).toMatchObject({ code: 'threshold-not-met' });
  expect(await verify(await labelled('ann'))).toMatchObject({ verdict: 'pass' });
});

describe('a withdrawal that only a key of the past has signed', () => {
  const withdrawn = async (edit: (story: Story) => TrustEdit, policy: PolicyEdit) => {
    const story = await tell({ policy });
    const withdrawal = buildWithdrawal(story.head, 'app');
    const marks = [
      ...story.input.marks,
      ...(await mark(story.head.claim, ['ann'], { place: 'attached' })),
      ...(await markStatement(withdrawal, ['amy'])),
    ];
    return verify({ ...story.input, marks, trust: await trustOf(story, edit(story)) });
  };

  test('counts where the team says nothing else', async () => {
    const verdict = await withdrawn(story => ({ ...ROTATED, without: [story.head.claim] }), OFF);
    expect(verdict).toMatchObject({ verdict: 'fail', code: 'mark-withdrawn' });
  });

  test('does not where the team lists the claim as standing', async () => {
    const verdict = await withdrawn(() => ROTATED, OFF);
    expect(verdict).toMatchObject({ verdict: 'pass' });
    expect(verdict.findings.map(({ code }) => code)).toContain('mark-unverifiable');
  });

  describe.each(['present', 'complete'] as const)('with marks listed (%s)', index => {
    test.each([
      ['the claim itself', (w: WithdrawClaim) => w, 'pass'],
      [
        'a claim that is nowhere',
        (w: WithdrawClaim) => ({ ...w, prev: { ...w.prev, claim: digestOf('no such claim') } }),
        'pass',
      ],
      [
        'the claim, as one about another image',
        (w: WithdrawClaim) => ({
          ...w,
          subject: { manifest: { ...w.subject.manifest, digest: digestOf('other') } },
        }),
        'pass',
      ],
    ] as const)('naming %s takes nothing down that the team lists', async (_, edit, verdict) => {
      const story = await tell({ policy: await revokedAmy(index) });
      const withdrawal = edit(buildWithdrawal(story.head, 'app'));
      const own = [...story.input.marks, ...(await mark(story.head.claim, ['ann'], { place: 'attached' }))];
      const trust = await trustOf(story, ROTATED);
      const judged = (by: string) =>
        markStatement(withdrawal, [by]).then(marks =>
          verify({ ...story.input, marks: [...own, ...marks], trust }),
        );
      expect(await judged('amy')).toMatchObject({ verdict });
      // The same words of a key of today are the team's.
      expect(await judged('ann')).toMatchObject({ verdict: 'fail', code: 'mark-withdrawn' });
    });
  });
});

test('a claim that a team lists twice is withdrawn when one of the two says so', async () => {
  for (const order of [
    [0, 1],
    [1, 0],
  ] as const) {
    const input = await told(() => ({}), OFF);
    const teams = new Map(input.trust!.teams);
    const app = teams.get('app')!;
    const claims = new Map(
      [...app.claims].map(([manifest, [listed]]) => {
        const both = [listed!, { ...listed!, status: 'withdrawn' as const }];
        return [manifest, order.map(at => both[at]!)] as const;
      }),
    );
    teams.set('app', { ...app, claims });
    expect(await verify({ ...input, trust: { ...input.trust!, teams } })).toMatchObject({
      code: 'mark-withdrawn',
    });
    expect(await verify(input)).toMatchObject({ verdict: 'pass' });
  }
});
