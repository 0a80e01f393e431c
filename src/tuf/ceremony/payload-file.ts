import { createHash } from 'node:crypto';
import { concatBytes, decodeUtf8, equalBytes, fromBase64, toBase64, utf8 } from '../../base/bytes.js';
import { fail } from '../../base/errors.js';
import type { Field } from '../../base/fields.js';
import { parseJson } from '../../base/json.js';
import { LIMITS } from '../../base/limits.js';
import { field } from '../envelope.js';
import { hasOwnKeyid, parseKey, type TufKey } from '../keys.js';
import type { Metadata, Root, Targets } from '../metadata.js';
import { parseTargets } from '../parse-targets.js';
import { parseRoot } from '../parse-top-level.js';
import { type Authority, rootAuthority } from '../repository/authority.js';
import { LABELS, labelOf } from '../repository/edit-payload.js';
import { record } from '../repository/objects.js';

/**
 * What a key holder without the repository gets: a file with the exact bytes to sign, of each role that is staged. Nothing
 * else in it is believed: what the bytes say is read out of the bytes, and `summary` is for people who open the file in an
 * editor.
 */
export interface RolePayload {
  readonly role: string;
  readonly version: number;
  /** The bytes to sign: the canonical form. */
  readonly payload: Uint8Array;
  /** The version before, as published, to compare with; undefined for the first. */
  readonly previous: Uint8Array | undefined;
  /** Who is asked, and on whose word. */
  readonly authorities: readonly Authority[];
  readonly summary: readonly string[];
}

/** A payload that was read: its bytes hold what they say, and nothing more is known. */
export interface OpenedPayload extends RolePayload {
  readonly next: RoleMetadata;
  readonly before: RoleMetadata | undefined;
}

type RoleMetadata = Metadata<Root> | Metadata<Targets>;

const TYPE = 'urn:touchmark:tuf:payload:v1';

/** @throws TouchmarkError `limit-exceeded` when the file would be larger than anybody reads */
export function serializePayloadFile(payloads: readonly RolePayload[]): Uint8Array {
  const document = { type: TYPE, payloads: payloads.map(toDocument) };
  const bytes = utf8(`${JSON.stringify(document, undefined, 2)}\n`);
  const most = LIMITS.tufPayloadFileSize;
  if (bytes.length > most)
    fail('limit-exceeded', `the file to sign would have ${bytes.length} bytes; at most ${most} are read`, {
      hint: 'export the roles one by one with --role, or sign where the repository is: touchmark tuf sign',
    });
  return bytes;
}

function toDocument({ role, version, payload, previous, authorities, summary }: RolePayload) {
  const asked = authorities.map(({ by, keys, role: { keyids, threshold }, payload: labels }) => ({
    by,
    threshold,
    keys: keyids.map(keyid => ({
      keyid,
      label: labelOf(labels, keyid) ?? null,
      key: keys.get(keyid)?.raw ?? null,
    })),
  }));
  return {
    role,
    version,
    summary,
    asked,
    digest: digestOf(payload),
    payload: toBase64(payload),
    previous: previous === undefined ? null : toBase64(previous),
  };
}

/** `sha256:…` of the bytes to sign: what two people can read to each other. */
export function digestOf(payload: Uint8Array): string {
  return `sha256:${createHash('sha256').update(payload).digest('hex')}`;
}

/**
 * Reads a payload file. Each payload must be what it is said to be, in canonical form, and there is one a role.
 * @param what names the file in messages
 * @throws TouchmarkError `tuf-format`, `tuf-hash-mismatch`, `limit-exceeded`
 */
export function parsePayloadFile(bytes: Uint8Array, what: string): readonly OpenedPayload[] {
  const value = parseJson(bytes, what, { code: 'tuf-format', maxSize: LIMITS.tufPayloadFileSize });
  const file = field(value, what);
  if (file.get('type').value !== TYPE)
    fail('tuf-format', `${what} is no file with payloads to sign`, {
      hint: 'touchmark tuf offline export writes one',
    });
  const payloads = file.get('payloads').array(LIMITS.tufRoles).map(openPayload);
  if (payloads.length === 0) fail('tuf-format', `${what} holds nothing to sign`);
  if (new Set(payloads.map(({ role }) => role)).size !== payloads.length)
    fail('tuf-format', `${what} holds two payloads of one role`);
  return payloads;
}

