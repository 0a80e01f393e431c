import type { ReasonCode } from '../base/codes.js';
import type { Digest } from '../base/digest.js';
import { TouchmarkError } from '../base/errors.js';
import type { Signer } from '../crypto/keys.js';
import {
  type CustodyChain,
  type CustodyPolicy,
  type CustodyVerdict,
  carriedMark,
  claimDigest,
  type FoundMark,
  type ImageClaim,
  isImageClaim,
  marksOfChain,
  mergeChains,
  readTeamMarks,
  serializeMarkPayload,
  serializeMarkStatement,
  type TeamMark,
  verify,
} from '../custody/index.js';
import type { Platform } from '../oci/descriptor.js';
import type { RawManifest } from '../oci/manifest.js';
import type { Store } from '../oci/store.js';
import { IN_TOTO_PAYLOAD_TYPE, preAuthEncoding } from '../signature/dsse.js';
import { type CollectedMarks, collectMarks } from '../verify/collect-marks.js';
import { CARRIERS } from '../verify/evidence.js';
import type { PlannedSignature } from './plan.js';
import { publishChain } from './publish-chain.js';
import { type WrittenSignature, writeSignatures } from './sign-image.js';

/** An image that a claim is about, with all that speaks about it. */
export interface ClaimedImage {
  readonly store: Store;
  readonly raw: RawManifest;
  readonly config: Uint8Array;
  readonly collected: CollectedMarks;
  /** The repository that marks here are held to; undefined in a layout that stands for none. */
  readonly repository: string | undefined;
  readonly indexPlatform?: Platform | undefined;
}

/** A claim that will be signed: all of it known before any key is opened. */
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

/** What became of a claim. */
export interface WrittenClaim {
  readonly subject: Digest;
  readonly claim: Digest;
  readonly signatures: readonly WrittenSignature[];
  /** The custody artifact that the chain travels in. */
  readonly artifact: Digest;
  /** With the claim in place. */
  readonly verdict: CustodyVerdict;
}

/**
 * Signs a planned claim: in memory first, where the whole chain is judged with it; only a claim that holds is written, to
 * both carriers and to the custody artifact, and read back. Doing it again writes nothing twice.
 *
 * @throws TouchmarkError with the reason why the chain does not hold with this claim, before anything is written;
 *   as `signImage`
 */
export async function writeClaim(plan: ClaimPlan, signers: readonly Signer[]): Promise<WrittenClaim> {
  await rehearse(plan, signers);
  const { store, raw } = plan.image;
  const signatures = await writeSignatures(store, plan.documents, signers, {
    now: plan.now,
    repository: plan.claim.repo,
  });
  const collected = await collectEverything(store, raw.descriptor.digest);
  const own = await readTeamMarks(collected.marks, plan.policy);
  const chain = mergeChains([plan.carried, chainOf(own, collected)]);
  const artifact = await publishChain(store, raw.descriptor, chain, [
    ...collected.artifacts,
    ...bundlesOf(own),
  ]);
  const verdict = await judge(plan, await collectEverything(store, raw.descriptor.digest), []);
  checkWritten(plan, verdict, own, signers);
  return { subject: raw.descriptor.digest, claim: plan.digest, signatures, artifact, verdict };
}

/** Writes the claims about the images of one reference, one after another. */
export async function writeClaims(
  plans: readonly ClaimPlan[],
  signers: readonly Signer[],
): Promise<{ readonly images: readonly WrittenClaim[]; readonly index: null }> {
  const images: WrittenClaim[] = [];
  for (const plan of plans) images.push(await writeClaim(plan, signers));
  return { images, index: null };
}

/** Would the chain hold with these signatures? */
async function rehearse(plan: ClaimPlan, signers: readonly Signer[]): Promise<void> {
  const rehearsed = plan.documents.flatMap(({ carrier, document }) =>
    signers.map((signer): FoundMark => {
      const payloadType = carrier === 'bundle' ? IN_TOTO_PAYLOAD_TYPE : undefined;
      const message = payloadType === undefined ? document : preAuthEncoding(payloadType, document);
      return {
        carrier,
        place: 'attached',
        source: 'this claim',
        payload: document,
        payloadType,
        signature: signer.sign(message),
        keyHint: signer.publicKey.keyid,
      };
    }),
  );
  refuse(plan, await judge(plan, plan.image.collected, rehearsed));
}

