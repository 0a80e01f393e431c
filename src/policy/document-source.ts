import { decodeUtf8 } from '../base/bytes.js';
import { computeDigest, type Digest } from '../base/digest.js';
import { TouchmarkError } from '../base/errors.js';
import { type JsonValue, parseJson } from '../base/json.js';
import { LIMITS } from '../base/limits.js';
import { locateInJson } from './json-positions.js';
import { type DocumentPath, failPolicy, type Position } from './problem.js';
import { parseYaml } from './yaml-source.js';

export const DOCUMENT_FORMATS = ['yaml', 'json'] as const;
export type DocumentFormat = (typeof DOCUMENT_FORMATS)[number];

/** A document as it was read, not yet understood. */
export interface DocumentSource {
  /** How messages call it. */
  readonly where: string;
  /** Of the bytes. */
  readonly digest: Digest;
  /** Maps, lists, texts, whole numbers, truth values, nulls: the same from YAML and from JSON. */
  readonly value: JsonValue;
  /** Where something stands in the text: a value, or the key that leads to it. Undefined when it is not there. */
  readonly locate: (path: DocumentPath, part: 'key' | 'value') => Position | undefined;
}

/**
 * Reads a document strictly. A policy is reviewed by people and by their editors before touchmark sees it, so whatever
 * two readers could see differently is refused: duplicate and merge keys, anchors, tags, directives, numbers that are
 * not plain decimals, line breaks that only some know, characters that hide or reorder text.
 *
 * @throws TouchmarkError `policy-invalid`
 */
export function readDocument(bytes: Uint8Array, where: string, format: DocumentFormat): DocumentSource {
  if (bytes.length > LIMITS.policySize) {
    failPolicy(where, { problem: `has ${bytes.length} bytes; at most ${LIMITS.policySize} are read` });
  }
  const text = decodeUtf8(bytes);
  if (text === undefined) return failPolicy(where, { problem: 'is not valid UTF-8' });
  refuseHiddenText(text, where);
  const read = format === 'json' ? readJson(bytes, text, where) : parseYaml(text, where);
  const source = { where, digest: computeDigest(bytes), ...read };
  refuseOddValues(source.value, [], source);
  return source;
}

/** Line and column of an offset in UTF-16 units, both counted from 1. */
export function positionAt(text: string, offset: number): Position {
  const before = text.slice(0, offset);
  const lineStart = before.lastIndexOf('\n') + 1;
  return { line: before.split('\n').length, column: offset - lineStart + 1 };
}

function readJson(bytes: Uint8Array, text: string, where: string): Pick<DocumentSource, 'value' | 'locate'> {
  let value: JsonValue;
  try {
    value = parseJson(bytes, where, {
      code: 'policy-invalid',
      maxSize: LIMITS.policySize,
      maxDepth: LIMITS.policyDepth,
    });
  } catch (error) {
    if (!(error instanceof TouchmarkError)) throw error;
    const [, problem, offset] = /not acceptable JSON: (.*) at character (\d+)$/s.exec(error.message) ?? [];
    if (problem === undefined) throw error;
    return failPolicy(where, {
      problem: `is not acceptable JSON: ${problem}`,
      position: positionAt(text, Number(offset)),
    });
  }
  const locate: DocumentSource['locate'] = (path, part) => {
    const offset = locateInJson(text, path, part);
    return offset === undefined ? undefined : positionAt(text, offset);
  };
  return { value, locate };
}

// Control characters; line breaks of YAML 1.1 that 1.2 does not know; byte order marks; what reorders text on a screen.
const HIDDEN = /(?![\t\n\r])[\p{Cc}\u2028\u2029\u202a-\u202e\u2066-\u2069\ufeff]|\r(?!\n)/u;

function refuseHiddenText(text: string, where: string): void {
  const found = HIDDEN.exec(text);
  if (found === null) return;
  const point = (text.codePointAt(found.index) as number).toString(16).toUpperCase().padStart(4, '0');
  failPolicy(where, {
    problem: `holds the character U+${point}, which readers of the file do not see or do not agree on`,
    position: positionAt(text, found.index),
    hint: 'remove it; lines end with a line feed, with or without a carriage return in front',
  });
}

/** What escapes can bring in behind {@link refuseHiddenText}, and what could not be told apart later. */
function refuseOddValues(value: JsonValue, path: DocumentPath, source: DocumentSource): void {
  const refuse = (problem: string, at: DocumentPath, part: 'key' | 'value'): never => {
    const position = source.locate(at, part);
    return failPolicy(source.where, { path: at, problem, ...(position && { position }) });
  };
  const isOdd = (text: string): boolean => HIDDEN.test(text) || /\p{Surrogate}/u.test(text);
  if (typeof value === 'string' && isOdd(value))
    refuse('holds a control character or half of a surrogate pair', path, 'value');
  if (typeof value !== 'object' || value === null) return;
  const entries = Array.isArray(value) ? [...value.entries()] : Object.entries(value);
  if (entries.length > LIMITS.policyEntries) {
    refuse(`has ${entries.length} entries; at most ${LIMITS.policyEntries} are read`, path, 'value');
  }
  for (const [key, member] of entries) {
    const below = [...path, key];
    // Libraries skip __proto__ silently; << is a merge key to YAML 1.1.
    if (key === '__proto__' || key === '<<' || (typeof key === 'string' && isOdd(key)))
      refuse(`: ${JSON.stringify(key).slice(0, 60)} cannot be used as a key`, below, 'key');
    refuseOddValues(member as JsonValue, below, source);
  }
}
