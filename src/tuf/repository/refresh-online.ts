import { fail } from '../../base/errors.js';
import type { Signer } from '../../crypto/keys.js';
import { expiryDaysOf } from './edit-payload.js';
import { publishFiles, READY } from './journal.js';
import { makeSnapshot, makeTimestamp, measure, renewTimestamp } from './online.js';
import type { Repository } from './repository.js';
import { requireFree } from './require-free.js';

export interface Refreshed {
  readonly timestamp: number;
  /** The new version, or null where the snapshot lasts long enough still. */
  readonly snapshot: number | null;
}

const DAY = 86_400_000;

/**
 * Signs the timestamp anew, and the snapshot when less than half of its time is left: what runs regularly. Nothing that is
 * staged goes out.
 * @param options.snapshot sign the snapshot anew in any case
 * @throws TouchmarkError `usage-argument` before the first publication, `key-not-authorised`, `tuf-conflict`
 */
export async function refreshOnline(
  repository: Repository,
  options: { readonly signers: readonly Signer[]; readonly snapshot?: boolean },
): Promise<Refreshed> {
  const { signers } = options;
  return repository.locked(async () => {
    const { root, snapshot, folder, now } = repository;
    if (!root || !snapshot)
      return fail('usage-argument', 'nothing is published yet that could be refreshed', {
        hint: 'have what is staged signed, then: touchmark tuf publish',
      });
    if (root.expires.getTime() <= now.getTime())
      fail('tuf-expired', `the root expired at ${root.expires.toISOString()}: no client would read on`, {
        hint: 'its holders sign a new one: touchmark tuf role renew root',
      });
    const left = snapshot.expires.getTime() - now.getTime();
    const isDue = options.snapshot === true || left < (expiryDaysOf(snapshot.raw) * DAY) / 2;
    const renewed = isDue ? makeSnapshot(repository, root, new Map(), signers) : undefined;
    const timestamp = renewed
      ? makeTimestamp(repository, root, renewed, signers)
      : renewTimestamp(repository, root, signers);
    const files: (readonly [name: string, bytes: Uint8Array])[] = [];
    if (renewed) {
      const name = folder.published('snapshot', renewed.version);
      await requireFree(folder, new Map([[name, measure(renewed.version, renewed.bytes).sha256]]));
      files.push([name, renewed.bytes]);
    }
    // Until this file is replaced, no reader knows of the other one.
    files.push([folder.published('timestamp'), timestamp.bytes]);
    for (const [name, bytes] of files) await folder.write(`${READY}/${name}`, bytes);
    await folder.removeTemporaries('metadata');
    const moves = files.map(([name]) => ({ from: `${READY}/${name}`, to: name }));
    await publishFiles(folder, moves, []);
    await repository.reload();
    return { timestamp: timestamp.version, snapshot: renewed?.version ?? null };
  });
}
