import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { readConfigFacts } from '../../../src/custody/config-facts.js';
import {
  type CustodyPolicy,
  FACT_TYPES,
  FACTS,
  type ImageFacts,
  type MetadataRules,
  type Predicate,
  standingOf,
  type VerifyInput,
  verify,
} from '../../../src/custody/index.js';
import { checkMetadata } from '../../../src/custody/metadata-rules.js';
import { openPredicates } from '../../../src/policy/predicates.js';
import { APP, aPolicy, BASE, daysAgo, mark, NOW, RUNTIME, tell } from './world.js';

const compile = await openPredicates();

async function predicate(expression: string, name?: string, message?: string): Promise<Predicate> {
  const compiled = await compile(expression);
  if ('problem' in compiled) throw new Error(`${expression}: ${compiled.problem}`);
  return { name, expression, message, ...compiled };
}

/** A finished image whose application team wrote this config. */
async function finished(run: object, approvals: 'all' | 'none' = 'none'): Promise<VerifyInput> {
  const app = { ...APP, run: { ...APP.run, ...run } };
  const policy = { config: {}, ...(approvals === 'none' && { approvals: [] }) };
  return (await tell({ steps: [BASE, RUNTIME, app], approvals, policy })).input;
}

function withRules(input: VerifyInput, rules: Partial<CustodyPolicy>): VerifyInput {
  return { ...input, policy: { ...input.policy, ...rules } };
}

const GOOD = {
  User: '10001:10001',
  Env: ['PATH=/bin', 'APP_MODE=production'],
  Entrypoint: ['/opt/app/run', '--serve'],
  ExposedPorts: { '8080/tcp': {}, '8443/TCP': {}, '9090': {} },
  Volumes: { '/data': {} },
  Labels: { 'org.opencontainers.image.source': 'https://git.example.com/shop/app', team: 'app' },
  Healthcheck: { Test: ['CMD', '/opt/app/health'] },
};
const good = (await verify({ ...(await finished(GOOD)), wantFacts: true })).facts as ImageFacts;
const BASE_NAME = 'org.opencontainers.image.base.name';

