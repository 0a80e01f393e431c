import type { Digest } from '../base/digest.js';
import { fail } from '../base/errors.js';
import type { Signer } from '../crypto/keys.js';
import {
  type CarriedMark,
  type CustodyPolicy,
  claimDigest,
  type IndexClaim,
  mergeChains,
  readTeamMarks,
  serializeClaimStatement,
  type WithdrawClaim,
} from '../custody/index.js';
import type { Descriptor } from '../oci/descriptor.js';
import type { Store } from '../oci/store.js';
import { IN_TOTO_PAYLOAD_TYPE, preAuthEncoding } from '../signature/dsse.js';
import { collectEverything } from '../verify/collect-marks.js';
import { bundlesOf, chainOf } from './own-marks.js';
import { publishChain } from './publish-chain.js';
import { checkSigners, sameSubstance } from './team-claims.js';

export interface WrittenStatement<C = WithdrawClaim | IndexClaim> {
  /** The image or index whose custody artifact holds it. */
  readonly subject: Digest;
  readonly claim: Digest;
  /** The claim itself. */
  readonly document: C;
  readonly keyids: readonly string[];
  readonly artifact: Digest;
}

/**
 * Signs a claim that is no signature of an image - a withdrawal, an index claim - and puts it into the custody artifact
 * only: cosign would take it for a yes anywhere else. Where the team has said the same before, that claim is signed, so that
 * doing it again writes nothing. What was written is read back.
 *
 * @throws TouchmarkError `key-not-authorised` when a signer is not of the claim's team; `oci-conflict` when it is not there
 *   after writing; what the store throws
 */
export async function writeStatement<C extends WithdrawClaim | IndexClaim>(
  store: Store,
  subject: Descriptor,
  draft: C,
  signers: readonly Signer[],
  policy: CustodyPolicy,
): Promise<WrittenStatement<C>> {
  checkSigners(signers, draft.team, policy);
  const before = await collectEverything(store, subject.digest);
  const own = await readTeamMarks(before.marks, policy);
  const said = own.find(
    ({ claim, owners }) => owners.some(({ team }) => team === claim.team) && sameSubstance(claim, draft),
  );
  const document = (said?.claim ?? draft) as C;
  const digest = claimDigest(document);
  const payload = serializeClaimStatement(document);
  const message = preAuthEncoding(IN_TOTO_PAYLOAD_TYPE, payload);
  const marks = signers.map(
    (signer): CarriedMark => ({
      payload,
      payloadType: IN_TOTO_PAYLOAD_TYPE,
      signature: signer.sign(message),
      keyHint: signer.publicKey.keyid,
    }),
  );
  const chain = mergeChains([{ marks, documents: [] }, chainOf(own, before)]);
  const artifact = await publishChain(store, subject, chain, [...before.artifacts, ...bundlesOf(own)]);
  const after = await collectEverything(store, subject.digest);
  const found = await readTeamMarks(after.marks, policy);
  if (!found.some(mark => mark.digest === digest)) {
    fail('oci-conflict', 'the claim was written and is not there any more', {
      hint: 'run the same command again: what is there already is kept',
    });
  }
  const keyids = signers.map(({ publicKey }) => publicKey.keyid);
  return { subject: subject.digest, claim: digest, document, keyids, artifact };
}
