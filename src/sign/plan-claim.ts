import type { ReasonCode } from '../base/codes.js';
import type { Digest } from '../base/digest.js';
import {
  type CustodyChain,
  type CustodyPolicy,
  type CustodyVerdict,
  claimDigest,
  type ImageClaim,
  isContentClaim,
  serializeMarkPayload,
  serializeMarkStatement,
} from '../custody/index.js';
import { CARRIERS } from '../verify/evidence.js';
import type { ClaimedImage } from './claimed-image.js';
import type { PlannedSignature } from './plan.js';
import { rehearseUnsigned } from './rehearse-claim.js';

/** A claim that will be signed: all of it known, and judged, before any key is opened. */
export interface ClaimPlan {
  readonly image: ClaimedImage;
  readonly claim: ImageClaim;
  /** Of the claim. */
  readonly digest: Digest;
  /** What is signed, one document a carrier. */
  readonly documents: readonly PlannedSignature[];
  /** What has to travel with the image so that the claim can be followed to its start. */
  readonly carried: CustodyChain;
  readonly policy: CustodyPolicy;
  readonly now: Date;
  /** The image is not finished: what later steps do is not asked for yet. */
  readonly handover?: string | undefined;
  /** Failures that the claim itself does not mend and that do not stand in its way. */
  readonly tolerated: readonly ReasonCode[];
}

export interface PlanOptions extends Pick<ClaimPlan, 'policy' | 'now' | 'handover'> {
  readonly carried?: CustodyChain | undefined;
  readonly tolerated?: readonly ReasonCode[] | undefined;
  /** The tool and its version, `touchmark/1.4.0`. */
  readonly creator: string;
}

/**
 * Plans the signing of a claim, and judges the chain as it would be with the team's signature. The documents are made anew
 * from the claim, also for one that others have signed: what else may stand in theirs is not ours to sign, and signatures
 * count by the claim.
 *
 * @returns the verdict with everything that is tolerated in it
 * @throws TouchmarkError with the reason why the chain would not hold
 */
export async function planClaim(
  image: ClaimedImage,
  claim: ImageClaim,
  { creator, carried, tolerated = [], policy, ...rest }: PlanOptions,
): Promise<{ readonly plan: ClaimPlan; readonly verdict: CustodyVerdict }> {
  const documents = CARRIERS.map(
    (carrier): PlannedSignature => ({
      subject: image.raw.descriptor,
      carrier,
      document:
        carrier === 'simplesigning' ? serializeMarkPayload(claim, creator) : serializeMarkStatement(claim),
    }),
  );
  const plan: ClaimPlan = {
    image,
    claim,
    digest: claimDigest(claim),
    documents,
    carried: carried ?? { marks: [], documents: [] },
    // Other signers of the team follow.
    tolerated: ['threshold-not-met', ...tolerated],
    ...rest,
    policy: isContentClaim(claim) ? withoutApprovalsOf(claim.step, policy) : policy,
  };
  return { plan, verdict: await rehearseUnsigned(plan) };
}

/** An approval of a step hangs off its claim, and so can only come behind it. */
function withoutApprovalsOf(step: string, policy: CustodyPolicy): CustodyPolicy {
  return { ...policy, approvals: policy.approvals.filter(({ on }) => on !== step) };
}
