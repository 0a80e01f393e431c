import { mapConcurrently } from '../../base/concurrency.js';
import { fail } from '../../base/errors.js';
import type { ExactJsonObject } from '../../base/json.js';
import { LIMITS } from '../../base/limits.js';
import type { Signer } from '../../crypto/keys.js';
import { parseEnvelope } from '../envelope.js';
import { delegatedNames } from '../every-role.js';
import type { Delegations } from '../metadata.js';
import { parseTargets } from '../parse-targets.js';
import { authoritiesOf, isTopLevel, readOnce, readSignatures } from './authority.js';
import { listBins } from './bins.js';
import { delegationTo, findDelegation, walkDelegators } from './delegation-graph.js';
import {
  addKeyToDelegation,
  type BinDelegation,
  type Delegation,
  delegate,
  delegateToBins,
  removeKeyFromDelegation,
  revoke,
  setDelegationThreshold,
} from './edit-delegations.js';
import { renew } from './edit-payload.js';
import { addKeyToRoot, removeKeyFromRoot, setRootThreshold } from './edit-root.js';
import { makeTargets } from './edit-targets.js';
import { serializeMetadata } from './json-text.js';
import type { LabelledKey } from './key-entry.js';
import { requireRoleName } from './names-to-write.js';
import type { Repository } from './repository.js';
import { askToSign, type Edit, type StagedRole, stageAgain, stageRole } from './stage.js';

/** Adds a key to a role. @throws TouchmarkError `usage-argument`, `tuf-conflict` */
export function addRoleKey(
  repository: Repository,
  role: string,
  key: LabelledKey,
): Promise<readonly StagedRole[]> {
  return changeKeys(repository, role, payload =>
    isTopLevel(role) ? addKeyToRoot(payload, role, key) : addKeyToDelegation(payload, role, key),
  );
}

/**
 * Takes a key from a role.
 * @param keyid whole, or as many first digits as only one key of the role has
 * @throws TouchmarkError `usage-argument`, `tuf-conflict`
 */
export async function removeRoleKey(
  repository: Repository,
  role: string,
  keyid: string,
): Promise<readonly StagedRole[]> {
  const whole = await findKeyid(repository, role, keyid);
  return changeKeys(repository, role, payload =>
    isTopLevel(role)
      ? removeKeyFromRoot(payload, role, whole)
      : removeKeyFromDelegation(payload, role, whole),
  );
}

/** Changes how many keys of a role must sign. @throws TouchmarkError `usage-argument`, `tuf-conflict` */
export function setThreshold(
  repository: Repository,
  role: string,
  threshold: number,
): Promise<readonly StagedRole[]> {
  return changeKeys(repository, role, payload =>
    isTopLevel(role)
      ? setRootThreshold(payload, role, threshold)
      : setDelegationThreshold(payload, role, threshold),
  );
}

/**
 * Delegates target paths to a new role, which begins with no targets and is to be signed by its own keys.
 * @param delegation.delegator default `targets`
 * @throws TouchmarkError `usage-argument` also when a role of this name stands elsewhere, `tuf-conflict`
 */
export async function delegateRole(
  repository: Repository,
  delegation: Delegation & { readonly delegator?: string; readonly expiryDays: number },
): Promise<readonly StagedRole[]> {
  const { delegator = 'targets', name, expiryDays } = delegation;
  requireRoleName(name);
  return repository.locked(async () => {
    const found = await findDelegation(name, role => repository.next(role));
    if (found) fail('usage-argument', `${found.delegator} delegates to ${name} already`);
    const holder = await repository.next(delegator);
    if (!holder)
      fail(
        'usage-argument',
        `there is no role ${JSON.stringify(delegator.slice(0, 140))} that could delegate`,
      );
    delegate(holder.raw, delegation);
    // The role first: one that nobody delegates to does no harm, the reverse would stop every publication.
    await dropLeftOver(repository, name);
    const first = await stageRole(repository, name, payload => payload, {
      first: () => makeTargets(expiryDays),
    });
    const staged = await stageRole(repository, delegator, payload => delegate(payload, delegation));
    for (const role of [delegator, name]) await askToSign(repository, role);
    return [staged, first];
  });
}

