import type { Digest } from '../base/digest.js';
import { fail, TouchmarkError } from '../base/errors.js';
import { LIMITS } from '../base/limits.js';
import {
  type ClaimCheck,
  type ContentClaim,
  type CustodyChain,
  type CustodyPolicy,
  type CustodyVerdict,
  carriedMark,
  comparePrefix,
  type DraftBase,
  draftContentClaim,
  isContentClaim,
  LAYER_FAULTS,
  type LayerFact,
  mergeChains,
  readTeamMarks,
  type TeamMark,
} from '../custody/index.js';
import { type ImageConfig, parseConfig } from '../oci/config.js';
import type { Platform } from '../oci/descriptor.js';
import { type ImageManifest, parseManifest, type RawManifest } from '../oci/manifest.js';
import { formatPlatform } from '../oci/platform.js';
import type { Store } from '../oci/store.js';
import { collectLayerFacts } from '../verify/layer-evidence.js';
import { judgeImage } from '../verify/verify-custody.js';
import {
  type ClaimedImage,
  type ClaimPlan,
  collectEverything,
  planClaim,
  sameSubstance,
} from './write-claim.js';

/** The image that a team built on, as it lies in its own repository. */
export interface MarkBase {
  readonly store: Store;
  readonly raw: RawManifest;
  readonly indexPlatform?: Platform | undefined;
  /** The index that its name resolved through. */
  readonly index?: Digest | undefined;
}

export interface MarkOptions {
  readonly team: string;
  readonly step: string;
  readonly policy: CustodyPolicy;
  readonly now: Date;
  /** The tool and its version, `touchmark/1.4.0`. */
  readonly creator: string;
  /** The repository the image is marked for. Default: the one it lies in. */
  readonly repository?: string | undefined;
  readonly base?: MarkBase | undefined;
  /** Adopt the image as it is: the team vouches for layers that it did not build. */
  readonly adopt?: Adoption | undefined;
  /** Teams that this handover is meant for; undefined: any. */
  readonly next?: readonly string[] | undefined;
  readonly expires?: Date | undefined;
  /** Mark although the base does not pass; the claim says so, and policies refuse it. */
  readonly unchecked?: boolean | undefined;
  /** Make a new claim although this team has one about this image already. */
  readonly renew?: boolean | undefined;
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?: ((done: number, total: number) => void) | undefined;
}

/** Where an adopted image comes from. */
export interface Adoption {
  /** The name of the upstream image. */
  readonly ref: string;
  /** What was checked about it; `none` says nothing was. */
  readonly verifiedBy: readonly string[];
}

/** An image that a team's step is claimed of. */
export interface MarkTarget {
  readonly raw: RawManifest;
  readonly indexPlatform?: Platform | undefined;
}

export interface MarkPlan extends ClaimPlan {
  /** Of the base; null without one. */
  readonly base: CustodyVerdict | null;
  /** The claim was made before by another signer of the team, and is signed once more. */
  readonly joined: boolean;
}

/**
 * Works out what a team claims when it marks an image: checks the base's chain under the policy, compares the image with
 * it, reads the layers the team added, and drafts the claim. Nothing is written and no key is opened.
 *
 * @throws TouchmarkError the base's own reason when it does not pass; `base-mismatch`, `custody-collapsed`, … when the image
 *   does not stand on it; `layer-diffid-mismatch`, `layer-unavailable` about the layers; `duplicate-claims` when the team has
 *   another claim about this image
 */
export async function planMark(store: Store, target: MarkTarget, options: MarkOptions): Promise<MarkPlan> {
  const { policy, team, step } = options;
  checkStep(options);
  const image = await readClaimedImage(store, target, options.repository);
  const { manifest, config } = readImage(image);
  const base = options.base && (await readBase(options.base, options));
  const reread = base ? checkStandsOn(base, { manifest, config }) : [];
  const span = manifest.layers.map((_, index) => index).slice(base?.manifest.layers.length ?? 0);
  await checkDiffIDs(store, { manifest, config }, [...reread, ...span], options);

  const draft = draftContentClaim({
    ...(options.adopt && {
      kind: 'adopt' as const,
      inputs: [{ purpose: 'upstream', manifest: image.raw.descriptor.digest, ...options.adopt }],
    }),
    team,
    step,
    repository: options.repository ?? store.repository,
    platform: platformOf(config),
    image: {
      manifest: image.raw.descriptor,
      config: manifest.config,
      layers: manifest.layers,
      diffIDs: config.diffIDs,
    },
    ...(base && { base: base.facts, checked: base.checked }),
    time: options.now,
    ...(options.expires && { expires: options.expires }),
    policy,
    ...(options.next && { next: options.next }),
  });
  const own = await readTeamMarks(image.collected.marks, policy);
  const standing = options.renew ? undefined : findStanding(own, draft);
  const claim = standing ?? draft;
  const plan = planClaim(image, claim, {
    carried: base?.chain ?? { marks: [], documents: [] },
    policy,
    now: options.now,
    handover: claim.next?.[0] ?? team,
    tolerated: options.unchecked ? ['threshold-not-met', 'unchecked-step'] : ['threshold-not-met'],
    creator: options.creator,
  });
  return { ...plan, base: base?.verdict ?? null, joined: standing !== undefined };
}

