import { fail } from '../base/errors.js';
import type { Descriptor } from '../oci/descriptor.js';
import { type RepositoryFiles, TARGETS } from './repository-form.js';

/** `3.targets.json` as role and version; undefined for a name without version. The role stays encoded. */
export function versionedName(name: string): { readonly version: number; readonly role: string } | undefined {
  const match = /^([1-9][0-9]{0,15})\.(.+)\.json$/.exec(name);
  return match ? { version: Number(match[1]), role: match[2] as string } : undefined;
}

/**
 * What of a published repository stays beside the files of a folder that is about to replace it: targets that the folder
 * does not have, and versions older than any that it still has.
 *
 * Everything else that is there must be in the folder, byte for byte: a version that the folder does not know, or knows
 * with other content, was published by somebody else. `timestamp.json`, the one file that changes, is not compared here.
 * @throws TouchmarkError `tuf-conflict`
 */
export function requireKnown(
  published: RepositoryFiles,
  local: ReadonlyMap<string, Pick<Descriptor, 'digest'>>,
  place: string,
): RepositoryFiles {
  const oldest = new Map<string, number>();
  for (const name of local.keys()) {
    const file = versionedName(name);
    if (file) oldest.set(file.role, Math.min(file.version, oldest.get(file.role) ?? file.version));
  }
  const kept = new Map<string, Descriptor>();
  for (const [name, descriptor] of published) {
    if (name === 'timestamp.json') continue;
    const known = local.get(name);
    if (known?.digest === descriptor.digest) continue;
    const file = versionedName(name);
    const isPast = file !== undefined && file.version < (oldest.get(file.role) ?? 0);
    // The name of a target holds its hash: other content under it is damage, and what the folder has is what replaces it.
    if (name.startsWith(TARGETS) ? !known : !known && isPast) kept.set(name, descriptor);
    else if (!name.startsWith(TARGETS)) conflict(place, `a ${JSON.stringify(name.slice(0, 200))}`);
  }
  return kept;
}

/** @throws TouchmarkError `tuf-conflict`, always */
export function conflict(place: string, what: string, cause?: unknown): never {
  return fail(
    'tuf-conflict',
    `${place} holds ${what} that this folder does not know; nothing was published`,
    {
      hint: `somebody else published there: touchmark tuf checkout ${place} DIR brings the folder up to date and keeps what is staged`,
      details: { place },
      cause,
    },
  );
}
