import { fail } from '../base/errors.js';
import type { ExactJsonObject } from '../base/json.js';
import {
  type Claim,
  claimDigest,
  type DelegatedKey,
  readTeamMarks,
  serializeClaim,
  type Team,
} from '../custody/index.js';
import type { RawManifest } from '../oci/manifest.js';
import type { Store } from '../oci/store.js';
import { markTarget } from '../trust/layout.js';
import type { TargetEntry } from '../tuf/repository/index.js';
import { collectEverything } from '../verify/collect-marks.js';
import { tryParse } from '../verify/custody-target.js';

export interface ListingOptions {
  readonly team: string;
  /** Of the team's delegation. */
  readonly keys: readonly DelegatedKey[];
  /** The team takes its claims back, and why. */
  readonly withdrawn?: string | undefined;
}

/**
 * What a team claims about an image, and about each image of an index, as targets for its listing. Only claims that a key of
 * today has signed are taken: whatever else lies in the registry, a thief may have put there.
 * @throws TouchmarkError `no-marks` when the team has signed none; what the store throws
 */
export async function listClaims(
  store: Store,
  image: RawManifest,
  { team, keys, withdrawn }: ListingOptions,
): Promise<readonly TargetEntry[]> {
  const manifest = tryParse(image);
  const children = manifest?.kind === 'index' ? manifest.manifests.map(({ digest }) => digest) : [];
  const teams: readonly Team[] = [
    { name: team, signers: keys.map(({ key }) => ({ name: key.keyid, keys: [key] })) },
  ];
  const entries = new Map<string, TargetEntry>();
  for (const digest of [image.descriptor.digest, ...children]) {
    const { marks, unread } = await collectEverything(store, digest);
    if (unread[0])
      fail(
        unread[0].code,
        `not every mark of ${digest} could be read: ${unread[0].source}: ${unread[0].message}`,
      );
    for (const { claim, owners } of await readTeamMarks(marks, { teams })) {
      if (claim.team !== team || owners.length === 0 || claim.subject.manifest.digest !== digest) continue;
      const entry = listClaim(claim, withdrawn);
      entries.set(entry.path, entry);
    }
  }
  if (entries.size === 0)
    fail(
      'no-marks',
      `team ${team} has signed no mark of ${image.descriptor.digest} with a key of its delegation`,
      {
        hint: 'touchmark custody mark makes one; touchmark custody show says what is there',
      },
    );
  return [...entries.values()];
}

/** The target of one claim: its file is the claim in canonical form, so that the hash in TUF is the claim's digest. */
export function listClaim(claim: Claim, withdrawn?: string | undefined): TargetEntry {
  const custom: ExactJsonObject = Object.assign(Object.create(null), {
    repo: claim.repo,
    step: claim.step,
    status: withdrawn === undefined ? 'active' : 'withdrawn',
    ...(withdrawn !== undefined && { reason: withdrawn }),
  });
  const path = markTarget(claim.team, claim.subject.manifest.digest, claimDigest(claim));
  return { path, bytes: serializeClaim(claim), custom };
}
