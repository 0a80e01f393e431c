import { fail } from '../base/errors.js';
import { canonicalJson } from '../custody/claim-digest.js';
import {
  type ClaimSeal,
  type ContentClaim,
  type CustodyPolicy,
  type CustodyVerdict,
  draftContentClaim,
  isContentClaim,
  type RuledLink,
} from '../custody/index.js';
import type { Store } from '../oci/store.js';
import { checkSpan } from './check-files.js';
import { type MarkTarget, platformOf, readClaimedImage, readImage } from './claimed-image.js';
import { type BaseOptions, type CheckedBase, checkStandsOn, type MarkBase, readBase } from './mark-base.js';
import { type ClaimPlan, planClaim } from './plan-claim.js';
import {
  behindWithdrawals,
  checkTeam,
  isStanding,
  readTeamClaims,
  sameSubstance,
  suggest,
  type TeamClaim,
} from './team-claims.js';

export type { MarkBase } from './mark-base.js';

export interface MarkOptions extends BaseOptions {
  readonly step: string;
  /** The repository the image is marked for. Default: the one it lies in. */
  readonly repository?: string | undefined;
  readonly base?: MarkBase | undefined;
  /** Adopt the image as it is: the team vouches for layers that it did not build. */
  readonly adopt?: Adoption | undefined;
  /** Teams that this handover is meant for; undefined: any. */
  readonly next?: readonly string[] | undefined;
  /** What the team promises about its files: steps above may not do this there. */
  readonly seals?: readonly ClaimSeal[] | undefined;
  readonly expires?: Date | undefined;
  /** Make a new claim although this team has one about this image already. */
  readonly renew?: boolean | undefined;
}

/** Where an adopted image comes from. */
export interface Adoption {
  /** The name of the upstream image. */
  readonly ref: string;
  /** What was checked about it; `none` says nothing was. */
  readonly verifiedBy: readonly string[];
}

export interface MarkPlan extends ClaimPlan {
  /** Of the base; null without one. */
  readonly base: CustodyVerdict | null;
  /** The claim was made before by another signer of the team, and is signed once more. */
  readonly joined: boolean;
}

/**
 * Works out what a team claims when it marks an image: checks the base's chain under the policy, compares the image with
 * it, reads the layers the team added, drafts the claim, and judges the chain with it. Nothing is written and no key is
 * opened.
 *
 * @throws TouchmarkError the base's own reason when it does not pass; `base-mismatch`, `custody-collapsed`, … when the image
 *   does not stand on it; `layer-diffid-mismatch`, `layer-unavailable` about the layers; `duplicate-claims` when the team has
 *   another claim about this image; as `planClaim`
 */
