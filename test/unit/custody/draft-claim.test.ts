import { describe, expect, test } from 'vitest';
import type { Digest } from '../../../src/base/digest.js';
import {
  type Claim,
  type ContentClaim,
  type ContentDraft,
  claimDigest,
  type DraftBase,
  draftApproval,
  draftContentClaim,
  draftIndexClaim,
  draftWithdrawal,
  type FoundMark,
  isImageClaim,
  parseClaim,
  serializeClaim,
  serializeClaimStatement,
  serializeMarkPayload,
  serializeMarkStatement,
  verify,
} from '../../../src/custody/index.js';
import type { Descriptor } from '../../../src/oci/descriptor.js';
import { MEDIA_TYPES } from '../../../src/oci/media-types.js';
import { codeOf } from '../support.js';
import {
  aPolicy,
  type BuiltImage,
  buildImage,
  digestOf,
  imageInput,
  type Layer,
  layer,
  mark,
  markStatement,
  NOW,
  REPOSITORY,
  subjectOf,
} from './world.js';

const LAYERS = ['os', 'hardening', 'node', 'code'].map(seed => layer(seed));
const PLATFORM = { os: 'linux', architecture: 'amd64' };
const CHECKED = {
  verdict: 'pass',
  level: 'blobs',
  at: '2026-11-20T11:58:41Z',
  tool: 'touchmark/1.4.0',
} as const;
const POLICY = { name: 'shop', version: 7, digest: digestOf('policy') };

function factsOf(image: BuiltImage): ContentDraft['image'] {
  const { manifest, config } = subjectOf(image);
  return {
    manifest: { ...manifest, annotations: { not: 'of the claim' } } as Descriptor,
    config,
    layers: image.layers.map(({ digest, size }) => ({
      mediaType: `${MEDIA_TYPES.ociLayer}+gzip`,
      digest,
      size,
    })),
    diffIDs: image.layers.map(({ diffID }) => diffID),
  };
}

const diffIDsOf = (layers: readonly Layer[]) => layers.map(({ diffID }) => diffID);

function baseOf(claim: ContentClaim, image: BuiltImage): DraftBase {
  const { team, step, seq, time, subject } = claim;
  const [manifest, config] = [subject.manifest.digest, subject.config.digest];
  return {
    claim: claimDigest(claim),
    team,
    step,
    seq,
    time,
    manifest,
    config,
    diffIDs: diffIDsOf(image.layers),
  };
}

const IMAGES = [2, 3, 4, 4].map((count, at) =>
  buildImage({ layers: LAYERS.slice(0, count), ...(at === 3 && { run: { Cmd: ['/opt/app/run'] } }) }),
) as [BuiltImage, BuiltImage, BuiltImage, BuiltImage];

const content = (team: string, image: BuiltImage, more: Partial<ContentDraft> = {}) =>
  draftContentClaim({
    team,
    step: team,
    repository: REPOSITORY,
    platform: PLATFORM,
    image: factsOf(image),
    time: NOW,
    policy: POLICY,
    ...more,
  });

/** Three steps and one that changes the config only. */
function draftChain(): readonly ContentClaim[] {
  const claims: ContentClaim[] = [];
  for (const [at, team] of ['base', 'runtime', 'app', 'app'].entries()) {
    const below = claims.at(-1);
    const base = below && baseOf(below, IMAGES[at - 1] as BuiltImage);
    claims.push(content(team, IMAGES[at] as BuiltImage, { ...(base && { base, checked: CHECKED }) }));
  }
  return claims;
}

const approve = (on: ContentClaim, team: string, step: string, saw: readonly Digest[] = []) =>
  draftApproval({
    team,
    step,
    repository: REPOSITORY,
    time: NOW,
    policy: POLICY,
    on: { claim: on, digest: claimDigest(on) },
    checked: CHECKED,
    saw,
    evidence: [{ type: 'scan-report', digest: digestOf('report') }],
  });

