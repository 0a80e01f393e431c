import { utf8 } from '../../base/bytes.js';
import { fail } from '../../base/errors.js';
import type { Field } from '../../base/fields.js';
import { parseJson } from '../../base/json.js';
import { LIMITS } from '../../base/limits.js';
import { decodeHex, field } from '../envelope.js';
import type { SignatureEntry } from '../repository/json-text.js';

/** What a key holder hands back for a role: signatures, and over what they are. Nothing in it is secret. */
export interface RoleSignatures {
  readonly role: string;
  readonly version: number;
  /** `sha256:…` of the bytes that were signed. */
  readonly digest: string;
  readonly signatures: readonly SignatureEntry[];
}

const TYPE = 'urn:touchmark:tuf:signatures:v1';

export function serializeSignatureFile(signed: readonly RoleSignatures[]): Uint8Array {
  const roles = signed.map(({ role, version, digest, signatures }) => ({
    role,
    version,
    digest,
    signatures,
  }));
  return utf8(`${JSON.stringify({ type: TYPE, signed: roles }, undefined, 2)}\n`);
}

/**
 * Reads a signature file; nothing is verified.
 * @param what names the file in messages
 * @throws TouchmarkError `tuf-format`, `limit-exceeded`
 */
export function parseSignatureFile(bytes: Uint8Array, what: string): readonly RoleSignatures[] {
  const value = parseJson(bytes, what, { code: 'tuf-format', maxSize: LIMITS.tufSignatureFileSize });
  const file = field(value, what);
  if (file.get('type').value !== TYPE)
    fail('tuf-format', `${what} is no file with signatures`, {
      hint: 'import takes what touchmark tuf offline sign-payload writes, not the file to sign',
    });
  const signed = file.get('signed').array(LIMITS.tufRoles).map(readRole);
  if (signed.length === 0) fail('tuf-format', `${what} holds no signature`);
  return signed;
}

function readRole(entry: Field): RoleSignatures {
  const signatures = entry
    .get('signatures')
    .array(LIMITS.tufSignatures)
    .map(signature => {
      const sig = signature.get('sig').string(2 * LIMITS.tufSignatureSize);
      if (decodeHex(sig) === undefined) signature.get('sig').fail('is not a signature in hex');
      return { keyid: signature.get('keyid').string(LIMITS.tufPathLength), sig };
    });
  if (new Set(signatures.map(({ keyid }) => keyid)).size !== signatures.length)
    entry.get('signatures').fail('has two signatures of one key');
  if (signatures.length === 0) entry.get('signatures').fail('is empty');
  return {
    role: entry.get('role').string(LIMITS.tufPathLength),
    version: entry.get('version').size(),
    digest: entry.get('digest').string(100),
    signatures,
  };
}
