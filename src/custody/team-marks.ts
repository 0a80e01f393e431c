import type { Digest } from '../base/digest.js';
import { type FoundMark, findOwners } from './authenticate.js';
import type { Claim } from './claim.js';
import type { CustodyPolicy } from './policy.js';
import { readMark } from './read-mark.js';
import { gatherKeys, type KeyOwner } from './signers.js';

/** A mark that a key of some team of the policy made, and what it says. */
export interface TeamMark {
  readonly mark: FoundMark;
  readonly claim: Claim;
  /** Of the claim. */
  readonly digest: Digest;
  /** Whose key it was; the claim may name another team, and then counts for nothing. */
  readonly owners: readonly KeyOwner[];
}

/**
 * The marks among what was found: signed by a team's key, and readable. What else lies on an image - other people's
 * signatures, damaged ones - is left out.
 */
export async function readTeamMarks(
  marks: readonly FoundMark[],
  policy: Pick<CustodyPolicy, 'teams'>,
): Promise<readonly TeamMark[]> {
  const ring = gatherKeys(policy);
  const read: TeamMark[] = [];
  for (const mark of marks) {
    const owners = await findOwners(mark, ring);
    if (!owners) continue;
    try {
      const said = readMark(mark);
      if (said) read.push({ mark, ...said, owners });
    } catch {
      // Signed by a team and no mark: nothing that could be built on.
    }
  }
  return read;
}