export async function planMark(store: Store, target: MarkTarget, options: MarkOptions): Promise<MarkPlan> {
  const { policy, team, step, now } = options;
  checkStep(options);
  const image = await readClaimedImage(store, target, options.repository);
  const { manifest, config } = readImage(image);
  const base = options.base && (await readBase(options.base, options));
  const reread = base ? checkStandsOn(base, { manifest, config }) : [];
  const span = manifest.layers.map((_, index) => index).slice(base?.manifest.layers.length ?? 0);
  const own: RuledLink = {
    step,
    kind: options.adopt ? 'adopt' : span.length > 0 ? 'add' : 'config',
    span: { from: base?.manifest.layers.length ?? 0, to: manifest.layers.length },
    seals: options.seals,
  };
  await checkSpan(
    store,
    { manifest, config },
    {
      links: [...linksBelow(base), own],
      wanted: [...reread, ...span],
      ...(options.unchecked && { ownOnly: true }),
    },
    policy,
    options,
  );

  const { digest } = image.raw.descriptor;
  const claims = await readTeamClaims(image.collected.marks, digest, policy);
  const made = claims.filter(({ claim }) => claim.team === team && isContentClaim(claim));
  const draft = draftContentClaim({
    ...(options.adopt && {
      kind: 'adopt' as const,
      inputs: [{ purpose: 'upstream', manifest: digest, ...options.adopt }],
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
    time: behindWithdrawals(now, made),
    ...(options.expires && { expires: options.expires }),
    policy,
    ...(options.next && { next: options.next }),
    ...(options.seals && { seals: options.seals }),
  });
  const standing = options.renew ? undefined : findStanding(made, draft, policy, now);
  const claim = standing ?? draft;
  const { plan } = await planClaim(image, claim, {
    carried: base?.chain,
    policy,
    now,
    handover: claim.next?.[0] ?? team,
    tolerated: options.unchecked && base ? toleratedOf(base.verdict) : [],
    creator: options.creator,
  });
  return { ...plan, base: base?.verdict ?? null, joined: standing !== undefined };
}

/** @throws TouchmarkError `usage-argument`, `step-unknown` with the names there are; `step-missing` */
function checkStep({ policy, team, step, base, adopt, next = [] }: MarkOptions): void {
  for (const named of [team, ...next]) checkTeam(policy, named);
  const { name, flow } = policy;
  const known = flow.map(other => other.step);
  const at = known.indexOf(step);
  if (at < 0) {
    const all = `its steps are ${known.join(', ')}; approvals are given by touchmark custody approve`;
    fail('step-unknown', `the policy ${name} has no step ${JSON.stringify(step)} in its flow`, {
      hint: suggest(step, known, all),
    });
  }
  const before = flow.slice(0, at).find(({ count: [least] }) => least > 0);
  if (before && !base && !adopt) {
    fail('step-missing', `in the policy ${name} step ${before.step} comes before step ${step}`, {
      hint: 'say what the image was built on: --base IMAGE',
    });
  }
}

/** The steps of a base; as one, where nobody can say whose its layers are. */
function linksBelow(base: CheckedBase | undefined): readonly RuledLink[] {
  if (base === undefined) return [];
  const { chain, layers } = base.verdict;
  const to = base.manifest.layers.length;
  if (layers.length === to) return chain;
  return [
    {
      step: base.facts.step,
      kind: 'adopt',
      span: { from: 0, to },
      seals: chain.flatMap(({ seals }) => seals),
    },
  ];
}

/** What is wrong with a base that was marked upon all the same stays wrong. */
function toleratedOf({ findings }: CustodyVerdict) {
  // What was taken back is a base from here on.
  return ['unchecked-step' as const, 'base-withdrawn' as const, ...findings.map(({ code }) => code)];
}

/**
 * The claim that the team has made about this image already, when it says the same: another signer signs that one, so that
 * both count together. Two claims that say the same do not add up.
 * @throws TouchmarkError `duplicate-claims` when the team has claimed something else of this image in this step
 */
function findStanding(
  own: readonly TeamClaim[],
  draft: ContentClaim,
  policy: CustodyPolicy,
  now: Date,
): ContentClaim | undefined {
  const rivals = own.filter(known => known.claim.step === draft.step && isStanding(known, policy, now));
  const same = rivals.find(({ claim }) => sameSubstance(claim, draft));
  if (same) return same.claim as ContentClaim;
  const [newest] = rivals;
  if (!newest) return undefined;
  const said = `team ${draft.team} has claimed something else of this image at ${newest.claim.time}`;
  return fail('duplicate-claims', said, {
    details: { claim: newest.digest, differs: differences(newest.claim, draft) },
    hint: 'to sign that claim: touchmark custody co-sign; to take it back: touchmark custody withdraw; to make another one beside it: --renew',
  });
}

/** Members in which two claims differ, those that differ in every claim left out. */
function differences(a: object, b: object): readonly string[] {
  const [left, right] = [a, b].map(claim => new Map(Object.entries(claim)));
  const incidental = ['time', 'expires', 'policy', 'checked'];
  return [...new Set([...Object.keys(a), ...Object.keys(b)])]
    .filter(key => !incidental.includes(key))
    .filter(key => canonicalJson(left?.get(key) ?? null) !== canonicalJson(right?.get(key) ?? null));
}
