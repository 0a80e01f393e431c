import type { Digest } from '../base/digest.js';
import { fail } from '../base/errors.js';
import {
  type CustodyPolicy,
  draftWithdrawal,
  type ImageClaim,
  isContentClaim,
  type WithdrawClaim,
} from '../custody/index.js';
import type { RawManifest } from '../oci/manifest.js';
import type { Store } from '../oci/store.js';
import { collectEverything } from '../verify/collect-marks.js';
import { checkTeam, readTeamClaims, type TeamClaim } from './team-claims.js';

export interface WithdrawOptions {
  readonly team: string;
  readonly policy: CustodyPolicy;
  readonly now: Date;
  /** The claim to take back. Default: all that the team has claimed of this image. */
  readonly claim?: Digest | undefined;
  /** For people; it stands in the signed claim. */
  readonly reason?: string | undefined;
}

export interface WithdrawPlan {
  readonly withdrawn: ImageClaim;
  readonly claim: WithdrawClaim;
}

/**
 * Works out what a team says when it takes claims of its own back. One withdrawal covers every content claim that the team
 * had made about the image until now; of approvals each is taken back for itself, for an older one would count in place of
 * the newest.
 * @returns at least one
 * @throws TouchmarkError `no-marks` when the team has claimed nothing of this image; `key-not-authorised` for another team's
 */
export async function planWithdrawals(
  store: Store,
  raw: RawManifest,
  options: WithdrawOptions,
): Promise<readonly WithdrawPlan[]> {
  const { team, policy, now, reason } = options;
  checkTeam(policy, team);
  const { digest: image } = raw.descriptor;
  const { marks } = await collectEverything(store, image);
  const chosen = chooseClaims(await readTeamClaims(marks, image, policy), image, options);
  return chosen.map(target => ({
    withdrawn: target.claim,
    claim: draftWithdrawal({
      team,
      step: target.claim.step,
      repository: target.claim.repo,
      target,
      time: now,
      policy,
      ...(reason !== undefined && { reason }),
    }),
  }));
}

function chooseClaims(
  claims: readonly TeamClaim[],
  image: Digest,
  { team, claim: wanted }: WithdrawOptions,
): readonly TeamClaim[] {
  const refuse = (message: string) => fail('no-marks', message, { details: { image } });
  if (wanted !== undefined) {
    const found = claims.find(({ digest }) => digest === wanted);
    if (!found) return refuse(`there is no claim ${wanted} about this image`);
    if (found.claim.team === team) return [found];
    const whose = `that is a claim of team ${found.claim.team}; each team takes back its own`;
    return fail('key-not-authorised', whose, { details: { image, claim: wanted } });
  }
  const own = claims.filter(({ claim }) => claim.team === team);
  // Newest first: a claim that was taken back before is taken back once more, which writes nothing.
  const content = own.filter(({ claim }) => isContentClaim(claim)).slice(0, 1);
  const approvals = own.filter(({ claim }) => !isContentClaim(claim));
  const all = [...content, ...approvals];
  return all.length > 0 ? all : refuse(`team ${team} has claimed nothing of this image`);
}
