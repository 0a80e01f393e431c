import { expect, test } from 'vitest';
import type { ReasonCode } from '../../../src/base/codes.js';
import { type ContentClaim, verify } from '../../../src/custody/index.js';
import {
  APP,
  aPolicy,
  BASE,
  buildWithdrawal,
  DAY,
  daysAgo,
  flowStep,
  markStatement,
  RUNTIME,
  type Story,
  tell,
} from './world.js';

/** A team renews its mark by making another one; the newer one may lie where nobody could look. */

const UNREAD = [{ source: 'referrers', code: 'network-unreachable' as ReasonCode, message: 'was not read' }];
const APP_STEP = { step: 'app', team: 'app', kinds: ['add'] } as const;

async function judge({ input }: Story, more: Partial<Story['input']> = {}) {
  const ask = async (unread: typeof UNREAD) => {
    const { verdict, findings } = await verify({ ...input, ...more, unread });
    return [verdict, findings.filter(({ severity }) => severity !== 'warning').map(({ code }) => code)];
  };
  return { known: await ask([]), open: await ask(UNREAD) };
}

test('a mark that is too old', async () => {
  const { flow } = await aPolicy();
  const policy = { flow: [...flow.slice(0, -1), flowStep({ ...APP_STEP, maxAge: 2 * DAY })], approvals: [] };
  const { known, open } = await judge(await tell({ policy }));
  expect(known).toEqual(['fail', ['mark-stale']]);
  expect(open).toEqual(['indeterminate', ['network-unreachable', 'mark-stale']]);
});

test('a mark that has expired', async () => {
  const edit = (claim: ContentClaim) => ({ ...claim, expires: daysAgo(1) });
  const story = await tell({ steps: [BASE, RUNTIME, { ...APP, edit }], policy: { approvals: [] } });
  const { known, open } = await judge(story);
  expect(known).toEqual(['fail', ['mark-expired']]);
  expect(open).toEqual(['indeterminate', ['network-unreachable', 'mark-expired']]);
});

test('a mark that was taken back, of the image and of what it was built on', async () => {
  const story = await tell({ policy: { approvals: [] } });
  const [, runtime] = story.links;
  const without = async (link: Story['head'], team: string, signer: string) =>
    judge(story, {
      marks: [...story.input.marks, ...(await markStatement(buildWithdrawal(link, team), [signer]))],
    });
  const head = await without(story.head, 'app', 'amy');
  expect(head.known).toEqual(['fail', ['mark-withdrawn']]);
  expect(head.open).toEqual(['indeterminate', ['network-unreachable', 'mark-withdrawn']]);
  const base = await without(runtime as Story['head'], 'runtime', 'rita');
  expect(base.known).toEqual(['fail', ['base-withdrawn']]);
  expect(base.open).toEqual(['indeterminate', ['network-unreachable', 'base-withdrawn']]);
});

test('a mark by a team that had not checked what it built on', async () => {
  const edit = (claim: ContentClaim) => ({
    ...claim,
    checked: { verdict: 'skipped' as const, at: claim.time, tool: 'touchmark/0.1.0' },
  });
  const story = await tell({ steps: [BASE, RUNTIME, { ...APP, edit }], policy: { approvals: [] } });
  const { known, open } = await judge(story);
  expect(known).toEqual(['fail', ['unchecked-step']]);
  expect(open).toEqual(['indeterminate', ['network-unreachable', 'unchecked-step']]);
});

test('what no other mark mends stays a no', async () => {
  const story = await tell({ policy: { repositories: ['registry.example.com/toys/*'] } });
  const { known, open } = await judge(story);
  expect(known[0]).toBe('fail');
  expect(open).toEqual(known);
  const expired = await judge(await tell({ policy: { expires: new Date('2026-01-01T00:00:00Z') } }));
  expect(expired.open).toEqual(['fail', ['policy-expired']]);
});
