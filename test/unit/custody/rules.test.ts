import { describe, expect, test } from 'vitest';
import { utf8 } from '../../../src/base/bytes.js';
import type { Digest } from '../../../src/base/digest.js';
import type { PublicKey } from '../../../src/crypto/keys.js';
import { checkDistinctSigners } from '../../../src/custody/distinct-signers.js';
import { allows } from '../../../src/custody/identity.js';
import {
  type ApproveClaim,
  type ContentClaim,
  type CustodyPolicy,
  claimDigest,
  compareConfigs,
  isAllowed,
  type VerifyInput,
  verify,
} from '../../../src/custody/index.js';
import { walkChain } from '../../../src/custody/walk.js';
import { aSigner } from '../images.js';
import {
  APP,
  aPolicy,
  approvalRule,
  BASE,
  buildApproval,
  buildImage,
  buildLinks,
  buildWithdrawal,
  DAY,
  daysAgo,
  digestOf,
  imageInput,
  layer,
  mark,
  markStatement,
  NOW,
  REPOSITORY,
  RUNTIME,
  readLayers,
  tell,
} from './world.js';

const codeOfVerdict = async (input: VerifyInput) => (await verify(input)).code;
const MOVED = 'registry.example.com/shop/moved';

describe('the verdict', () => {
  test('tells the chain, who signed, whose each layer is, and how that is known', async () => {
    const story = await tell();
    const verdict = await verify(story.input);
    expect(verdict).toMatchObject({
      verdict: 'pass',
      code: null,
      level: 'manifest',
      policy: { name: 'shop', version: 7 },
      subject: {
        repository: REPOSITORY,
        identity: 'manifest',
        platform: { os: 'linux', architecture: 'amd64' },
      },
      findings: [],
    });
    expect(verdict.chain.map(({ step, signers, span, age }) => ({ step, signers, span, age }))).toEqual([
      { step: 'base', signers: ['grace', 'linus'], span: { from: 0, to: 2 }, age: 20 * DAY },
      { step: 'runtime', signers: ['rita'], span: { from: 2, to: 4 }, age: 10 * DAY },
      { step: 'app', signers: ['amy'], span: { from: 4, to: 6 }, age: 3 * DAY },
    ]);
    expect(verdict.approvals.map(({ rule, signers }) => [rule, signers])).toEqual([
      ['base-qa', ['sam']],
      ['scan', ['sam']],
      ['promote', ['ria', 'rob']],
    ]);
    const owners = verdict.layers.map(({ index, team, evidence }) => [index, team, evidence]);
    const expected = ['base', 'base', 'runtime', 'runtime', 'app', 'app'];
    expect(owners).toEqual(expected.map((team, index) => [index, team, 'manifest']));
  });

  test('says that the policy has expired', async () => {
    const { input } = await tell();
    expect(await codeOfVerdict({ ...input, policy: await aPolicy({ expires: NOW }) })).toBe('policy-expired');
    expect(await codeOfVerdict({ ...input, policy: await aPolicy({ expires: undefined }) })).toBeNull();
  });

  test('is open where marks may lie that could not be read, and only there', async () => {
    const { input } = await tell();
    const unread = [{ source: 'referrers', code: 'oci-unavailable', message: 'answered 503' }] as const;
    const headless = { ...input, marks: input.marks.filter(({ source }) => !source.startsWith('app by')) };
    expect(await verify(headless)).toMatchObject({ verdict: 'fail', code: 'no-marks' });
    expect(await verify({ ...headless, unread })).toMatchObject({
      verdict: 'indeterminate',
      code: 'oci-unavailable',
    });
    expect(await verify({ ...input, unread })).toMatchObject({ verdict: 'pass', code: null });
    const elsewhere = { ...input, unread, policy: { ...input.policy, repositories: ['other.example/*'] } };
    expect(await verify(elsewhere)).toMatchObject({ verdict: 'fail', code: 'identity-mismatch' });
  });

  test('asks for the level that the policy asks for', async () => {
    const story = await tell({ policy: { evidence: 'blobs' } });
    expect(await codeOfVerdict(story.input)).toBe('evidence-insufficient');
    const layerEvidence = readLayers(story.head.image);
    expect(await verify({ ...story.input, layerEvidence })).toMatchObject({ code: null, level: 'blobs' });
    const content = await aPolicy({ evidence: 'content' });
    expect(await codeOfVerdict({ ...story.input, layerEvidence, policy: content })).toBe(
      'evidence-insufficient',
    );
  });

  test('does not take facts about another blob', async () => {
    const story = await tell({ policy: { evidence: 'blobs' } });
    const facts = readLayers(story.head.image).map(fact => ({ ...fact, digest: digestOf('other') }));
    expect(await codeOfVerdict({ ...story.input, layerEvidence: facts })).toBe('evidence-insufficient');
  });

  test('needs no blob where the digest is the signed one and the policy asks for no more', async () => {
    const story = await tell();
    const missing = { index: 0, digest: story.head.image.layers[0]!.digest, outcome: 'unavailable' as const };
    expect(await verify({ ...story.input, layerEvidence: [missing] })).toMatchObject({
      code: null,
      findings: [],
    });
    const blobs = await aPolicy({ evidence: 'blobs' });
    expect(await codeOfVerdict({ ...story.input, layerEvidence: [missing], policy: blobs })).toBe(
      'layer-unavailable',
    );
  });

  test('is about images, in documents that say what they are', async () => {
    const { input } = await tell();
    const { bytes, mediaType } = input.image.manifest;
    const served = (text: string, type = mediaType) =>
      codeOfVerdict({
        ...input,
        image: { ...input.image, manifest: { mediaType: type, bytes: utf8(text) } },
      });
    const text = Buffer.from(bytes).toString();
    expect(await served(text)).toBeNull();
    expect(await served(text, 'text/plain')).toBe('manifest-unsupported');
    expect(await served(text, 'application/vnd.docker.distribution.manifest.v2+json')).toBe(
      'manifest-ambiguous',
    );
    expect(await served(text.replace('"schemaVersion":2', '"schemaVersion":1'))).toBe('manifest-unsupported');
    const index = JSON.stringify({ schemaVersion: 2, manifests: [] });
    expect(await served(index, 'application/vnd.oci.image.index.v1+json')).toBe('manifest-unsupported');
    expect(await codeOfVerdict({ ...input, image: { ...input.image, config: utf8('{}') } })).toBe(
      'subject-mismatch',
    );
  });

  test('takes a carried config that is no strict JSON for missing', async () => {
    const bytes = (text: string) => ({ layers: [...BASE.layers, ...RUNTIME.layers], config: utf8(text) });
    const told = async (text: string) =>
      codeOfVerdict(
        (
          await tell({
            steps: [BASE, { ...RUNTIME, image: bytes(text) }, { ...APP, run: {} }],
            policy: { config: { app: { allow: ['*'], deny: [] } } },
          })
        ).input,
      );
    expect(await told('{"config":{}}')).toBeNull();
    expect(await told('{"config":{},"extra":1,"extra":2}')).toBe('config-unavailable');
  });

  test('of an unreadable compression is open', async () => {
    const story = await tell({ policy: { evidence: 'blobs' } });
    const [first, ...rest] = readLayers(story.head.image);
    const unknown = { index: 0, digest: first!.digest, outcome: 'compression-unsupported' as const };
    const result = await verify({ ...story.input, layerEvidence: [unknown, ...rest] });
    expect(result).toMatchObject({ verdict: 'indeterminate', code: 'layer-compression-unsupported' });
  });

  test('lets the empty layer come again, and a team repeat itself', async () => {
    const empty = {
      ...layer('empty'),
      diffID: 'sha256:5f70bf18a086007016e948b04aed3b82103a36bea41755b6cddfaf10ace3c6ef' as Digest,
    };
    const [first, second] = APP.layers;
    const steps = [
      { ...BASE, layers: [...BASE.layers, empty] },
      RUNTIME,
      { ...APP, layers: [first!, empty] },
    ];
    expect(await verify((await tell({ steps })).input)).toMatchObject({ code: null, findings: [] });
    const twice = [BASE, RUNTIME, { ...APP, layers: [first!, second!, first!] }];
    expect(await verify((await tell({ steps: twice })).input)).toMatchObject({
      code: null,
      findings: [{ code: 'layer-repeats-lower', severity: 'warning' }],
    });
  });

  test('takes marks only from the carriers of the policy, and withdrawals from wherever they are', async () => {
    const story = await tell({ policy: { carriers: ['simplesigning'] } });
    expect(await codeOfVerdict(story.input)).toBeNull();
    const bundles = story.input.marks.filter(({ carrier }) => carrier === 'bundle');
    expect(await codeOfVerdict({ ...story.input, marks: bundles })).toBe('no-marks');
    const withdrawal = await markStatement(buildWithdrawal(story.head, 'app'), ['amy']);
    expect(await codeOfVerdict({ ...story.input, marks: [...story.input.marks, ...withdrawal] })).toBe(
      'mark-withdrawn',
    );
  });
});

