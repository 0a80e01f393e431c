import type { Digest } from '../base/digest.js';
import { fail, withDetails } from '../base/errors.js';
import type { Signer } from '../crypto/keys.js';
import { atLevel, type ClaimEvidence, type CustodyPolicy, withoutPredicates } from '../custody/index.js';
import type { RawManifest } from '../oci/manifest.js';
import { formatReference } from '../oci/reference.js';
import type { Store } from '../oci/store.js';
import { type CustodyOutcome, judgeResolved } from '../verify/verify-custody.js';
import { findRule, planApproval } from './approve-image.js';
import { type CopyProgress, type CopyResult, copyImage } from './copy-image.js';
import { listImages } from './mark-images.js';
import type { ClaimPlan } from './plan-claim.js';
import { withoutCommit } from './without-commit.js';
import { type WrittenClaim, writeClaims } from './write-claim.js';

export interface PromoteOptions {
  readonly policy: CustodyPolicy;
  readonly now: Date;
  /** The tag at the destination; undefined: by digest only. */
  readonly tag: string | undefined;
  /**
   * The repository that the image is held to at both ends. Default: the destination's; a layout or archive belongs to none
   * and stands for the source's.
   */
  readonly repository?: string | undefined;
  /** Given at the destination, before the image is verified there. */
  readonly approval?: PromotionApproval | undefined;
  /** Judge the source and plan the approval; write nothing, open no key. */
  readonly dryRun?: boolean | undefined;
  /** Asked when the source has passed, before a key is opened and anything is written; what it throws ends everything. */
  readonly confirm?: ((planned: Promotion) => Promise<void>) | undefined;
  readonly signal?: AbortSignal | undefined;
  readonly onCopy?: ((progress: CopyProgress) => void) | undefined;
  /** Bytes of layers that have been read, of those that will be. */
  readonly onRead?: ((done: number, total: number) => void) | undefined;
}

export interface PromotionApproval {
  readonly team: string;
  /** The approval rule of the policy. */
  readonly step: string;
  /** The tool and its version, `touchmark/1.4.0`. */
  readonly creator: string;
  readonly evidence?: readonly ClaimEvidence[] | undefined;
  readonly expires?: Date | undefined;
  /** Opens the keys; called when the source has passed, before anything is written. */
  readonly signers: () => Promise<readonly Signer[]>;
}

export interface Promotion {
  readonly digest: Digest;
  /** The repository that both verdicts are about; null where nothing names one. */
  readonly repository: string | null;
  /** The end whose verdict is no yes; null when the image was promoted, or would be. */
  readonly refusedAt: 'source' | 'destination' | null;
  readonly source: CustodyOutcome;
  /** Null when the destination was not reached. */
  readonly destination: CustodyOutcome | null;
  /** What was sent; null when nothing was. */
  readonly copied: CopyResult | null;
  /** The approvals that were to be given, one an image. */
  readonly planned: readonly ClaimPlan[];
  readonly approvals: readonly WrittenClaim[];
  /** What the tag pointed at before; null when it was not there or was not asked for. */
  readonly replaced: Digest | null;
  /** Is it at the destination under its tag now, or, when none was asked for, by its digest? */
  readonly promoted: boolean;
}

/**
 * Verifies an image under a policy, copies it with everything that refers to it, approves it there when asked to, verifies
 * what arrived, and only then lets the tag point at it.
 *
 * Both ends are judged as what the image is going to be: under the destination's repository and by every rule, so that
 * what would be refused there is not sent. One thing is not asked of the source: the approval that is about to be given,
 * and what waits for it. A no at either end leaves the tag as it was. What was copied stays, by digest, so that a second
 * signer's approval or another attempt goes on where this one stopped; an archive is written whole or not at all.
 *
 * @throws TouchmarkError when no verdict was reached; as `copyImage`, `planApproval` and `writeClaim`. The tag is then as it was.
 */
