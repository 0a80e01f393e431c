import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { utf8 } from '../../src/base/bytes.js';
import { computeDigest, type Digest } from '../../src/base/digest.js';
import { serializePublicKey } from '../../src/crypto/index.js';
import {
  type ApproveClaim,
  type CarriedMark,
  type ClaimSeal,
  type ContentClaim,
  CUSTODY_ARTIFACT_TYPE,
  type CustodyPolicy,
  chainManifest,
  claimDigest,
  draftApproval,
  draftContentClaim,
  type ImageClaim,
  serializeChain,
  serializeClaimStatement,
  serializeMarkPayload,
  serializeMarkStatement,
  type WithdrawClaim,
} from '../../src/custody/index.js';
import { describe } from '../../src/oci/descriptor.js';
import { parseManifest, type RawManifest } from '../../src/oci/manifest.js';
import { MEDIA_TYPES } from '../../src/oci/media-types.js';
import { attachmentTag } from '../../src/oci/reference.js';
import type { Store } from '../../src/oci/store.js';
import { IN_TOTO_PAYLOAD_TYPE, preAuthEncoding } from '../../src/signature/dsse.js';
import { EMPTY_CONFIG } from '../../src/signature/referrer.js';
import { buildImage, type TestImage, type TestLayer } from '../../src/testing/image.js';
import { aSigner, plantPayload, plantStatement } from './images.js';

/** Marked images with real layers: n teams that build on each other, and what they signed, to be planted in any store. */

const DAY = 86_400_000;

export interface MarkedStep {
  readonly team: string;
  readonly image: TestImage;
  readonly claim: ContentClaim;
  readonly digest: Digest;
}

export interface MarkedImage {
  /** Base first. */
  readonly steps: readonly MarkedStep[];
  readonly head: MarkedStep;
  readonly image: TestImage;
  /** An approval `scan` of the head by team security. */
  readonly approval: ApproveClaim;
  readonly repository: string;
  /** Asks for these teams in this order, each once, one signer each. */
  readonly policy: CustodyPolicy;
  readonly now: Date;
}

export interface MarkedDraft {
  readonly repository?: string;
  /** Default: base, runtime, app. A number: team-1 to team-n. */
  readonly teams?: readonly string[] | number;
  readonly now?: Date;
  readonly platform?: TestImage['platform'];
  /** Makes other layers. */
  readonly seed?: string;
  /** Of a team: the layers that it adds instead of one of its own making. */
  readonly layers?: Readonly<Record<string, readonly TestLayer[]>>;
  /** Of a team: what it promises about its files. */
  readonly seals?: Readonly<Record<string, readonly ClaimSeal[]>>;
  readonly policy?: Partial<CustodyPolicy>;
}

/** Each team adds a layer, checks what lies below and claims its own; the last one's image is the result. */
export async function markedImage(draft: MarkedDraft = {}): Promise<MarkedImage> {
  const { repository = 'registry.example/shop/app', now = new Date('2026-11-20T12:00:00Z') } = draft;
  const teams =
    typeof draft.teams === 'number'
      ? Array.from({ length: draft.teams }, (_, at) => `team-${at + 1}`)
      : (draft.teams ?? ['base', 'runtime', 'app']);
  const policy = await policyFor(teams, repository, draft.policy);
  const steps: MarkedStep[] = [];
  for (const [at, team] of teams.entries()) {
    const below = steps.at(-1);
    const image = buildImage({
      ...(below && { base: below.image }),
      ...(draft.platform && { platform: draft.platform }),
      layers: draft.layers?.[team] ?? [{ [`opt/${team}/made`]: `${draft.seed ?? ''}${team}` }],
    });
    const time = new Date(now.getTime() - (teams.length - at + 1) * DAY);
    const seals = draft.seals?.[team];
    const claim = claimOf(team, image, below, { repository, time, policy, ...(seals && { seals }) });
    steps.push({ team, image, claim, digest: claimDigest(claim) });
  }
  const head = steps.at(-1) as MarkedStep;
  const approval = approvalOf(head, repository, new Date(now.getTime() - DAY), policy);
  return { steps, head, image: head.image, approval, repository, policy, now };
}