describe('the flow', () => {
  const steps = async (drafts: Parameters<typeof tell>[0], policy: Partial<CustodyPolicy> = {}) =>
    codeOfVerdict((await tell({ ...drafts, policy: { approvals: [], config: {}, ...policy } })).input);

  test('denies steps it does not know, in the wrong order, or too often', async () => {
    expect(await steps({ steps: [BASE, RUNTIME, APP] })).toBeNull();
    expect(await steps({ steps: [BASE, { ...RUNTIME, step: 'tuning' }, APP] })).toBe('step-unknown');
    const later = { ...RUNTIME, time: daysAgo(2), repo: REPOSITORY };
    expect(await steps({ steps: [BASE, APP, later] })).toBe('step-order');
    const again = { ...APP, layers: [layer('more')] };
    expect(await steps({ steps: [BASE, RUNTIME, APP, again] })).toBe('step-order');
  });

  test('knows teams by pattern', async () => {
    const policy = await aPolicy();
    const flow = (team: string) => policy.flow.map(step => (step.step === 'app' ? { ...step, team } : step));
    expect(await steps({}, { flow: flow('a*') })).toBeNull();
    expect(await steps({}, { flow: flow('web-*') })).toBe('key-not-authorised');
  });

  test('of an image on its way to another team ends where the image is', async () => {
    const story = await tell({
      steps: [BASE, { ...RUNTIME, edit: claim => ({ ...claim, next: ['app'] }) }],
      approvals: 'all',
    });
    const { input } = story;
    const base = { ...input, image: imageInput(story.head.image, RUNTIME.repo) };
    expect(await codeOfVerdict({ ...base, handover: { team: 'app' } })).toBeNull();
    expect(await codeOfVerdict({ ...base, handover: { team: 'games' } })).toBe('handover-denied');
    expect(await codeOfVerdict(base)).toBe('identity-mismatch');
    const scoped = await aPolicy({ repositories: ['registry.example.com/base/*'], approvals: [] });
    expect(await codeOfVerdict({ ...base, policy: scoped })).toBe('step-missing');
  });

  test('refuses a claim that has expired', async () => {
    const expiring = (expires: string) => ({
      steps: [BASE, RUNTIME, { ...APP, edit: (claim: object) => ({ ...claim, expires }) }],
    });
    expect(await steps(expiring(daysAgo(-1)))).toBeNull();
    expect(await steps(expiring(daysAgo(1)))).toBe('mark-expired');
  });
});