test('a chain that is nothing but drafts verifies, in either carrier', async () => {
  const claims = draftChain();
  const [base, , , head] = claims as [ContentClaim, ContentClaim, ContentClaim, ContentClaim];
  const scan = approve(head, 'security', 'scan');
  const promote = approve(head, 'release', 'promote', [claimDigest(scan)]);
  const policy = await aPolicy();
  const flow = policy.flow.map(step => (step.step === 'app' ? { ...step, count: [1, 2] as const } : step));
  for (const carriers of [['simplesigning'], ['bundle']] as const) {
    const marks: FoundMark[] = [];
    const signed: [Parameters<typeof mark>[0], readonly string[]][] = [
      [base, ['linus', 'grace']],
      [claims[1] as ContentClaim, ['rita']],
      [claims[2] as ContentClaim, ['amy']],
      [head, ['amy']],
      [approve(base, 'security', 'base-qa'), ['sam']],
      [scan, ['sam']],
      [promote, ['rob', 'ria']],
    ];
    for (const [claim, names] of signed) marks.push(...(await mark(claim, names, { carriers })));
    const input = {
      image: imageInput(IMAGES[3]),
      marks,
      carried: IMAGES.flatMap(({ manifest, config }) => [manifest.bytes, config]),
      layerEvidence: [],
      policy: { ...policy, flow },
      now: NOW,
      tagGiven: false,
    };
    expect(await verify(input)).toMatchObject({ verdict: 'pass', code: null, findings: [] });
    const target = { claim: head, digest: claimDigest(head) };
    const withdrawal = draftWithdrawal({ ...WHO, step: 'app', target, reason: 'wrong key\n"name"' });
    const taken = { ...input, marks: [...marks, ...(await markStatement(withdrawal, ['amy']))] };
    expect(await verify(taken)).toMatchObject({ verdict: 'fail', code: 'mark-withdrawn' });
  }
});

const WHO = { team: 'app', repository: REPOSITORY, time: NOW, policy: POLICY };

function everyDraft(): readonly Claim[] {
  const claims = draftChain();
  const head = claims.at(-1) as ContentClaim;
  const target = { claim: head, digest: claimDigest(head) };
  const adopt = content('base', IMAGES[0], {
    kind: 'adopt',
    inputs: [{ purpose: 'upstream', manifest: IMAGES[0].manifest.descriptor.digest, verifiedBy: ['none'] }],
  });
  const full = content('app', IMAGES[2], {
    base: { ...baseOf(claims[1] as ContentClaim, IMAGES[1]), index: digestOf('index') },
    checked: CHECKED,
    expires: new Date('2027-01-01T00:00:00.999Z'),
    next: ['release'],
    inputs: [{ purpose: 'copy-from', manifest: digestOf('other'), claim: digestOf('claim') }],
    evidence: [{ type: 'sbom', digest: digestOf('sbom') }],
    saw: [digestOf('approval')],
    seals: [{ paths: ['/opt/**'], ops: ['modify'] }],
    platform: { ...PLATFORM, variant: 'v2' },
  });
  const index = draftIndexClaim({
    ...WHO,
    step: 'app',
    index: { mediaType: MEDIA_TYPES.ociIndex, digest: digestOf('index'), size: 1 },
    children: [
      { platform: PLATFORM, manifest: IMAGES[3].manifest.descriptor.digest, claim: claimDigest(head) },
      { manifest: digestOf('attestation'), claim: null },
    ],
  });
  const withdrawals = [
    draftWithdrawal({ ...WHO, step: 'app', target }),
    draftWithdrawal({ ...WHO, step: 'app', target, reason: '\u{1f4a5} "x"\\' }),
    draftWithdrawal({ ...WHO, step: 'app', target: { claim: index, digest: claimDigest(index) } }),
  ];
  return [...claims, adopt, full, approve(head, 'security', 'scan'), index, ...withdrawals];
}

test('every draft is read back as it is, and carriers write its canonical text', () => {
  for (const claim of everyDraft()) {
    const bytes = serializeClaim(claim);
    expect(parseClaim(bytes)).toEqual(claim);
    expect(parseClaim(JSON.parse(JSON.stringify(claim)))).toEqual(claim);
    const text = Buffer.from(bytes).toString();
    const carried = isImageClaim(claim)
      ? [serializeMarkPayload(claim, 'touchmark/1.4.0'), serializeMarkStatement(claim)]
      : [serializeClaimStatement(claim)];
    for (const document of carried) expect(Buffer.from(document).toString()).toContain(text);
  }
});

