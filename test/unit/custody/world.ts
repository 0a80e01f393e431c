import { utf8 } from '../../../src/base/bytes.js';
import { computeDigest, type Digest } from '../../../src/base/digest.js';
import type { JsonValue } from '../../../src/base/json.js';
import type { Signer } from '../../../src/crypto/keys.js';
import {
  type ApproveClaim,
  type ContentClaim,
  type CustodyPolicy,
  claimDigest,
  computeChainID,
  extendChain,
  type FoundMark,
  type ImageClaim,
  type IndexClaim,
  type LayerFact,
  parseClaim,
  serializeClaimStatement,
  serializeMarkPayload,
  serializeMarkStatement,
  type VerifyInput,
  type WithdrawClaim,
  type WorkingContentKind,
} from '../../../src/custody/index.js';
import { describe } from '../../../src/oci/descriptor.js';
import { type RawManifest, serializeManifest } from '../../../src/oci/manifest.js';
import { MEDIA_TYPES } from '../../../src/oci/media-types.js';
import { IN_TOTO_PAYLOAD_TYPE, preAuthEncoding } from '../../../src/signature/dsse.js';
import { aSigner } from '../images.js';

/** A world of five teams, an image that three of them built, and everything that makes its check a yes. */

export const NOW = new Date('2026-11-20T12:00:00Z');
export const DAY = 86_400_000;
export const REPOSITORY = 'registry.example.com/shop/app';

export function daysAgo(days: number): string {
  return `${new Date(NOW.getTime() - days * DAY).toISOString().slice(0, 19)}Z`;
}

export function digestOf(text: string): Digest {
  return computeDigest(utf8(text));
}

export interface Layer {
  readonly digest: Digest;
  readonly diffID: Digest;
  readonly size: number;
}

/** A layer that exists in name only: the check never looks into one. */
export function layer(seed: string, stored = seed): Layer {
  return { digest: digestOf(`gzip ${stored}`), diffID: digestOf(`tar ${seed}`), size: 100 + seed.length };
}

export interface BuiltImage {
  readonly manifest: RawManifest;
  readonly config: Uint8Array;
  readonly layers: readonly Layer[];
}

export interface ImageDraft {
  readonly layers: readonly Layer[];
  /** The diffIDs that the config lists, where they are not those of the layers. */
  readonly diffIDs?: readonly Digest[];
  readonly run?: Readonly<Record<string, unknown>>;
  readonly architecture?: string;
  readonly history?: readonly unknown[];
  readonly annotations?: Readonly<Record<string, string>>;
  readonly docker?: boolean;
  /** Config bytes of another image, kept as they are. */
  readonly config?: Uint8Array;
}

export function historyOf(layers: readonly Layer[]): readonly { created_by: string }[] {
  return layers.map(({ diffID }) => ({ created_by: `step ${diffID.slice(7, 15)}` }));
}

export function buildImage(draft: ImageDraft): BuiltImage {
  const diffIDs = draft.diffIDs ?? draft.layers.map(({ diffID }) => diffID);
  const config =
    draft.config ??
    utf8(
      JSON.stringify({
        architecture: draft.architecture ?? 'amd64',
        os: 'linux',
        config: draft.run ?? {},
        rootfs: { type: 'layers', diff_ids: diffIDs },
        history: draft.history ?? historyOf(draft.layers),
      }),
    );
  const manifest = serializeManifest({
    ...(draft.docker && { mediaType: MEDIA_TYPES.dockerManifest }),
    config: describe(draft.docker ? MEDIA_TYPES.dockerConfig : MEDIA_TYPES.ociConfig, config),
    layers: draft.layers.map(({ digest, size }) => ({
      mediaType: `${MEDIA_TYPES.ociLayer}+gzip`,
      digest,
      size,
    })),
    ...(draft.annotations && { annotations: draft.annotations }),
  });
  return { manifest, config, layers: draft.layers };
}

export interface StepDraft {
  readonly team: string;
  readonly step: string;
  readonly kind: WorkingContentKind;
  /** What the step adds. */
  readonly layers: readonly Layer[];
  readonly signers: readonly string[];
  readonly time: string;
  readonly repo: string;
  readonly run?: Readonly<Record<string, unknown>>;
  /** What the image holds, where it is not what lies below and what the step adds. */
  readonly image?: Partial<ImageDraft>;
  /** Changes to the honest claim. */
  readonly edit?: (claim: ContentClaim) => unknown;
}