function claimOf(
  team: string,
  image: TestImage,
  below: MarkedStep | undefined,
  about: {
    readonly repository: string;
    readonly time: Date;
    readonly policy: CustodyPolicy;
    readonly seals?: readonly ClaimSeal[];
  },
): ContentClaim {
  const manifest = parseManifest(image.manifest);
  if (manifest.kind !== 'image') throw new Error('not an image');
  return draftContentClaim({
    team,
    step: team,
    ...about,
    platform: image.platform,
    image: {
      manifest: image.manifest.descriptor,
      config: manifest.config,
      layers: manifest.layers,
      diffIDs: image.layers.map(({ diffId }) => diffId),
    },
    ...(below && {
      base: {
        claim: below.digest,
        team: below.team,
        step: below.team,
        seq: below.claim.seq,
        time: below.claim.time,
        manifest: below.claim.subject.manifest.digest,
        config: below.claim.subject.config.digest,
        diffIDs: below.image.layers.map(({ diffId }) => diffId),
      },
      checked: checkedAt(about.time),
    }),
  });
}

export function approvalOf(
  { claim, digest }: MarkedStep,
  repository: string,
  time: Date,
  policy: CustodyPolicy,
): ApproveClaim {
  return draftApproval({
    team: 'security',
    step: 'scan',
    repository,
    time,
    policy,
    on: { claim, digest },
    checked: checkedAt(time),
    evidence: [{ type: 'scan-report', digest: computeDigest(utf8('report')) }],
  });
}

function checkedAt(time: Date) {
  return {
    verdict: 'pass' as const,
    level: 'manifest' as const,
    at: `${time.toISOString().slice(0, 19)}Z`,
    tool: 'touchmark/0.1.0',
  };
}

async function policyFor(
  teams: readonly string[],
  repository: string,
  edit: Partial<CustodyPolicy> = {},
): Promise<CustodyPolicy> {
  const members = await Promise.all(
    [...teams, 'security'].map(async name => ({
      name,
      signers: [{ name: `${name}-1`, keys: [(await aSigner(name)).publicKey] }],
    })),
  );
  return {
    name: 'shop',
    version: 1,
    digest: computeDigest(utf8('policy')),
    expires: undefined,
    repositories: [repository],
    relocations: [],
    teams: members,
    skew: 300_000,
    evidence: 'manifest',
    identity: 'manifest',
    flow: teams.map(team => ({
      step: team,
      team,
      kinds: ['add'],
      count: [1, 1],
      threshold: 1,
      maxAge: 365 * DAY,
      upstream: undefined,
      upstreamVerified: false,
    })),
    approvals: [],
    distinctSigners: true,
    config: {},
    ...edit,
  };
}

/** The rule that {@link MarkedImage.approval} satisfies. */
export const SCAN: CustodyPolicy['approvals'][number] = {
  name: 'scan',
  team: 'security',
  on: undefined,
  threshold: 1,
  maxAge: 7 * DAY,
  after: [],
  evidence: ['scan-report'],
};

/** Writes the policy as a document; `extra` is YAML that stands behind it. */
export async function writePolicy(
  folder: string,
  { steps, repository }: Pick<MarkedImage, 'steps' | 'repository'>,
  extra: readonly string[] = [],
  name = 'policy.yaml',
): Promise<string> {
  const teams: string[] = [];
  for (const team of [...steps.map(step => step.team), 'security']) {
    const file = `${team}.pub`;
    writeFileSync(join(folder, file), serializePublicKey((await aSigner(team)).publicKey));
    teams.push(`  ${team}: { signers: { ${team}-1: { keys: ["${file}"] } } }`);
  }
  const given = new Set(extra.map(line => line.split(':')[0]));
  const document = [
    'custody: 1',
    'name: shop',
    'version: 1',
    ...(given.has('scope') ? [] : [`scope: { repositories: ["${repository}"] }`]),
    'teams:',
    ...teams,
    ...(given.has('evidence') ? [] : ['evidence: manifest']),
    'flow:',
    ...steps.map(
      ({ team }) => `  - { step: ${team}, team: ${team}, kinds: [add], threshold: 1, maxAge: 365d }`,
    ),
    ...extra,
  ];
  const file = join(folder, name);
  writeFileSync(file, `${document.join('\n')}\n`);
  return file;
}

