import { describe, expect, it } from 'vitest';
import { generateKey, serializePublicKey } from '../../../src/crypto/index.js';
import {
  formatPolicyTemplate,
  lintPolicy,
  type PolicyTemplate,
  policyKeyReader,
} from '../../../src/policy/index.js';
import { loadKeys } from '../../../src/policy/load.js';
import { text } from '../support.js';
import { load, parse, refusalOf } from './support.js';

const NOW = new Date('2026-11-20T12:00:00Z');

const pair = (...names: string[]) => names.map(name => ({ name, keys: [`${name}.pub`] }));

const TEMPLATE: PolicyTemplate = {
  name: 'shop',
  repositories: ['registry.example.com/shop/*'],
  expires: new Date('2027-05-01T10:20:30.456Z'),
  teams: [
    { name: 'base', signers: pair('linus', 'grace') },
    { name: 'app', signers: pair('ada', 'alan') },
    { name: 'security', signers: pair('hopper', 'joan') },
  ],
  steps: [
    { step: 'base', team: 'base' },
    { step: 'app', team: 'app', threshold: 1, maxAge: '12h' },
  ],
  approvals: [{ step: 'scan', team: 'security', threshold: 1 }],
};

describe('the policy that init writes', () => {
  it('loads, and lint has nothing to say about it', async () => {
    const loaded = await load(formatPolicyTemplate(TEMPLATE));
    expect(lintPolicy(loaded, NOW)).toEqual([]);
    expect(loaded.policy).toMatchObject({
      name: 'shop',
      version: 1,
      expires: new Date('2027-05-01T10:20:30Z'),
      repositories: ['registry.example.com/shop/*'],
      evidence: 'blobs',
      distinctSigners: true,
      flow: [
        { step: 'base', team: 'base', kinds: ['add'], threshold: 2, count: [1, 1], maxAge: 90 * 86_400_000 },
        { step: 'app', team: 'app', kinds: ['add', 'config'], threshold: 1, maxAge: 12 * 3_600_000 },
      ],
      approvals: [{ name: 'scan', team: 'security', threshold: 1, maxAge: 7 * 86_400_000, on: undefined }],
    });
  });

  it('loads without approvals, and with keys in the text', async () => {
    const pem = text(serializePublicKey((await generateKey('ecdsa-p256')).publicKey));
    const template = formatPolicyTemplate({
      ...TEMPLATE,
      approvals: [],
      teams: [{ name: 'app', signers: [{ name: 'ada', keys: [pem] }] }],
      steps: [{ step: 'app', team: 'app' }],
    });
    const loaded = await loadKeys(parse(template), policyKeyReader('.', {}));
    expect(loaded.policy.approvals).toEqual([]);
    // What cannot be otherwise with one signer.
    expect(lintPolicy(loaded, NOW).map(({ code }) => code)).toEqual([
      'team-one-signer',
      'first-step-one-signer',
    ]);
  });

  it('lets the first team begin with an image from elsewhere, and add to it or not', async () => {
    const loaded = await load(formatPolicyTemplate({ ...TEMPLATE, adopt: ['docker.io/library/debian'] }));
    expect(lintPolicy(loaded, NOW)).toEqual([]);
    expect(loaded.policy.flow).toMatchObject([
      {
        step: 'upstream',
        team: 'base',
        kinds: ['adopt'],
        count: [1, 1],
        threshold: 2,
        upstream: ['docker.io/library/debian'],
        upstreamVerified: true,
      },
      { step: 'base', team: 'base', kinds: ['add', 'config'], count: [0, 1], threshold: 2 },
      { step: 'app', team: 'app', kinds: ['add', 'config'], count: [1, 1], threshold: 1 },
    ]);
  });

  it('keeps names that YAML has other uses for', async () => {
    const template = formatPolicyTemplate({
      ...TEMPLATE,
      name: 'on',
      teams: [{ name: 'null', signers: pair('true', 'no', '1e3', 'A.b') }],
      steps: [{ step: 'yes', team: 'null' }],
      approvals: [],
    });
    const { policy } = await load(template);
    expect([policy.name, policy.flow[0]?.step]).toEqual(['on', 'yes']);
    expect(policy.teams.map(({ name, signers }) => [name, signers.map(signer => signer.name)])).toEqual([
      ['null', ['true', 'no', '1e3', 'A.b']],
    ]);
  });

  it('says what its lines are for, and fits a page', () => {
    const lines = formatPolicyTemplate(TEMPLATE).split('\n');
    expect(lines.filter(line => line.includes('#')).length).toBeGreaterThan(8);
    expect(lines.filter(line => line.length > 120)).toEqual([]);
    expect(lines.at(-1)).toBe('');
  });

  it.each<[string, Partial<PolicyTemplate>]>([
    ['a name that breaks out of its quotes', { name: 'shop"\ncustody: 2' }],
    [
      'a team that is a path',
      { teams: [{ name: 'a/b', signers: pair('ada') }], steps: [{ step: 'app', team: 'a/b' }] },
    ],
    ['a step of no team', { steps: [{ step: 'app', team: 'web' }] }],
    ['no steps', { steps: [] }],
    ['a repository that matches nothing', { repositories: ['shop/*'] }],
    ['a time that is none', { steps: [{ step: 'app', team: 'app', maxAge: '1h, team: base' }] }],
  ])('is not written for %s', (_, change) => {
    expect(refusalOf(() => formatPolicyTemplate({ ...TEMPLATE, ...change }))?.code).toBe('policy-invalid');
    expect(refusalOf(() => formatPolicyTemplate(TEMPLATE))).toBeUndefined();
  });
});