export const BASE: StepDraft = {
  team: 'base',
  step: 'base',
  kind: 'add',
  layers: [layer('os'), layer('hardening')],
  signers: ['linus', 'grace'],
  time: daysAgo(20),
  repo: 'registry.example.com/base/os',
  run: { Env: ['PATH=/bin'] },
};
export const RUNTIME: StepDraft = {
  team: 'runtime',
  step: 'runtime',
  kind: 'add',
  layers: [layer('node'), layer('certificates')],
  signers: ['rita'],
  time: daysAgo(10),
  repo: 'registry.example.com/base/node',
};
export const APP: StepDraft = {
  team: 'app',
  step: 'app',
  kind: 'add',
  layers: [layer('code'), layer('assets')],
  signers: ['amy'],
  time: daysAgo(3),
  repo: REPOSITORY,
  run: { Cmd: ['/opt/app/run'] },
};

export interface Link {
  readonly image: BuiltImage;
  readonly claim: ContentClaim;
  readonly digest: Digest;
  readonly draft: StepDraft;
}

/** Puts a step on top of another one, and writes the claim that an honest team would. */
export function buildLink(draft: StepDraft, prev?: Link): Link {
  const below = prev?.image.layers ?? [];
  const run = { ...runOf(prev), ...draft.run };
  const image = buildImage({ layers: [...below, ...draft.layers], run, ...draft.image });
  const from = prev?.claim.span.to ?? 0;
  const before = prev?.claim.chain.after ?? 'empty';
  const honest = {
    v: 1,
    kind: draft.kind,
    team: draft.team,
    step: draft.step,
    seq: (prev?.claim.seq ?? -1) + 1,
    repo: draft.repo,
    platform: { os: 'linux', architecture: draft.image?.architecture ?? 'amd64' },
    subject: subjectOf(image),
    ...(prev && {
      base: {
        manifest: prev.claim.subject.manifest.digest,
        config: prev.claim.subject.config.digest,
        layers: from,
      },
      prev: { claim: prev.digest, team: prev.claim.team, step: prev.claim.step },
      checked: { verdict: 'pass', level: 'blobs', at: draft.time, tool: 'touchmark/0.1.0' },
    }),
    span: { from, to: from + draft.layers.length },
    layers: claimLayers(draft.layers, from),
    chain: {
      before,
      after: extendChain(
        before,
        draft.layers.map(({ diffID }) => diffID),
      ),
    },
    time: draft.time,
  } as unknown as ContentClaim;
  const claim = parseClaim((draft.edit?.(honest) ?? honest) as JsonValue) as ContentClaim;
  return { image, claim, digest: claimDigest(claim), draft };
}

function runOf(prev: Link | undefined): Record<string, unknown> {
  return prev ? JSON.parse(Buffer.from(prev.image.config).toString()).config : {};
}

export function claimLayers(layers: readonly Layer[], from: number) {
  return layers.map((entry, at) => ({ i: from + at, mediaType: `${MEDIA_TYPES.ociLayer}+gzip`, ...entry }));
}

export function subjectOf({ manifest, config }: BuiltImage): ContentClaim['subject'] {
  const { mediaType, digest, size } = manifest.descriptor;
  return {
    manifest: { mediaType, digest, size },
    config: { mediaType: MEDIA_TYPES.ociConfig, digest: computeDigest(config), size: config.length },
  } as ContentClaim['subject'];
}

/** An honest claim with its ChainIDs worked out again over `below` and its own layers. */
export function rechained(claim: ContentClaim, below: readonly Layer[]): ContentClaim {
  const before = computeChainID(below.map(({ diffID }) => diffID));
  const after = extendChain(
    before,
    claim.layers.map(({ diffID }) => diffID),
  );
  return { ...claim, chain: { before, after } };
}

export function buildLinks(drafts: readonly StepDraft[]): readonly Link[] {
  const links: Link[] = [];
  for (const draft of drafts) links.push(buildLink(draft, links.at(-1)));
  return links;
}

export interface ApprovalDraft {
  readonly rule: string;
  readonly team: string;
  readonly time: string;
  readonly saw?: readonly Digest[];
  readonly edit?: (claim: ApproveClaim) => unknown;
}

