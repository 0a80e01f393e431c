import { beforeAll, describe, expect, test } from 'vitest';
import { utf8 } from '../../../src/base/bytes.js';
import type { ReasonCode } from '../../../src/base/codes.js';
import type { Digest } from '../../../src/base/digest.js';
import { LIMITS } from '../../../src/base/limits.js';
import {
  type CustodyPolicy,
  type CustodyVerdict,
  claimDigest,
  draftIndexClaim,
  draftWithdrawal,
  type FoundMark,
  type IndexChild,
  type IndexClaim,
  type ListedClaim,
  parseClaim,
  type TrustFacts,
  type VerifyIndexInput,
  verify,
  verifyIndex,
} from '../../../src/custody/index.js';
import type { Descriptor } from '../../../src/oci/descriptor.js';
import { parseManifest, type RawManifest, serializeManifest } from '../../../src/oci/manifest.js';
import { MEDIA_TYPES } from '../../../src/oci/media-types.js';
import { aSigner } from '../images.js';
import {
  APP,
  BASE,
  buildLink,
  DAY,
  digestOf,
  mark,
  markStatement,
  NOW,
  REPOSITORY,
  RUNTIME,
  type Story,
  signDocument,
  tell,
} from './world.js';

/** An index of two marked images and an attestation, what a team claims about it, and every way in which that goes wrong. */

const PLATFORMS = ['amd64', 'arm64'] as const;
const ATTESTATION: Descriptor = {
  mediaType: MEDIA_TYPES.ociManifest,
  digest: digestOf('attestation'),
  size: 10,
  platform: { os: 'unknown', architecture: 'unknown' },
  annotations: { 'vnd.docker.reference.type': 'attestation-manifest' },
};

let stories: readonly Story[];
let verdicts: readonly CustodyVerdict[];
let index: RawManifest;
let input: Omit<VerifyIndexInput, 'marks'>;

beforeAll(async () => {
  stories = await Promise.all(
    PLATFORMS.map(architecture =>
      tell({ steps: [BASE, RUNTIME, APP].map(step => ({ ...step, image: { architecture } })) }),
    ),
  );
  verdicts = await Promise.all(stories.map(story => verify(story.input)));
  const images = stories.map(({ head }, at): Descriptor => {
    const { mediaType, digest, size } = head.image.manifest.descriptor;
    return { mediaType, digest, size, platform: { os: 'linux', architecture: PLATFORMS[at] as string } };
  });
  index = serializeManifest({ manifests: [...images, ATTESTATION] });
  input = {
    index: { mediaType: index.descriptor.mediaType, bytes: index.bytes },
    children: verdicts,
    policy: (stories[0] as Story).input.policy,
    now: NOW,
    tagGiven: false,
  };
});

interface Edit {
  readonly team?: string;
  readonly time?: Date;
  readonly index?: Descriptor;
  readonly children?: (children: readonly IndexChild[]) => readonly IndexChild[];
  readonly expires?: string;
}

/** What the application team honestly says, changed. */
function claimOf({ team = 'app', time = NOW, children, expires, ...edit }: Edit = {}): IndexClaim {
  const honest: IndexChild[] = [
    ...stories.map(({ head }, at) => ({
      platform: { os: 'linux', architecture: PLATFORMS[at] as string },
      manifest: head.image.manifest.descriptor.digest,
      claim: head.digest,
    })),
    { manifest: ATTESTATION.digest, claim: null },
  ];
  const claim = draftIndexClaim({
    team,
    step: team,
    repository: REPOSITORY,
    index: edit.index ?? index.descriptor,
    children: children?.(honest) ?? honest,
    time,
    policy: input.policy,
  });
  return expires === undefined ? claim : (parseClaim({ ...claim, expires } as never) as IndexClaim);
}

const signed = async (claim: IndexClaim, ...names: string[]): Promise<FoundMark[]> =>
  markStatement(claim, names.length > 0 ? names : ['amy']);
const judge = (marks: readonly FoundMark[], more: Partial<VerifyIndexInput> = {}) =>
  verifyIndex({ ...input, marks, ...more });