describe('a rule about metadata', () => {
  const cases: readonly (readonly [string, MetadataRules, object, string])[] = [
    ['the operating system', { os: ['linux'] }, {}, ''],
    [
      'a user without a number',
      { user: { nonRoot: true, allow: undefined } },
      { User: 'app' },
      'a name, and any name',
    ],
    ['no user', { user: { nonRoot: true, allow: undefined } }, { User: '' }, 'no user, which is root'],
    [
      'root',
      { user: { nonRoot: true, allow: ['*'] } },
      { User: 'root:app' },
      'runs as "root", set by team app',
    ],
    ['zero', { user: { nonRoot: true, allow: ['*'] } }, { User: '00:5' }, 'runs as "00"'],
    ['minus zero', { user: { nonRoot: true, allow: ['*'] } }, { User: '-0' }, 'runs as "-0"'],
    [
      'no number that runtimes take',
      { user: { nonRoot: true, allow: undefined } },
      { User: '4294967296' },
      'a name',
    ],
    ['another user', { user: { nonRoot: false, allow: ['100??'] } }, { User: 'nobody' }, 'allowed are 100??'],
    [
      'a label that is missing',
      { labels: { require: { team: 'app' } } },
      { Labels: { teams: 'app' } },
      'the label team is missing',
    ],
    [
      'a label of another value',
      { labels: { require: { 'org.opencontainers.image.source': 'https://git.example.com/*' } } },
      { Labels: { 'org.opencontainers.image.source': 'https://evil.example/' } },
      'is "https://evil.example/", set by team app, which is not "https://git.example.com/*"',
    ],
    [
      'an empty label',
      { labels: { require: { team: '?*' } } },
      { Labels: { team: '' } },
      'the label team is ""',
    ],
    [
      'a label that is forbidden',
      { labels: { forbid: ['run', 'debug.*'] } },
      { Labels: { 'debug.shell': '1' } },
      'the label "debug.shell" is there, set by team app; debug.* is forbidden',
    ],
    [
      'a variable that is forbidden',
      { environment: { forbid: ['LD_*'] } },
      { Env: ['PATH=/bin', 'LD_PRELOAD=/tmp/x.so'] },
      'the variable "LD_PRELOAD" is there, set by team app',
    ],
    [
      'a variable that is set twice, once rightly',
      { environment: { require: { APP_MODE: 'production' } } },
      { Env: ['APP_MODE=production', 'APP_MODE=debug'] },
      'the variable APP_MODE is "debug"',
    ],
    [
      'a port',
      { ports: { allow: ['8080/tcp', '8443/tcp', '9090/tcp'] } },
      { ExposedPorts: { '8080/tcp': {}, '22': {} } },
      'has the port "22/tcp"',
    ],
    [
      'a port over UDP',
      { ports: { allow: ['*/tcp'] } },
      { ExposedPorts: { '53/udp': {} } },
      'has the port "53/udp"',
    ],
    [
      'a volume',
      { volumes: { allow: ['/data'] } },
      { Volumes: { '/etc': {} } },
      'has the volume "/etc", set by team app',
    ],
    ['any volume', { volumes: { allow: [] } }, { Volumes: { '/data': {} } }, 'allowed are none'],
    [
      'the program',
      { entrypoint: { allow: ['/opt/app/*'] } },
      { Entrypoint: ['/bin/sh', '-c', '/opt/app/run'] },
      'runs "/bin/sh", set by team app',
    ],
    [
      'a port that is none',
      { ports: { allow: ['8*/tcp', '9*/tcp'] } },
      { ExposedPorts: { '80/tcp/x': {} } },
      'has the port "80/tcp/x"',
    ],
    ['no program', { entrypoint: { allow: ['/opt/app/*'] } }, { Entrypoint: null }, 'has no entrypoint'],
    ['no healthcheck', { healthcheck: { required: true } }, { Healthcheck: null }, 'has no healthcheck'],
    [
      'a healthcheck that is off',
      { healthcheck: { required: true } },
      { Healthcheck: { Test: ['NONE'] } },
      'its healthcheck is switched off',
    ],
    [
      'the base that is named',
      { base: { allow: ['registry.example.com/base/*'] } },
      { Labels: { [BASE_NAME]: 'docker.io/library/alpine' } },
      'names the base "docker.io/library/alpine"',
    ],
    ['no base that is named', { base: { allow: ['*'] } }, { Labels: {} }, 'names no base'],
  ];
  it.each(cases.filter(([, , , message]) => message !== ''))(
    'refuses %s',
    async (_, metadata, run, message) => {
      const verdict = await verify(withRules(await finished({ ...GOOD, ...run }), { metadata }));
      expect(verdict).toMatchObject({ verdict: 'fail', code: 'metadata-denied' });
      expect(verdict.findings[0]?.message).toContain(message);
      // The rule holds for a good image, and the image passes without the rule.
      const environment = metadata.environment?.require ? { Env: ['APP_MODE=production'] } : {};
      const volumes = metadata.volumes?.allow.length === 0 ? { Volumes: {} } : {};
      const base = { labels: { ...good.labels, [BASE_NAME]: 'registry.example.com/base/node' } };
      const config = readConfigFacts({ config: { ...GOOD, ...environment, ...volumes } }, NOW);
      const named = { name: 'registry.example.com/base/node' };
      expect(checkMetadata(metadata, { ...good, ...config, ...base, base: named })).toEqual([]);
      expect(verdict.findings.filter(({ severity }) => severity !== 'warning')).toHaveLength(1);
    },
  );

  it('knows platforms with and without a variant', async () => {
    const codeOf = async (metadata: MetadataRules) =>
      (await verify(withRules(await finished({}), { metadata }))).code;
    expect(await codeOf({ os: ['linux'], architecture: ['arm64', 'amd64'] })).toBe(null);
    expect(await codeOf({ architecture: ['arm64', 'amd64/v2'] })).toBe('metadata-denied');
    expect(await codeOf({ os: ['windows'] })).toBe('metadata-denied');
  });

  it('takes a name that it allows for a user who is not root', async () => {
    const input = await finished({ User: 'node' });
    const codeWith = async (allow: readonly string[]) =>
      (await verify(withRules(input, { metadata: { user: { nonRoot: true, allow } } }))).code;
    expect(await codeWith(['node'])).toBe(null);
    expect(await codeWith(['app'])).toBe('metadata-denied');
  });

  it('names all that is wrong, and of many entries the first few', async () => {
    const Env = Array.from({ length: 50 }, (_, i) => `LD_${i}=x`);
    const metadata = { environment: { forbid: ['LD_*'] }, user: { nonRoot: true, allow: undefined } };
    const { findings } = await verify(withRules(await finished({ Env }), { metadata }));
    expect(findings.map(({ where }) => where)).toEqual([
      'metadata user',
      ...Array(6).fill('metadata environment'),
    ]);
    expect(findings.at(-1)?.message).toBe('and 45 more that are not allowed');
  });

  it('is about the finished image: on its way to a team nothing is asked', async () => {
    const story = await tell({ steps: [BASE, RUNTIME], approvals: 'none' });
    const rules = { metadata: { os: ['plan9'] }, predicates: [await predicate('false')] };
    const flow = story.input.policy.flow.slice(0, 3);
    const input = {
      ...withRules(story.input, { ...rules, flow, approvals: [], repositories: ['registry.example.com/**'] }),
      image: { ...story.input.image, repository: RUNTIME.repo },
    };
    expect((await verify({ ...input, handover: { team: 'app' } })).code).toBe(null);
    expect((await verify(input)).code).toBe('metadata-denied');
  });

  it('decides nothing about more text than is looked at', async () => {
    const metadata = { labels: { forbid: ['run'] } };
    const many = Object.fromEntries(Array.from({ length: 100_000 }, (_, i) => [`label-${i}`, 'x']));
    expect(checkMetadata(metadata, { ...good, labels: many })).toMatchObject([
      { code: 'limit-exceeded', severity: 'indeterminate' },
    ]);
    const long = await finished({
      Labels: { 'one.label': 'x'.repeat(999_999), another: 'x'.repeat(100_000) },
    });
    expect((await verify(long)).code).toBe(null);
    expect(await verify(withRules(long, { metadata }))).toMatchObject({
      verdict: 'indeterminate',
      code: 'limit-exceeded',
    });
  });

  it.each([
    ['a key in another case', { User: '10001', user: 'root' }],
    ['a user that is no text', { User: 0 }],
    ['an environment that is no list', { Env: { LD_PRELOAD: 'x' } }],
    ['a variable that is no text', { Env: [['LD_PRELOAD=x']] }],
    ['ports in a list', { ExposedPorts: ['22/tcp'] }],
  ])('refuses a config that may be read in two ways: %s', async (_, run) => {
    const input = await finished(run);
    expect((await verify(input)).code).toBe(null);
    const verdict = await verify(withRules(input, { metadata: { os: ['linux'] } }));
    expect(verdict).toMatchObject({ verdict: 'fail', code: 'format-config' });
    // Who only wants to see the facts is told why there are none.
    const seen = await verify({ ...input, wantFacts: true });
    expect(seen).toMatchObject({ code: null, findings: [{ code: 'format-config', severity: 'warning' }] });
    expect(seen.facts).toBeUndefined();
  });
});

