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
 * @throws TouchmarkError `usage-argument` when the path does not say which repository it is of
 */
export function openTrustFolder(folder: string): NotarySource {
  const segments = resolve(folder).split(sep);
  if (segments.at(-1) === 'metadata') segments.pop();
  const at = segments.lastIndexOf('tuf');
  if (at < 0 || at === segments.length - 1)
    fail('usage-argument', `${folder} does not say which repository it is of`, {
      hint: 'give the folder of one repository, such as ~/.docker/trust/tuf/docker.io/library/alpine',
    });
  return {
    gun: parseGun(segments.slice(at + 1).join('/')),
    async fetch({ role, version }, maxLength) {
      // The folder holds the newest of each; whether it is the one with the hash is asked by whoever verifies.
      if (version !== undefined) return undefined;
      if (!BASE_ROLES.some(base => base === role) && !isDelegatedName(role))
        return fail('internal', `${role} is not the name of a role`);
      return readFileUpTo(join(segments.join(sep), 'metadata', ...`${role}.json`.split('/')), maxLength + 1);
    },
  };
}
