import { LIMITS } from '../base/limits.js';
import { field, parseEnvelope } from './envelope.js';
import type { Metadata, RoleKeys, Root, Snapshot, Timestamp, TopLevelRole } from './metadata.js';
import { TOP_LEVEL_ROLES } from './metadata.js';
import {
  entriesOf,
  parseBoolean,
  parseKeys,
  parseMetaFile,
  parsePayload,
  parseRoleKeys,
} from './parse-payload.js';

/**
 * Reads root metadata (TUF specification 4.3). Nothing is verified.
 * @throws TouchmarkError `tuf-format`, `limit-exceeded`
 */
export function parseRoot(bytes: Uint8Array, what = 'root.json'): Metadata<Root> {
  const envelope = parseEnvelope(bytes, what, LIMITS.tufRootSize);
  const signed = field(envelope.signed, what);
  const consistent = signed.get('consistent_snapshot');
  // Other roles, such as the old `mirrors`, are kept in `raw` and mean nothing here.
  const roles = new Map<TopLevelRole, RoleKeys>(
    TOP_LEVEL_ROLES.map(role => [role, parseRoleKeys(signed.get('roles').get(role))]),
  );
  return {
    envelope,
    payload: {
      ...parsePayload(signed, 'root'),
      consistentSnapshot: consistent.present && parseBoolean(consistent),
      keys: parseKeys(signed.get('keys')),
      roles,
    },
  };
}

/**
 * Reads timestamp metadata (4.4).
 * @throws TouchmarkError `tuf-format`, `limit-exceeded`
 */
export function parseTimestamp(bytes: Uint8Array, what = 'timestamp.json'): Metadata<Timestamp> {
  const envelope = parseEnvelope(bytes, what, LIMITS.tufTimestampSize);
  const signed = field(envelope.signed, what);
  const payload = parsePayload(signed, 'timestamp');
  const meta = signed.get('meta');
  if (Object.keys(meta.object()).join() !== 'snapshot.json')
    meta.fail('must name snapshot.json and no other file');
  return { envelope, payload: { ...payload, snapshot: parseMetaFile(meta.get('snapshot.json')) } };
}

/**
 * Reads snapshot metadata (4.4).
 * @throws TouchmarkError `tuf-format`, `limit-exceeded`
 */
export function parseSnapshot(bytes: Uint8Array, what = 'snapshot.json'): Metadata<Snapshot> {
  const envelope = parseEnvelope(bytes, what, LIMITS.tufSnapshotSize);
  const signed = field(envelope.signed, what);
  const payload = parsePayload(signed, 'snapshot');
  const meta = new Map(
    entriesOf(signed.get('meta'), LIMITS.tufRoles).map(([name, entry]) => [name, parseMetaFile(entry)]),
  );
  if (!meta.has('targets.json')) signed.get('meta').fail('does not name targets.json');
  return { envelope, payload: { ...payload, meta } };
}
