import type { Digest } from '../base/digest.js';
import { fail } from '../base/errors.js';
import type { Signer } from '../crypto/keys.js';
import { type CustodyVerdict, mergeChains, readTeamMarks, type TeamMark } from '../custody/index.js';
import { collectEverything } from '../verify/collect-marks.js';
import { bundlesOf, chainOf } from './own-marks.js';
import type { ClaimPlan } from './plan-claim.js';
import { publishChain } from './publish-chain.js';
import { judgePlanned, rehearse } from './rehearse-claim.js';
import { type WrittenSignature, writeSignatures } from './sign-image.js';
import { checkSigners } from './team-claims.js';

/** What became of a claim. */
export interface WrittenClaim {
  readonly subject: Digest;
  readonly claim: Digest;
  readonly signatures: readonly WrittenSignature[];
  /** Names of all of the team who have signed it by now, sorted. */
  readonly signers: readonly string[];
  /** The custody artifact that the chain travels in. */
  readonly artifact: Digest;
  /** With the claim in place. */
  readonly verdict: CustodyVerdict;
}

/**
 * Signs a planned claim: in memory first, where the whole chain is judged with it; only a claim that holds is written, to
 * both carriers and to the custody artifact, and read back. Doing it again writes nothing twice.
 *
 * @throws TouchmarkError `key-not-authorised` when a signer is not of the team, or the reason why the chain does not hold
 *   with this claim, before anything is written; as `signImage`
 */
export async function writeClaim(plan: ClaimPlan, signers: readonly Signer[]): Promise<WrittenClaim> {
  checkSigners(signers, plan.claim.team, plan.policy);
  await rehearse(plan, signers);
  const { store, raw } = plan.image;
  const subject = raw.descriptor;
  const signatures = await writeSignatures(store, plan.documents, signers, {
    now: plan.now,
    repository: plan.claim.repo,
  });
  const collected = await collectEverything(store, subject.digest);
  const own = await readTeamMarks(collected.marks, plan.policy);
  const chain = mergeChains([plan.carried, chainOf(own, collected)]);
  const artifact = await publishChain(store, subject, chain, [...collected.artifacts, ...bundlesOf(own)]);
  // Without what is known from the base: it must lie here now.
  const written = await collectEverything(store, subject.digest);
  const verdict = await judgePlanned(plan, written);
  const found = await readTeamMarks(written.marks, plan.policy);
  const names = signersOf(plan, found, signers);
  return { subject: subject.digest, claim: plan.digest, signatures, signers: names, artifact, verdict };
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

/** Who of the team has signed the claim; each of `signers` must be there, in each carrier. */
function signersOf(
  { claim, digest, documents, policy }: ClaimPlan,
  marks: readonly TeamMark[],
  signers: readonly Signer[],
): readonly string[] {
  const found = marks.flatMap(({ digest: about, owners, mark }) => {
    const owner = owners.find(({ team }) => team === claim.team);
    return about === digest && owner ? [{ name: owner.signer, mark }] : [];
  });
  const members = policy.teams.find(({ name }) => name === claim.team)?.signers ?? [];
  for (const { publicKey } of signers) {
    const name = members.find(({ keys }) => keys.some(({ keyid }) => keyid === publicKey.keyid))?.name;
    for (const { carrier } of documents) {
      if (found.some(({ mark, name: by }) => mark.carrier === carrier && by === name)) continue;
      fail('oci-conflict', `the ${carrier} mark of ${name} was written and is not there any more`, {
        hint: 'run the same command again: what is there already is kept',
      });
    }
  }
  return [...new Set(found.map(({ name }) => name))].sort();
}
