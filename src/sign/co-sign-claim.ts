import type { Digest } from '../base/digest.js';
import { fail } from '../base/errors.js';
import { type CustodyPolicy, isContentClaim, reaches } from '../custody/index.js';
import type { Store } from '../oci/store.js';
import { findRule, handoverOf, judgeBefore, policyWith } from './approve-image.js';
import { checkSpan } from './check-files.js';
import { type MarkTarget, readClaimedImage, readImage } from './claimed-image.js';
import { type ClaimPlan, planClaim } from './plan-claim.js';
import type { ReadOptions } from './read-span.js';
import { checkTeam, isStanding, readTeamClaims, type TeamClaim, thresholdOf } from './team-claims.js';

export interface CoSignOptions extends ReadOptions {
  readonly team: string;
  readonly policy: CustodyPolicy;
  readonly now: Date;
  /** The tool and its version, `touchmark/1.4.0`. */
  readonly creator: string;
  /** The claim to sign. Default: the only one of the team about this image, or the only one that lacks signers. */
  readonly claim?: Digest | undefined;
  readonly repository?: string | undefined;
}

/**
 * Plans one more signature of a claim that a team mate made. The chain is judged again, and the layers that the claim speaks
 * of are read, with those below that are stored in other bytes than their teams signed: who co-signs has checked.
 *
 * @throws TouchmarkError `no-marks` when there is nothing to co-sign; `usage-argument` when there are several; the reasons of
 *   `planMark` and `planApproval`
 */
export async function planCoSignature(
  store: Store,
  target: MarkTarget,
  options: CoSignOptions,
): Promise<ClaimPlan> {
  const { policy, team, now, creator } = options;
  checkTeam(policy, team);
  const image = await readClaimedImage(store, target, options.repository);
  const facts = readImage(image);
  const claims = await readTeamClaims(image.collected.marks, image.raw.descriptor.digest, policy);
  const { claim } = chooseClaim(claims, image.raw.descriptor.digest, options);
  if (!isContentClaim(claim)) {
    const rule = findRule(policy, claim.step);
    const handover = handoverOf(rule, claims, team);
    await judgeBefore(store, target, rule, handover, options);
    const about = { policy: policyWith(policy, rule), now, handover, creator };
    return (await planClaim(image, claim, about)).plan;
  }
  const about = { policy, now, handover: claim.next?.[0] ?? team, creator };
  const { plan, verdict } = await planClaim(image, claim, about);
  const unproven = verdict.layers.filter(({ evidence }) => !reaches(evidence, policy.evidence));
  const wanted = new Set([...unproven.map(({ index }) => index), ...claim.layers.map(({ i }) => i)]);
  await checkSpan(store, facts, { links: verdict.chain, wanted: [...wanted] }, policy, options);
  return plan;
}

/** A claim that nobody of the team has signed is somebody else's, whatever it says. */
function chooseClaim(claims: readonly TeamClaim[], image: Digest, options: CoSignOptions): TeamClaim {
  const { policy, team, now } = options;
  const own = claims.filter(({ claim }) => claim.team === team);
  const refuse = (message: string) => fail('no-marks', message, { details: { image } });
  if (options.claim) {
    const chosen = own.find(({ digest }) => digest === options.claim);
    return chosen ?? refuse(`team ${team} has made no claim ${options.claim} about this image`);
  }
  const standing = own.filter(known => isStanding(known, policy, now));
  const open = standing.filter(known => known.signers.size < thresholdOf(policy, known.claim));
  // With signers enough it is signed all the same: the command may have been stopped between the two carriers.
  const candidates = open.length > 0 ? open : standing;
  const [only, ...more] = candidates;
  if (more.length > 0) {
    const listed = candidates.map(({ digest, claim }) => `${digest} (${claim.step})`).join(', ');
    const which = open.length > 0 ? ' that lack signers' : '';
    fail('usage-argument', `team ${team} has ${candidates.length} claims about this image${which}`, {
      hint: `choose one with --claim: ${listed}`,
    });
  }
  if (only) return only;
  const there =
    own.length === 0 ? 'has claimed nothing of this image' : 'has no claim about it that still counts';
  return refuse(`team ${team} ${there}: there is nothing to co-sign`);
}
