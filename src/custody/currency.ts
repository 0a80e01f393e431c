import type { Digest } from '../base/digest.js';
import { type Finding, failure } from './finding.js';
import type { CustodyPolicy } from './policy.js';
import type { TrustFacts } from './trust.js';
import { type Link, whereOf } from './walk.js';

/** What a step hands on must be among the newest releases of its channel, so that nobody builds on an old, fully marked base. */
export function checkCurrency(
  links: readonly Link[],
  policy: CustodyPolicy,
  trust: TrustFacts | undefined,
): readonly Finding[] {
  return policy.flow.flatMap(({ step, currency }) => {
    const link = links.findLast(({ claim }) => claim.step === step);
    if (!currency || !link) return [];
    const { channel, maxBehind } = currency;
    const behind = positionOf(link.claim.subject.manifest.digest, trust?.channels.get(channel));
    if (behind !== undefined && behind <= maxBehind) return [];
    const message =
      behind === undefined
        ? `is not among the releases of channel ${channel}`
        : `is ${behind} behind the newest release of channel ${channel}; the policy allows ${maxBehind}`;
    return [failure('base-behind', whereOf(link), message, `rebuild on a newer release of ${channel}`)];
  });
}

/** Where the steps of a chain stand in the channels that TUF has: what a step handed on, and how many releases are newer. */
export function channelPlaces(
  links: readonly Link[],
  trust: TrustFacts | undefined,
): readonly { readonly channel: string; readonly step: string; readonly behind: number }[] {
  return links.flatMap(({ claim: { step, subject } }) =>
    [...(trust?.channels ?? [])].flatMap(([channel, releases]) => {
      const behind = positionOf(subject.manifest.digest, releases);
      return behind === undefined ? [] : [{ channel, step, behind }];
    }),
  );
}

function positionOf(digest: Digest, releases: readonly (readonly Digest[])[] | undefined) {
  const at = releases?.findIndex(release => release.includes(digest)) ?? -1;
  return at < 0 ? undefined : at;
}
