import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { policyDocumentSchema } from '../../../src/policy/schema.js';
import { edit, load, parse, refusalOf, SHOP } from './support.js';

/** Each defect: what is replaced, by what, and what the message must say. The document without it is accepted. */
const DEFECTS: readonly (readonly [string, string, string, string])[] = [
  // Shape
  ['a misspelt key', 'evidence: blobs', 'evidance: blobs', 'line 18, column 1: evidance is an unknown key'],
  [
    'a misspelt key of a step',
    'threshold: 2, maxAge: 60d }',
    'treshold: 2, maxAge: 60d }',
    'flow[1].treshold is an unknown key',
  ],
  [
    'a key in other letters',
    'distinctSigners: true',
    'distinctsigners: true',
    'distinctsigners is an unknown key',
  ],
  ['a key nobody knows', 'distinctSigners: true', 'colour: red', 'colour is an unknown key'],
  ['another format version', 'custody: 1', 'custody: 2', 'custody must be 1, not 2'],
  ['a version as text', 'version: 7', 'version: "7"', 'version must be a whole number, not "7"'],
  ['version 0', 'version: 7', 'version: 0', 'version must be at least 1, not 0'],
  ['no name', 'name: shop\n', '', 'name is missing'],
  ['a name with a space', 'name: shop\n', 'name: the shop\n', 'name: "the shop" is not a name'],
  ['no flow', SHOP.slice(SHOP.indexOf('flow:'), SHOP.indexOf('approvals:')), '', 'flow is missing'],
  [
    'an empty flow',
    SHOP.slice(SHOP.indexOf('flow:'), SHOP.indexOf('approvals:')),
    'flow: []\n',
    'has no step',
  ],
  [
    'flow as a map',
    SHOP.slice(SHOP.indexOf('flow:'), SHOP.indexOf('approvals:')),
    'flow: {}\n',
    'flow must be a list, not a map',
  ],
  [
    'nothing behind a key',
    'evidence: blobs',
    'evidence:',
    'evidence must be "marks" or "manifest" or "blobs" or "content", not nothing',
  ],
  [
    'a word for a truth value',
    'distinctSigners: true',
    'distinctSigners: yes',
    'must be true or false, not "yes"',
  ],
  [
    'a signer without keys',
    'ada: { keys: ["env://ADA"] }',
    'ada: { keys: [] }',
    'teams.app-shop.signers.ada.keys names no key',
  ],
  ['keys that are no list', 'keys: ["base.pub"]', 'keys: base.pub', 'keys must be a list, not "base.pub"'],
  ['a level nobody knows', 'evidence: blobs', 'evidence: blob', 'not "blob"'],
  ['a step that may do nothing', 'kinds: [add, config]', 'kinds: []', 'names no kind'],
  ['no kinds', 'kinds: [add, config], ', '', 'flow[2].kinds is missing'],
  ['no threshold', 'threshold: 1, maxAge: 12h', 'maxAge: 12h', 'flow[2].threshold is missing'],
  ['no carrier', 'carriers: [bundle, simplesigning]', 'carriers: []', 'names no carrier'],
  [
    'no repository',
    'repositories: ["registry.example.com/shop/*"]',
    'repositories: []',
    'names no repository',
  ],
  ['a count of one number', 'count: [1, 1]', 'count: [1]', 'flow[1].count'],
  [
    'a count of three numbers',
    'count: [1, 1]',
    'count: [1, 1, 1]',
    'flow[1].count must be a list of two numbers',
  ],
  ['a negative count', 'count: [0, 1]', 'count: [-1, 1]', 'must not be negative'],
  // Numbers and times
  [
    'threshold 0',
    'threshold: 1, maxAge: 12h',
    'threshold: 0, maxAge: 12h',
    'flow[2].threshold must be at least 1',
  ],
  [
    'threshold 0 of an approval',
    'threshold: 1, maxAge: 7d',
    'threshold: 0, maxAge: 7d',
    'approvals[0].threshold must be at least 1',
  ],
  [
    'a threshold above the signers',
    'kinds: [add], count: [1, 1], threshold: 2',
    'kinds: [add], count: [1, 1], threshold: 3',
    'flow[1].threshold is 3, and team "base" has only 2 signers',
  ],
  [
    'a threshold above every team of a pattern',
    'threshold: 1, maxAge: 12h',
    'threshold: 3, maxAge: 12h',
    'flow[2].threshold is 3',
  ],
  [
    'a threshold of an approval above the signers',
    'threshold: 2, maxAge: 7d',
    'threshold: 3, maxAge: 7d',
    'approvals[1].threshold is 3',
  ],
  ['count [2,1]', 'count: [1, 1]', 'count: [2, 1]', 'flow[1].count asks for at least 2 and at most 1'],
  ['an age without unit', 'maxAge: 12h', 'maxAge: 12', 'flow[2].maxAge must be a text, not 12'],
  ['an age in other words', 'maxAge: 12h', 'maxAge: 12 hours', '"12 hours" is not a time such as'],
  ['an age of nothing', 'maxAge: 12h', 'maxAge: 0h', '"0h" is not a time such as'],
  [
    'an end without a time',
    'expires: 2027-03-01T00:00:00Z',
    'expires: 2027-03-01',
    'expires: "2027-03-01" is not a time such as',
  ],
  [
    'an end in another zone',
    'expires: 2027-03-01T00:00:00Z',
    'expires: 2027-03-01T00:00:00+01:00',
    'is not a time such as',
  ],
  [
    'an end on no day',
    'expires: 2027-03-01T00:00:00Z',
    'expires: 2027-02-30T00:00:00Z',
    'is no day of the calendar',
  ],
  [
    'an end at no hour',
    'expires: 2027-03-01T00:00:00Z',
    'expires: 2027-03-01T25:00:00Z',
    'is no day of the calendar',
  ],
  ['a skew of days', 'skew: 5m', 'skew: 2h', 'marks.skew of 2h is more than 1h'],
  // Names that must lead somewhere
  [
    'an unknown team',
    'step: base, team: base',
    'step: base, team: bse',
    'flow[1].team: there is no team "bse"',
  ],
  [
    'a pattern of teams that matches none',
    'team: "app-*"',
    'team: "web-*"',
    'the pattern "web-*" matches no team',
  ],
  [
    'a malformed pattern of teams',
    'team: "app-*"',
    'team: "app-**"',
    'flow[2].team: the pattern "app-**" has **',
  ],
  [
    'an unknown team of an approval',
    'name: scan, team: security',
    'name: scan, team: sec',
    'there is no team "sec"',
  ],
  ['two steps of one name', 'step: app,', 'step: base,', 'flow[2].step: "base" stands there already'],
  [
    'two approvals of one name',
    'name: base-qa',
    'name: scan',
    'approvals[2].name: "scan" stands there already',
  ],
  [
    'an approval named as a step',
    'name: base-qa',
    'name: app',
    'approvals[2].name: "app" is the name of a step too',
  ],
  ['on nothing', 'on: base', 'on: bass', 'approvals[2].on: there is no step "bass"'],
  ['after nothing', 'after: [scan]', 'after: [scam]', 'approvals[1].after[0]: there is no approval "scam"'],
  ['after itself', 'after: [scan]', 'after: [promote]', '"promote" waits for "promote" itself'],
  [
    'after twice',
    'after: [scan]',
    'after: [scan, scan]',
    'approvals[1].after[1]: "scan" stands there already',
  ],
  ['after in a circle', 'evidence: [{ type: scan-report }]', 'after: [promote]', 'waits for'],
  [
    'via nothing',
    'via: promote',
    'via: promotion',
    'scope.relocations[0].via: there is no approval "promotion"',
  ],
  ['config of no step', 'config:\n  app:', 'config:\n  apps:', 'config.apps: there is no step "apps"'],
  // Team names
  ['a team that is a path', '  app-shop: {', '  app/shop: {', '"app/shop" is not a name'],
  ['a team that climbs', '  app-shop: {', '  "..": {', '".." is not a name'],
  ['a team of digits', '  app-shop: {', '  123: {', '"123" is not a name'],
  ['a team without a name', '  app-shop: {', '  "": {', 'is not a name'],
  ['a signer that is a path', 'ada: {', 'a/da: {', '"a/da" is not a name'],
  ['a step that is a path', 'step: app,', 'step: ../app,', '"../app" is not a name'],
  [
    'a team without signers',
    'security: { signers: { hopper: { keys: ["hopper.pub"] }, joan: { keys: ["joan.pub"] } } }',
    'security: { signers: {} }',
    'teams.security.signers names no signer',
  ],
  // Repositories
  ['an empty repository', 'repositories: ["registry.example.com/shop/*"]', 'repositories: [""]', 'is empty'],
  [
    '** inside a part',
    '["registry.example.com/shop/*"]',
    '["registry.example.com/shop**"]',
    '** inside a segment',
  ],
  [
    'a repository with a tag',
    '["registry.example.com/shop/*"]',
    '["registry.example.com/shop/app:1.4"]',
    'names a tag or digest',
  ],
  [
    'a repository with a digest',
    '["registry.example.com/shop/*"]',
    '["registry.example.com/shop/app@sha256:00"]',
    'names a tag or digest',
  ],
  ['a URL', '["registry.example.com/shop/*"]', '["https://registry.example.com/shop/*"]', 'is a URL'],
  [
    'a repository without registry',
    '["registry.example.com/shop/*"]',
    '["shop/*"]',
    '"shop", which is no registry',
  ],
  [
    'a registry alone',
    '["registry.example.com/shop/*"]',
    '["registry.example.com"]',
    'no path behind the registry',
  ],
  ['upper case', '["registry.example.com/shop/*"]', '["registry.example.com/Shop/*"]', 'upper-case'],
  [
    'two slashes',
    '["registry.example.com/shop/*"]',
    '["registry.example.com//shop"]',
    'no repository name has',
  ],
  [
    'alternatives',
    '["registry.example.com/shop/*"]',
    '["registry.example.com/{shop,web}"]',
    'no repository name has',
  ],
  [
    'another name of Docker Hub',
    '["docker.io/library/debian"]',
    '["index.docker.io/library/debian"]',
    'Docker Hub is docker.io',
  ],
  [
    'a short name of Docker Hub',
    '["docker.io/library/debian"]',
    '["docker.io/debian"]',
    'docker.io/library/',
  ],
  [
    'a relocation to other names',
    'to: "registry.example.com/shop/*"',
    'to: "registry.example.com/*/shop"',
    'scope.relocations[0].to',
  ],
  [
    'a relocation from nowhere',
    'from: "registry.dev.example.com/shop/*"',
    'from: "shop/*"',
    'scope.relocations[0].from',
  ],
  // Keys
  ['a key by network', '"base.pub"', '"https://example.com/base.pub"', 'teams.base.signers.linus.keys[0]'],
  ['a key from standard input', '"base.pub"', '"-"', 'is not a key reference'],
  ['a key in hardware', '"base.pub"', '"pkcs11:token=x"', 'is not a key reference'],
  ['a variable without name', '"env://ADA"', '"env://"', 'is not a key reference'],
  // Rules over the config
  ['an unknown config key', '"User=root"', '"Usr=root"', 'did you mean User?'],
  ['a config key in lower case', '"Cmd"', '"cmd"', 'did you mean Cmd?'],
  ['a member of what has none', '"Cmd"', '"Cmd:x"', 'names a member'],
  ['a value of what has none', '"User=root"', '"Env=x"', 'compares a value'],
  ['a malformed pattern of members', '"Env:LD_*"', '"Env:LD_**"', 'has a pattern that'],
  ['a malformed pattern of values', '"User=root"', '"User=ro**t"', 'has a pattern that'],
  ['a malformed pattern of the values of members', '"Env:LD_*"', '"Env:LD_*=**"', 'has a pattern that'],
  ['a value of all keys', '"Cmd"', '"*=x"', 'compares a value'],
  ['a pattern of no members', '"Env:LD_*"', '"Env:"', 'has a pattern that is empty'],
  [
    'rules that say nothing',
    '    allow: ["Env:APP_*", "Cmd", "Labels:*"]\n    deny: ["User=root", "Env:LD_*"]\n',
    '    {}\n',
    'config.app has neither allow nor deny',
  ],
  // Adoption
  [
    'upstream where nothing is adopted',
    'kinds: [adopt], count',
    'kinds: [add], count',
    'flow[0].upstream is for steps that may adopt',
  ],
  [
    'a kind twice',
    'kinds: [add, config]',
    'kinds: [add, add]',
    'flow[2].kinds[1]: "add" stands there already',
  ],
  // What a later version will do
  [
    'a currency without a bound',
    'threshold: 1, maxAge: 12h',
    'threshold: 1, currency: { channel: stable }',
    'flow[2].currency',
  ],
  ['an index mode that is none', 'index: off', 'index: all', 'marks.index must be'],
  ['trusted time', 'time: claimed', 'time: trusted', 'marks.time: "trusted" needs timestamps'],
  ['a squash that is allowed', 'squash: deny', 'squash: allow', 'kinds.squash must be "deny"'],
  [
    'a team that may rebase',
    'squash: deny',
    'rebase: { teams: [base] }',
    'kinds.rebase must be "deny", not a map',
  ],
  ['a step that rebases', 'kinds: [add, config]', 'kinds: [rebase]', '"rebase" is reserved'],
  ['a step that approves', 'kinds: [add, config]', 'kinds: [approve]', 'belongs under approvals'],
  [
    'an age of evidence',
    '[{ type: scan-report }]',
    '[{ type: scan-report, maxAge: 7d }]',
    'approvals[0].evidence[0].maxAge is not checked',
  ],
];

