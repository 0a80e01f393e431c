import type { Digest } from '../base/digest.js';
import { fail } from '../base/errors.js';
import type { Signer } from '../crypto/keys.js';
import {
  type CarriedMark,
  type CustodyPolicy,
  claimDigest,
  type IndexClaim,
  marksOfChain,
  mergeChains,
  readTeamMarks,
  serializeClaimStatement,
  type WithdrawClaim,
} from '../custody/index.js';
import type { Descriptor } from '../oci/descriptor.js';
import type { Store } from '../oci/store.js';
import { IN_TOTO_PAYLOAD_TYPE, preAuthEncoding } from '../signature/dsse.js';
import { publishChain } from './publish-chain.js';
import { bundlesOf, chainOf, collectEverything } from './write-claim.js';

export interface WrittenStatement {
  /** The image or index whose custody artifact holds it. */
  readonly subject: Digest;
  readonly claim: Digest;
  readonly keyids: readonly string[];
  readonly artifact: Digest;
}

/**
 * Signs a claim that is no signature of an image - a withdrawal, an index claim - and puts it into the custody artifact
 * only: cosign would take it for a yes anywhere else. What was written is read back.
 *
 * @throws TouchmarkError `key-not-authorised` when a signer is not of the claim's team; `oci-conflict` when it is not there
 *   after writing; what the store throws
 */
export async function writeStatement(
  store: Store,
  subject: Descriptor,
  claim: WithdrawClaim | IndexClaim,
  signers: readonly Signer[],
  policy: CustodyPolicy,
): Promise<WrittenStatement> {
  const digest = claimDigest(claim);
  const payload = serializeClaimStatement(claim);
  const message = preAuthEncoding(IN_TOTO_PAYLOAD_TYPE, payload);
  const marks = signers.map(
    (signer): CarriedMark => ({
      payload,
      payloadType: IN_TOTO_PAYLOAD_TYPE,
      signature: signer.sign(message),
      keyHint: signer.publicKey.keyid,
    }),
  );
  const authorised = async (found: readonly CarriedMark[]) => {
    const chain = { marks: found, documents: [] };
    const read = await readTeamMarks(marksOfChain(chain, 'this claim'), policy);
    return read.filter(mark => mark.digest === digest && mark.owners.some(o => o.team === claim.team)).length;
  };
  if ((await authorised(marks)) < marks.length) {
    fail('key-not-authorised', `the policy ${policy.name} does not give this key to team ${claim.team}`, {
      hint: 'sign with a key that the policy lists for the team',
    });
  }
  const before = await collectEverything(store, subject.digest);
  const own = await readTeamMarks(before.marks, policy);
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
  return { subject: subject.digest, claim: digest, keyids, artifact };
}