/** @throws TouchmarkError `usage-argument`, `step-unknown` with the names there are; `step-missing` */
function checkStep({ policy: { name, teams, flow }, team, step, base, adopt }: MarkOptions): void {
  if (!teams.some(known => known.name === team)) {
    fail('usage-argument', `the policy ${name} knows no team ${JSON.stringify(team)}`, {
      hint: `its teams are ${teams.map(known => known.name).join(', ')}`,
    });
  }
  const at = flow.findIndex(known => known.step === step);
  if (at < 0) {
    fail('step-unknown', `the policy ${name} has no step ${JSON.stringify(step)} in its flow`, {
      hint: `its steps are ${flow.map(known => known.step).join(', ')}; approvals are given by custody approve`,
    });
  }
  const before = flow.slice(0, at).find(({ count: [least] }) => least > 0);
  if (before && !base && !adopt) {
    fail('step-missing', `in the policy ${name} step ${before.step} comes before step ${step}`, {
      hint: 'say what the image was built on: --base IMAGE',
    });
  }
}

interface ImageFacts {
  readonly manifest: ImageManifest;
  readonly config: ImageConfig;
}

/** @throws TouchmarkError `format-manifest`, `format-config`, `layer-count-mismatch`, `usage-argument` for an index */
function readImage({ raw, config: bytes }: Pick<ClaimedImage, 'raw' | 'config'>): ImageFacts {
  const manifest = requireImage(raw);
  const config = parseConfig(bytes);
  if (manifest.layers.length !== config.diffIDs.length) {
    const counts = `${manifest.layers.length} layers, its config ${config.diffIDs.length}`;
    fail('layer-count-mismatch', `the manifest ${raw.descriptor.digest} lists ${counts}`);
  }
  return { manifest, config };
}

export function requireImage(raw: RawManifest): ImageManifest {
  const manifest = parseManifest(raw);
  if (manifest.kind === 'image') return manifest;
  return fail('usage-argument', `${raw.descriptor.digest} is an index; its images are marked one by one`);
}

function platformOf({ os, architecture, variant }: ImageConfig) {
  return { os, architecture, ...(variant && { variant }) };
}

/** An image with its config and everything that speaks about it. */
export async function readClaimedImage(
  store: Store,
  { raw, indexPlatform }: MarkTarget,
  repository: string | undefined,
): Promise<ClaimedImage> {
  const manifest = requireImage(raw);
  const [config, collected] = await Promise.all([
    store.fetchBlob(manifest.config, LIMITS.configSize),
    collectEverything(store, raw.descriptor.digest),
  ]);
  return {
    store,
    raw,
    config,
    collected,
    repository: repository ?? (store.namesRepository ? store.repository : undefined),
    indexPlatform,
  };
}

interface CheckedBase extends ImageFacts {
  readonly verdict: CustodyVerdict;
  readonly facts: DraftBase;
  readonly checked: ClaimCheck;
  /** What travels on: the base's chain, its manifest and its config. */
  readonly chain: CustodyChain;
}

async function readBase(base: MarkBase, options: MarkOptions): Promise<CheckedBase> {
  const { policy, team } = options;
  const { verdict, config, collected } = await judgeImage(base.store, base, false, {
    policy,
    now: options.now,
    handover: team,
    ...(options.signal && { signal: options.signal }),
    ...(options.onProgress && { onProgress: options.onProgress }),
  });
  if (verdict.verdict !== 'pass' && !options.unchecked) refuseBase(base, verdict);
  const image = readImage({ raw: base.raw, config });
  const marks = await readTeamMarks(collected.marks, policy);
  const head = headOf(marks, verdict, base);
  return {
    ...image,
    verdict,
    facts: {
      claim: head.digest,
      team: head.claim.team,
      step: head.claim.step,
      seq: head.claim.seq,
      time: head.claim.time,
      manifest: base.raw.descriptor.digest,
      config: image.manifest.config.digest,
      ...(base.index && { index: base.index }),
      diffIDs: image.config.diffIDs,
    },
    checked: checkOf(verdict, options),
    chain: mergeChains([
      { marks: marks.map(({ mark }) => carriedMark(mark)), documents: collected.carried },
      { marks: [], documents: [base.raw.bytes, config] },
    ]),
  };
}

function refuseBase({ store, raw }: MarkBase, { code, findings }: CustodyVerdict): never {
  const [first] = findings;
  throw new TouchmarkError(
    code ?? 'internal',
    `the base does not pass, so nothing is built on it: ${first?.where}: ${first?.message}`,
    {
      details: { base: `${store.repository}@${raw.descriptor.digest}` },
      ...(first?.hint !== undefined && { hint: first.hint }),
    },
  );
}

