import { createHash } from 'node:crypto';
import { utf8 } from '../../base/bytes.js';
import { fail } from '../../base/errors.js';
import type { ExactJsonObject } from '../../base/json.js';
import type { Signer } from '../../crypto/keys.js';
import { encodeCanonical } from '../canonical-json.js';
import { parseEnvelope } from '../envelope.js';
import type { MetaFile, Root } from '../metadata.js';
import { readableSize } from '../readable-size.js';
import { formatHolder, readSignatures, rootAuthority } from './authority.js';
import { EXPIRY_DAYS, newPayload, ONLINE_DAYS, renew } from './edit-payload.js';
import { formatJson, serializeMetadata } from './json-text.js';
import { objectAt, record, withMember } from './objects.js';
import type { Repository } from './repository.js';
import { signPayload } from './sign-payload.js';
import { requireReadable } from './stage.js';

/**
 * From this many files on, or this many bytes where their names are long, a snapshot with lengths and hashes comes to be
 * larger than other clients read: it has versions alone.
 */
const MOST_HASHED = 9_000;
const MOST_BYTES = readableSize('snapshot') - 16_384;

/** What a snapshot lists of a file. */
export interface PublishedFile {
  readonly version: number;
  readonly length: number;
  /** Hex. */
  readonly sha256: string;
}

/** A file of an online role, ready to be put in place. */
export interface OnlineFile {
  readonly version: number;
  readonly bytes: Uint8Array;
}

/**
 * The next snapshot: what the one before lists, with these files in place of theirs. Revoked roles stay listed: clients take
 * their absence for a rollback.
 */
export function makeSnapshot(
  repository: Repository,
  root: Root,
  changed: ReadonlyMap<string, PublishedFile>,
  signers: readonly Signer[],
): OnlineFile {
  const before = repository.snapshot;
  const meta: Record<string, ExactJsonObject> = Object.assign(
    Object.create(null),
    before ? objectAt(before.raw, 'meta') : {},
  );
  for (const [role, file] of changed) meta[`${role}.json`] = describe(file);
  if (Object.keys(meta).length > MOST_HASHED || utf8(formatJson(meta)).length > MOST_BYTES)
    for (const [name, entry] of Object.entries(meta))
      meta[name] = withMember(withMember(entry, 'length', undefined), 'hashes', undefined);
  const payload = withMember(before?.raw ?? begin(root, 'snapshot'), 'meta', meta);
  return signOnline(repository, root, 'snapshot', payload, (before?.version ?? 0) + 1, signers);
}

/** The next timestamp, for this snapshot. */
export function makeTimestamp(
  repository: Repository,
  root: Root,
  snapshot: OnlineFile,
  signers: readonly Signer[],
): OnlineFile {
  const before = repository.timestamp;
  const meta = record({ 'snapshot.json': describe(measure(snapshot.version, snapshot.bytes)) });
  const payload = withMember(before?.raw ?? begin(root, 'timestamp'), 'meta', meta);
  return signOnline(repository, root, 'timestamp', payload, (before?.version ?? 0) + 1, signers);
}

/** The next timestamp for a snapshot that stays as it is. */
export function renewTimestamp(repository: Repository, root: Root, signers: readonly Signer[]): OnlineFile {
  const before = repository.timestamp ?? fail('internal', 'there is no timestamp to renew');
  return signOnline(repository, root, 'timestamp', before.raw, before.version + 1, signers);
}

function begin(root: Root, role: 'snapshot' | 'timestamp'): ExactJsonObject {
  const days = objectAt(root.raw, ONLINE_DAYS)[role];
  return newPayload(role, typeof days === 'number' ? days : role === 'snapshot' ? 7 : 1);
}

export function measure(version: number, bytes: Uint8Array): PublishedFile {
  return { version, length: bytes.length, sha256: createHash('sha256').update(bytes).digest('hex') };
}

function describe({ version, length, sha256 }: PublishedFile): ExactJsonObject {
  return record({ version, length, hashes: record({ sha256 }) } satisfies Record<keyof MetaFile, unknown>);
}

/**
 * Signs for the root to be, and where the keys of the root before are at hand for that one as well: a reader who has not
 * seen the new root yet then takes the file too.
 */
function signOnline(
  repository: Repository,
  root: Root,
  role: 'snapshot' | 'timestamp',
  payload: ExactJsonObject,
  version: number,
  signers: readonly Signer[],
): OnlineFile {
  const days = objectAt(root.raw, ONLINE_DAYS)[role];
  const lasting = typeof days === 'number' ? withMember(payload, EXPIRY_DAYS, days) : payload;
  const signed = renew(lasting, version, repository.now);
  const own = rootAuthority(root, role, 'root');
  const before = repository.root;
  const authorities =
    before && before.version < root.version
      ? [own, rootAuthority(before, role, 'the root before it')]
      : [own];
  const signatures = signPayload(encodeCanonical(signed), authorities, signers);
  const bytes = serializeMetadata(signed, signatures);
  const {
    enough,
    signed: done,
    missing,
    threshold,
  } = readSignatures(own, parseEnvelope(bytes, role, bytes.length));
  if (!enough)
    fail(
      'key-not-authorised',
      `${role} needs the signatures of ${threshold} of its keys; ${done.length} were given`,
      {
        hint: `give --key for each of: ${missing.map(formatHolder).join(', ')}`,
        details: { role, threshold, missing: missing.map(({ keyid }) => keyid) },
      },
    );
  requireReadable(role, bytes.length);
  return { version, bytes };
}
