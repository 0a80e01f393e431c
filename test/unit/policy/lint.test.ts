import { describe, expect, it } from 'vitest';
import { lintPolicy } from '../../../src/policy/index.js';
import { edit, load, SHOP } from './support.js';

const NOW = new Date('2026-11-20T12:00:00Z');

/** What is replaced in a policy that lint has nothing to say about, and the one finding that this gives. */
const FINDINGS: readonly (readonly [string, string, string, string, string])[] = [
  ['expires: 2027-03-01T00:00:00Z\n', '', 'policy-expires-never', 'warning', 'expires'],
  ['expires: 2027-03-01T00:00:00Z', 'expires: 2026-11-20T12:00:00Z', 'policy-expired', 'error', 'expires'],
  [
    'expires: 2027-03-01T00:00:00Z',
    'expires: 2026-12-04T11:59:59Z',
    'policy-expires-soon',
    'warning',
    'expires',
  ],
  [
    '["registry.example.com/shop/*"]',
    '["**"]',
    'repositories-everything',
    'warning',
    'scope.repositories[0]',
  ],
  [
    '["registry.example.com/shop/*"]',
    '["*/**"]',
    'repositories-everything',
    'warning',
    'scope.repositories[0]',
  ],
  ['evidence: blobs', 'evidence: marks', 'evidence-weak', 'warning', 'evidence'],
  ['identity: manifest', 'identity: content', 'identity-converted', 'warning', 'identity'],
  [
    'kinds: [adopt], count: [0, 1], threshold: 2',
    'kinds: [adopt], count: [0, 1], threshold: 1',
    'first-step-one-signer',
    'warning',
    'flow[0].threshold',
  ],
  ['kinds: [add], count: [1, 1]', 'kinds: [add], count: [0, 0]', 'step-never', 'warning', 'flow[1]'],
  [', upstream: ["docker.io/library/debian"]', '', 'step-never', 'warning', 'flow[0]'],
  [
    'kinds: [adopt], count: [0, 1]',
    'kinds: [adopt], count: [2, 2]',
    'policy-unsatisfiable',
    'error',
    'flow[0]',
  ],
  [
    'kinds: [add, config], threshold: 1',
    'kinds: [adopt], upstream: ["docker.io/library/debian"], threshold: 1',
    'policy-unsatisfiable',
    'error',
    'flow[2]',
  ],
  ['threshold: 1, maxAge: 12h', 'threshold: 1', 'step-ageless', 'warning', 'flow[2]'],
  ['threshold: 1, maxAge: 30d', 'threshold: 1', 'approval-ageless', 'warning', 'approvals[2]'],
  [', alan: { keys: ["alan.pub"] }', '', 'team-one-signer', 'note', 'teams.app-shop.signers'],
  [
    'marks:',
    '  web: { signers: { tim: { keys: ["tim.pub"] }, vint: { keys: ["vint.pub"] } } }\nmarks:',
    'team-unused',
    'warning',
    'teams.web',
  ],
  ['alan: {', 'linus: {', 'signer-in-two-teams', 'note', 'teams.app-shop.signers.linus'],
  ['distinctSigners: true', 'distinctSigners: false', 'signers-not-distinct', 'warning', 'distinctSigners'],
];