const withdrawalOf = (claim: IndexClaim, team = 'app', time = NOW) =>
  draftWithdrawal({
    team,
    step: team,
    repository: REPOSITORY,
    target: { claim, digest: claimDigest(claim) },
    time,
    policy: input.policy,
  });
const changed = (at: number, change: Partial<IndexChild>) => (children: readonly IndexChild[]) =>
  children.map((child, i) => (i === at ? { ...child, ...change } : child));
const ago = (days: number) => new Date(NOW.getTime() - days * DAY);
const UNREAD = { source: 'a place', code: 'network-unreachable' as ReasonCode, message: 'was not read' };

test('an index claim that is so, one for each team that has a part, and none at all', async () => {
  const none = await judge([]);
  expect(none).toMatchObject({ verdict: 'pass', code: null, findings: [] });
  expect(await judge(await signed(claimOf()))).toEqual(none);
  const both = [...(await signed(claimOf())), ...(await signed(claimOf({ team: 'release' }), 'rob'))];
  expect(await judge(both)).toEqual(none);
});

test('an image that the index lists as an attestation too is an image', async () => {
  const digest = verdicts[0]?.subject.manifest as Digest;
  const manifest = parseManifest(index);
  if (manifest.kind !== 'index') throw new Error('no index');
  const twice = serializeManifest({ manifests: [...manifest.manifests, { ...ATTESTATION, digest }] });
  const bytes = { mediaType: twice.descriptor.mediaType, bytes: twice.bytes };
  const said = async (edit: Edit) =>
    (await judge(await signed(claimOf({ index: twice.descriptor, ...edit })), { index: bytes })).code;
  expect(await said({})).toBeNull();
  expect(await said({ children: changed(0, { claim: null }) })).toBe('index-child-unmarked');
});

interface Row {
  readonly what: string;
  readonly code: ReasonCode;
  readonly edit: () => Edit;
}

const CONTRADICTIONS: readonly Row[] = [
  {
    what: 'leaves out an image that is there',
    code: 'subject-mismatch',
    edit: () => ({ children: children => children.slice(1) }),
  },
  {
    what: 'leaves out an attestation that is there',
    code: 'subject-mismatch',
    edit: () => ({ children: children => children.slice(0, 2) }),
  },
  {
    what: 'lists an image that is not there',
    code: 'subject-mismatch',
    edit: () => ({
      children: children => [...children, { manifest: digestOf('third'), claim: digestOf('claim') }],
    }),
  },
  {
    what: 'lists an attestation that is not there',
    code: 'subject-mismatch',
    edit: () => ({ children: children => [...children, { manifest: digestOf('third'), claim: null }] }),
  },
  {
    what: 'swaps the claims of two images',
    code: 'custody-ambiguous',
    edit: () => ({ children: changed(0, { claim: (stories[1] as Story).head.digest }) }),
  },
  {
    what: 'names the claim of the base for an image',
    code: 'custody-ambiguous',
    edit: () => ({ children: changed(0, { claim: (stories[0] as Story).links[1]?.digest as Digest }) }),
  },
  {
    what: 'gives an image for another platform',
    code: 'platform-mismatch',
    edit: () => ({ children: changed(0, { platform: { os: 'linux', architecture: 'riscv64' } }) }),
  },
  {
    what: 'knows of no claim for an image',
    code: 'index-child-unmarked',
    edit: () => ({ children: changed(1, { claim: null }) }),
  },
  {
    what: 'has a claim for an attestation',
    code: 'subject-mismatch',
    edit: () => ({ children: changed(2, { claim: digestOf('claim') }) }),
  },
  {
    what: 'gives another size for the index',
    code: 'subject-mismatch',
    edit: () => ({ index: { ...index.descriptor, size: index.descriptor.size + 1 } }),
  },
  {
    what: 'gives another media type for the index',
    code: 'subject-mismatch',
    edit: () => ({ index: { ...index.descriptor, mediaType: MEDIA_TYPES.dockerIndex } }),
  },
  {
    what: 'lies ahead',
    code: 'time-implausible',
    edit: () => ({ time: new Date(NOW.getTime() + DAY) }),
  },
  { what: 'has expired', code: 'mark-expired', edit: () => ({ expires: '2026-11-20T11:59:59Z' }) },
];