describe('the policy document', () => {
  it('is accepted when nothing is wrong with it', () => {
    expect(refusalOf(() => parse(SHOP))).toBeUndefined();
  });

  it.each(DEFECTS)('is refused for %s', (_, from, to, message) => {
    const refusal = refusalOf(() => parse(edit(from, to)));
    expect(refusal?.code).toBe('policy-invalid');
    expect(
      [refusal?.message, refusal?.hint, ...((refusal?.details['problems'] as string[]) ?? [])].join('\n'),
    ).toContain(message);
    expect(refusal?.details['line']).toBeTypeOf('number');
    // The twin without the defect is SHOP itself, which must pass for this to say anything.
    expect(refusalOf(() => parse(SHOP))).toBeUndefined();
  });

  it.each([
    ['evidance: blobs', 'evidence: blobs', 'did you mean "evidence"?'],
    ['distinctsigners: true', 'distinctSigners: true', 'did you mean "distinctSigners"?'],
    ['step: base, team: bse', 'step: base, team: base', 'did you mean "base"?'],
    ['evidence: blob\n', 'evidence: blobs\n', 'did you mean "blobs"?'],
    ['version: "7"', 'version: 7', undefined],
    ['name: 7', 'name: shop', 'put it in quotes'],
    ['colour: red', 'distinctSigners: true', 'known here are custody, name, version'],
  ])('says what was meant by %j', (bad, good, hint) => {
    const document = edit(good, bad);
    expect(refusalOf(() => parse(document))?.hint).toEqual(
      hint === undefined ? undefined : expect.stringContaining(hint),
    );
  });

  it('tells all problems, in the order of the text', () => {
    const document = edit(
      'evidence: blobs',
      'evidence: blob',
      edit('version: 7', 'version: 0', edit('step: app,', 'stp: app,')),
    );
    const refusal = refusalOf(() => parse(document));
    expect(refusal?.message).toBe(
      'the policy shop.yaml is not valid: line 3, column 10: version must be at least 1, not 0 (and 2 more problems)',
    );
    expect(refusal?.details).toMatchObject({ policy: 'shop.yaml', path: 'version', line: 3, column: 10 });
    expect(refusal?.details['problems']).toEqual([
      expect.stringMatching(/^line 3, .*version/),
      expect.stringMatching(/^line 18, .*evidence/),
      // Not also that `step` is missing.
      expect.stringMatching(/^line 23, .*flow\[2\]\.stp is an unknown key \(did you mean "step"\?\)/),
    ]);
  });

  it('says the line in JSON as well', () => {
    const json = JSON.stringify(parse(SHOP).source.value, null, 2);
    expect(refusalOf(() => parse(json, 'json'))).toBeUndefined();
    const refusal = refusalOf(() => parse(json.replace('"evidence"', '"evidance"'), 'json'));
    const line = json.split('\n').findIndex(text => text.includes('"evidence": "blobs"')) + 1;
    expect(refusal?.message).toContain(`line ${line}, column 3: evidance is an unknown key`);
  });

  it('becomes the same policy from JSON and from YAML', async () => {
    const json = JSON.stringify(parse(SHOP).source.value);
    const { document } = parse(json, 'json');
    expect(document).toEqual(parse(SHOP).document);
  });

  it('has a JSON Schema that says no to what the reader says no to', () => {
    const schema = z.toJSONSchema(policyDocumentSchema, {
      target: 'draft-2020-12',
      unrepresentable: 'throw',
    });
    expect(schema.additionalProperties).toBe(false);
    expect(schema.required).toEqual(['custody', 'name', 'version', 'scope', 'teams', 'flow']);
    const evidence = schema.properties?.['evidence'] as { enum: string[] };
    expect(evidence.enum).toEqual(['marks', 'manifest', 'blobs', 'content']);
  });
});

