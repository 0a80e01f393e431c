import { fail } from '../../base/errors.js';
import type { ExactJsonObject } from '../../base/json.js';
import { newPayload, ONLINE_DAYS, renew } from './edit-payload.js';
import { makeRoot, type RoleSetup, type RootSetup } from './edit-root.js';
import { makeTargets } from './edit-targets.js';
import { RepositoryFolder } from './folder.js';
import { serializeMetadata } from './json-text.js';
import { makeKeyEntry } from './key-entry.js';
import { withMember } from './objects.js';
import { holdingLock, Repository } from './repository.js';

/**
 * Begins a repository: stages the first root and the first targets. Nothing is published before they are signed.
 * @param folder need not be there yet
 * @throws TouchmarkError `usage-file-exists` where there is a repository, `usage-argument`
 */
export async function initRepository(
  folder: string,
  { now, ...setup }: RootSetup & { readonly now: Date },
): Promise<Repository> {
  const files = new RepositoryFolder(folder);
  const online = {
    snapshot: setup.snapshot.expiryDays,
    timestamp: setup.timestamp.expiryDays,
  };
  const root = renew(withMember(makeRoot(setup), ONLINE_DAYS, online), 1, now);
  const targets = renew(makeTargets(setup.targets.expiryDays), 1, now);
  for (const days of Object.values(online)) newPayload('snapshot', days);
  await holdingLock(files, async () => {
    if ((await files.list('metadata')).length > 0 || (await files.has(files.staged('root'))))
      fail('usage-file-exists', `${folder} holds a repository already`, { details: { file: folder } });
    // The root last: with it there is a repository, and what a killed process left before can be begun anew.
    await files.write(files.staged('targets'), askedOf(targets, setup.targets));
    await files.write(files.staged('root'), askedOf(root, setup.root));
  });
  return Repository.open(folder, now);
}

/** A first version, with placeholders for all who are asked to sign it. */
function askedOf(payload: ExactJsonObject, { keys }: RoleSetup): Uint8Array {
  return serializeMetadata(
    payload,
    keys.map(({ key }) => ({ keyid: makeKeyEntry(key).keyid, sig: '' })),
  );
}

/**
 * Opens a repository for authors, and finishes a publication that a killed process had begun.
 * @throws TouchmarkError `usage-file` when there is none; `tuf-…` when what is published does not verify; `tuf-conflict`
 */
export function openRepository(folder: string, { now }: { readonly now: Date }): Promise<Repository> {
  return Repository.open(folder, now);
}
