import { describe, expect, test } from 'vitest';
import {
  claimDigest,
  draftIndexClaim,
  draftWithdrawal,
  type IndexClaim,
  type WithdrawClaim,
} from '../../../src/custody/index.js';
import { writeStatement } from '../../../src/sign/write-statement.js';
import { buildIndex } from '../../../src/testing/image.js';
import { baseImage, NOW, openWorkshop, PLACES, signersOf } from '../sign/workshop.js';

const index = buildIndex(
  ['amd64', 'arm64'].map(architecture => baseImage({ platform: { os: 'linux', architecture } })),
);
const subject = index.manifest.descriptor;
const later = (minutes: number) => new Date(NOW.getTime() + minutes * 60_000);

describe.each(PLACES)('what a team claims about an index in %s', place => {
  test('is found where it lies: the newest claim counts, and one that was taken back is a no', async () => {
    const workshop = await openWorkshop(place);
    const { policy } = workshop;
    const store = await workshop.push('base', index);
    const marked = await workshop.mark('base');
    const honest = marked.index?.document as IndexClaim;
    const { team, step, repo: repository } = honest;
    const who = { team, step, repository, policy };
    const signers = await signersOf('linus');
    const say = (claim: IndexClaim | WithdrawClaim) => writeStatement(store, subject, claim, signers, policy);
    const claim = (minutes: number, children: IndexClaim['children']) =>
      draftIndexClaim({ ...who, index: subject, children, time: later(minutes) });
    const verdict = async () => {
      const outcome = await workshop.verify('base', { now: later(10), handover: 'app' });
      expect(outcome.code).toBe(outcome.index?.code);
      return outcome.code;
    };
    expect(await verdict()).toBeNull();
    const wrong = claim(1, honest.children.slice(1));
    await say(wrong);
    expect(await verdict()).toBe('subject-mismatch');
    const target = { claim: wrong, digest: claimDigest(wrong) };
    await say(draftWithdrawal({ ...who, target, time: later(2) }));
    expect(await verdict()).toBe('mark-withdrawn');
    const [first, second] = honest.children as [IndexClaim['children'][0], IndexClaim['children'][0]];
    await say(claim(3, [{ ...first, claim: second.claim }, second]));
    expect(await verdict()).toBe('custody-ambiguous');
    await say({ ...claim(4, honest.children), 'x-note': 'as it is' });
    expect(await verdict()).toBeNull();
  });
});
