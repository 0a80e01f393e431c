import { describe, expect, test } from 'vitest';
import type { CustodyPolicy } from '../../../src/custody/index.js';
import { verify } from '../../../src/custody/index.js';
import { explainRules, presentRules, renderLines } from '../../../src/report/index.js';
import { APP, BASE, DAY, daysAgo, NOW, RUNTIME, type StepDraft, tell } from '../custody/world.js';

interface Telling {
  readonly steps?: readonly StepDraft[];
  readonly approvals?: 'none';
  readonly policy?: Partial<CustodyPolicy>;
  readonly repository?: string;
  readonly now?: Date;
  readonly unmarked?: boolean;
}

async function explain({ repository, now, unmarked, ...draft }: Telling = {}) {
  const { input } = await tell(draft);
  const { policy } = input;
  const image = repository === undefined ? input.image : { ...input.image, repository };
  const verdict = await verify({ ...input, image, ...(now && { now }), ...(unmarked && { marks: [] }) });
  const pinned = `${verdict.subject.repository}@${verdict.subject.manifest}`;
  const rules = explainRules(verdict, policy, { verdict, policy, pinned, file: 'policy.yaml' });
  const text = renderLines(
    presentRules(rules, verdict, pinned),
    (_, words) => words,
    words => words,
  );
  return {
    verdict,
    pinned,
    text,
    states: Object.fromEntries(rules.map(({ rule, state }) => [rule, state])),
    ruleOf: (name: string) => rules.find(({ rule }) => rule === name),
  };
}

test('of an image that passes every rule holds, with its claims and until when', async () => {
  const { states, ruleOf, verdict, text } = await explain();
  expect(verdict.code).toBeNull();
  expect(states).toEqual({
    expiry: 'held',
    scope: 'held',
    chain: 'held',
    'step upstream': 'held',
    'step base': 'held',
    'step runtime': 'held',
    'step app': 'held',
    'approval base-qa': 'held',
    'approval scan': 'held',
    'approval promote': 'held',
    'distinct signers': 'held',
    'config app': 'held',
    evidence: 'held',
  });
  expect(ruleOf('step base')?.claims).toMatchObject([
    { team: 'base', signers: ['grace', 'linus'], threshold: 2, age: 20 * 86_400, remaining: 40 * 86_400 },
  ]);
  expect(ruleOf('step base')?.claims[0]?.until).toBe(new Date(NOW.getTime() + 40 * DAY).toISOString());
  // Its age is not asked for.
  expect(ruleOf('step app')?.claims[0]).toMatchObject({ until: null, remaining: null });
  expect(text).toContain('13 of 13 rules hold; the image passes');
  for (const line of text.split('\n').slice(1)) expect(line.length, line).toBeLessThanOrEqual(100);
});

describe('what does not hold says what would make it', () => {
  test('an approval', async () => {
    const { states, ruleOf, pinned } = await explain({ approvals: 'none' });
    expect(states['approval scan']).toBe('not-held');
    expect(ruleOf('approval scan')?.fix).toBe(
      `touchmark custody approve --team security --step scan --evidence scan-report=FILE --policy policy.yaml --key KEY ${pinned}`,
    );
    // Of a step below, only the digest of its image is known.
    expect(ruleOf('approval base-qa')?.fix).toMatch(/--step base-qa .* IMAGE@sha256:[a-f0-9]{64}$/);
    expect(states['step app']).toBe('held');
  });

  test('an approval that was given and is too old', async () => {
    const { ruleOf, states } = await explain({ now: new Date(NOW.getTime() + 10 * DAY) });
    expect(states['approval scan']).toBe('not-held');
    expect(ruleOf('approval scan')?.findings[0]?.code).toBe('mark-stale');
    expect(ruleOf('approval scan')?.fix).toContain('custody approve');
  });

  test('a step with too few signers', async () => {
    const { states, ruleOf, verdict } = await explain({
      steps: [{ ...BASE, signers: ['linus'] }, RUNTIME, APP],
    });
    expect(states['step base']).toBe('not-held');
    expect(ruleOf('step base')?.claims[0]).toMatchObject({ signers: ['linus'], threshold: 2 });
    expect(ruleOf('step base')?.fix).toContain(
      `custody co-sign --team base --claim ${verdict.chain[0]?.claim}`,
    );
  });

  test('a step that is too old, and one that is left out', async () => {
    const old = await explain({ steps: [{ ...BASE, time: daysAgo(70) }, RUNTIME, APP] });
    expect(old.states['step base']).toBe('not-held');
    expect(old.ruleOf('step base')?.claims[0]?.remaining).toBe(-10 * 86_400);
    expect(old.text).toContain('too old since');
    const short = await explain({ steps: [BASE, APP] });
    expect(short.states['step runtime']).toBe('not-held');
    expect(short.ruleOf('step runtime')?.findings[0]?.code).toBe('step-missing');
  });

  test('a change of the config', async () => {
    const { states, ruleOf } = await explain({
      steps: [BASE, RUNTIME, { ...APP, run: { User: 'root' } }],
    });
    expect(states).toMatchObject({ 'config app': 'not-held', 'step app': 'held' });
    expect(ruleOf('config app')?.findings[0]?.code).toBe('config-denied');
  });

  test('the name, the expiry, the level', async () => {
    const elsewhere = await explain({ repository: 'other.example/app' });
    expect(elsewhere.states).toMatchObject({ scope: 'not-held', chain: 'held' });
    const expired = await explain({ policy: { expires: new Date(NOW.getTime() - 1) } });
    expect(expired.states).toMatchObject({ expiry: 'not-held', 'step app': 'not-reached' });
    const { states, ruleOf } = await explain({ policy: { evidence: 'blobs' } });
    expect(states['evidence']).toBe('not-held');
    expect(ruleOf('evidence')?.fix).toMatch(/^touchmark custody verify --level blobs --policy /);
  });
});

test('of an image that nobody marked only what needs no mark is known', async () => {
  const { states, ruleOf, pinned } = await explain({ unmarked: true });
  expect(states).toMatchObject({ scope: 'held', chain: 'not-held' });
  const others = Object.entries(states).filter(([rule]) => !['expiry', 'scope', 'chain'].includes(rule));
  expect(new Set(others.map(([, state]) => state))).toEqual(new Set(['not-reached']));
  expect(ruleOf('chain')?.fix).toBe(
    `touchmark custody mark --team app --step app --base BASE --policy policy.yaml --key KEY ${pinned}`,
  );
  const elsewhere = await explain({ unmarked: true, repository: 'other.example/app' });
  expect(elsewhere.states['scope']).toBe('not-held');
});
