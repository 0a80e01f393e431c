import { utf8 } from '../base/bytes.js';
import { fail } from '../base/errors.js';
import { Field } from '../base/fields.js';
import {
  type ExactJson,
  type ExactJsonObject,
  type JsonValue,
  type MemberSpan,
  parseExactJson,
} from '../base/json.js';
import { LIMITS } from '../base/limits.js';
import { encodeCanonical, stripSpace } from './canonical-json.js';

/** A metadata file, read but not verified (TUF specification 4.2). */
export interface Envelope {
  /** The file as received: what is stored and handed on. */
  readonly bytes: Uint8Array;
  /** The value of `signed` as received, members that nobody knows included. */
  readonly signed: ExactJsonObject;
  /** The bytes the signatures are over: the canonical form of {@link signed}. */
  readonly signedBytes: Uint8Array;
  /** By keyid, at most one each; undefined where the file holds a placeholder or something that is not a signature. */
  readonly signatures: ReadonlyMap<string, Uint8Array | undefined>;
}

/**
 * Reads a metadata file. `what` names it in messages.
 *
 * What is signed is the canonical form, always. Where the file already holds `signed` in that form but for space between
 * the tokens, which the reader notices on its way, its own bytes are taken without the space: they are equal to what encoding
 * would give, so nothing is accepted that another client would refuse, and nothing is encoded twice. Trying the raw bytes in any form would accept
 * more: whatever else a key has signed that parses as metadata.
 *
 * @throws TouchmarkError `tuf-format`, `limit-exceeded`
 */
export function parseEnvelope(bytes: Uint8Array, what: string, maxSize: number): Envelope {
  const { signatures, ...file } = readSigned(bytes, what, maxSize);
  return { ...file, signatures: parseSignatures(signatures) };
}

/** A metadata file whose signatures are not read yet: how they are written differs between TUF and its forerunners. */
export function readSigned(
  bytes: Uint8Array,
  what: string,
  maxSize: number,
): Omit<Envelope, 'signatures'> & { readonly signatures: Field } {
  const { value, text, members } = parseExactJson(bytes, what, {
    code: 'tuf-format',
    maxSize,
    maxValues: LIMITS.tufValues,
  });
  const envelope = field(value, what);
  const signed = envelope.get('signed').object() as ExactJsonObject;
  return {
    bytes,
    signed,
    signedBytes: signedBytesOf(members.get('signed')) ?? encodeCanonical(signed),
    signatures: envelope.get('signatures'),
  };

  function signedBytesOf(span: MemberSpan | undefined): Uint8Array | undefined {
    if (!span?.canonical) return undefined;
    // As many bytes as UTF-16 units: all of it is ASCII, and the places are the same in both.
    const slice =
      text.length === bytes.length
        ? bytes.subarray(span.start, span.end)
        : utf8(text.slice(span.start, span.end));
    return span.spaced ? stripSpace(slice) : slice;
  }
}

/** Typed access to a value of metadata. Numbers beyond 2^53 are bigints there, which none of its readers takes for a number. */
export function field(value: ExactJson | undefined, path: string): Field {
  return new Field(value as JsonValue | undefined, path, 'tuf-format');
}

function parseSignatures(list: Field): ReadonlyMap<string, Uint8Array | undefined> {
  const signatures = new Map<string, Uint8Array | undefined>();
  for (const entry of list.array(LIMITS.tufSignatures)) {
    const keyid = entry.get('keyid').string(LIMITS.tufPathLength);
    if (signatures.has(keyid))
      fail('tuf-format', `${list.path} has two signatures of ${JSON.stringify(keyid.slice(0, 80))}`);
    signatures.set(keyid, decodeHex(entry.get('sig').string()));
  }
  return signatures;
}

/** Hex in either case; undefined for anything else, the empty placeholder of a key that has not signed yet included. */
export function decodeHex(text: string): Uint8Array | undefined {
  if (text === '' || text.length % 2 !== 0 || !/^[0-9a-fA-F]+$/.test(text)) return undefined;
  return Buffer.from(text, 'hex');
}