describe.each(CONTRADICTIONS)('a claim of the team that $what', ({ code, edit }) => {
  test(`is fail (${code}), once, and open where something could not be read`, async () => {
    const marks = await signed(claimOf(edit()));
    const result = await judge(marks);
    expect(result).toMatchObject({ verdict: 'fail', code });
    expect(result.findings).toHaveLength(1);
    const open = await judge(marks, { unread: [UNREAD] });
    expect(open).toMatchObject({ verdict: 'indeterminate', code: UNREAD.code });
    expect(open.findings.map(found => found.code)).toEqual([UNREAD.code, code]);
  });

  test('counts for nothing when the key is another team’s, nobody’s, or the team has no part', async () => {
    const marks = [
      ...(await signed(claimOf(edit()), 'rita', 'eve')),
      ...(await signed(claimOf({ ...edit(), team: 'base' }), 'linus')),
    ];
    const result = await judge(marks);
    expect(result).toMatchObject({ verdict: 'pass', code: null });
    expect(result.findings.map(found => found.code)).toEqual(Array(3).fill('mark-unverifiable'));
  });

  test('counts no more once there is a newer one that is so', async () => {
    const old = claimOf({ ...edit(), time: ago(1) });
    const marks = [...(await signed(old)), ...(await signed(claimOf()))];
    expect(await judge(marks)).toMatchObject({ verdict: 'pass', code: null, findings: [] });
    expect(await judge([...marks].reverse())).toMatchObject({ verdict: 'pass', findings: [] });
  });
});

test('who approved a base has no part in the images on top of it', async () => {
  const policy = { ...input.policy, approvals: input.policy.approvals.filter(({ on }) => on === 'base') };
  const children = await Promise.all(stories.map(story => verify({ ...story.input, policy })));
  expect(children.flatMap(child => child.approvals.map(({ team }) => team))).toEqual([
    'security',
    'security',
  ]);
  const wrong = await signed(claimOf({ team: 'security', children: changed(0, { claim: null }) }), 'sam');
  expect(await judge(wrong, { policy, children })).toMatchObject({ verdict: 'pass', code: null });
  expect(await judge(wrong)).toMatchObject({ verdict: 'fail', code: 'index-child-unmarked' });
});

test('a claim about another index, and what is no claim about an index', async () => {
  const other = { ...index.descriptor, digest: digestOf('other') };
  const result = await judge([
    ...(await signed(claimOf({ index: other }))),
    ...(await mark((stories[0] as Story).head.claim, ['amy'])),
    signDocument(await aSigner('amy'), 'bundle', utf8('{"a":1,"a":2}'), 'twice'),
  ]);
  expect(result).toMatchObject({ verdict: 'pass', code: null });
  expect(result.findings.map(({ code, severity }) => `${severity} ${code}`)).toEqual([
    'warning mark-other-subject',
    'warning payload-ambiguous',
  ]);
});

test('the claim may ride in no signature that cosign takes for a yes', async () => {
  const claim = claimOf({ children: changed(1, { claim: null }) });
  const statement = JSON.stringify({
    _type: 'https://in-toto.io/Statement/v1',
    subject: [{ digest: { sha256: index.descriptor.digest.slice(7) }, annotations: { custody: claim } }],
    predicateType: 'https://sigstore.dev/cosign/sign/v1',
    predicate: {},
  });
  const result = await judge([signDocument(await aSigner('amy'), 'bundle', utf8(statement), 'disguised')]);
  expect(result.findings.map(({ code, severity }) => `${severity} ${code}`)).toEqual([
    'warning payload-inconsistent',
  ]);
});