describe('an adopted upstream', () => {
  const adopting = async (edit: (inputs: readonly object[], manifest: string) => readonly object[]) => {
    const upstream = {
      ...BASE,
      step: 'upstream',
      kind: 'adopt' as const,
      layers: [layer('debian')],
      edit: (claim: ContentClaim) => {
        const manifest = claim.subject.manifest.digest;
        const input = { purpose: 'upstream', manifest, ref: 'debian:12', verifiedBy: ['cosign-key:debian'] };
        return { ...claim, inputs: edit([input], manifest) };
      },
    };
    return codeOfVerdict((await tell({ steps: [upstream, BASE, RUNTIME, APP] })).input);
  };

  test('is one image, this one, under an allowed name', async () => {
    expect(await adopting(inputs => inputs)).toBeNull();
    expect(
      await adopting(inputs => [...inputs, { purpose: 'copy-from', manifest: digestOf('x') }]),
    ).toBeNull();
    expect(await adopting(() => [])).toBe('upstream-denied');
    expect(await adopting(inputs => [...inputs, ...inputs])).toBe('upstream-denied');
    expect(await adopting(([input]) => [{ ...input, manifest: digestOf('other') }])).toBe('upstream-denied');
    expect(await adopting(([input]) => [{ ...input, ref: undefined }])).toBe('upstream-denied');
    expect(await adopting(([input]) => [{ ...input, ref: 'oci:debian' }])).toBe('upstream-denied');
    expect(await adopting(([input]) => [{ ...input, verifiedBy: undefined }])).toBe('evidence-missing');
  });
});