/**
 * Holds an image to its base: same platform, same layers from the bottom.
 * @returns layers of the base that the image stores in other bytes
 * @throws TouchmarkError `platform-mismatch`, `base-mismatch`, `custody-collapsed`, `usage-argument` when it is the base itself
 */
function checkStandsOn(base: CheckedBase, image: ImageFacts): readonly number[] {
  const [own, its] = [formatPlatform(platformOf(image.config)), formatPlatform(platformOf(base.config))];
  if (own !== its) fail('platform-mismatch', `the image is for ${own}, its base for ${its}`);
  if (image.manifest.config.digest === base.manifest.config.digest) {
    fail('usage-argument', 'the image is its own base: there is nothing to claim', {
      hint: 'to vouch for an image that another team made, approve it: touchmark custody approve',
    });
  }
  const lists = ({ manifest, config }: ImageFacts) => ({
    digests: manifest.layers.map(({ digest }) => digest),
    diffIDs: config.diffIDs,
  });
  const prefix = comparePrefix(lists(base), lists(image));
  if (prefix.holds) return prefix.recompressed;
  return fail(prefix.code, `the image does not stand on the base: ${prefix.message}`, { hint: prefix.hint });
}

/** The claim that the next one links to. */
function headOf(marks: readonly TeamMark[], verdict: CustodyVerdict, { raw }: MarkBase) {
  const wanted = verdict.chain.at(-1)?.claim;
  for (const { claim, digest } of marks) {
    if (isContentClaim(claim) && (wanted === undefined || digest === wanted)) {
      if (claim.subject.manifest.digest === raw.descriptor.digest) return { claim, digest };
    }
  }
  return fail('no-marks', 'no team has marked the base: there is no claim to build on', {
    details: { base: raw.descriptor.digest },
    hint: 'the team that built it marks it first; an image from elsewhere is adopted: touchmark custody adopt',
  });
}

function checkOf({ verdict, level }: CustodyVerdict, { now, creator }: MarkOptions): ClaimCheck {
  return {
    verdict: verdict === 'pass' ? 'pass' : 'skipped',
    ...(level && { level }),
    at: `${now.toISOString().slice(0, 19)}Z`,
    tool: creator,
  };
}

/**
 * Reads layers and compares what they unpack to with what the config says.
 * @throws TouchmarkError `layer-diffid-mismatch`, `blob-digest-mismatch`, `layer-unavailable`, `layer-compression-unsupported`
 */
export async function checkDiffIDs(
  store: Store,
  { manifest, config }: ImageFacts,
  wanted: readonly number[],
  options: Pick<MarkOptions, 'signal' | 'onProgress'>,
): Promise<void> {
  const facts = await collectLayerFacts(store, manifest, wanted, {
    ...(options.signal && { signal: options.signal }),
    ...(options.onProgress && { onProgress: options.onProgress }),
  });
  for (const index of wanted) {
    const fact = facts.find(known => known.index === index);
    if (fact?.outcome === 'read' && fact.diffID === config.diffIDs[index]) continue;
    refuseLayer(index, fact, config.diffIDs[index]);
  }
}

function refuseLayer(index: number, fact: LayerFact | undefined, stated: Digest | undefined): never {
  if (fact?.outcome === 'read') {
    const message = `layer ${index} unpacks to ${fact.diffID}, the config says ${stated}`;
    return fail('layer-diffid-mismatch', message, { details: { layer: index, digest: fact.digest } });
  }
  const code = fact === undefined ? 'layer-unavailable' : LAYER_FAULTS[fact.outcome];
  const why = fact?.reason ?? 'it could not be read';
  return fail(code, `layer ${index} cannot be vouched for: ${why}`, { details: { layer: index } });
}

/**
 * The claim that the team has made about this image already, when it says the same: another signer signs that one, so that
 * both count together. Two claims that say the same do not add up.
 * @throws TouchmarkError `duplicate-claims` when the team has claimed something else of this image in this step
 */
function findStanding(own: readonly TeamMark[], draft: ContentClaim): ContentClaim | undefined {
  const rivals = own.filter(
    ({ claim, owners }) =>
      isContentClaim(claim) &&
      claim.team === draft.team &&
      claim.step === draft.step &&
      claim.subject.manifest.digest === draft.subject.manifest.digest &&
      owners.some(({ team }) => team === claim.team),
  );
  const [newest] = [...rivals].sort((a, b) => Date.parse(b.claim.time) - Date.parse(a.claim.time));
  if (!newest || !isContentClaim(newest.claim)) return undefined;
  if (sameSubstance(newest.claim, draft)) return newest.claim;
  const said = `team ${draft.team} has claimed something else of this image at ${newest.claim.time}`;
  return fail('duplicate-claims', said, {
    details: { claim: newest.digest },
    hint: 'withdraw that claim first (touchmark custody withdraw), or make another one beside it with --renew',
  });
}
