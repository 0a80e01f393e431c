import type { Digest } from '../base/digest.js';
import { fail, TouchmarkError } from '../base/errors.js';
import {
  type ApprovalRule,
  type ApproveClaim,
  type ClaimEvidence,
  type CustodyPolicy,
  type CustodyVerdict,
  draftApproval,
  isContentClaim,
  readTeamMarks,
  type TeamMark,
} from '../custody/index.js';
import type { Store } from '../oci/store.js';
import { judgeImage } from '../verify/verify-custody.js';
import { type MarkTarget, readClaimedImage } from './mark-image.js';
import { type ClaimPlan, planClaim, sameSubstance } from './write-claim.js';

export interface ApproveOptions {
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
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?: ((done: number, total: number) => void) | undefined;
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
  const rule = findRule(policy, options.step);
  const image = await readClaimedImage(store, target, options.repository);
  const marks = await readTeamMarks(image.collected.marks, policy);
  const heads = marks.flatMap(({ claim, digest }) =>
    isContentClaim(claim) && claim.subject.manifest.digest === image.raw.descriptor.digest
      ? { claim, digest }
      : [],
  );
  // An approval of an earlier step is given while the image is on its way; one of the final image is given to a finished one.
  const handover = rule.on === undefined ? undefined : (heads[0]?.claim.next?.[0] ?? team);
  const { verdict } = await judgeImage(store, target, false, {
    policy: policyBefore(policy, rule),
    now,
    ...(options.repository !== undefined && { repository: options.repository }),
    ...(handover !== undefined && { handover }),
    ...(options.signal && { signal: options.signal }),
    ...(options.onProgress && { onProgress: options.onProgress }),
  });
  if (verdict.verdict !== 'pass') refuseImage(verdict);
  const head = heads.find(({ digest }) => digest === verdict.chain.at(-1)?.claim);
  if (!head) return fail('no-marks', 'no team has marked this image: there is nothing to approve');
  if (rule.on !== undefined && head.claim.step !== rule.on) {
    const made = `this image is the result of step ${head.claim.step}`;
    fail('prev-mismatch', `approval ${rule.name} is about step ${rule.on}; ${made}`, {
      hint: `approve the image that step ${rule.on} made`,
    });
  }
  const draft = draftApproval({
    team,
    step: rule.name,
    repository: options.repository ?? store.repository,
    on: head,
    saw: verdict.approvals.flatMap(({ rule: name, claim }) => (rule.after.includes(name) ? [claim] : [])),
    ...(options.evidence && { evidence: options.evidence }),
    time: now,
    ...(options.expires && { expires: options.expires }),
    policy,
    checked: {
      verdict: 'pass',
      ...(verdict.level && { level: verdict.level }),
      at: `${now.toISOString().slice(0, 19)}Z`,
      tool: options.creator,
    },
  });
  return planClaim(image, unfinished(marks, draft, rule, now) ?? draft, {
    carried: { marks: [], documents: [] },
    policy: policyWith(policy, rule),
    now,
    handover,
    tolerated: ['threshold-not-met'],
    creator: options.creator,
  });
}

/** @throws TouchmarkError `usage-argument` with the approvals there are */
export function findRule({ name, approvals }: CustodyPolicy, step: string): ApprovalRule {
  const rule = approvals.find(known => known.name === step);
  if (rule) return rule;
  const names = approvals.map(known => known.name).join(', ') || 'none';
  return fail('usage-argument', `the policy ${name} asks for no approval ${JSON.stringify(step)}`, {
    hint: `its approvals are: ${names}`,
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
    ...policy,
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

function refuseImage({ code, findings, subject }: CustodyVerdict): never {
  const [first] = findings;
  throw new TouchmarkError(
    code ?? 'internal',
    `the image does not pass, so it is not approved: ${first?.where}: ${first?.message}`,
    {
      details: { image: subject.manifest },
      ...(first?.hint !== undefined && { hint: first.hint }),
    },
  );
}

/** The approval that another signer of the team began and that still lacks signers. */
function unfinished(
  marks: readonly TeamMark[],
  draft: ApproveClaim,
  rule: ApprovalRule,
  now: Date,
): ApproveClaim | undefined {
  if (rule.threshold < 2) return undefined;
  const signers = new Map<Digest, Set<string>>();
  for (const { digest, owners } of marks) {
    const own = owners.filter(({ team }) => team === draft.team).map(({ identity }) => identity);
    signers.set(digest, new Set([...(signers.get(digest) ?? []), ...own]));
  }
  const fresh = (claim: ApproveClaim) =>
    rule.maxAge === undefined || now.getTime() - Date.parse(claim.time) <= rule.maxAge;
  const begun = marks.find(
    ({ claim, digest }) =>
      claim.kind === 'approve' &&
      (signers.get(digest)?.size ?? 0) > 0 &&
      (signers.get(digest)?.size ?? 0) < rule.threshold &&
      fresh(claim) &&
      sameSubstance(claim, draft),
  );
  return begun?.claim as ApproveClaim | undefined;
}