describe('a claim about an index that its team took back', () => {
  test('is a no, with the claim there or hidden, whatever else could not be read', async () => {
    const claim = claimOf({ time: ago(1) });
    const withdrawal = await markStatement(withdrawalOf(claim), ['amy']);
    const no = { verdict: 'fail', code: 'mark-withdrawn' };
    expect(await judge([...(await signed(claim)), ...withdrawal])).toMatchObject(no);
    expect(await judge(withdrawal)).toMatchObject(no);
    expect(await judge(withdrawal, { unread: [UNREAD] })).toMatchObject(no);
  });

  test('covers what the team had said until then, and nothing that it says later', async () => {
    const [first, second] = [claimOf({ time: ago(3) }), claimOf({ time: ago(2) })];
    const withdrawal = await markStatement(withdrawalOf(first, 'app', ago(1)), ['amy']);
    const marks = [...(await signed(first)), ...(await signed(second)), ...withdrawal];
    expect(await judge(marks)).toMatchObject({ verdict: 'fail', code: 'mark-withdrawn' });
    const again = [...marks, ...(await signed(claimOf()))];
    expect(await judge(again)).toMatchObject({ verdict: 'pass', code: null });
  });

  test('is not for another team to take back', async () => {
    const claim = claimOf({ time: ago(1) });
    const own = await signed(claim);
    for (const [team, signer] of [
      ['release', 'rob'],
      ['base', 'linus'],
    ] as const) {
      const result = await judge([...own, ...(await markStatement(withdrawalOf(claim, team), [signer]))]);
      expect(result).toMatchObject({ verdict: 'pass', code: null });
      expect(result.findings.map(({ code }) => code)).toEqual(['mark-unverifiable']);
    }
    const forged = await markStatement(withdrawalOf(claim), ['rita']);
    expect(await judge([...own, ...forged])).toMatchObject({ verdict: 'pass' });
    // A team without a part cannot take the index down, even where nobody else has claimed anything of it.
    const outsider = await markStatement(withdrawalOf(claimOf({ team: 'base' }), 'base'), ['linus']);
    expect(await judge(outsider)).toMatchObject({ verdict: 'pass' });
  });
});

test('an image that was marked again since the index was claimed is a note', async () => {
  const [story] = stories as [Story];
  const older = buildLink({ ...APP, time: '2026-11-16T00:00:00Z' }, story.links[1]);
  const claim = (time: Date) => claimOf({ time, children: changed(0, { claim: older.digest }) });
  const result = await judge(await signed(claim(ago(4))));
  expect(result).toMatchObject({ verdict: 'pass', code: null });
  expect(result.findings.map(({ code, severity }) => `${severity} ${code}`)).toEqual([
    'warning duplicate-claims',
  ]);
  expect(await judge(await signed(claim(ago(1))))).toMatchObject({ code: 'custody-ambiguous' });
});

test('an image that fails has its own reason, and no claim about the index mends it', async () => {
  const [story, other] = stories as [Story, Story];
  const stale = await verify({ ...other.input, now: new Date(NOW.getTime() + 80 * DAY) });
  const children = [await verify(story.input), stale];
  const result = await judge(await signed(claimOf()), { children });
  expect(result).toMatchObject({ verdict: 'fail', code: 'mark-stale' });
  expect(await judge(await signed(claimOf()), { children: children.slice(0, 1) })).toMatchObject({
    verdict: 'indeterminate',
    code: 'layer-unavailable',
  });
});

test('one manifest for two platforms is one child', async () => {
  const [story] = stories as [Story];
  const { mediaType, digest, size } = story.head.image.manifest.descriptor;
  const raw = serializeManifest({
    manifests: ['1', '2'].map(version => ({
      mediaType,
      digest,
      size,
      platform: { os: 'linux', architecture: 'amd64', 'os.version': version },
    })),
  });
  const claim = claimOf({ index: raw.descriptor, children: ([first]) => [first, first] as IndexChild[] });
  expect(claim.children).toHaveLength(1);
  const about = { index: { mediaType: raw.descriptor.mediaType, bytes: raw.bytes } };
  expect(await judge(await signed(claim), about)).toMatchObject({
    verdict: 'pass',
    code: null,
    findings: [],
  });
});