const prevOf = (claim: object) => (claim as ApproveClaim).prev;

describe('approvals', () => {
  const withScan = async (edit: (claim: object) => object, policy: Partial<CustodyPolicy> = {}) => {
    const rules = (await aPolicy()).approvals.filter(({ name }) => name === 'scan');
    const story = await tell({ approvals: 'none', policy: { approvals: rules, ...policy } });
    const scan = buildApproval({ rule: 'scan', team: 'security', time: daysAgo(2), edit }, story.head);
    return codeOfVerdict({ ...story.input, marks: [...story.input.marks, ...(await mark(scan, ['sam']))] });
  };

  test.each<[string, (claim: object) => object, string]>([
    ['is too old', claim => ({ ...claim, time: daysAgo(2.5), expires: daysAgo(1) }), 'mark-expired'],
    ['brings no evidence', claim => ({ ...claim, evidence: [] }), 'evidence-missing'],
    ['lies ahead', claim => ({ ...claim, time: daysAgo(-1) }), 'time-implausible'],
    ['is older than what it approves', claim => ({ ...claim, time: daysAgo(4) }), 'time-implausible'],
    ['stands at another place', claim => ({ ...claim, span: { from: 5, to: 5 } }), 'kind-invalid'],
    [
      'names another team’s claim',
      claim => ({ ...claim, prev: { ...prevOf(claim), team: 'base' } }),
      'prev-mismatch',
    ],
    [
      'names another step’s claim',
      claim => ({ ...claim, prev: { ...prevOf(claim), step: 'base' } }),
      'prev-mismatch',
    ],
    ['has another number', claim => ({ ...claim, seq: 1 }), 'kind-invalid'],
    ['was made for another repository', claim => ({ ...claim, repo: MOVED }), 'identity-mismatch'],
    ['was given unchecked', ({ ...claim }) => ({ ...claim, checked: undefined }), 'unchecked-step'],
    ['is another team’s', claim => ({ ...claim, team: 'release' }), 'key-not-authorised'],
  ])('one that %s does not count', async (_what, edit, code) => {
    expect(await withScan(claim => claim)).toBeNull();
    expect(await withScan(edit)).toBe(code);
  });

  test('are renewed without touching the chain, and what relied on the old one still holds', async () => {
    const story = await tell();
    const later = new Date(NOW.getTime() + 20 * DAY);
    const fresh = { ...story.input, now: later };
    expect(await codeOfVerdict(fresh)).toBe('mark-stale');
    const scan = buildApproval({ rule: 'scan', team: 'security', time: daysAgo(-18) }, story.head);
    expect(
      await codeOfVerdict({ ...fresh, marks: [...fresh.marks, ...(await mark(scan, ['sam']))] }),
    ).toBeNull();
  });

  test('that were withdrawn do not count', async () => {
    const story = await tell();
    const { scan } = story.approvals;
    const withdrawal = buildWithdrawal(story.head, 'security');
    const own = { ...withdrawal, prev: { ...withdrawal.prev, claim: claimDigest(scan) } };
    const marks = [...story.input.marks, ...(await markStatement(own, ['sam']))];
    expect(await codeOfVerdict({ ...story.input, marks })).toBe('mark-withdrawn');
  });

  test('are given by the team of the rule, not by any team', async () => {
    const scan = async (team: string, signer: string) => {
      const story = await tell({
        approvals: 'none',
        policy: { approvals: [approvalRule({ name: 'scan', team: 'sec*' })] },
      });
      const claim = buildApproval({ rule: 'scan', team, time: daysAgo(2) }, story.head);
      return codeOfVerdict({
        ...story.input,
        marks: [...story.input.marks, ...(await mark(claim, [signer]))],
      });
    };
    expect(await scan('security', 'sam')).toBeNull();
    expect(await scan('release', 'rob')).toBe('key-not-authorised');
  });

  test('that wait for each other never hold', async () => {
    const rule = (name: string, after: string) => approvalRule({ name, team: 'security', after: [after] });
    const approvals = [rule('scan', 'base-qa'), rule('base-qa', 'scan')];
    expect(await codeOfVerdict((await tell({ policy: { approvals } })).input)).not.toBeNull();
    const self = [rule('scan', 'scan')];
    expect(await codeOfVerdict((await tell({ policy: { approvals: self } })).input)).toBe('approval-order');
  });
});

