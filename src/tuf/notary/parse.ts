import { fromBase64 } from '../../base/bytes.js';
import type { Field } from '../../base/fields.js';
import type { ExactJsonObject } from '../../base/json.js';
import { LIMITS } from '../../base/limits.js';
import { field, readSigned } from '../envelope.js';
import { entriesOf, parseDate, parseRoleKeys, parseVersion } from '../parse-payload.js';
import { type NotaryKey, parseNotaryKey } from './keys.js';
import type {
  NotaryDelegation,
  NotaryEnvelope,
  NotaryFile,
  NotaryListing,
  NotaryMetadata,
  NotaryPayload,
  NotaryRoot,
  NotarySignature,
  NotaryTargets,
} from './metadata.js';
import { BASE_ROLES, isDelegatedName, parentOf } from './names.js';

/** @throws TouchmarkError `tuf-format`, `limit-exceeded` */
export function parseNotaryRoot(bytes: Uint8Array, what: string): NotaryMetadata<NotaryRoot> {
  const { envelope, signed, payload } = open(bytes, what, 'Root', LIMITS.tufRootSize);
  const list = signed.get('roles');
  const roles = new Map(entriesOf(list, LIMITS.tufKeys).map(([name, role]) => [name, parseRoleKeys(role)]));
  for (const role of BASE_ROLES) if (!roles.has(role)) list.get(role).fail('is missing');
  return { envelope, payload: { ...payload, keys: parseNotaryKeys(signed.get('keys')), roles } };
}

/** @throws TouchmarkError `tuf-format`, `limit-exceeded` */
export function parseNotaryTimestamp(bytes: Uint8Array, what: string): NotaryMetadata<NotaryListing> {
  return parseListing(bytes, what, 'Timestamp', LIMITS.tufTimestampSize);
}

/** @throws TouchmarkError `tuf-format`, `limit-exceeded` */
export function parseNotarySnapshot(bytes: Uint8Array, what: string): NotaryMetadata<NotaryListing> {
  return parseListing(bytes, what, 'Snapshot', LIMITS.tufSnapshotSize);
}

/**
 * Reads the metadata of `targets` or of a delegated role; `role` says which, as delegations must lie below it.
 * @throws TouchmarkError `tuf-format`, `limit-exceeded`
 */
export function parseNotaryTargets(
  bytes: Uint8Array,
  role: string,
  what: string,
): NotaryMetadata<NotaryTargets> {
  const { envelope, signed, payload } = open(bytes, what, 'Targets', LIMITS.tufTargetsSize);
  const delegations = signed.get('delegations');
  const [keys, roles] = delegations.empty
    ? [undefined, undefined]
    : [delegations.get('keys'), delegations.get('roles')];
  return {
    envelope,
    payload: {
      ...payload,
      targets: parseFiles(signed.get('targets')),
      keys: keys === undefined || keys.empty ? new Map() : parseNotaryKeys(keys),
      delegations: roles === undefined || roles.empty ? [] : parseDelegations(roles, role),
    },
  };
}

function open(bytes: Uint8Array, what: string, type: string, maxSize: number) {
  const { signatures, ...file } = readSigned(bytes, what, maxSize);
  const envelope: NotaryEnvelope = { ...file, signatures: parseSignatures(signatures) };
  const signed = field(file.signed, what);
  const found = signed.get('_type').string();
  if (found !== type)
    signed.get('_type').fail(`must be ${type}; it is ${JSON.stringify(found.slice(0, 40))}`);
  const payload: NotaryPayload = {
    version: parseVersion(signed.get('version')),
    expires: parseDate(signed.get('expires')),
    raw: signed.object() as ExactJsonObject,
  };
  return { envelope, signed, payload };
}

function parseSignatures(list: Field): ReadonlyMap<string, NotarySignature | undefined> {
  const signatures = new Map<string, NotarySignature | undefined>();
  for (const entry of list.array(LIMITS.tufSignatures)) {
    const keyid = entry.get('keyid').string(LIMITS.tufPathLength);
    if (signatures.has(keyid)) list.fail(`has two signatures of ${JSON.stringify(keyid.slice(0, 80))}`);
    const method = entry.get('method').string(64).toLowerCase();
    const bytes = fromBase64(entry.get('sig').string());
    signatures.set(keyid, bytes && { method, bytes });
  }
  return signatures;
}

function parseListing(
  bytes: Uint8Array,
  what: string,
  type: string,
  maxSize: number,
): NotaryMetadata<NotaryListing> {
  const { envelope, signed, payload } = open(bytes, what, type, maxSize);
  return { envelope, payload: { ...payload, meta: parseFiles(signed.get('meta')) } };
}

function parseFiles(list: Field): ReadonlyMap<string, NotaryFile> {
  return new Map(entriesOf(list, LIMITS.notaryTargets).map(([name, entry]) => [name, parseFile(entry)]));
}

/** Notary writes hashes in base64; here they are hex, as everywhere else. */
function parseFile(entry: Field): NotaryFile {
  const hashes: Record<string, string> = Object.create(null);
  const list = entry.get('hashes');
  for (const [algorithm, hash] of entriesOf(list, 8)) {
    const bytes = fromBase64(hash.string(128)) ?? hash.fail('must be base64');
    hashes[algorithm] = Buffer.from(bytes).toString('hex');
  }
  if (Object.keys(hashes).length === 0) list.fail('holds no hash');
  return { length: entry.get('length').size(), hashes };
}

function parseNotaryKeys(keys: Field): ReadonlyMap<string, NotaryKey> {
  return new Map(entriesOf(keys, LIMITS.tufKeys).map(([keyid, key]) => [keyid, parseNotaryKey(keyid, key)]));
}

function parseDelegations(list: Field, delegator: string): readonly NotaryDelegation[] {
  const names = new Set<string>();
  return list.array(LIMITS.tufRoles).map(role => {
    const name = role.get('name').string(LIMITS.tufPathLength);
    const shown = JSON.stringify(name.slice(0, 120));
    if (!isDelegatedName(name) || parentOf(name) !== delegator)
      role.get('name').fail(`must be a role directly below ${delegator}; it is ${shown}`);
    if (names.has(name)) list.fail(`names the role ${shown} twice`);
    names.add(name);
    const paths = role.get('paths');
    const prefixes = paths.empty
      ? []
      : paths.array(LIMITS.tufRoles).map(prefix => prefix.string(LIMITS.tufPathLength));
    return { name, prefixes, ...parseRoleKeys(role) };
  });
}