test('more signatures than are looked at, copies aside', async () => {
  const [one] = (await signed(claimOf())) as [FoundMark];
  const copies = new Array<FoundMark>(LIMITS.marks + 1).fill(one);
  expect(await judge(copies)).toMatchObject({ verdict: 'pass', code: null });
  const junk = copies.map((copy, i) => ({ ...copy, payload: utf8(`junk ${i}`) }));
  expect(await judge(junk)).toMatchObject({ verdict: 'fail', code: 'limit-exceeded' });
});

describe('keys of the past, and what TUF lists', () => {
  /** Team app rotated from amy, whose key is revoked, to ann. */
  const rotated = async (mode: CustodyPolicy['index']) => {
    const [amy, ann] = await Promise.all([aSigner('amy'), aSigner('ann')]);
    const signers = [{ name: 'amy', keys: [ann.publicKey], revoked: [amy.publicKey] }];
    const teams = input.policy.teams.map(team => (team.name === 'app' ? { ...team, signers } : team));
    return { ...input.policy, teams, ...(mode && { index: mode }) };
  };
  const listing = async (...listed: readonly ListedClaim[]): Promise<TrustFacts> => ({
    teams: new Map([
      [
        'app',
        {
          keys: [{ key: (await aSigner('ann')).publicKey, label: 'amy' }],
          claims: new Map([[index.descriptor.digest, listed]]),
          strays: new Set(),
        },
      ],
    ]),
    channels: new Map(),
    policy: undefined,
  });
  const entryOf = (claim: IndexClaim, status: ListedClaim['status']): ListedClaim => ({
    claim: claimDigest(claim),
    status,
    reason: undefined,
  });

  test.each(['off', undefined, 'present', 'complete'] as const)(
    'a revoked key lifts no withdrawal, whatever it dates (index %s)',
    async mode => {
      const honest = claimOf({ time: ago(3) });
      const forged = claimOf({ time: ago(1) });
      const withdrawal = await markStatement(withdrawalOf(honest, 'app', ago(2)), ['ann']);
      const known = [...(await signed(honest, 'ann')), ...withdrawal];
      const policy = await rotated(mode);
      const withTuf = mode === 'present' || mode === 'complete';
      const trust = withTuf ? await listing(entryOf(honest, 'active')) : undefined;
      const verdict = async (marks: readonly FoundMark[], more = trust) =>
        judge(marks, { policy, ...(more && { trust: more }) });
      expect(await verdict([...known, ...(await signed(forged, 'amy'))])).toMatchObject({
        verdict: 'fail',
        code: 'mark-withdrawn',
      });
      // A newer word of the team itself does: signed by its key of today, and listed where that is asked for.
      const anew = withTuf ? await listing(entryOf(honest, 'active'), entryOf(forged, 'active')) : undefined;
      expect(await verdict([...known, ...(await signed(forged, 'ann'))], anew)).toMatchObject({
        verdict: 'pass',
      });
    },
  );

  test('a revoked key may still take a yes away, until the team says something newer', async () => {
    const policy = await rotated('off');
    const wrong = await signed(claimOf({ time: ago(2), children: children => children.slice(1) }), 'amy');
    expect(await judge(wrong, { policy })).toMatchObject({ verdict: 'fail', code: 'subject-mismatch' });
    const newer = await signed(claimOf({ time: ago(1) }), 'ann');
    expect(await judge([...wrong, ...newer], { policy })).toMatchObject({ verdict: 'pass' });
  });

  test.each(['off', 'present', 'complete'] as const)(
    'what the team lists as withdrawn is, shown or kept back (index %s)',
    async mode => {
      const honest = claimOf({ time: ago(3) });
      const policy = await rotated(mode);
      const withdrawn = await listing(entryOf(honest, 'withdrawn'));
      for (const marks of [await signed(honest, 'ann'), []]) {
        const verdict = await judge(marks, { policy, trust: withdrawn });
        expect(verdict.verdict).toBe('fail');
        expect(verdict.findings.map(({ code }) => code)).toContain('mark-withdrawn');
      }
      const standing = await listing(entryOf(honest, 'active'));
      expect(await judge(await signed(honest, 'ann'), { policy, trust: standing })).toMatchObject({
        verdict: 'pass',
      });
    },
  );
});