test('a second claim about a withdrawn image does not outlive the first, a new one does', async () => {
  const story = await tell();
  const second = { ...story.head.claim, time: daysAgo(2) };
  const withdrawal = await markStatement(buildWithdrawal(story.head, 'app', daysAgo(1)), ['amy']);
  const approve = async (claim: typeof second) => {
    const head = { ...story.head, claim, digest: claimDigest(claim) };
    const scan = buildApproval({ rule: 'scan', team: 'security', time: claim.time }, head);
    const promote = buildApproval(
      { rule: 'promote', team: 'release', time: claim.time, saw: [claimDigest(scan)] },
      head,
    );
    return [
      ...(await mark(claim, ['amy'])),
      ...(await mark(scan, ['sam'])),
      ...(await mark(promote, ['rob', 'ria'])),
    ];
  };
  const marks = [...story.input.marks, ...withdrawal];
  expect(await codeOfVerdict({ ...story.input, marks: [...marks, ...(await approve(second))] })).toBe(
    'mark-withdrawn',
  );
  const renewed = { ...story.head.claim, time: daysAgo(0.5) };
  expect(await codeOfVerdict({ ...story.input, marks: [...marks, ...(await approve(renewed))] })).toBeNull();
});

test('an approval that a team takes back leaves what the team built', async () => {
  const story = await tell({ policy: { approvals: [] } });
  const qa = buildApproval({ rule: 'qa', team: 'app', time: daysAgo(2) }, story.head);
  const withdrawal = (claim: typeof qa | typeof story.head.claim) => ({
    ...buildWithdrawal(story.head, 'app', daysAgo(1)),
    prev: { claim: claimDigest(claim), team: claim.team, step: claim.step },
  });
  const after = async (claim: typeof qa | typeof story.head.claim) => {
    const taken = await markStatement(withdrawal(claim), ['amy']);
    return codeOfVerdict({
      ...story.input,
      marks: [...story.input.marks, ...(await mark(qa, ['amy'])), ...taken],
    });
  };
  expect(await after(qa)).toBeNull();
  expect(await after(story.head.claim)).toBe('mark-withdrawn');
});

