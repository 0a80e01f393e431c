import { authoritiesOf, readSignatures, type Signed } from './authority.js';
import { earliestExpiry, listBins } from './bins.js';
import { walkDelegators } from './delegation-graph.js';
import type { Repository } from './repository.js';

export interface RoleStanding {
  readonly role: string;
  /** The role that delegates to it; null for the four at the top. */
  readonly delegator: string | null;
  /** What is published; null before the first time. */
  readonly published: { readonly version: number; readonly expires: Date; readonly daysLeft: number } | null;
  /** What is staged; null where nothing is. */
  readonly staged: {
    readonly version: number;
    readonly expires: Date;
    readonly standing: readonly Signed[];
  } | null;
}

export interface RepositoryStatus {
  readonly recovered: Repository['recovered'];
  readonly roles: readonly RoleStanding[];
  readonly bins: readonly BinsStanding[];
}

/** Bins are told of together. */
export interface BinsStanding {
  readonly prefix: string;
  readonly delegator: string;
  readonly count: number;
  readonly staged: number;
  /** When the first of those that are published expires; null before that. */
  readonly expires: Date | null;
  readonly daysLeft: number | null;
}

const DAY = 86_400_000;

/** How every role stands: its expiry, and who has still to sign what is staged. */
export async function readStatus(
  repository: Repository,
  now: Date = repository.now,
): Promise<RepositoryStatus> {
  const staged = new Set(await repository.stagedRoles());
  const roles: RoleStanding[] = [];
  for (const role of ['root', 'targets', 'snapshot', 'timestamp']) roles.push(await standingOf(role, null));
  for await (const { delegator, delegations } of walkDelegators(name => repository.next(name))) {
    for (const { name, pathHashPrefixes } of delegations.roles) {
      if (!pathHashPrefixes) roles.push(await standingOf(name, delegator));
    }
  }
  const bins: BinsStanding[] = [];
  for (const { names, ...set } of await listBins(repository)) {
    const expires = await earliestExpiry(repository, { names, ...set });
    bins.push({
      prefix: set.prefix,
      delegator: set.delegator,
      count: names.length,
      staged: names.filter(name => staged.has(name)).length,
      expires,
      daysLeft: expires && daysUntil(expires),
    });
  }
  return { recovered: repository.recovered, roles, bins };

  function daysUntil(expires: Date): number {
    return Math.floor((expires.getTime() - now.getTime()) / DAY);
  }

  async function standingOf(role: string, delegator: string | null): Promise<RoleStanding> {
    const payload = await publishedPayload(repository, role);
    return {
      role,
      delegator,
      published: payload
        ? { version: payload.version, expires: payload.expires, daysLeft: daysUntil(payload.expires) }
        : null,
      staged: staged.has(role) ? await stagedStanding(repository, role) : null,
    };
  }
}

async function publishedPayload(repository: Repository, role: string) {
  if (role === 'root') return repository.root;
  if (role === 'snapshot') return repository.snapshot;
  if (role === 'timestamp') return repository.timestamp;
  return repository.published(role);
}

async function stagedStanding(repository: Repository, role: string): Promise<RoleStanding['staged']> {
  const staged = await repository.stagedFile(role);
  if (!staged) return null;
  const { version, expires } = staged.payload;
  const authorities = await authoritiesOf(repository, role);
  return {
    version,
    expires,
    standing: authorities.map(authority => readSignatures(authority, staged.envelope)),
  };
}