describe('what a content claim says', () => {
  test('its kind, place and layers follow from the facts', () => {
    const claims = draftChain();
    expect(
      claims.map(({ kind, seq, span, layers }) => [kind, seq, span.from, span.to, layers.length]),
    ).toEqual([
      ['add', 0, 0, 2, 2],
      ['add', 1, 2, 3, 1],
      ['add', 2, 3, 4, 1],
      ['config', 3, 4, 4, 0],
    ]);
    expect(claims[0]).not.toHaveProperty('base');
    expect(claims[0]).not.toHaveProperty('prev');
    expect(claims[1]).toMatchObject({
      base: { manifest: IMAGES[0].manifest.descriptor.digest, layers: 2 },
      prev: { claim: claimDigest(claims[0] as ContentClaim), team: 'base', step: 'base' },
      subject: subjectOf(IMAGES[1]),
      layers: [{ i: 2, ...LAYERS[2] }],
      chain: { before: claims[0]?.chain.after },
    });
    expect(content('base', buildImage({ layers: [] }))).toMatchObject({
      kind: 'config',
      chain: { before: 'empty', after: 'empty' },
    });
  });

  test('an empty list is no list', () => {
    const lists = { next: [], inputs: [], evidence: [], saw: [], seals: [] };
    expect(content('base', IMAGES[0], lists)).toEqual(content('base', IMAGES[0]));
  });

  test('its time is in whole seconds, and never before that of what it stands on', () => {
    const time = new Date('2026-11-20T11:59:59.999Z');
    const below = content('base', IMAGES[0], { time });
    expect(below.time).toBe('2026-11-20T11:59:59Z');
    const base = baseOf(below, IMAGES[0]);
    const early = new Date('2026-11-20T11:00:00Z');
    expect(content('runtime', IMAGES[1], { base, checked: CHECKED, time: early }).time).toBe(below.time);
    expect(content('runtime', IMAGES[1], { base, checked: CHECKED }).time).toBe('2026-11-20T12:00:00Z');
    const on = { claim: below, digest: claimDigest(below) };
    expect(draftApproval({ ...WHO, step: 'scan', on, checked: CHECKED, time: early }).time).toBe(below.time);
    expect(draftWithdrawal({ ...WHO, step: 'base', target: on, time: early }).time).toBe(below.time);
    const expires = new Date('2027-01-01T00:00:00.999Z');
    expect(content('base', IMAGES[0], { expires }).expires).toBe('2027-01-01T00:00:00Z');
  });
});

describe('facts that make no claim are refused', () => {
  const [first] = draftChain() as [ContentClaim];
  const base = baseOf(first, IMAGES[0]);
  const image = factsOf(IMAGES[1]);
  test.each<[string, string, () => unknown]>([
    [
      'fewer layers than the base',
      'base-mismatch',
      () => content('app', buildImage({ layers: [] }), { base }),
    ],
    [
      'other layers than the base',
      'base-mismatch',
      () => content('app', buildImage({ layers: [...LAYERS].reverse() }), { base }),
    ],
    [
      'a layer without diffID',
      'layer-count-mismatch',
      () => content('app', IMAGES[1], { base, image: { ...image, diffIDs: image.diffIDs.slice(1) } }),
    ],
    ['adopted on top of a base', 'kind-invalid', () => content('app', IMAGES[1], { base, kind: 'adopt' })],
    ['adopted from nowhere', 'kind-invalid', () => content('app', IMAGES[1], { kind: 'adopt' })],
    ['no name', 'payload-inconsistent', () => content('a team', IMAGES[1])],
    ['no repository', 'payload-inconsistent', () => content('app', IMAGES[1], { repository: 'X Y' })],
    [
      'half a character in the reason',
      'payload-inconsistent',
      () => {
        const target = { claim: first, digest: claimDigest(first) };
        return draftWithdrawal({ ...WHO, step: 'base', target, reason: '\ud83d' });
      },
    ],
    [
      'too many layers for one claim',
      'limit-exceeded',
      () => content('app', buildImage({ layers: Array.from({ length: 1200 }, (_, i) => layer(`${i}`)) })),
    ],
  ])('%s: %s', (_, code, draft) => {
    expect(codeOf(draft)).toBe(code);
  });
});

test('children of an index claim are sorted, each once', () => {
  const index = { mediaType: MEDIA_TYPES.ociIndex, digest: digestOf('index'), size: 1 };
  const children = ['c', 'a', 'b', 'a'].map(seed => ({ manifest: digestOf(seed), claim: null }));
  const claim = draftIndexClaim({ ...WHO, step: 'app', index, children });
  expect(claim.children.map(({ manifest }) => manifest)).toEqual(['a', 'b', 'c'].map(digestOf).sort());
});
