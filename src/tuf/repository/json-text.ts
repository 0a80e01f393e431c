import { utf8 } from '../../base/bytes.js';
import { compareCodePoints, type ExactJson, type ExactJsonObject } from '../../base/json.js';

/** A signature of a metadata file. An empty `sig` is a placeholder: this key is asked to sign. */
export interface SignatureEntry {
  readonly keyid: string;
  /** Hex. */
  readonly sig: string;
}

/**
 * A metadata file as it is stored: one line, `signed` with its members in order of code points. Where no string in it needs
 * an escape that canonical JSON does not have, that is the canonical form itself, and readers need not make it.
 */
export function serializeMetadata(
  signed: ExactJsonObject,
  signatures: readonly SignatureEntry[],
): Uint8Array {
  const list = signatures.map(({ keyid, sig }) => ({ keyid, sig }));
  return utf8(`{"signatures":${JSON.stringify(list)},"signed":${formatJson(signed)}}`);
}

/** JSON with whole numbers of any size, members in order of code points, no space. */
export function formatJson(value: ExactJson): string {
  if (typeof value === 'bigint') return String(value);
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  if (Array.isArray(value)) return `[${value.map(formatJson).join()}]`;
  const object = value as ExactJsonObject;
  const members = Object.keys(object)
    .sort(compareCodePoints)
    .map(name => `${JSON.stringify(name)}:${formatJson(object[name] as ExactJson)}`);
  return `{${members.join()}}`;
}
