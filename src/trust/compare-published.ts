import { fail } from '../base/errors.js';
import type { Descriptor } from '../oci/descriptor.js';
import { metadataName } from '../tuf/names.js';
import { type RepositoryFiles, TARGETS } from './repository-form.js';

/** `3.targets.json` as role and version; undefined for a name without version. The role stays encoded. */
export function versionedName(name: string): { readonly version: number; readonly role: string } | undefined {
  const match = /^([1-9][0-9]{0,15})\.(.+)\.json$/.exec(name);
  return match ? { version: Number(match[1]), role: match[2] as string } : undefined;
}

/**
 * What of a published repository stays beside the files of a folder that is about to replace it: earlier versions and
 * targets that the folder does not have.
 *
 * The folder must stand on what is published: have the snapshot that is current there, no root less, and under no name
 * another content. Then nothing that is current there is unknown to it. `timestamp.json`, the one file that changes, is
 * compared by whoever calls.
 * @throws TouchmarkError `tuf-conflict`
 */
export function requireKnown(
  published: RepositoryFiles,
  local: ReadonlyMap<string, Pick<Descriptor, 'digest'>>,
  snapshotVersion: number,
  place: string,
): RepositoryFiles {
  let newestRoot = 0;
  for (const name of local.keys()) newestRoot = Math.max(newestRoot, rootVersionOf(name) ?? 0);
  const snapshot = metadataName('snapshot', snapshotVersion);
  if (!local.has(snapshot)) conflict(place, `a ${snapshot}`);
  const kept = new Map<string, Descriptor>();
  for (const [name, descriptor] of published) {
    if (name === 'timestamp.json') continue;
    const known = local.get(name);
    if ((rootVersionOf(name) ?? 0) > newestRoot) conflict(place, `a ${name}`);
    if (!known) kept.set(name, descriptor);
    // The name of a target holds its hash: other content under it is damage there, and is replaced.
    else if (known.digest !== descriptor.digest && !name.startsWith(TARGETS))
      conflict(place, `a ${JSON.stringify(name.slice(0, 200))}`);
  }
  return kept;
}

export function rootVersionOf(name: string): number | undefined {
  const file = versionedName(name);
  return file?.role === 'root' ? file.version : undefined;
}

/** @throws TouchmarkError `tuf-conflict`, always */
export function conflict(place: string, what: string, cause?: unknown): never {
  return fail(
    'tuf-conflict',
    `${place} holds ${what} that this folder does not know; nothing was published`,
    {
      hint: `somebody else published there: touchmark tuf checkout --root root.json ${place} DIR brings the folder up to date and keeps what is staged`,
      details: { place },
      cause,
    },
  );
}
