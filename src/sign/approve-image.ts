import { fail } from '../base/errors.js';
import {
  type ApprovalRule,
  type ApproveClaim,
  type ClaimEvidence,
  type CustodyPolicy,
  type CustodyVerdict,
  draftApproval,
  isContentClaim,
  withoutPredicates,
} from '../custody/index.js';
import type { Store } from '../oci/store.js';
import { judgeImage } from '../verify/judge-custody.js';
import { type MarkTarget, readClaimedImage } from './claimed-image.js';
import { type ClaimPlan, planClaim } from './plan-claim.js';
import { type ReadOptions, readOptions } from './read-span.js';
import { checkOf, refuseFor } from './stand-on.js';
import {
  behindWithdrawals,
  checkTeam,
  isStanding,
  readTeamClaims,
  sameSubstance,
  suggest,
  type TeamClaim,
} from './team-claims.js';

export interface ApproveOptions extends ReadOptions {
  readonly team: string;
  /** The approval rule of the policy that this is for. */
  readonly step: string;
  readonly policy: CustodyPolicy;
  readonly now: Date;
  /** The tool and its version, `touchmark/1.4.0`. */
  readonly creator: string;
  /** The repository it is approved for. Default: the one it lies in. */
  readonly repository?: string | undefined;
  readonly evidence?: readonly ClaimEvidence[] | undefined;
  readonly expires?: Date | undefined;
}

/**
 * Works out what a team says when it approves an image: the chain is checked under the policy as far as this approval
 * stands on it, the approvals that must come before are named by their digests. Where the rule asks for several signers and
 * one of them has approved, the same claim is signed once more. Nothing is written and no key is opened.
 *
 * @throws TouchmarkError the image's own reason when its chain does not hold, or an approval that must come first is
 *   missing; `prev-mismatch` when the rule is about another step; `usage-argument`
 */
export async function planApproval(
  store: Store,
  target: MarkTarget,
  options: ApproveOptions,
): Promise<ClaimPlan> {
  const { policy, team, now } = options;
  checkTeam(policy, team);
  const rule = findRule(policy, options.step);
  const image = await readClaimedImage(store, target, options.repository);
  const { digest } = image.raw.descriptor;
  const claims = await readTeamClaims(image.collected.marks, digest, policy);
  const handover = handoverOf(rule, claims, team);
  const verdict = await judgeBefore(store, target, rule, handover, options);
  const head = claims.find(known => known.digest === verdict.chain.at(-1)?.claim);
  if (!head || !isContentClaim(head.claim)) {
    return fail('no-marks', 'no team has marked this image: there is nothing to approve');
  }
  if (rule.on !== undefined && head.claim.step !== rule.on) {
    const made = `this image is the result of step ${head.claim.step}`;
    fail('prev-mismatch', `approval ${rule.name} is about step ${rule.on}; ${made}`, {
      hint: `approve the image that step ${rule.on} made`,
    });
  }
  const own = claims.filter(({ claim }) => claim.team === team && claim.step === rule.name);
  const draft = draftApproval({
    team,
    step: rule.name,
    repository: options.repository ?? store.repository,
    on: { claim: head.claim, digest: head.digest },
    saw: verdict.approvals.flatMap(({ rule: name, claim }) => (rule.after.includes(name) ? [claim] : [])),
    ...(options.evidence && { evidence: options.evidence }),
    time: behindWithdrawals(now, own),
    ...(options.expires && { expires: options.expires }),
    policy,
    checked: checkOf(verdict, options),
  });
  const { plan } = await planClaim(image, unfinished(claims, draft, rule, options) ?? draft, {
    policy: policyWith(policy, rule),
    now,
    handover,
    creator: options.creator,
  });
  return plan;
}

/**
 * To whom the image goes on. An approval of an earlier step is given while it is on its way, to a team that it was meant for;
 * one of the final image is given to a finished one.
 */
export function handoverOf(
  rule: ApprovalRule,
  claims: readonly TeamClaim[],
  team: string,
): string | undefined {
  if (rule.on === undefined) return undefined;
  const made = claims.find(({ claim }) => claim.step === rule.on)?.claim;
  return (made && isContentClaim(made) ? made.next?.[0] : undefined) ?? team;
}

/**
 * Judges the image as far as an approval by this rule stands on it, and as far into the layers as the policy asks.
 * @throws TouchmarkError the image's own reason
 */
export async function judgeBefore(
  store: Store,
  target: MarkTarget,
  rule: ApprovalRule,
  handover: string | undefined,
  options: Pick<ApproveOptions, 'policy' | 'now' | 'repository' | 'signal' | 'onProgress'>,
): Promise<CustodyVerdict> {
  const { verdict } = await judgeImage(store, target, false, {
    policy: policyBefore(options.policy, rule),
    now: options.now,
    ...(options.repository !== undefined && { repository: options.repository }),
    ...(handover !== undefined && { handover }),
    ...readOptions(options),
  });
  if (verdict.verdict !== 'pass') {
    const image = verdict.subject.manifest;
    refuseFor(verdict.findings[0], 'the image does not pass, so it is not approved', { image });
  }
  return verdict;
}

/** @throws TouchmarkError `usage-argument` with the approvals there are */
export function findRule({ name, approvals }: CustodyPolicy, step: string): ApprovalRule {
  const rule = approvals.find(known => known.name === step);
  if (rule) return rule;
  const known = approvals.map(other => other.name);
  return fail('usage-argument', `the policy ${name} asks for no approval ${JSON.stringify(step)}`, {
    hint: suggest(step, known, `its approvals are: ${known.join(', ') || 'none'}`),
  });
}

/** What must hold before this approval can be given: the chain, and the approvals that it comes after. */
function policyBefore(policy: CustodyPolicy, rule: ApprovalRule): CustodyPolicy {
  const needed = new Set(rule.after);
  for (const name of needed) {
    for (const before of policy.approvals.find(known => known.name === name)?.after ?? []) needed.add(before);
  }
  needed.delete(rule.name);
  return {
    ...withoutPredicates(policy),
    approvals: policy.approvals.filter(({ name }) => needed.has(name)),
    // The approval itself may be what lets the image into this repository.
    relocations: policy.relocations.map(relocation =>
      relocation.via === rule.name ? { ...relocation, via: undefined } : relocation,
    ),
  };
}

/** What must hold once it is given. */
export function policyWith(policy: CustodyPolicy, rule: ApprovalRule): CustodyPolicy {
  const before = policyBefore(policy, rule);
  return { ...before, approvals: [...before.approvals, rule] };
}

/** The approval that another signer of the team began and that still lacks signers. */
function unfinished(
  claims: readonly TeamClaim[],
  draft: ApproveClaim,
  rule: ApprovalRule,
  { policy, now }: Pick<ApproveOptions, 'policy' | 'now'>,
): ApproveClaim | undefined {
  const begun = claims.find(
    known =>
      known.signers.size < rule.threshold &&
      isStanding(known, policy, now) &&
      sameSubstance(known.claim, draft),
  );
  return begun?.claim as ApproveClaim | undefined;
}