describe('a rule over the config', () => {
  it.each([
    '*',
    'Cmd',
    'User=root',
    'User=',
    'User=0*',
    'Env:APP_*',
    'Env:TERM=dumb',
    'Labels:org.example/*',
    'Volumes:/etc',
    '/author',
  ])('may be %j', rule => {
    expect(refusalOf(() => parse(edit('"Env:LD_*"', JSON.stringify(rule))))).toBeUndefined();
  });
});

describe('what the check is given', () => {
  it('is what the document says', async () => {
    const { policy, source } = await load(SHOP);
    expect(policy).toMatchObject({
      name: 'shop',
      version: 7,
      digest: source.digest,
      expires: new Date('2027-03-01T00:00:00Z'),
      repositories: ['registry.example.com/shop/*'],
      relocations: [
        { from: 'registry.dev.example.com/shop/*', to: 'registry.example.com/shop/*', via: 'promote' },
      ],
      skew: 300_000,
      carriers: ['bundle', 'simplesigning'],
      evidence: 'blobs',
      identity: 'manifest',
      distinctSigners: true,
    });
    expect(policy.flow).toEqual([
      {
        step: 'upstream',
        team: 'base',
        kinds: ['adopt'],
        count: [0, 1],
        threshold: 2,
        maxAge: 60 * 86_400_000,
        upstream: ['docker.io/library/debian'],
        upstreamVerified: true,
      },
      {
        step: 'base',
        team: 'base',
        kinds: ['add'],
        count: [1, 1],
        threshold: 2,
        maxAge: 60 * 86_400_000,
        upstream: undefined,
        upstreamVerified: true,
      },
      {
        step: 'app',
        team: 'app-*',
        kinds: ['add', 'config'],
        count: [1, 1],
        threshold: 1,
        maxAge: 12 * 3_600_000,
        upstream: undefined,
        upstreamVerified: true,
      },
    ]);
    expect(policy.approvals).toEqual([
      {
        name: 'scan',
        team: 'security',
        on: undefined,
        threshold: 1,
        maxAge: 7 * 86_400_000,
        after: [],
        evidence: ['scan-report'],
      },
      {
        name: 'promote',
        team: 'release',
        on: undefined,
        threshold: 2,
        maxAge: 7 * 86_400_000,
        after: ['scan'],
        evidence: [],
      },
      {
        name: 'base-qa',
        team: 'security',
        on: 'base',
        threshold: 1,
        maxAge: 30 * 86_400_000,
        after: [],
        evidence: [],
      },
    ]);
    expect({ ...policy.config }).toEqual({
      app: { allow: ['Env:APP_*', 'Cmd', 'Labels:*'], deny: ['User=root', 'Env:LD_*'] },
    });
    expect(policy.teams.map(({ name, signers }) => [name, signers.map(signer => signer.name)])).toEqual([
      ['base', ['linus', 'grace']],
      ['app-shop', ['ada', 'alan']],
      ['security', ['hopper', 'joan']],
      ['release', ['dennis', 'ken']],
    ]);
    expect(policy.teams.flatMap(({ signers }) => signers.map(({ keys }) => keys.length))).toEqual([
      1, 1, 1, 1, 1, 1, 1, 1,
    ]);
  });

  it('has the strict defaults where the document is silent', async () => {
    const { policy } = await load(`custody: 1
name: small
version: 1
scope: { repositories: ["registry.example.com/shop/app"] }
teams: { app: { signers: { ada: { keys: [ada.pub] } } } }
flow: [{ step: app, team: app, kinds: [adopt], threshold: 1 }]
`);
    expect(policy).toMatchObject({
      expires: undefined,
      relocations: [],
      skew: 300_000,
      carriers: ['bundle', 'simplesigning'],
      evidence: 'blobs',
      identity: 'manifest',
      approvals: [],
      distinctSigners: true,
    });
    expect(policy.flow[0]).toEqual({
      step: 'app',
      team: 'app',
      kinds: ['adopt'],
      count: [1, 1],
      threshold: 1,
      maxAge: undefined,
      upstream: undefined,
      upstreamVerified: true,
    });
    expect(Object.keys(policy.config)).toEqual([]);
    expect(policy.config['constructor'], 'no rules by inheritance').toBeUndefined();
  });

  it('takes the looser settings only where they are written', async () => {
    const loose = edit(
      'distinctSigners: true',
      'distinctSigners: false',
      edit('identity: manifest', 'identity: content', edit('evidence: blobs', 'evidence: marks')),
    );
    const { policy } = await load(
      edit(
        'upstream: ["docker.io/library/debian"]',
        'upstream: ["docker.io/library/debian"], upstreamVerified: false',
        loose,
      ),
    );
    expect(policy).toMatchObject({ evidence: 'marks', identity: 'content', distinctSigners: false });
    expect(policy.flow.map(step => step.upstreamVerified)).toEqual([false, true, true]);
  });
});
