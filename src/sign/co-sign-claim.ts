import type { Digest } from '../base/digest.js';
import { fail } from '../base/errors.js';
import {
  type CustodyPolicy,
  type ImageClaim,
  isContentClaim,
  isImageClaim,
  readTeamMarks,
  type TeamMark,
} from '../custody/index.js';
import { parseConfig } from '../oci/config.js';
import type { Store } from '../oci/store.js';
import { findRule, policyWith } from './approve-image.js';
import { checkDiffIDs, type MarkTarget, readClaimedImage, requireImage } from './mark-image.js';
import { type ClaimPlan, planClaim } from './write-claim.js';

export interface CoSignOptions {
  readonly team: string;
  readonly policy: CustodyPolicy;
  readonly now: Date;
  /** The tool and its version, `touchmark/1.4.0`. */
  readonly creator: string;
  /** The claim to sign. Default: the only one of the team about this image that still lacks signers. */
  readonly claim?: Digest | undefined;
  readonly repository?: string | undefined;
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?: ((done: number, total: number) => void) | undefined;
}

/**
 * Plans one more signature of a claim that a team mate made. The layers that it speaks of are read and compared with it, the
 * chain is judged again before anything is written: who co-signs has checked.
 *
 * @throws TouchmarkError `no-marks` when there is nothing to co-sign; `usage-argument` when there are several; the reasons of
 *   `planMark`
 */
export async function planCoSignature(
  store: Store,
  target: MarkTarget,
  options: CoSignOptions,
): Promise<ClaimPlan> {
  const { policy, team, now, creator } = options;
  const image = await readClaimedImage(store, target, options.repository);
  const marks = await readTeamMarks(image.collected.marks, policy);
  const claim = chooseClaim(marks, image.raw.descriptor.digest, options);
  const manifest = requireImage(image.raw);
  const config = parseConfig(image.config);
  const span = claim.layers.map(({ i }) => i);
  for (const { i, diffID, digest } of claim.layers) {
    if (config.diffIDs[i] === diffID && manifest.layers[i]?.digest === digest) continue;
    fail('layer-diffid-mismatch', `layer ${i} of the image is not the one that the claim names`);
  }
  await checkDiffIDs(store, { manifest, config }, span, options);
  const rule = isContentClaim(claim) ? undefined : findRule(policy, claim.step);
  const partial = rule === undefined || rule.on !== undefined;
  const next = isContentClaim(claim) ? claim.next?.[0] : undefined;
  return planClaim(image, claim, {
    carried: { marks: [], documents: [] },
    policy: rule ? policyWith(policy, rule) : policy,
    now,
    handover: partial ? (next ?? team) : undefined,
    tolerated: ['threshold-not-met'],
    creator,
  });
}

function chooseClaim(marks: readonly TeamMark[], image: Digest, options: CoSignOptions): ImageClaim {
  const { policy, team } = options;
  const claims = new Map<Digest, { claim: ImageClaim; signers: Set<string> }>();
  for (const { claim, digest, owners } of marks) {
    if (!isImageClaim(claim) || claim.team !== team || claim.subject.manifest.digest !== image) continue;
    const known = claims.get(digest) ?? { claim, signers: new Set<string>() };
    for (const owner of owners) if (owner.team === team) known.signers.add(owner.identity);
    claims.set(digest, known);
  }
  if (options.claim) {
    return (
      claims.get(options.claim)?.claim ??
      fail('no-marks', `team ${team} has made no claim ${options.claim} about this image`, {
        details: { image },
      })
    );
  }
  const thresholdOf = ({ step, kind }: ImageClaim) =>
    (kind === 'approve'
      ? policy.approvals.find(rule => rule.name === step)?.threshold
      : policy.flow.find(known => known.step === step)?.threshold) ?? 1;
  const open = [...claims.values()].filter(({ claim, signers }) => signers.size < thresholdOf(claim));
  const [only, ...more] = open;
  if (more.length > 0) {
    const digests = [...claims].flatMap(([digest, known]) => (open.includes(known) ? digest : []));
    fail('usage-argument', `team ${team} has ${open.length} claims about this image that lack signers`, {
      hint: `choose one with --claim: ${digests.join(', ')}`,
    });
  }
  if (only) return only.claim;
  const there = claims.size === 0 ? 'has claimed nothing of this image' : 'has all the signers it needs here';
  return fail('no-marks', `team ${team} ${there}: there is nothing to co-sign`, { details: { image } });
}