describe('lint', () => {
  it('has nothing to say about a policy that is well made', async () => {
    expect(lintPolicy(await load(SHOP), NOW)).toEqual([]);
  });

  it.each(FINDINGS)('%j → %j: %s', async (from, to, code, severity, path) => {
    const findings = lintPolicy(await load(edit(from, to)), NOW);
    expect(findings.map(finding => [finding.code, finding.severity, finding.path])).toEqual([
      [code, severity, path],
    ]);
    expect(findings[0]?.message).not.toBe('');
    expect(findings[0]?.hint).not.toBe('');
  });

  it('names all teams of one signer at once', async () => {
    const one = edit('marks:', '  web: { signers: { tim: { keys: ["tim.pub"] } } }\nmarks:');
    const findings = lintPolicy(await load(edit(', alan: { keys: ["alan.pub"] }', '', one)), NOW);
    expect(findings.filter(({ code }) => code === 'team-one-signer')).toMatchObject([
      {
        path: 'teams.app-shop.signers',
        message: expect.stringMatching(/^teams "app-shop", "web" have one signer each/),
      },
    ]);
  });

  it('sees a key in two teams', async () => {
    const findings = lintPolicy(await load(SHOP, { 'hopper.pub': 'base.pub' }), NOW);
    expect(findings).toMatchObject([
      {
        code: 'key-in-two-teams',
        severity: 'warning',
        path: 'teams.security.signers.hopper.keys[0]',
        position: { line: 15 },
      },
    ]);
    expect(findings[0]?.message).toContain('"base"');
  });

  it('sees the team of a pattern that is too small for the threshold', async () => {
    const document = edit(
      'marks:',
      '  app-web: { signers: { tim: { keys: ["tim.pub"] } } }\nmarks:',
      edit('threshold: 1, maxAge: 12h', 'threshold: 2, maxAge: 12h'),
    );
    expect(lintPolicy(await load(document), NOW).map(({ code, path }) => [code, path])).toEqual([
      ['team-one-signer', 'teams.app-web.signers'],
      ['team-below-threshold', 'flow[2].threshold'],
    ]);
  });

  it('sees that teams which share their signers can never all have signed', async () => {
    const shared = { 'hopper.pub': 'base.pub', 'joan.pub': 'grace.pub' };
    const codes = async (document: string, keys: Readonly<Record<string, string>>) =>
      lintPolicy(await load(document, keys), NOW).map(({ code, severity }) => `${severity} ${code}`);
    const twice = ['warning key-in-two-teams', 'warning key-in-two-teams'];
    expect(await codes(SHOP, shared)).toEqual(['error policy-unsatisfiable', ...twice]);
    // A third signer of the base leaves one of the shared for the scan.
    const third = edit(
      '      grace: { keys: ["grace.pub"] }\n',
      '      grace: { keys: ["grace.pub"] }\n      rob: { keys: ["rob.pub"] }\n',
    );
    expect(await codes(third, shared)).toEqual(twice);
    expect(await codes(edit('distinctSigners: true', 'distinctSigners: false'), shared)).not.toContain(
      'error policy-unsatisfiable',
    );
  });

  it('tells what it found in the order of the text, and what is missing at its beginning', async () => {
    const document = edit(
      'distinctSigners: true',
      'distinctSigners: false',
      edit('evidence: blobs', 'evidence: marks', edit('expires: 2027-03-01T00:00:00Z\n', '')),
    );
    const findings = lintPolicy(await load(document, { 'hopper.pub': 'base.pub' }), NOW);
    expect(findings.map(({ code, position }) => [code, position?.line])).toEqual([
      ['policy-expires-never', 1],
      ['key-in-two-teams', 14],
      ['evidence-weak', 17],
      ['signers-not-distinct', 27],
    ]);
  });

  it('takes adopting for possible behind a step that may be absent', async () => {
    const document = edit(
      '  - { step: upstream',
      '  - { step: scratch, team: base, kinds: [add], count: [0, 1], threshold: 2, maxAge: 60d }\n  - { step: upstream',
    );
    expect(lintPolicy(await load(document), NOW)).toEqual([]);
  });

  it('leaves the clock to its caller', async () => {
    const expired = await load(edit('expires: 2027-03-01T00:00:00Z', 'expires: 2020-01-01T00:00:00Z'));
    expect(lintPolicy(expired)).toEqual([]);
    expect(lintPolicy(expired, NOW)).toMatchObject([
      { code: 'policy-expired', position: { line: 4, column: 1 } },
    ]);
  });
});