/** Judges the image by this claim alone: another one that holds would hide that this one does not. */
async function judge(
  plan: ClaimPlan,
  collected: CollectedMarks,
  more: readonly FoundMark[],
): Promise<CustodyVerdict> {
  const { image, carried, policy, now, handover } = plan;
  const marks = [...collected.marks, ...more, ...marksOfChain(carried, 'base')];
  const read = await readTeamMarks(marks, policy);
  const rivals = new Set(read.filter(mark => isRival(mark, plan)).map(({ mark }) => mark));
  return verify({
    image: {
      repository: image.repository,
      manifest: { mediaType: image.raw.descriptor.mediaType, bytes: image.raw.bytes },
      config: image.config,
      indexPlatform: image.indexPlatform,
    },
    marks: marks.filter(mark => !rivals.has(mark)),
    carried: [...collected.carried, ...carried.documents],
    unread: collected.unread,
    layerEvidence: [],
    // The layers were read when the claim was planned.
    policy: { ...policy, evidence: 'marks' },
    now,
    tagGiven: false,
    ...(handover !== undefined && { handover: { team: handover } }),
  });
}

/** Another claim in the place of the planned one: about the same image, and for an approval of the same rule. */
function isRival({ claim, digest }: TeamMark, planned: ClaimPlan): boolean {
  if (digest === planned.digest || !isImageClaim(claim)) return false;
  if (claim.subject.manifest.digest !== planned.claim.subject.manifest.digest) return false;
  if (planned.claim.kind === 'approve') return claim.kind === 'approve' && claim.step === planned.claim.step;
  return claim.kind !== 'approve';
}

/** @throws TouchmarkError when something does not hold that the claim should not stand on */
function refuse({ claim, tolerated }: ClaimPlan, { findings }: CustodyVerdict): void {
  const standing = findings.filter(({ severity }) => severity !== 'warning');
  const problem = standing.find(({ code }) => !tolerated.includes(code));
  if (!problem) return;
  throw new TouchmarkError(
    problem.code,
    `with this claim the chain does not hold: ${problem.where}: ${problem.message}`,
    {
      ...(problem.hint !== undefined && { hint: problem.hint }),
      details: { image: claim.subject.manifest.digest, team: claim.team, step: claim.step },
    },
  );
}

/** Each signer's mark must be there for every reader, and the chain must hold as it did in the rehearsal. */
function checkWritten(
  plan: ClaimPlan,
  verdict: CustodyVerdict,
  marks: readonly TeamMark[],
  signers: readonly Signer[],
): void {
  refuse(plan, verdict);
  const found = marks.filter(({ digest }) => digest === plan.digest);
  for (const { carrier } of plan.documents) {
    const count = found.filter(({ mark }) => mark.carrier === carrier).length;
    if (count >= new Set(signers.map(({ publicKey }) => publicKey.keyid)).size) continue;
    throw new TouchmarkError('oci-conflict', `the ${carrier} mark was written and is not there any more`, {
      hint: 'run the same command again: what is there already is kept',
    });
  }
}

/** Everything about an image, also what a custody artifact says that it includes. */
export async function collectEverything(store: Store, image: Digest): Promise<CollectedMarks> {
  let last: CollectedMarks | undefined;
  for await (const collected of collectMarks(store, image)) last = collected;
  return last as CollectedMarks;
}

/** What an image's next custody artifact takes over: its teams' marks, and whatever earlier artifacts held. */
export function chainOf(own: readonly TeamMark[], collected: CollectedMarks): CustodyChain {
  const inArtifacts = collected.marks.filter(({ place }) => place === 'artifact');
  return {
    marks: [...own.map(({ mark }) => mark), ...inArtifacts].map(carriedMark),
    documents: collected.carried,
  };
}

/** Manifests of bundles that hold one of these marks, and so nothing else. */
export function bundlesOf(own: readonly TeamMark[]): readonly Digest[] {
  return own.flatMap(({ mark }) =>
    mark.place === 'attached' && mark.carrier === 'bundle' ? [mark.source as Digest] : [],
  );
}

/**
 * Plans the signing of a claim. The documents are made anew from the claim, also for a claim that others have signed: what
 * else may stand in theirs is not ours to sign, and signatures count by the claim.
 */
export function planClaim(
  image: ClaimedImage,
  claim: ImageClaim,
  about: Pick<ClaimPlan, 'carried' | 'policy' | 'now' | 'handover' | 'tolerated'> & {
    /** The tool and its version, `touchmark/1.4.0`. */
    readonly creator: string;
  },
): ClaimPlan {
  const { creator, ...rest } = about;
  const documents = CARRIERS.map(
    (carrier): PlannedSignature => ({
      subject: image.raw.descriptor,
      carrier,
      document:
        carrier === 'simplesigning' ? serializeMarkPayload(claim, creator) : serializeMarkStatement(claim),
    }),
  );
  return { image, claim, digest: claimDigest(claim), documents, ...rest };
}

/** Do two claims say the same of the image, whenever they were made and whatever was checked before? */
export function sameSubstance(a: ImageClaim, b: ImageClaim): boolean {
  return substanceOf(a) === substanceOf(b);
}

function substanceOf(claim: ImageClaim): Digest {
  const { time: _, expires: __, policy: ___, checked: ____, ...substance } = claim;
  return claimDigest(substance as ImageClaim);
}