describe('the age that an image gives itself', () => {
  const created = { maxAge: 30 * 86_400_000, skew: 300_000 };
  const codeOf = async (time: string | undefined) => {
    const input = await finished({});
    const document = JSON.parse(Buffer.from(input.image.config).toString());
    const config = JSON.stringify({ ...document, ...(time !== undefined && { created: time }) });
    const app = { ...APP, image: { config: Buffer.from(config) } };
    const story = await tell({ steps: [BASE, RUNTIME, app], policy: { config: {}, metadata: { created } } });
    return (await verify(story.input)).findings[0]?.message ?? null;
  };
  it.each([
    [daysAgo(29), null],
    ['2026-11-20T13:00:00.123456789+01:00', null],
    [daysAgo(31), 'which is too long ago'],
    ['1970-01-01T00:00:00Z', 'which is too long ago'],
    ['2026-11-20T12:04:59Z', null],
    ['2026-11-20T12:05:02Z', 'lies ahead'],
    ['yesterday', 'is no time'],
    ['2026-13-40T00:00:00Z', 'is no time'],
    [undefined, 'does not say when it was created'],
  ])('%s', async (time, message) => {
    if (message === null) expect(await codeOf(time)).toBe(null);
    else expect(await codeOf(time)).toContain(message);
  });
});

/** What a value is, written as the table writes types. */
function fits(value: unknown, type: string): boolean {
  const list = /^list<(.+)>$/.exec(type)?.[1];
  if (list !== undefined) return Array.isArray(value) && value.every(item => fits(item, list));
  if (type === 'map<string, string>')
    return (
      typeof value === 'object' && Object.values(value as object).every(item => typeof item === 'string')
    );
  if (type === 'int') return Number.isSafeInteger(value);
  if (type === 'bool') return typeof value === 'boolean';
  if (type === 'string') return typeof value === 'string';
  const members = FACT_TYPES[type as keyof typeof FACT_TYPES] as Readonly<Record<string, string>>;
  const known = Object.keys(members).map(key => key.replace('?', ''));
  return (
    Object.keys(value as object).every(key => known.includes(key)) &&
    Object.entries(members).every(([key, of]) => {
      const member = (value as Record<string, unknown>)[key.replace('?', '')];
      return member === undefined ? key.endsWith('?') : fits(member, of);
    })
  );
}

