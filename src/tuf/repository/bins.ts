import { mapConcurrently } from '../../base/concurrency.js';
import { fail } from '../../base/errors.js';
import { delegatedNames } from '../every-role.js';
import type { Delegations } from '../metadata.js';
import { parseTargets } from '../parse-targets.js';
import { delegatedAuthority, readSignatures } from './authority.js';
import { delegationTo, walkDelegators } from './delegation-graph.js';
import type { Repository } from './repository.js';

/** The bins of one delegation: roles that share their keys and the first part of their names. */
export interface Bins {
  readonly prefix: string;
  readonly delegator: string;
  readonly delegations: Delegations;
  readonly names: readonly string[];
}

/** Every set of bins that there will be once everything staged is published. */
export async function listBins(repository: Repository): Promise<readonly Bins[]> {
  const found: Bins[] = [];
  for await (const { delegator, delegations } of walkDelegators(name => repository.next(name))) {
    found.push(...binsOf(delegator, delegations));
  }
  return found;
}

function binsOf(delegator: string, delegations: Delegations): readonly Bins[] {
  const { succinct } = delegations;
  if (succinct)
    return [{ prefix: succinct.namePrefix, delegator, delegations, names: delegatedNames(delegations) }];
  const byPrefix = new Map<string, string[]>();
  for (const { name, pathHashPrefixes } of delegations.roles) {
    if (!pathHashPrefixes) continue;
    const prefix = name.slice(0, Math.max(0, name.lastIndexOf('-')));
    const names = byPrefix.get(prefix);
    if (names) names.push(name);
    else byPrefix.set(prefix, [name]);
  }
  return [...byPrefix].map(([prefix, names]) => ({ prefix, delegator, delegations, names }));
}

/**
 * When the first of the published bins expires; null before any is published. Each is read and its signatures verified, and
 * none is kept.
 * @throws TouchmarkError `tuf-unavailable` when one is missing, `tuf-threshold` when one is not signed by their keys
 */
export async function earliestExpiry(
  repository: Repository,
  { delegator, delegations, names }: Bins,
): Promise<Date | null> {
  let earliest: Date | null = null;
  await mapConcurrently(names, 8, async name => {
    const version = repository.publishedVersion(name);
    if (version === 0) return;
    const file = repository.folder.published(name, version);
    const bytes = await repository.folder.read(file);
    if (!bytes)
      return fail(
        'tuf-unavailable',
        `${repository.folder.at(file)} is missing, though the snapshot lists it`,
      );
    const { envelope, payload } = parseTargets(bytes, `${name}.json`);
    const found = delegationTo(name, delegations);
    if (
      !found ||
      !readSignatures(delegatedAuthority({ delegator, delegations, ...found }, undefined), envelope).enough
    )
      fail('tuf-threshold', `${name}.json is not signed by the keys of its bins`);
    if (earliest === null || payload.expires < earliest) earliest = payload.expires;
  });
  return earliest;
}
