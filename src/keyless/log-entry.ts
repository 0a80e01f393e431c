import { toBase64 } from '../base/bytes.js';
import { fail } from '../base/errors.js';
import type { Field } from '../base/fields.js';

/** What is entered into a log: one signature by ECDSA P-256 with SHA-256, over what, and under which certificate. */
export interface LoggedSignature {
  readonly signature: Uint8Array;
  /** DER. */
  readonly certificate: Uint8Array;
  readonly content: LoggedContent;
}

/** `digest` is the SHA-256 that the signature is over: of the file, or of the envelope's pre-authentication encoding. */
export type LoggedContent =
  | { readonly kind: 'message'; readonly digest: Uint8Array }
  | {
      readonly kind: 'dsse';
      readonly digest: Uint8Array;
      readonly payloadType: string;
      readonly payload: Uint8Array;
    };

/** An entry as bundles have it: a `TransparencyLogEntry` in the JSON form of protobuf. */
export interface LogEntry {
  readonly logIndex: string;
  readonly logId: { readonly keyId: string };
  readonly kindVersion: { readonly kind: string; readonly version: string };
  readonly integratedTime?: string;
  readonly inclusionPromise?: { readonly signedEntryTimestamp: string };
  readonly inclusionProof: InclusionProof;
  readonly canonicalizedBody: string;
}

export interface InclusionProof {
  readonly logIndex: string;
  readonly rootHash: string;
  readonly treeSize: string;
  readonly hashes: readonly string[];
  readonly checkpoint: { readonly envelope: string };
}

/** Fails because a log answered with the entry of something else. */
export function refuseEntry(host: string, problem: string): never {
  return fail('service-mismatch', `${host} answered with another entry than the one sent: ${problem}`, {
    hint: 'nothing was signed with it; do not trust this log until its operator explains it',
    details: { host },
  });
}

/** A 64-bit number, which protobuf writes as text; some servers write small ones as numbers. */
export function numberText(field: Field): string {
  if (typeof field.value === 'number') return String(field.size());
  const text = field.string(20);
  return /^(?:0|[1-9][0-9]{0,18})$/.test(text) ? text : field.fail('must be a whole number');
}

/** Hex of a hash, as base64. */
export function hashText(field: Field): string {
  const text = field.string(64);
  return /^[0-9a-f]{64}$/.test(text)
    ? toBase64(Buffer.from(text, 'hex'))
    : field.fail('must be a SHA-256 in hex');
}