describe('the facts of an image', () => {
  const factsOf = async (input: VerifyInput): Promise<ImageFacts> => {
    const { facts } = await verify({ ...input, wantFacts: true });
    if (!facts) throw new Error('no facts');
    return facts;
  };

  it('are those of the table, each of the type that it says', async () => {
    const facts = await factsOf({
      ...(await finished(GOOD, 'all')),
      tag: '1.4',
      release: { name: 'registry.example.com/shop/app:1.4', role: 'releases' },
    });
    expect(Object.keys(facts).sort()).toEqual(Object.keys(FACTS).sort());
    for (const [name, { type }] of Object.entries(FACTS))
      expect(fits(facts[name as keyof ImageFacts], type), `${name} is a ${type}`).toBe(true);
    expect(facts).toMatchObject({
      repository: 'registry.example.com/shop/app',
      tag: '1.4',
      user: { name: '10001', id: 10_001, group: '10001', root: false },
      ports: ['9090/tcp', '8080/tcp', '8443/tcp'],
      healthcheck: ['CMD', '/opt/app/health'],
      history: { entries: 6, layers: 6 },
      layers: [
        { team: 'base', evidence: 'manifest' },
        {},
        { team: 'runtime' },
        {},
        { team: 'app', size: 104 },
        {},
      ],
      chain: [
        { team: 'base', signers: ['grace', 'linus'], layers: 2, age: 20 * 86_400 },
        { team: 'runtime' },
        { team: 'app', kind: 'add' },
      ],
      approvals: [
        { name: 'base-qa', team: 'security' },
        { name: 'scan', evidence: ['scan-report'], age: 3 * 86_400 },
        { name: 'promote', signers: ['ria', 'rob'] },
      ],
    });
  });

  it('say which team set a key last, from the configs that the claims are about', async () => {
    const runtime = {
      ...RUNTIME,
      run: { Env: ['PATH=/bin', 'NODE=20'], User: 'node', Labels: { a: '1', b: '' } },
    };
    const app = {
      ...APP,
      run: { ...APP.run, User: '', Labels: { a: '2', b: '' }, ...{ Env: ['PATH=/bin', 'NODE=20'] } },
    };
    const { input } = await tell({ steps: [BASE, runtime, app], policy: { config: {} } });
    expect({ ...(await factsOf(input)).setBy }).toEqual({
      'Env:PATH': 'base',
      'Env:NODE': 'runtime',
      'Labels:a': 'app',
      'Labels:b': 'runtime',
      Cmd: 'app',
      // Who takes the user away makes it root.
      User: 'app',
    });
    // Without the config of one step nobody can say.
    const story = await tell({ steps: [BASE, runtime, app], policy: { config: {} } });
    const without = story.input.carried.filter(
      blob => Buffer.compare(blob, story.links[1]!.image.config) !== 0,
    );
    expect((await factsOf({ ...story.input, carried: without })).setBy).toBeUndefined();
    const asked = withRules(
      { ...story.input, carried: without },
      { predicates: [await predicate('setBy.all(key, setBy[key] != "nobody")')] },
    );
    expect(await verify(asked)).toMatchObject({
      code: 'policy-predicate',
      findings: [{ message: expect.stringContaining('setBy is not known of this image') }],
    });
  });

  it('are proven by nothing where the chain does not hold', () => {
    expect(standingOf('proven', true)).toBe('proven');
    expect(standingOf('asserted', true)).toBe('asserted');
    expect(standingOf('proven', false)).toBe('asserted');
  });
});

