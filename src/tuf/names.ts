import { createHash } from 'node:crypto';
import { fail } from '../base/errors.js';
import { LIMITS } from '../base/limits.js';
import type { TargetInfo } from './metadata.js';

/** Percent-encodes a role name as Python's `quote(name, safe="")` does, which is what repositories are laid out by. */
export function encodeRole(role: string): string {
  return encodeURIComponent(role).replace(/[!'()*]/g, hexEscape);
}

/** The name of a metadata file in the repository: `3.targets.json`, or without version where there is none. */
export function metadataName(role: string, version?: number): string {
  return `${version === undefined ? '' : `${version}.`}${encodeRole(role)}.json`;
}

/** Names that mean a device to some systems, with or without an extension. */
const DEVICE = /^(?:con|prn|aux|nul|com[0-9]|lpt[0-9])(?:\.|$)/;

/**
 * The name of the stored copy of a role's metadata. Capitals are encoded as well: where file names fold case, a delegated
 * role named `Root` would otherwise replace the root.
 */
export function cacheName(role: string): string {
  const name = encodeRole(role).replace(/%[0-9A-F]{2}|[A-Z]/g, part =>
    part.length === 1 ? hexEscape(part) : part,
  );
  const safe = DEVICE.test(name) ? hexEscape(name.slice(0, 1)) + name.slice(1) : name;
  // File systems take 255 bytes; two names that are cut alike still differ in their hash.
  if (safe.length <= 160) return `${safe}.json`;
  return `${safe.slice(0, 80)}~${createHash('sha256').update(role, 'utf8').digest('hex')}.json`;
}

function hexEscape(character: string): string {
  return `%${character.charCodeAt(0).toString(16).toUpperCase().padStart(2, '0')}`;
}

/**
 * The path under which a repository has a target: its own, or with the hash in front of the last segment.
 * @throws TouchmarkError `tuf-format` for a path that leaves its folder, or that some systems read as another
 */
export function targetName(path: string, { hashes }: TargetInfo, hashed: boolean): string {
  const segments = path.split('/');
  const odd = segments.some(segment => segment === '' || segment === '.' || segment === '..');
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they have no place in a path
  if (odd || path.length > LIMITS.tufPathLength || /[\\\u0000-\u001f\u007f]/.test(path))
    fail('tuf-format', `no file can be fetched for the target path ${JSON.stringify(path.slice(0, 120))}`);
  if (!hashed) return path;
  const last = segments.pop();
  // Any hash will do; the one that every repository has comes first.
  const hash = hashes['sha256'] ?? Object.values(hashes)[0] ?? '';
  if (!/^[0-9a-f]{16,128}$/.test(hash)) fail('tuf-format', 'a hash of the target is not lower-case hex');
  return [...segments, `${hash}.${last}`].join('/');
}