describe('relocations', () => {
  const relocation = (from: string, to: string) => ({ from, to, via: undefined });

  test('need what the wildcards stand for to be the same', () => {
    const shops = relocation('dev.example.com/shop/*', 'registry.example.com/shop/*');
    expect(allows(shops, 'dev.example.com/shop/app', 'registry.example.com/shop/app')).toBe(true);
    expect(allows(shops, 'dev.example.com/shop/app', 'registry.example.com/shop/other')).toBe(false);
    expect(allows(shops, 'dev.example.com/toys/app', 'registry.example.com/shop/app')).toBe(false);
    const deep = relocation('dev.example.com/**', 'registry.example.com/shop/*');
    expect(allows(deep, 'dev.example.com/app', 'registry.example.com/shop/app')).toBe(false);
    const one = relocation('dev.example.com/*', 'registry.example.com/app');
    expect(allows(one, 'dev.example.com/any', 'registry.example.com/app')).toBe(true);
  });

  test('that name an approval need it for the destination', async () => {
    const relocations = [{ from: REPOSITORY, to: MOVED, via: 'promote' }];
    const story = await tell({ policy: { relocations } });
    const moved = { ...story.input, image: imageInput(story.head.image, MOVED) };
    expect(await codeOfVerdict(moved)).toBe('identity-mismatch');
    const promote = { ...story.approvals.promote, repo: MOVED, time: daysAgo(1) };
    const marks = [...moved.marks, ...(await mark(promote, ['rob', 'ria']))];
    expect(await codeOfVerdict({ ...moved, marks })).toBeNull();
    expect(await codeOfVerdict({ ...moved, marks, policy: await aPolicy() })).toBe('identity-mismatch');
  });
});

describe('rules over config keys', () => {
  const change = (key: string, member: string | undefined, ...values: string[]) => ({
    key,
    member,
    values,
    ambiguous: false,
  });
  const rules = {
    allow: ['Env:APP_*', 'Labels', 'User', 'Cmd'],
    deny: ['Env:APP_SECRET', 'User=root', 'Labels:org.*=evil'],
  };

  test.each([
    [change('Env', 'APP_MODE', 'x'), true],
    [change('Env', 'PATH', '/tmp'), false],
    [change('Env', 'APP_SECRET', 'x'), false],
    [change('Labels', 'any/thing', 'x'), true],
    [change('Labels', 'org.name', 'evil'), false],
    [change('User', undefined, '1000'), true],
    [change('User', undefined, '0', 'root'), false],
    [change('Volumes', '/etc', ''), false],
    [{ ...change('Cmd', undefined, 'x'), ambiguous: true }, false],
  ])('%o: %s', (given, allowed) => expect(isAllowed(given, rules)).toBe(allowed));

  test('see every difference that a runtime can see, and no other', () => {
    const before = { os: 'linux', config: { Env: ['A=1', 'B=2'], Labels: { a: 'b' }, Volumes: null } };
    const same = {
      os: 'linux',
      created: 'now',
      history: [1],
      config: { Env: ['B=2', 'A=1'], Labels: { a: 'b' }, Cmd: [] },
    };
    expect(compareConfigs(before, same)).toEqual([]);
    const names = (after: object) =>
      compareConfigs(before, after as never).map(({ key, member }) =>
        member === undefined ? key : `${key}:${member}`,
      );
    expect(names({ ...before, author: 'x', 'os.version': '1' })).toEqual(['/author', '/os.version']);
    expect(names({ ...before, config: { ...before.config, Env: ['A=1', 'A=3'] } })).toEqual([
      'Env:A',
      'Env:B',
    ]);
    expect(names({ ...before, config: { ...before.config, Env: 'A=1' } })).toEqual(['Env']);
    expect(names({ ...before, config: { ...before.config, Labels: {} } })).toEqual(['Labels:a']);
    expect(names({ ...before, config: { ...before.config, StopSignal: 'SIGKILL' } })).toEqual(['StopSignal']);
  });
});