export function buildApproval(draft: ApprovalDraft, link: Link): ApproveClaim {
  const { seq, repo, platform, subject, span, chain, team, step } = link.claim;
  const honest = {
    v: 1,
    kind: 'approve',
    team: draft.team,
    step: draft.rule,
    seq,
    repo,
    platform,
    subject,
    span: { from: span.to, to: span.to },
    layers: [],
    chain: { before: chain.after, after: chain.after },
    prev: { claim: link.digest, team, step },
    ...(draft.saw && { saw: draft.saw }),
    time: draft.time,
    checked: { verdict: 'pass', level: 'blobs', at: draft.time, tool: 'touchmark/0.1.0' },
    evidence: [{ type: 'scan-report', digest: digestOf('report') }],
  } as unknown as ApproveClaim;
  return parseClaim((draft.edit?.(honest) ?? honest) as JsonValue) as ApproveClaim;
}

export function buildWithdrawal(link: Link, team: string, time = daysAgo(1)): WithdrawClaim {
  const { repo, subject } = link.claim;
  return parseClaim({
    v: 1,
    kind: 'withdraw',
    team,
    step: link.claim.step,
    repo,
    time,
    subject: { manifest: subject.manifest } as never,
    prev: { claim: link.digest, team: link.claim.team, step: link.claim.step },
  }) as WithdrawClaim;
}

export interface MarkOptions {
  readonly place?: FoundMark['place'];
  readonly carriers?: readonly FoundMark['carrier'][];
}

/** Signs a claim as each of the signers, in each carrier. */
export async function mark(
  claim: ImageClaim,
  signers: readonly string[],
  { place = 'artifact', carriers = ['simplesigning', 'bundle'] }: MarkOptions = {},
): Promise<FoundMark[]> {
  const marks: FoundMark[] = [];
  for (const name of signers) {
    const signer = await aSigner(name);
    for (const carrier of carriers) {
      const payload =
        carrier === 'bundle' ? serializeMarkStatement(claim) : serializeMarkPayload(claim, 'touchmark/0.1.0');
      marks.push(signDocument(signer, carrier, payload, `${claim.step} by ${name} in ${carrier}`, place));
    }
  }
  return marks;
}

/** Signs a claim that is no signature of an image. */
export async function markStatement(
  claim: WithdrawClaim | IndexClaim,
  signers: readonly string[],
): Promise<FoundMark[]> {
  const payload = serializeClaimStatement(claim);
  return Promise.all(
    signers.map(async name =>
      signDocument(await aSigner(name), 'bundle', payload, `${claim.kind} by ${name}`, 'artifact'),
    ),
  );
}

export function signDocument(
  signer: Signer,
  carrier: FoundMark['carrier'],
  payload: Uint8Array,
  source: string,
  place: FoundMark['place'] = 'attached',
): FoundMark {
  const payloadType = carrier === 'bundle' ? IN_TOTO_PAYLOAD_TYPE : undefined;
  const signed = carrier === 'bundle' ? preAuthEncoding(IN_TOTO_PAYLOAD_TYPE, payload) : payload;
  return { carrier, place, source, payload, payloadType, signature: signer.sign(signed) };
}

/** The policy of CUSTODY.md 5.6, without TUF and without paths. */
export async function aPolicy(edit: Partial<CustodyPolicy> = {}): Promise<CustodyPolicy> {
  const signer = async (name: string, ...more: string[]) => ({
    name,
    keys: await Promise.all([name, ...more].map(async key => (await aSigner(key)).publicKey)),
  });
  return {
    name: 'shop',
    version: 7,
    digest: digestOf('policy'),
    expires: new Date('2027-03-01T00:00:00Z'),
    repositories: ['registry.example.com/shop/*'],
    relocations: [],
    teams: [
      { name: 'base', signers: [await signer('linus', 'linus-2'), await signer('grace')] },
      { name: 'runtime', signers: [await signer('rita')] },
      { name: 'app', signers: [await signer('amy')] },
      { name: 'security', signers: [await signer('sam')] },
      { name: 'release', signers: [await signer('rob'), await signer('ria')] },
    ],
    skew: 300_000,
    evidence: 'manifest',
    identity: 'manifest',
    flow: [
      flowStep({
        step: 'upstream',
        team: 'base',
        kinds: ['adopt'],
        count: [0, 1],
        threshold: 2,
        upstream: ['docker.io/library/debian'],
        upstreamVerified: true,
      }),
      flowStep({ step: 'base', team: 'base', kinds: ['add'], threshold: 2, maxAge: 60 * DAY }),
      flowStep({
        step: 'runtime',
        team: 'runtime',
        kinds: ['add', 'config'],
        count: [1, 2],
        maxAge: 90 * DAY,
      }),
      flowStep({ step: 'app', team: 'app*', kinds: ['add', 'config'] }),
    ],
    approvals: [
      approvalRule({ name: 'base-qa', team: 'security', on: 'base' }),
      approvalRule({ name: 'scan', team: 'security', maxAge: 7 * DAY, evidence: ['scan-report'] }),
      approvalRule({ name: 'promote', team: 'release', threshold: 2, after: ['scan'] }),
    ],
    distinctSigners: true,
    config: {
      app: {
        allow: ['Env:APP_*', 'Cmd', 'Entrypoint', 'WorkingDir', 'Labels:*', 'ExposedPorts', 'User'],
        deny: ['User=root', 'User=0', 'Env:LD_*', 'Env:PATH', 'Volumes'],
      },
    },
    ...edit,
  };
}