/** One signature over a claim, as it travels. */
export async function carried(
  claim: ImageClaim | WithdrawClaim,
  team: string,
  carrier: 'simplesigning' | 'bundle' = 'bundle',
): Promise<CarriedMark> {
  const signer = await aSigner(team);
  const keyHint = signer.publicKey.keyid;
  if (carrier === 'simplesigning' && claim.kind !== 'withdraw') {
    const payload = serializeMarkPayload(claim, 'touchmark/0.1.0');
    return { payload, payloadType: undefined, signature: signer.sign(payload), keyHint };
  }
  const payload = claim.kind === 'withdraw' ? serializeClaimStatement(claim) : serializeMarkStatement(claim);
  const signature = signer.sign(preAuthEncoding(IN_TOTO_PAYLOAD_TYPE, payload));
  return { payload, payloadType: IN_TOTO_PAYLOAD_TYPE, signature, keyHint };
}

/** Puts a claim into the image's `.sig`. */
export async function plantSig(store: Store, image: RawManifest, claim: ImageClaim, team: string) {
  const { payload, signature } = await carried(claim, team, 'simplesigning');
  await plantPayload(store, image.descriptor.digest, payload, signature);
}

/** Hangs a claim on the image as a bundle. */
export async function plantBundle(store: Store, image: RawManifest, claim: ImageClaim, team: string) {
  await plantStatement(store, image, serializeMarkStatement(claim), await aSigner(team));
}

export interface ArtifactDraft {
  /** Default: each step's, in both carriers. */
  readonly marks?: readonly CarriedMark[];
  /** Default: manifests and configs of all images below. */
  readonly documents?: readonly Uint8Array[];
  readonly includes?: readonly Digest[];
  /** Default: both. */
  readonly at?: readonly ('tag' | 'referrer')[];
  readonly subject?: RawManifest;
}

/** Writes a custody artifact of the image and returns its manifest. */
export async function plantArtifact(
  store: Store,
  marked: MarkedImage,
  draft: ArtifactDraft = {},
): Promise<RawManifest> {
  const image = marked.image.manifest;
  const document = serializeChain({
    marks: draft.marks ?? (await chainMarks(marked)),
    documents:
      draft.documents ??
      marked.steps.slice(0, -1).flatMap(({ image: below }) => [below.manifest.bytes, below.config]),
  });
  await store.writeBlob(describe(MEDIA_TYPES.ociEmpty, EMPTY_CONFIG), EMPTY_CONFIG);
  await store.writeBlob(describe(CUSTODY_ARTIFACT_TYPE, document), document);
  const subject = (draft.subject ?? image).descriptor;
  const manifest = chainManifest(document, subject, draft.includes ?? []);
  const at = draft.at ?? ['tag', 'referrer'];
  if (at.includes('tag'))
    await store.writeManifest(manifest, attachmentTag(image.descriptor.digest, '.custody'));
  if (at.includes('referrer')) await store.attach(manifest, image.descriptor.digest);
  return manifest;
}

export async function chainMarks({ steps }: MarkedImage): Promise<readonly CarriedMark[]> {
  const marks = steps.flatMap(({ claim, team }) => [
    carried(claim, team, 'bundle'),
    carried(claim, team, 'simplesigning'),
  ]);
  return Promise.all(marks);
}

/** As the tool writes it: `.sig`, a bundle, and a custody artifact that includes the bundle. The image must lie there. */
export async function plantMarks(store: Store, marked: MarkedImage): Promise<void> {
  const { image, head } = marked;
  await plantSig(store, image.manifest, head.claim, head.team);
  await plantBundle(store, image.manifest, head.claim, head.team);
  const { descriptors } = await store.listReferrers(image.manifest.descriptor.digest);
  await plantArtifact(store, marked, { includes: descriptors.map(({ digest }) => digest) });
  await store.commit();
}
