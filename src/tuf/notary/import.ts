import { randomUUID } from 'node:crypto';
import { mkdir, readdir, rename, rm } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { fail } from '../../base/errors.js';
import type { PublicKey } from '../../crypto/keys.js';
import { asFileError, isMissing } from '../../files/safe-files.js';
import type { DelegatedRole } from '../metadata.js';
import {
  addTargets,
  delegateRole,
  initRepository,
  makeKeyEntry,
  openRepository,
  type Repository,
} from '../repository/index.js';
import type { ImportPlan, PlannedRole } from './plan-import.js';

export interface ImportOptions {
  /** Signs snapshot and timestamp of a repository that is made; one that is there keeps its own. */
  readonly onlineKey?: PublicKey;
  readonly now: Date;
}

export interface Imported {
  /** False when the tags went into a repository that was there. */
  readonly created: boolean;
  /** Roles with the names that they have got. */
  readonly roles: readonly PlannedRole[];
  /** Of {@link roles}, those that were there already, with the same keys and paths. */
  readonly kept: readonly string[];
}

/** Days from one version to the next: people renew the first two, a machine the others. */
const DAYS = { root: 365, targets: 90, snapshot: 7, timestamp: 1 };

/**
 * Stages what was planned, in a new repository or in one that is there: nothing is published before its keys have signed. A
 * second run adds what has changed since. A new repository appears whole or not at all.
 * @throws TouchmarkError `usage-argument` without an online key for a new repository; `usage-file-exists`, `tuf-…`, `io-failed`
 */
export async function importNotary(
  folder: string,
  plan: ImportPlan,
  { onlineKey, now }: ImportOptions,
): Promise<Imported> {
  if ((await entriesOf(folder)).length > 0) {
    const repository = await openRepository(folder, { now });
    return { created: false, ...(await stage(repository, plan)) };
  }
  if (onlineKey === undefined)
    return fail('usage-argument', 'a new repository needs a key for snapshot and timestamp', {
      hint: 'touchmark key generate online makes one; then add --online-key online.pub',
    });
  const home = resolve(folder);
  // Not the private kind of temporary folder: it is going to be served.
  const making = join(dirname(home), `.${basename(home)}-${randomUUID()}`);
  await mkdir(making).catch(error => {
    throw asFileError(error, 'write', home);
  });
  try {
    const online = { keys: [{ key: onlineKey, label: 'online' }], threshold: 1 };
    const repository = await initRepository(making, {
      root: { ...plan.root, expiryDays: DAYS.root },
      targets: { ...plan.targets, expiryDays: DAYS.targets },
      snapshot: { ...online, expiryDays: DAYS.snapshot },
      timestamp: { ...online, expiryDays: DAYS.timestamp },
      now,
    });
    const staged = await stage(repository, plan);
    await rename(making, home).catch(error => {
      throw asFileError(error, 'write', home);
    });
    return { created: true, ...staged };
  } catch (error) {
    await rm(making, { recursive: true, force: true });
    throw error;
  }
}

async function stage(repository: Repository, plan: ImportPlan): Promise<Pick<Imported, 'roles' | 'kept'>> {
  const roles: PlannedRole[] = [];
  const kept: string[] = [];
  for (const role of plan.roles) {
    const there = (await repository.next('targets'))?.delegations?.roles ?? [];
    // Of several repositories of Notary each may have its own `releases`: the later one is called after its repository too.
    const names = [role.name, `${role.name}.${plan.gun.replace(/[^a-z0-9]+/g, '.')}`.slice(0, 128)];
    const same = there.find(other => names.includes(other.name) && isSame(other, role));
    const name = same?.name ?? names.find(free => there.every(other => other.name !== free));
    if (name === undefined)
      return fail('usage-argument', `there is a role ${names[1]} with other keys or paths already`, {
        hint: 'touchmark tuf role list shows it; touchmark tuf role revoke makes room',
      });
    if (same) kept.push(name);
    else await delegateRole(repository, { ...role, name, expiryDays: DAYS.targets });
    if (role.entries.length > 0) await addTargets(repository, name, role.entries);
    roles.push({ ...role, name });
  }
  return { roles, kept };
}

function isSame(there: DelegatedRole, { keys, threshold, paths }: PlannedRole): boolean {
  const keyids = keys.map(({ key }) => makeKeyEntry(key).keyid);
  const equal = (a: readonly string[], b: readonly string[]) =>
    a.length === b.length && [...a].sort().join() === [...b].sort().join();
  return there.threshold === threshold && equal(there.keyids, keyids) && equal(there.paths ?? [], paths);
}

async function entriesOf(folder: string): Promise<readonly string[]> {
  try {
    return await readdir(folder);
  } catch (error) {
    if (isMissing(error)) return [];
    throw asFileError(error, 'read', folder);
  }
}
