import type { CustodyPolicy, TeamTrust, TrustFacts } from '../custody/index.js';
import type { Trust } from '../trust/client.js';
import type { TufStatus } from '../tuf/client.js';
import type { Release } from './release.js';
import { openPolicies, type TrustPolicies } from './trust-policies.js';
import { readChannel, readRelease } from './trust-releases.js';
import { readTeam } from './trust-teams.js';

/** What checks of images ask of a TUF repository, as of one moment. What was asked once is not asked again. */
export interface TrustView {
  /** Where the repository is, for people. */
  readonly place: string;
  readonly status: TufStatus;
  readonly policies: TrustPolicies;
  /** What TUF says of the teams, marks and channels of a policy. @throws TouchmarkError `tuf-…`, `limit-exceeded` */
  factsFor(policy: CustodyPolicy): Promise<TrustFacts>;
  /** What a tag was released as; undefined when nobody recorded it. @throws TouchmarkError `tuf-…` */
  releaseOf(repository: string, tag: string): Promise<Release | undefined>;
}

export function openTrustView({ client, name }: Pick<Trust, 'client' | 'name'>): TrustView {
  const policies = openPolicies(client);
  const teams = new Map<string, Promise<TeamTrust | undefined>>();
  const teamOf = (team: string) => {
    const reading = teams.get(team) ?? readTeam(client, team);
    teams.set(team, reading);
    return reading;
  };
  return {
    place: name,
    status: client.status,
    policies,
    releaseOf: (repository, tag) => readRelease(client, repository, tag),
    async factsFor(policy) {
      const found: [string, TeamTrust][] = [];
      for (const { name: team } of policy.teams) {
        const trust = await teamOf(team);
        if (trust) found.push([team, trust]);
      }
      const channels: [string, NonNullable<Awaited<ReturnType<typeof readChannel>>>][] = [];
      for (const channel of new Set(policy.flow.flatMap(({ currency }) => currency?.channel ?? []))) {
        const releases = await readChannel(client, channel);
        if (releases) channels.push([channel, releases]);
      }
      const current = (await policies.named(policy.name))?.policy;
      return {
        teams: new Map(found),
        channels: new Map(channels),
        policy: current && { version: current.version, digest: current.digest },
      };
    },
  };
}
