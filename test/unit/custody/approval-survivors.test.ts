import { beforeAll, describe, expect, test } from 'vitest';
import { type ApproveClaim, claimDigest, verify } from '../../../src/custody/index.js';
import {
  APP,
  approvalRule,
  BASE,
  buildApproval,
  claimLayers,
  DAY,
  daysAgo,
  digestOf,
  layer,
  mark,
  RUNTIME,
  type Story,
  tell,
} from './world.js';

/** Approvals with one thing wrong each, which no other test would miss if the check were taken out. */

const SCAN = approvalRule({ name: 'scan', team: 'security' });
const PROMOTE = approvalRule({ name: 'promote', team: 'release', threshold: 2 });
let story: Story;
beforeAll(async () => {
  story = await tell({ approvals: 'none', policy: { approvals: [SCAN] } });
});

async function codeWith(
  given: readonly (readonly [claim: ApproveClaim, ...signers: string[]])[],
  approvals: readonly ReturnType<typeof approvalRule>[] = [SCAN],
  { input }: Story = story,
) {
  const marks = await Promise.all(given.map(([claim, ...signers]) => mark(claim, signers)));
  const policy = { ...input.policy, approvals };
  return (await verify({ ...input, policy, marks: [...input.marks, ...marks.flat()] })).code;
}

test('needs as many signers as the rule says, of the team', async () => {
  const { promote } = story.approvals;
  const rules = [PROMOTE];
  expect(await codeWith([[promote, 'rob', 'ria']], rules)).toBeNull();
  expect(await codeWith([[promote, 'rob']], rules)).toBe('threshold-not-met');
  expect(await codeWith([[promote, 'rob', 'sam']], rules)).toBe('threshold-not-met');
  expect(await codeWith([[promote, 'sam', 'amy']], rules)).toBe('key-not-authorised');
  // Two who approve in two claims are not two who approve in one.
  const other = { ...promote, time: daysAgo(1) };
  expect(
    await codeWith(
      [
        [promote, 'rob'],
        [other, 'ria'],
      ],
      rules,
    ),
  ).toBe('threshold-not-met');
});

describe('says exactly what the claim does that it approves', () => {
  const changed = (edit: (claim: ApproveClaim) => unknown) =>
    codeWith([
      [buildApproval({ rule: 'scan', team: 'security', time: daysAgo(2), edit }, story.head), 'sam'],
    ]);
  const chain = (part: object) => (claim: ApproveClaim) => ({ ...claim, chain: { ...claim.chain, ...part } });
  const subject = (part: 'manifest' | 'config') => (claim: ApproveClaim) => ({
    ...claim,
    subject: { ...claim.subject, [part]: { ...claim.subject[part], digest: digestOf('other') } },
  });
  const platform = (part: object) => (claim: ApproveClaim) => ({
    ...claim,
    platform: { ...claim.platform, ...part },
  });

  test('and counts then', async () => expect(await changed(claim => claim)).toBeNull());

  test.each([
    ['another manifest', subject('manifest'), 'prev-mismatch'],
    ['another config', subject('config'), 'prev-mismatch'],
    ['other layers below', chain({ before: digestOf('other') }), 'kind-invalid'],
    ['other layers', chain({ after: digestOf('other') }), 'kind-invalid'],
    ['another system', platform({ os: 'windows' }), 'kind-invalid'],
    ['another architecture', platform({ architecture: 'arm64' }), 'kind-invalid'],
    [
      'layers of its own',
      (claim: ApproveClaim) => ({ ...claim, layers: claimLayers([layer('own')], 6) }),
      'kind-invalid',
    ],
  ])('not %s', async (_, edit, code) => expect(await changed(edit)).toBe(code));
});

test('a step that was done twice is approved as it was left', async () => {
  const again = { ...RUNTIME, layers: [layer('more')], time: daysAgo(8) };
  const twice = await tell({ steps: [BASE, RUNTIME, again, APP], approvals: 'none' });
  const rules = [approvalRule({ name: 'runtime-qa', team: 'security', on: 'runtime' })];
  const of = (at: number) =>
    buildApproval(
      { rule: 'runtime-qa', team: 'security', time: daysAgo(4) },
      twice.links[at] as Story['head'],
    );
  expect(await codeWith([[of(2), 'sam']], rules, twice)).toBeNull();
  expect(await codeWith([[of(1), 'sam']], rules, twice)).toBe('approval-missing');
});

describe('what it must have seen', () => {
  const scanOn = (days: number) => ({ ...story.approvals.scan, time: daysAgo(days) });
  const promoteOn = (days: number, saw: ApproveClaim) => ({
    ...story.approvals.promote,
    time: daysAgo(days),
    saw: [claimDigest(saw)],
  });
  const rules = (maxAge: number) => [
    { ...PROMOTE, after: ['scan'] },
    { ...SCAN, maxAge },
  ];

  test('was there before it', async () => {
    const scan = scanOn(1);
    const given = (days: number) =>
      codeWith(
        [
          [scan, 'sam'],
          [promoteOn(days, scan), 'rob', 'ria'],
        ],
        rules(7 * DAY),
      );
    expect(await given(1)).toBeNull();
    expect(await given(2)).toBe('time-implausible');
  });

  test('was fresh enough then, whatever is there now', async () => {
    const [old, fresh] = [scanOn(2.9), scanOn(0.1)];
    const given = (maxAge: number) =>
      codeWith(
        [
          [old, 'sam'],
          [fresh, 'sam'],
          [promoteOn(1, old), 'rob', 'ria'],
        ],
        rules(maxAge),
      );
    expect(await given(2 * DAY)).toBeNull();
    expect(await given(DAY)).toBe('approval-order');
  });
});