type FlowStep = CustodyPolicy['flow'][number];
type ApprovalRule = CustodyPolicy['approvals'][number];

export function flowStep(step: Partial<FlowStep> & Pick<FlowStep, 'step' | 'team' | 'kinds'>): FlowStep {
  return {
    count: [1, 1],
    threshold: 1,
    maxAge: undefined,
    upstream: undefined,
    upstreamVerified: false,
    ...step,
  };
}

export function approvalRule(
  rule: Partial<ApprovalRule> & Pick<ApprovalRule, 'name' | 'team'>,
): ApprovalRule {
  return { on: undefined, threshold: 1, maxAge: undefined, after: [], evidence: [], ...rule };
}

export interface StoryDraft {
  readonly steps?: readonly StepDraft[];
  /** Approvals of the head, or of `on`; by default all that the policy asks for. */
  readonly approvals?: 'all' | 'none';
  readonly policy?: Partial<CustodyPolicy>;
}

export interface Story {
  readonly links: readonly Link[];
  readonly head: Link;
  readonly approvals: Readonly<Record<'qa' | 'scan' | 'promote', ApproveClaim>>;
  readonly input: VerifyInput;
}

/** Three teams build an image, security and release approve it, and everything needed to check it is gathered. */
export async function tell(draft: StoryDraft = {}): Promise<Story> {
  const links = buildLinks(draft.steps ?? [BASE, RUNTIME, APP]);
  const head = links.at(-1) as Link;
  const based = links.find(({ claim }) => claim.step === 'base') ?? head;
  const qa = buildApproval({ rule: 'base-qa', team: 'security', time: based.claim.time }, based);
  const scan = buildApproval({ rule: 'scan', team: 'security', time: head.claim.time }, head);
  const promote = buildApproval(
    {
      rule: 'promote',
      team: 'release',
      time: head.claim.time,
      saw: [claimDigest(scan)],
    },
    head,
  );
  const marks: FoundMark[] = [];
  for (const link of links) {
    marks.push(
      ...(await mark(link.claim, link.draft.signers, { place: link === head ? 'attached' : 'artifact' })),
    );
  }
  if (draft.approvals !== 'none') {
    marks.push(...(await mark(qa, ['sam'])), ...(await mark(scan, ['sam'])));
    marks.push(...(await mark(promote, ['rob', 'ria'])));
  }
  const input: VerifyInput = {
    image: imageInput(head.image),
    marks,
    carried: links.flatMap(({ image }) => [image.manifest.bytes, image.config]),
    layerEvidence: [],
    policy: await aPolicy(draft.policy),
    now: NOW,
    tagGiven: false,
  };
  return { links, head, approvals: { qa, scan, promote }, input };
}

export function imageInput(
  image: BuiltImage,
  repository: string | undefined = REPOSITORY,
): VerifyInput['image'] {
  const { bytes, descriptor } = image.manifest;
  return { repository, manifest: { mediaType: descriptor.mediaType, bytes }, config: image.config };
}

/** Facts that level `blobs` brings about an image whose layers hold what they should. */
export function readLayers(image: BuiltImage): readonly LayerFact[] {
  return image.layers.map(({ digest, diffID }, index) => ({ index, digest, outcome: 'read', diffID }));
}
