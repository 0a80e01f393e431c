import { fail, TouchmarkError } from '../base/errors.js';
import { openKey } from './keys.js';
import type { MetaFile, RoleKeys, Root, TopLevelRole } from './metadata.js';

export function roleOf(root: Root, role: TopLevelRole): RoleKeys {
  return root.roles.get(role) ?? fail('internal', `a root without the role ${role}`);
}

/** Which keys speak for a role, as one text: equal when they are the same public keys. */
export function keysOf(root: Root, role: TopLevelRole): string {
  const keys = roleOf(root, role).keyids.map(keyid => {
    const key = root.keys.get(keyid);
    const verifier = key && openKey(key);
    return verifier?.usable ? verifier.identity : keyid;
  });
  return JSON.stringify([...new Set(keys)].sort());
}

export function requireVersion(what: string, version: number, listed: MetaFile): void {
  if (version === listed.version) return;
  fail('tuf-version-mismatch', `${what} has version ${version}, where version ${listed.version} is listed`, {
    details: { expected: listed.version, actual: version },
  });
}

export function rollback(what: string, version: number, known: number): never {
  return fail('tuf-rollback', `${what} has version ${version}; version ${known} was seen before`, {
    details: { known, actual: version },
  });
}

/** A name out of metadata, for messages. */
export function shown(name: string): string {
  return JSON.stringify(name.slice(0, 120));
}

/** The result, or undefined when it was refused; faults of our own pass through. */
export function tryTo<T>(work: () => T): T | undefined {
  try {
    return work();
  } catch (error) {
    if (error instanceof TouchmarkError && error.code !== 'internal') return undefined;
    throw error;
  }
}
