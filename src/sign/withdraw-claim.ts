import type { Digest } from '../base/digest.js';
import { fail } from '../base/errors.js';
import {
  type CustodyPolicy,
  draftWithdrawal,
  type ImageClaim,
  isImageClaim,
  readTeamMarks,
  type WithdrawClaim,
} from '../custody/index.js';
import type { RawManifest } from '../oci/manifest.js';
import type { Store } from '../oci/store.js';
import { collectEverything } from './write-claim.js';

export interface WithdrawOptions {
  readonly team: string;
  readonly policy: CustodyPolicy;
  readonly now: Date;
  /** The claim to take back. Default: the newest that the team made of this image's content. */
  readonly claim?: Digest | undefined;
  /** For people; it stands in the signed claim. */
  readonly reason?: string | undefined;
}

export interface WithdrawPlan {
  readonly withdrawn: ImageClaim;
  readonly claim: WithdrawClaim;
}

/**
 * Works out what a team says when it takes a claim of its own back. The withdrawal covers every content claim that the team
 * had made about the image until now.
 * @throws TouchmarkError `no-marks` when the team has claimed nothing of this image; `key-not-authorised` for another team's
 */
export async function planWithdrawal(
  store: Store,
  raw: RawManifest,
  options: WithdrawOptions,
): Promise<WithdrawPlan> {
  const { team, policy, now, reason } = options;
  const { digest: image } = raw.descriptor;
  const collected = await collectEverything(store, image);
  const marks = await readTeamMarks(collected.marks, policy);
  const claims = marks.flatMap(({ claim, digest, owners }) =>
    isImageClaim(claim) && claim.subject.manifest.digest === image && owners.some(o => o.team === claim.team)
      ? { claim, digest }
      : [],
  );
  const own = claims.filter(({ claim }) => claim.team === team);
  const newestFirst = [...own].sort((a, b) => Date.parse(b.claim.time) - Date.parse(a.claim.time));
  const found = options.claim
    ? claims.find(({ digest }) => digest === options.claim)
    : (newestFirst.find(({ claim }) => claim.kind !== 'approve') ?? newestFirst[0]);
  if (!found) {
    const what = options.claim
      ? `there is no claim ${options.claim} about`
      : `team ${team} has claimed nothing of`;
    return fail('no-marks', `${what} this image`, { details: { image } });
  }
  if (found.claim.team !== team) {
    fail('key-not-authorised', `that is a claim of team ${found.claim.team}; each team takes back its own`);
  }
  const claim = draftWithdrawal({
    team,
    step: found.claim.step,
    repository: found.claim.repo,
    target: found,
    time: now,
    policy,
    ...(reason !== undefined && { reason }),
  });
  return { withdrawn: found.claim, claim };
}
