import { fail } from '../../base/errors.js';
import { newPayload, renew } from './edit-payload.js';
import { makeRoot, type RootSetup } from './edit-root.js';
import { makeTargets } from './edit-targets.js';
import { RepositoryFolder } from './folder.js';
import { serializeMetadata } from './json-text.js';
import { withMember } from './objects.js';
import { ONLINE_DAYS } from './online.js';
import { Repository } from './repository.js';
import { askToSign, stageRole } from './stage.js';

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
  if ((await files.list('metadata')).length > 0 || (await files.has(files.staged('root'))))
    fail('usage-file-exists', `${folder} holds a repository already`, { details: { file: folder } });
  const online = {
    snapshot: setup.snapshot.expiryDays,
    timestamp: setup.timestamp.expiryDays,
  };
  const root = renew(withMember(makeRoot(setup), ONLINE_DAYS, online), 1, now);
  const targets = makeTargets(setup.targets.expiryDays);
  for (const days of Object.values(online)) newPayload('snapshot', days);
  await files.write(files.staged('root'), serializeMetadata(root, []));
  const repository = await Repository.open(folder, now);
  return repository.locked(async () => {
    await stageRole(repository, 'targets', payload => payload, { first: () => targets });
    await askToSign(repository, 'root');
    await askToSign(repository, 'targets');
    return repository;
  });
}

/**
 * Opens a repository for authors, and finishes a publication that a killed process had begun.
 * @throws TouchmarkError `usage-file` when there is none; `tuf-…` when what is published does not verify; `tuf-conflict`
 */
export function openRepository(folder: string, { now }: { readonly now: Date }): Promise<Repository> {
  return Repository.open(folder, now);
}
