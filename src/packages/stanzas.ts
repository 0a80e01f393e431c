import { failDamaged } from './package.js';

/** One paragraph of a database that is text: the lines of the fields that are wanted, without their names. */
export type Stanza = ReadonlyMap<string, Uint8Array>;

const NEWLINE = 0x0a;
const SPACE = 0x20;
const TAB = 0x09;
const COLON = 0x3a;

/** How many bytes of a line are looked at for the name of its field. */
const NAME_LENGTH = 256;

/**
 * Reads paragraphs of `name: value` lines, with an empty line between two of them; all text stays bytes.
 * @param wanted names of fields as `nameOf` gives them, each of one line and at most once in a paragraph; all others are passed over
 * @throws TouchmarkError `format-packages` for a line that is no field, a wanted field that is there twice or goes on in a
 *   second line, or a last line without an end
 */
export function* readStanzas(
  bytes: Uint8Array,
  wanted: ReadonlySet<string>,
  nameOf: (written: string) => string = written => written,
): Generator<Stanza> {
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
  let stanza = new Map<string, Uint8Array>();
  let last: string | undefined;
  let begun = false;
  for (let at = 0, end = 0; at < text.length; at = end + 1) {
    end = text.indexOf(NEWLINE, at);
    if (end < 0) failDamaged('it is cut short: its last line has no end');
    if (end === at) {
      if (begun) yield stanza;
      stanza = new Map();
      begun = false;
      continue;
    }
    const first = text[at];
    if (first === SPACE || first === TAB) {
      if (!begun) failDamaged(`at byte ${at} a line goes on, and nothing is before it`);
      if (last !== undefined && wanted.has(last)) failDamaged(`the field ${last} has more than one line`);
      continue;
    }
    const colon = text.subarray(at, Math.min(end, at + NAME_LENGTH)).indexOf(COLON);
    if (colon <= 0) failDamaged(`the line at byte ${at} is no field`);
    begun = true;
    last = nameOf(text.toString('latin1', at, at + colon));
    if (!wanted.has(last)) continue;
    if (stanza.has(last)) failDamaged(`the field ${last} is there twice in the entry before byte ${end}`);
    stanza.set(last, trim(text.subarray(at + colon + 1, end)));
  }
  if (begun) yield stanza;
}

function trim(value: Buffer): Buffer {
  let start = 0;
  let end = value.length;
  while (start < end && isBlank(value[start])) start++;
  while (end > start && isBlank(value[end - 1])) end--;
  return value.subarray(start, end);
}

function isBlank(byte: number | undefined): boolean {
  return byte === SPACE || byte === TAB || byte === 0x0d;
}
