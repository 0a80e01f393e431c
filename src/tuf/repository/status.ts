import { authoritiesOf, readSignatures, type Signed } from './authority.js';
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
  /** Bins, which are counted only: `prefix` and how many, how many of them are staged. */
  readonly bins: readonly { readonly prefix: string; readonly count: number; readonly staged: number }[];
}

const DAY = 86_400_000;

/** How every role stands: its expiry, and who has still to sign what is staged. */
export async function readStatus(
  repository: Repository,
  now: Date = repository.now,
): Promise<RepositoryStatus> {
  const staged = new Set(await repository.stagedRoles());
  const bins: { prefix: string; count: number; staged: number }[] = [];
  const roles: RoleStanding[] = [];
  for (const role of ['root', 'targets', 'snapshot', 'timestamp']) roles.push(await standingOf(role, null));
  for await (const { delegator, delegations } of walkDelegators(name => repository.next(name))) {
    const { succinct } = delegations;
    const names = new Map<string, number>();
    if (succinct) bins.push(countBins(succinct.namePrefix, 2 ** succinct.bitLength, staged));
    for (const { name, pathHashPrefixes } of delegations.roles) {
      const prefix = name.slice(0, Math.max(0, name.lastIndexOf('-')));
      if (pathHashPrefixes) names.set(prefix, (names.get(prefix) ?? 0) + 1);
      else roles.push(await standingOf(name, delegator));
    }
    for (const [prefix, count] of names) bins.push(countBins(prefix, count, staged));
  }
  return { recovered: repository.recovered, roles, bins };

  async function standingOf(role: string, delegator: string | null): Promise<RoleStanding> {
    const payload = await publishedPayload(repository, role);
    const daysLeft = payload && Math.floor((payload.expires.getTime() - now.getTime()) / DAY);
    return {
      role,
      delegator,
      published: payload
        ? { version: payload.version, expires: payload.expires, daysLeft: daysLeft ?? 0 }
        : null,
      staged: staged.has(role) ? await stagedStanding(repository, role) : null,
    };
  }
}

function countBins(prefix: string, count: number, staged: ReadonlySet<string>) {
  const isBin = (name: string) =>
    name.startsWith(`${prefix}-`) && /^[0-9a-f]+$/.test(name.slice(prefix.length + 1));
  return { prefix, count, staged: [...staged].filter(isBin).length };
}

async function publishedPayload(repository: Repository, role: string) {
  if (role === 'root') return repository.root;
  if (role === 'snapshot') return repository.snapshot;
  if (role === 'timestamp') return repository.timestamp;
  return repository.published(role);
}

async function stagedStanding(repository: Repository, role: string): Promise<RoleStanding['staged']> {
  const staged = role === 'root' ? await repository.stagedRoot() : await repository.staged(role);
  if (!staged) return null;
  const { version, expires } = staged.payload;

  const authorities = await authoritiesOf(repository, role);
  return {
    version,
    expires,
    standing: authorities.map(authority => readSignatures(authority, staged.envelope)),
  };
}
