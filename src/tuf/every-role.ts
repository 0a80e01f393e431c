import { mapConcurrently } from '../base/concurrency.js';
import { fail, type TouchmarkError, toTouchmarkError } from '../base/errors.js';
import { LIMITS } from '../base/limits.js';
import { fetchMetadata } from './fetch-metadata.js';
import type { Delegations, Targets } from './metadata.js';
import { metadataName } from './names.js';
import type { TufSource } from './source.js';
import { binName } from './succinct.js';
import type { TrustedSet } from './trusted-set.js';

/** A role as one of its delegators has it. */
export interface ReachedRole {
  readonly role: string;
  readonly delegator: string;
}

export interface EveryRoleOptions {
  readonly concurrency?: number;
  /** A role, believed for this delegator. `bytes` is its file the first time that it is reached, undefined later. */
  readonly onRole?: (reached: ReachedRole, targets: Targets, bytes: Uint8Array | undefined) => unknown;
  /** What is to become of a role that cannot be loaded or believed; without it the whole ends there. */
  readonly onProblem?: (reached: ReachedRole, error: TouchmarkError) => void;
}

/**
 * Loads every role that delegations lead to, from `targets` downwards, each verified for each of its delegators. The set must
 * have its snapshot. Roles below one that cannot be loaded are not reached.
 * @throws TouchmarkError `limit-exceeded` when there are more than can be looked at; without `onProblem` what a role fails with
 */
export async function loadEveryRole(
  set: TrustedSet,
  source: TufSource,
  { concurrency = 8, onRole, onProblem }: EveryRoleOptions = {},
): Promise<void> {
  const followed = new Set<string>();
  let waiting: ReachedRole[] = [{ role: 'targets', delegator: 'root' }];
  let reached = 0;
  while (waiting.length > 0) {
    reached += waiting.length;
    if (reached > LIMITS.tufRoles)
      fail('limit-exceeded', `there are more than ${LIMITS.tufRoles} delegated roles`);
    const next: ReachedRole[] = [];
    await mapConcurrently(waiting, concurrency, async at => {
      try {
        const { targets, bytes } = await loadFor(at);
        onRole?.(at, targets, bytes);
        if (followed.has(at.role)) return;
        followed.add(at.role);
        for (const role of delegatedNames(targets.delegations)) next.push({ role, delegator: at.role });
      } catch (error) {
        if (!onProblem) throw error;
        onProblem(at, toTouchmarkError(error));
      }
    });
    waiting = next;
  }

  async function loadFor({ role, delegator }: ReachedRole) {
    const known = set.targets(role, delegator);
    if (known) return { targets: known, bytes: undefined };
    const listed = set.listed(role);
    const name = metadataName(role, set.root.consistentSnapshot ? listed.version : undefined);
    const bytes = await fetchMetadata(source, name, LIMITS.tufTargetsSize, listed.length);
    // Meanwhile it may have been loaded for another delegator.
    const loaded = set.targets(role, delegator);
    return loaded
      ? { targets: loaded, bytes: undefined }
      : { targets: set.updateTargets(role, delegator, bytes), bytes };
  }
}

/** The names of all roles that are delegated to. @throws TouchmarkError `limit-exceeded` */
export function delegatedNames(delegations: Delegations | undefined): readonly string[] {
  const succinct = delegations?.succinct;
  if (!succinct) return delegations?.roles.map(({ name }) => name) ?? [];
  const bins = 2 ** succinct.bitLength;
  if (bins > LIMITS.tufRoles) fail('limit-exceeded', `${bins} bins are more than can be looked at`);
  return Array.from({ length: bins }, (_, bin) => binName(succinct, bin));
}