function openPayload(entry: Field): OpenedPayload {
  const what = entry.path;
  const role = entry.get('role').string(LIMITS.tufPathLength);
  const payload = base64(entry.get('payload'));
  if (entry.get('digest').string(100) !== digestOf(payload))
    fail('tuf-hash-mismatch', `${what} was changed or damaged: its bytes have another digest than it gives`, {
      hint: 'export it again, and compare the digest with whoever exported it',
    });
  const next = readPayload(role, payload, what);
  const { version } = next.payload;
  if (entry.get('version').size() !== version)
    entry.get('version').fail(`is not that of the payload, which is version ${version}`);
  const previous = entry.get('previous').empty ? undefined : base64(entry.get('previous'));
  const before = previous && parseRole(role, previous, `${what}.previous`);
  // Against an older version, what happened in between would look like no change.
  if ((before?.payload.version ?? 0) !== version - 1)
    entry
      .get('previous')
      .fail(
        `is ${before ? `version ${before.payload.version}` : 'missing'}; version ${version} is compared with the one before it`,
      );
  return {
    role,
    version,
    payload,
    previous,
    next,
    before,
    authorities: role === 'root' ? rootAuthorities(next, before) : readAuthorities(entry.get('asked')),
    summary: entry
      .get('summary')
      .array(LIMITS.tufValues)
      .map(text => text.string()),
  };
}

function base64(text: Field): Uint8Array {
  return fromBase64(text.string(LIMITS.tufPayloadFileSize)) ?? text.fail('is not base64');
}

/** The payload as metadata. What is signed must be all of the bytes, and their one canonical form. */
function readPayload(role: string, payload: Uint8Array, what: string): RoleMetadata {
  const json = concatBytes(utf8('{"signatures":[],"signed":'), escapeControls(payload), utf8('}'));
  const metadata = parseRole(role, json, what);
  if (!equalBytes(metadata.envelope.signedBytes, payload))
    fail('tuf-format', `${what} is not canonical JSON: what is signed would not be what was read`);
  return metadata;
}

/** Canonical JSON has control characters as they are, such as the line breaks of a PEM key; JSON has them escaped. */
function escapeControls(canonical: Uint8Array): Uint8Array {
  const text = decodeUtf8(canonical);
  if (text === undefined) return canonical;
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
  const escaped = text.replace(/[\u0000-\u001f]/g, control => JSON.stringify(control).slice(1, -1));
  return utf8(escaped);
}

function parseRole(role: string, bytes: Uint8Array, what: string): RoleMetadata {
  if (role === 'snapshot' || role === 'timestamp')
    fail('tuf-format', `${what} is a ${role}: online keys make those when something is published`);
  return role === 'root' ? parseRoot(bytes, what) : parseTargets(bytes, what);
}

/** A root says itself who signs it, and so does the one before. */
function rootAuthorities(next: RoleMetadata, before: RoleMetadata | undefined): readonly Authority[] {
  const own = rootAuthority(next.payload as Root, 'root', 'root');
  return before ? [rootAuthority(before.payload as Root, 'root', 'the root before it'), own] : [own];
}

function readAuthorities(asked: Field): readonly Authority[] {
  return asked.array(2).map(authority => {
    const keys = new Map<string, TufKey>();
    const labels: Record<string, string> = Object.create(null);
    for (const entry of authority.get('keys').array(LIMITS.tufKeys)) {
      const keyid = entry.get('keyid').string(LIMITS.tufPathLength);
      const key = parseKey(keyid, entry.get('key'));
      if (!hasOwnKeyid(key)) entry.get('keyid').fail('is not made from its key');
      keys.set(keyid, key);
      if (!entry.get('label').empty) labels[keyid] = entry.get('label').string(1000);
    }
    return {
      by: authority.get('by').string(LIMITS.tufPathLength),
      keys,
      role: { keyids: [...keys.keys()], threshold: Math.max(1, authority.get('threshold').size()) },
      payload: record({ [LABELS]: record(labels) }),
    };
  });
}
