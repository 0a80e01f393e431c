import { isAbsolute, join, resolve, sep } from 'node:path';
import { fail } from '../../base/errors.js';
import { readFileUpTo } from '../source.js';
import type { NotarySource } from './collect.js';
import { BASE_ROLES, isDelegatedName, parseGun } from './names.js';

/** Is it a folder, rather than the name of a repository? */
export function isFolderArgument(text: string): boolean {
  return isAbsolute(text) || /^\.{1,2}(?:[/\\]|$)/.test(text);
}

/**
 * What `docker trust` and `notary` keep on disk of one repository: `…/trust/tuf/GUN`, or the folder `metadata` in it.
 * @param gun where the path does not tell it
 * @throws TouchmarkError `usage-argument` when nobody says which repository it is
 */
export function openTrustFolder(folder: string, gun?: string): NotarySource {
  const segments = resolve(folder).split(sep);
  if (segments.at(-1) === 'metadata') segments.pop();
  const home = segments.join(sep);
  const at = segments.lastIndexOf('tuf');
  const named = at < 0 || at === segments.length - 1 ? undefined : segments.slice(at + 1).join('/');
  const repository = gun ?? named;
  if (repository === undefined)
    return fail('usage-argument', `${folder} does not say which repository it is of`, {
      hint: 'give the folder of one repository, such as ~/.docker/trust/tuf/docker.io/library/alpine, or add --gun',
    });
  return {
    gun: parseGun(repository),
    async fetch({ role, version }, maxLength) {
      // The directory holds the newest of each; whether it is the one with the hash is asked by whoever verifies.
      if (version !== undefined) return undefined;
      if (!BASE_ROLES.some(base => base === role) && !isDelegatedName(role))
        return fail('internal', `${role} is not the name of a role`);
      return readFileUpTo(join(home, 'metadata', ...`${role}.json`.split('/')), maxLength + 1);
    },
  };
}