/**
 * Spreads the targets of a role over bins, which begin empty.
 * @throws TouchmarkError `usage-argument`, `tuf-conflict`
 */
export async function delegateBins(
  repository: Repository,
  bins: BinDelegation & { readonly delegator?: string; readonly expiryDays: number },
): Promise<readonly StagedRole[]> {
  const { delegator = 'targets', expiryDays } = bins;
  return repository.locked(async () => {
    const current = await repository.next(delegator);
    if (!current) return fail('usage-argument', `there is no role ${JSON.stringify(delegator)} here`);
    const edited = delegateToBins(current.raw, bins);
    const names = delegatedNames(parsePayloadOf(edited));
    await requireNewNames(repository, names);
    await mapConcurrently(names, 8, name =>
      stageRole(repository, name, payload => payload, { first: () => makeTargets(expiryDays) }),
    );
    const staged = await stageRole(repository, delegator, payload => delegateToBins(payload, bins));
    await askToSign(repository, delegator);
    return [staged];
  });
}

/**
 * Takes a delegation back. What the role listed is no longer found; its last version stays listed in the snapshot.
 * @throws TouchmarkError `usage-argument`, `tuf-conflict`
 */
export async function revokeRole(repository: Repository, name: string): Promise<readonly StagedRole[]> {
  return repository.locked(async () => {
    const delegator = await delegatorOf(repository, name);
    const staged = await stageRole(repository, delegator, payload => revoke(payload, name));
    await dropOrphans(repository);
    await askToSign(repository, delegator);
    return [staged];
  });
}

/**
 * A new version of a role that says what the one before says: to put its expiry off, or to have it signed by new keys. The
 * prefix of bins stands for all of them.
 * @param options.signers who signs at once, if they speak for it
 * @throws TouchmarkError `usage-argument`, `tuf-conflict`
 */
export async function renewRole(
  repository: Repository,
  role: string,
  { signers = [] }: { readonly signers?: readonly Signer[] } = {},
): Promise<readonly StagedRole[]> {
  if (role === 'snapshot' || role === 'timestamp')
    fail('usage-argument', `${role} is not staged: touchmark tuf refresh signs it anew`);
  return repository.locked(async () => {
    const bins = (await listBins(repository)).find(({ prefix }) => prefix === role);
    const names = bins?.names ?? [role];
    const next = readOnce(repository);
    return mapConcurrently(names, 8, async name => {
      const authorities = await authoritiesOf(repository, name, next);
      return stageRole(repository, name, payload => payload, {
        again: true,
        signing: { authorities, signers },
      });
    });
  });
}

/** What is staged of a role is dropped, or of all. Gives the roles it was. @throws TouchmarkError `usage-argument` */
export async function discardStaged(repository: Repository, role?: string): Promise<readonly string[]> {
  return repository.locked(async () => {
    const staged = await repository.stagedRoles();
    if (role !== undefined && !staged.includes(role))
      fail('usage-argument', `nothing is staged for ${JSON.stringify(role.slice(0, 140))}`);
    if (repository.root === undefined && (role === undefined || role === 'root' || role === 'targets'))
      fail(
        'usage-argument',
        'nothing is published yet: without what is staged there would be no repository',
        {
          hint: 'to begin anew, delete the folder and run touchmark tuf init',
        },
      );
    if (role === undefined) {
      await repository.folder.remove('staged');
      return staged;
    }
    await repository.folder.remove(repository.folder.staged(role));
    return [role, ...(await dropOrphans(repository))];
  });
}

/** Staged roles that nobody delegates to any more could never be published. */
async function dropOrphans(repository: Repository): Promise<readonly string[]> {
  const dropped: string[] = [];
  const next = readOnce(repository);
  for (const role of await repository.stagedRoles()) {
    if (isTopLevel(role) || (await findDelegation(role, next))) continue;
    await repository.folder.remove(repository.folder.staged(role));
    dropped.push(role);
  }
  return dropped;
}