export async function promoteImage(
  source: Store,
  target: Store,
  root: RawManifest,
  options: PromoteOptions,
): Promise<Promotion> {
  const { approval, policy, tag } = options;
  const { digest } = root.descriptor;
  const repository = options.repository ?? repositoryOf(target) ?? repositoryOf(source);
  if (approval && repository === undefined) {
    fail('usage-argument', 'an approval names a repository, and neither end belongs to one', {
      hint: 'say for which it is approved: --as registry.example/team/app',
    });
  }
  const about = { ...options, repository };
  const judged: Promotion = {
    digest,
    repository: repository ?? null,
    refusedAt: null,
    source: await judge(source, root, about, approval ? withoutApproval(policy, approval.step) : policy),
    destination: null,
    copied: null,
    planned: [],
    approvals: [],
    replaced: tag === undefined ? null : await tagged(target, tag),
    promoted: false,
  };
  if (judged.source.code !== null) return { ...judged, refusedAt: 'source' };
  // Planned where it lies first: what is wrong with it is known before anything is sent. The layers were read a moment ago.
  const quick = { ...about, policy: atLevel(policy, 'marks') };
  const rehearsed = {
    ...judged,
    planned: approval ? await planApprovals(source, root, approval, quick) : [],
  };
  if (options.dryRun) return rehearsed;
  await options.confirm?.(rehearsed);
  const signers = approval ? await approval.signers() : [];

  const held = withoutCommit(target);
  const copied = await copyImage(source, held, root, {
    tag: undefined,
    ...(options.onCopy && { onProgress: options.onCopy }),
  });
  const planned = approval ? await planApprovals(held, root, approval, about) : [];
  const approvals = approval ? (await writeClaims(planned, signers)).images : [];
  const arrived = await held.fetchManifest({ digest });
  if (!arrived) return fail('oci-conflict', `${digest} was written and is not there any more`);
  const destination = await judge(held, arrived, about, policy);
  const done = { ...judged, copied, planned, approvals, destination };
  if (destination.code !== null) return { ...done, refusedAt: 'destination' };
  if (tag !== undefined) await target.writeManifest(arrived, tag);
  await target.commit();
  return { ...done, promoted: true };
}

function repositoryOf(store: Store): string | undefined {
  return store.namesRepository ? store.repository : undefined;
}

async function tagged(store: Store, tag: string): Promise<Digest | null> {
  return (await store.fetchManifest({ tag }))?.descriptor.digest ?? null;
}

function judge(
  store: Store,
  raw: RawManifest,
  { now, repository, signal, onRead }: PromoteOptions,
  policy: CustodyPolicy,
): Promise<CustodyOutcome> {
  const pinned = formatReference({ ...store.reference, digest: raw.descriptor.digest });
  return judgeResolved(store, pinned, raw, false, {
    policy,
    now,
    ...(repository !== undefined && { repository }),
    ...(signal && { signal }),
    ...(onRead && { onProgress: onRead }),
  });
}

/** The policy as it stands before an approval is given: without that rule, the rules that wait for it, and what it opens. */
function withoutApproval(policy: CustodyPolicy, step: string): CustodyPolicy {
  const waiting = new Set([findRule(policy, step).name]);
  for (const _ of policy.approvals) {
    for (const { name, after } of policy.approvals) {
      if (after.some(before => waiting.has(before))) waiting.add(name);
    }
  }
  return {
    ...withoutPredicates(policy),
    approvals: policy.approvals.filter(({ name }) => !waiting.has(name)),
    relocations: policy.relocations.map(relocation =>
      relocation.via !== undefined && waiting.has(relocation.via)
        ? { ...relocation, via: undefined }
        : relocation,
    ),
  };
}

async function planApprovals(
  store: Store,
  root: RawManifest,
  { team, step, creator, evidence, expires }: PromotionApproval,
  { policy, now, repository, signal, onRead }: PromoteOptions,
): Promise<readonly ClaimPlan[]> {
  const plans: ClaimPlan[] = [];
  for (const target of await listImages({ store, root }, undefined)) {
    const about = { team, step, creator, evidence, expires, policy, now, repository };
    try {
      plans.push(await planApproval(store, target, { ...about, signal, onProgress: onRead }));
    } catch (error) {
      throw withDetails(error, {
        at: formatReference({ ...store.reference, digest: target.raw.descriptor.digest }),
      });
    }
  }
  return plans;
}
