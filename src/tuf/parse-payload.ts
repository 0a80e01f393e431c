import type { Field } from '../base/fields.js';
import type { ExactJsonObject } from '../base/json.js';
import { LIMITS } from '../base/limits.js';
import { parseKey, type TufKey } from './keys.js';
import type { Hashes, MetaFile, Payload, RoleKeys } from './metadata.js';

/** UTC, to the second; go-tuf writes fractions of it as well, which the specification does not have. */
const DATE = /^([0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2})(?:\.[0-9]{1,9})?Z$/;

/**
 * The fields that every payload has (TUF specification 4.2). `signed` is the payload, `type` what it must be.
 * @throws TouchmarkError `tuf-format`
 */
export function parsePayload(signed: Field, type: string): Payload {
  const found = signed.get('_type').string();
  if (found !== type)
    signed.get('_type').fail(`must be ${type}; it is ${JSON.stringify(found.slice(0, 40))}`);
  const specVersion = signed.get('spec_version').string();
  if (!/^1(?:\.[0-9]{1,9}){1,2}$/.test(specVersion))
    signed
      .get('spec_version')
      .fail(`must be 1.x or 1.x.y; it is ${JSON.stringify(specVersion.slice(0, 40))}`);
  return {
    specVersion,
    version: parseVersion(signed.get('version')),
    expires: parseDate(signed.get('expires')),
    raw: signed.object() as ExactJsonObject,
  };
}

/** 1 to 2^53-1: beyond, versions that differ would be equal to some readers, and no honest repository gets there. */
export function parseVersion(version: Field): number {
  const value = version.value;
  if (typeof value !== 'number' || !Number.isSafeInteger(value) || value < 1)
    return version.fail('must be a whole number from 1 to 2^53-1');
  return value;
}

/**
 * A date that one reader cannot read must not be "never" for another: what is not of the one form is refused. A fraction is
 * dropped, which makes the expiry come no later.
 */
export function parseDate(date: Field): Date {
  const text = date.string();
  const seconds = DATE.exec(text)?.[1];
  const value = new Date(seconds === undefined ? Number.NaN : `${seconds}Z`);
  // Days that do not exist, such as 30 February, come back as others.
  if (Number.isNaN(value.getTime()) || value.toISOString() !== `${seconds}.000Z`)
    return date.fail(`must be a date as 2030-01-02T03:04:05Z; it is ${JSON.stringify(text.slice(0, 60))}`);
  return value;
}

export function parseBoolean(flag: Field): boolean {
  return typeof flag.value === 'boolean' ? flag.value : flag.fail('must be true or false');
}

/** The members of an object, by name. */
export function entriesOf(object: Field, maxEntries: number): (readonly [string, Field])[] {
  const names = Object.keys(object.object());
  if (names.length > maxEntries) object.fail(`has ${names.length} entries; at most ${maxEntries} are read`);
  return names.map(name => [name, object.get(name)] as const);
}

export function parseKeys(keys: Field): ReadonlyMap<string, TufKey> {
  return new Map(entriesOf(keys, LIMITS.tufKeys).map(([keyid, key]) => [keyid, parseKey(keyid, key)]));
}

/** `keyids`, each once, and `threshold`, 1 or more. */
export function parseRoleKeys(role: Field): RoleKeys {
  const keyids = role
    .get('keyids')
    .array(LIMITS.tufKeys)
    .map(keyid => keyid.string(LIMITS.tufPathLength));
  if (new Set(keyids).size !== keyids.length) role.get('keyids').fail('names a key twice');
  const threshold = role.get('threshold').size();
  if (threshold < 1) role.get('threshold').fail('must be 1 or more');
  return { keyids, threshold };
}

/** The entry of a file in timestamp or snapshot. */
export function parseMetaFile(entry: Field): MetaFile {
  const [length, hashes] = [entry.get('length'), entry.get('hashes')];
  return {
    version: parseVersion(entry.get('version')),
    ...(length.present && { length: length.size() }),
    ...(hashes.present && { hashes: parseHashes(hashes.object() as ExactJsonObject, hashes) }),
  };
}

/** Which algorithms are known is asked where a file is checked: an odd one must not cost the other files. */
export function parseHashes(hashes: ExactJsonObject, where: Field): Hashes {
  const algorithms = Object.keys(hashes);
  if (algorithms.length === 0) where.fail('holds no hash');
  for (const algorithm of algorithms) {
    if (typeof hashes[algorithm] !== 'string') where.fail('must hold hashes in hex');
  }
  return hashes as Hashes;
}