describe('signers', () => {
  test('are persons: names and keys that belong together', async () => {
    const policy = await aPolicy();
    const shared = (await aSigner('amy')).publicKey;
    const teams = policy.teams.map(team =>
      team.name === 'runtime' ? { ...team, signers: [{ name: 'rita', keys: [shared] }] } : team,
    );
    const { input } = await tell({ steps: [BASE, { ...RUNTIME, signers: ['amy'] }, APP] });
    expect(await codeOfVerdict({ ...input, policy: { ...policy, teams } })).toBe('signer-reuse');
    expect(
      await codeOfVerdict({ ...input, policy: { ...policy, teams, distinctSigners: false } }),
    ).toBeNull();
  });

  test('who signed for two teams do no harm where there are enough without them', () => {
    const owner = (team: string, signer: string) => [signer, { team, signer, identity: signer }] as const;
    const requirement = (team: string, threshold: number, ...signers: string[]) =>
      ({
        record: { claim: { team }, signers: new Map(signers.map(signer => owner(team, signer))) },
        threshold,
      }) as never;
    const check = (...requirements: never[]) => checkDistinctSigners(requirements).map(({ code }) => code);
    expect(check(requirement('a', 1, 'x'), requirement('b', 1, 'x', 'y'))).toEqual([]);
    expect(check(requirement('a', 1, 'x'), requirement('b', 1, 'x'))).toEqual(['signer-reuse']);
    expect(check(requirement('a', 1, 'x', 'y'), requirement('b', 1, 'x', 'y'))).toEqual([]);
    expect(check(requirement('a', 2, 'x', 'y'), requirement('b', 1, 'x', 'y'))).toHaveLength(2);
  });

  test('have keys that count once, whoever shares them', async () => {
    const policy = await aPolicy();
    const key: PublicKey = (await aSigner('linus')).publicKey;
    const teams = policy.teams.map(team =>
      team.name === 'base'
        ? {
            ...team,
            signers: [
              { name: 'linus', keys: [key] },
              { name: 'grace', keys: [key] },
            ],
          }
        : team,
    );
    const { input } = await tell();
    expect(await codeOfVerdict({ ...input, policy: { ...policy, teams } })).toBe('threshold-not-met');
  });
});

test('a cycle, which digests make impossible, would be seen', () => {
  const [first, second] = buildLinks([BASE, RUNTIME]);
  const record = (link: typeof first, prev: typeof first) =>
    ({ ...link, claim: { ...link!.claim, prev: { claim: prev!.digest, team: 'x', step: 'x' } } }) as never;
  const records = new Map([
    [first!.digest, record(first, second)],
    [second!.digest, record(second, first)],
  ]);
  const codes = (chain: ReturnType<typeof walkChain>) => chain.findings.map(({ code }) => code);
  expect(codes(walkChain(record(second, first), records))).toEqual(['chain-cycle']);
  records.set(first!.digest, first as never);
  expect(codes(walkChain(record(second, first), records))).toEqual([]);
});

test('an image without layers is one config claim', async () => {
  const step = { ...BASE, kind: 'config' as const, layers: [], repo: REPOSITORY };
  const flow = (await aPolicy()).flow
    .filter(({ step: name }) => name === 'base')
    .map(entry => ({ ...entry, kinds: ['config' as const] }));
  const { input } = await tell({ steps: [step], policy: { flow, approvals: [], config: {} } });
  expect(await verify(input)).toMatchObject({ code: null, layers: [] });
  const other = { ...input, image: imageInput(buildImage({ layers: [layer('x')] })) };
  expect(await codeOfVerdict(other)).toBe('no-marks');
});