describe('a predicate', () => {
  const verdictWith = async (expression: string, name?: string, message?: string) =>
    verify(
      withRules(await finished(GOOD, 'all'), { predicates: [await predicate(expression, name, message)] }),
    );

  it.each([
    '!user.root && user.id >= 10000',
    'chain.exists(link, link.step == "base" && link.signers.size() >= 2)',
    'approvals.exists(a, a.name == "scan" && a.age <= 7 * 86400 && "scan-report" in a.evidence)',
    'environment.all(v, !v.name.matches("^(LD_|DYLD_)"))',
    'layers.all(l, l.team in ["base", "runtime", "app"] && !l.adopted)',
    'setBy["User"] == "app" && labels["team"] == setBy["Labels:team"]',
    '!has(release.role) && channels.size() == 0 && tag == ""',
  ])('that holds changes nothing: %s', async expression => {
    expect(await verdictWith(expression)).toMatchObject({ verdict: 'pass', findings: [] });
  });

  it('that is false says what of it is', async () => {
    const verdict = await verdictWith(
      '!user.root && user.id == 5 &&\n  ports.size() == 3',
      'user',
      'not our user',
    );
    expect(verdict).toMatchObject({ verdict: 'fail', code: 'policy-predicate' });
    expect(verdict.findings[0]).toMatchObject({
      where: 'predicate user',
      message: 'not our user: `user.id == 5` is false',
    });
  });

  it('that cannot be evaluated is no yes', async () => {
    const verdict = await verdictWith('labels["missing"] == "x"');
    expect(verdict).toMatchObject({ verdict: 'fail', code: 'policy-predicate' });
    expect(verdict.findings[0]?.message).toContain('cannot be evaluated: there is no "missing"');
  });

  it('that costs too much leaves the question open', async () => {
    const Labels = Object.fromEntries(Array.from({ length: 1000 }, (_, i) => [`label-${i}`, 'x']));
    const predicates = [await predicate('labels.all(a, labels.exists(b, a != b))')];
    const input = withRules(await finished({ Labels }), { predicates });
    expect(await verify(input)).toMatchObject({ verdict: 'pass' });
    const worse = [await predicate('labels.all(a, labels.all(b, a != "" && b != ""))')];
    expect(await verify(withRules(input, { predicates: worse }))).toMatchObject({
      verdict: 'indeterminate',
      code: 'limit-exceeded',
    });
  });

  it('is open where places could not be read that may hold what it asks for', async () => {
    const input = withRules(await finished(GOOD), { predicates: [await predicate('approvals.size() > 3')] });
    const unread = [{ source: 'referrers', code: 'net-timeout' as const, message: 'no answer' }];
    expect(await verify({ ...input, unread })).toMatchObject({
      verdict: 'indeterminate',
      code: 'net-timeout',
    });
    expect(await verify(input)).toMatchObject({ verdict: 'fail', code: 'policy-predicate' });
  });

  it('does not choose between chains that disagree', async () => {
    // Two claims that both hold and name other owners: with one of them passed over, this would be a yes.
    const story = await tell();
    const other = await tell({
      steps: [
        { ...BASE, layers: [...BASE.layers, ...RUNTIME.layers] },
        { ...RUNTIME, kind: 'config', layers: [], run: {} },
        APP,
      ],
    });
    const flow = (await aPolicy()).flow;
    const marks = [...story.input.marks, ...other.input.marks];
    const input = { ...story.input, marks, carried: [...story.input.carried, ...other.input.carried] };
    const codeWith = async (predicates: readonly Predicate[]) =>
      (await verify(withRules(input, { flow, predicates }))).code;
    const without = await codeWith([]);
    expect(without).toBe('custody-ambiguous');
    for (const expression of ['chain[0].layers == 2', 'chain[0].layers == 4'])
      expect(await codeWith([await predicate(expression)])).not.toBe(null);
  });

  it('may only deny: none turns a no into a yes, whatever was done to the marks', async () => {
    const story = await tell();
    const pool = await Promise.all(
      [
        'true',
        'false',
        '!user.root',
        'chain.size() == 3',
        'approvals.exists(a, a.name == "scan")',
        'labels["x"] == ""',
      ].map(expression => predicate(expression)),
    );
    const foreign = await mark(story.head.claim, ['sam']);
    await fc.assert(
      fc.asyncProperty(
        fc.subarray([...story.input.marks, ...foreign]),
        fc.subarray(pool),
        fc.constantFrom<MetadataRules | undefined>(undefined, { os: ['linux'] }, { os: ['plan9'] }),
        fc.constantFrom(NOW, new Date('2027-01-15T00:00:00Z')),
        async (marks, predicates, metadata, now) => {
          const input = { ...story.input, marks, now };
          const without = await verify(input);
          const withThem = await verify(withRules(input, { predicates, metadata }));
          if (withThem.code === null) expect(without.code).toBe(null);
          if (without.code !== null) expect(withThem.code).not.toBe(null);
        },
      ),
      { numRuns: 20 },
    );
  });
});
