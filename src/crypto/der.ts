/** One DER element (X.690). Contents are views into what was read, not copies. */
export interface DerElement {
  readonly tag: number;
  readonly content: Uint8Array;
  /** Tag, length and content. */
  readonly bytes: Uint8Array;
}

export const DER = {
  boolean: 0x01,
  integer: 0x02,
  bitString: 0x03,
  octetString: 0x04,
  null: 0x05,
  oid: 0x06,
  utf8String: 0x0c,
  utcTime: 0x17,
  generalizedTime: 0x18,
  sequence: 0x30,
  set: 0x31,
  /** Context-specific, constructed: `[0]` to `[3]`. */
  context0: 0xa0,
  context1: 0xa1,
  context3: 0xa3,
  /** Context-specific, primitive: `[0] IMPLICIT`, `[1] IMPLICIT` of a string, and so on. */
  implicit0: 0x80,
  implicit1: 0x81,
  implicit2: 0x82,
  implicit6: 0x86,
} as const;

/** Keys hold a handful of elements a level, certificates a few dozen; more than this is neither. */
const MAX_ELEMENTS = 64;

/**
 * Reads the elements that follow one another in `bytes`, all of it. Undefined when it is not DER: an indefinite or
 * non-minimal length, a tag of several bytes, an element that ends early.
 */
export function parseDer(bytes: Uint8Array): readonly DerElement[] | undefined {
  const elements: DerElement[] = [];
  let at = 0;
  while (at < bytes.length) {
    const element = readElement(bytes, at);
    if (element === undefined || elements.length === MAX_ELEMENTS) return undefined;
    elements.push(element);
    at += element.bytes.length;
  }
  return elements;
}

function readElement(bytes: Uint8Array, at: number): DerElement | undefined {
  const tag = bytes[at];
  const first = bytes[at + 1];
  if (tag === undefined || first === undefined || (tag & 0x1f) === 0x1f) return undefined;
  let length = first;
  let start = at + 2;
  if (first >= 0x80) {
    const count = first & 0x7f;
    if (count < 1 || count > 3) return undefined;
    length = 0;
    for (let i = 0; i < count; i++) length = length * 256 + (bytes[start + i] ?? 0);
    start += count;
    // DER: the shortest form of the length, or one value would have several spellings.
    if (length < 0x80 || length < 256 ** (count - 1)) return undefined;
  }
  const end = start + length;
  if (end > bytes.length) return undefined;
  return { tag, content: bytes.subarray(start, end), bytes: bytes.subarray(at, end) };
}

/**
 * The members of a SEQUENCE (or of an explicitly tagged element) when it is one, has the tags given in that order,
 * and perhaps more members behind them.
 */
export function membersOf(
  element: DerElement | undefined,
  ...tags: readonly number[]
): readonly DerElement[] | undefined {
  if (element === undefined || (element.tag & 0x20) === 0) return undefined;
  const members = parseDer(element.content);
  if (members === undefined || tags.some((tag, i) => members[i]?.tag !== tag)) return undefined;
  return members;
}

/** The magnitude of a positive INTEGER, without leading zeros; undefined for zero, negative or padded ones. */
export function unsignedInteger(element: DerElement | undefined): Uint8Array | undefined {
  if (element?.tag !== DER.integer) return undefined;
  const [first, second] = element.content;
  if (first === undefined || first >= 0x80) return undefined;
  if (first !== 0) return element.content;
  return second !== undefined && second >= 0x80 ? element.content.subarray(1) : undefined;
}

/** A small non-negative INTEGER as a number; undefined above 2^48. */
export function smallInteger(element: DerElement | undefined): number | undefined {
  if (element?.tag === DER.integer && element.content.length === 1 && element.content[0] === 0) return 0;
  const bytes = unsignedInteger(element);
  if (bytes === undefined || bytes.length > 6) return undefined;
  return bytes.reduce((value, byte) => value * 256 + byte, 0);
}

/** Builds an element from its parts. */
export function der(tag: number, ...parts: readonly Uint8Array[]): Uint8Array {
  const length = parts.reduce((sum, part) => sum + part.length, 0);
  const header =
    length < 0x80
      ? [tag, length]
      : length < 0x100
        ? [tag, 0x81, length]
        : [tag, 0x82, length >> 8, length & 0xff];
  const out = new Uint8Array(header.length + length);
  out.set(header);
  let at = header.length;
  for (const part of parts) {
    out.set(part, at);
    at += part.length;
  }
  return out;
}