/** Stages the keys of a role where they stand, and the role itself when its last version no longer holds under them. */
async function changeKeys(repository: Repository, role: string, edit: Edit): Promise<readonly StagedRole[]> {
  return repository.locked(async () => {
    const holder = isTopLevel(role) ? 'root' : await delegatorOf(repository, role);
    const staged = [await stageRole(repository, holder, edit)];
    if (role === 'targets' || !isTopLevel(role)) {
      const again = await stageUnlessSigned(repository, role);
      if (again) staged.push(again);
    }
    for (const name of new Set([holder, ...staged.map(({ role: changed }) => changed)])) {
      await askToSign(repository, name);
    }
    if (await repository.folder.has(repository.folder.staged(role))) await askToSign(repository, role);
    return staged;
  });
}

async function stageUnlessSigned(repository: Repository, role: string): Promise<StagedRole | undefined> {
  const version = repository.publishedVersion(role);
  if (version === 0 || (await repository.staged(role))) return undefined;
  const found = isTopLevel(role) ? undefined : await findDelegation(role, name => repository.next(name));
  // Bins are signed anew when targets are added to them: thousands of files are not staged on the side.
  if (found && (found.entry === undefined || found.entry.pathHashPrefixes)) return undefined;
  const bytes = await repository.folder.read(repository.folder.published(role, version));
  const authorities = await authoritiesOf(repository, role);
  const envelope = bytes && parseEnvelope(bytes, role, LIMITS.tufTargetsSize);
  if (envelope && authorities.every(authority => readSignatures(authority, envelope).enough))
    return undefined;
  return stageAgain(repository, role);
}

async function delegatorOf(repository: Repository, role: string): Promise<string> {
  const found = await findDelegation(role, name => repository.next(name));
  if (found) return found.delegator;
  for await (const { delegator, delegations } of walkDelegators(name => repository.next(name))) {
    if (delegations.succinct?.namePrefix === role) return delegator;
  }
  return fail('usage-argument', `nothing is delegated to ${JSON.stringify(role.slice(0, 140))}`, {
    hint: 'touchmark tuf role list shows the roles',
  });
}

async function findKeyid(repository: Repository, role: string, given: string): Promise<string> {
  const keyids = await keyidsOfRole(repository, role);
  const matching = given.length >= 4 ? keyids.filter(keyid => keyid.startsWith(given.toLowerCase())) : [];
  if (matching.length === 1 && matching[0] !== undefined) return matching[0];
  return fail(
    'usage-argument',
    matching.length > 1
      ? `several keys of ${role} begin with ${given}`
      : `${role} has no key ${JSON.stringify(given.slice(0, 80))}`,
    { hint: `its keys are ${keyids.map(keyid => keyid.slice(0, 12)).join(', ')}` },
  );
}

async function keyidsOfRole(repository: Repository, role: string): Promise<readonly string[]> {
  if (isTopLevel(role)) return (await repository.nextRoot()).roles.get(role)?.keyids ?? [];
  const delegator = await delegatorOf(repository, role);
  const delegations = (await repository.next(delegator))?.delegations;
  if (delegations?.succinct?.namePrefix === role) return delegations.succinct.keyids;
  return (delegations && delegationTo(role, delegations)?.role.keyids) ?? [];
}

/** A role of two delegators would have to please the keys of both. @throws TouchmarkError `usage-argument` */
async function requireNewNames(repository: Repository, names: readonly string[]): Promise<void> {
  const wanted = new Set(names);
  for await (const { delegator, delegations } of walkDelegators(name => repository.next(name))) {
    const taken = delegatedNames(delegations).find(name => wanted.has(name));
    if (taken !== undefined)
      fail('usage-argument', `${delegator} delegates to ${taken} already`, {
        hint: 'call the bins something else',
      });
  }
}

/** A staged file of a role that nobody delegates to was left by a process that was killed. */
async function dropLeftOver(repository: Repository, role: string): Promise<void> {
  await repository.folder.remove(repository.folder.staged(role));
}

function parsePayloadOf(payload: ExactJsonObject): Delegations {
  const bytes = serializeMetadata(renew(payload, 1, new Date()), []);
  return parseTargets(bytes, 'targets').payload.delegations ?? fail('internal', 'no bins were made');
}
