import { fail } from '../../base/errors.js';

/** A GUN ("globally unique name"): the registry's host and the repository, as `docker.io/library/alpine`. */
const GUN =
  /^(?=.{3,255}$)[a-z0-9](?:[a-z0-9.-]*[a-z0-9])?(?::[0-9]{1,5})?(?:\/[a-z0-9]+(?:(?:\.|_{1,2}|-+)[a-z0-9]+)*)+$/;

/** @throws TouchmarkError `usage-reference` for what is not a registry's host and a repository */
export function parseGun(text: string): string {
  const host = text.slice(0, text.indexOf('/'));
  if (GUN.test(text) && (/[.:]/.test(host) || host === 'localhost')) return text;
  return fail('usage-reference', `${JSON.stringify(text.slice(0, 260))} is not a repository`, {
    hint: 'give host and path without a tag, such as registry.example/team/app; images of Docker Hub are docker.io/library/alpine',
  });
}

/**
 * A delegated role: `targets/` and path segments of lower-case letters, digits, `-` and `_`. Such names are safe in paths
 * and addresses as they stand.
 */
export function isDelegatedName(name: string): boolean {
  return name.length < 256 && /^targets(?:\/[-a-z0-9_]+)+$/.test(name);
}

/** The role that a delegated role belongs below: trust follows the tree of names. */
export function parentOf(role: string): string {
  return role.slice(0, role.lastIndexOf('/'));
}

/** The roles of the four top-level files. */
export const BASE_ROLES = ['root', 'targets', 'snapshot', 'timestamp'] as const;
