import { fromBase64, toHex, utf8 } from '../base/bytes.js';
import { fail } from '../base/errors.js';
import { LIMITS } from '../base/limits.js';

/** A checkpoint in a signed note (C2SP signed-note, tlog-checkpoint), read and not yet believed. */
export interface Checkpoint {
  readonly origin: string;
  readonly treeSize: number;
  readonly rootHash: Uint8Array;
  /** What each signature is over: the text up to and with the newline before the empty line. */
  readonly signedText: Uint8Array;
  readonly signatures: readonly NoteSignature[];
}

export interface NoteSignature {
  readonly name: string;
  /** Hex of four bytes. */
  readonly keyHint: string;
  readonly signature: Uint8Array;
}

const SIGNATURE_LINE = /^\u2014 ([^\s+]{1,255}) ([A-Za-z0-9+/]+={0,2})$/;
const SIZE = /^(?:0|[1-9][0-9]{0,15})$/;

/**
 * Parses a checkpoint: origin, size and root, perhaps further lines, an empty line, one line a signature.
 * @throws TouchmarkError `format-log-entry`, `limit-exceeded`
 */
export function parseCheckpoint(note: string): Checkpoint {
  if (note.length > LIMITS.signedNoteSize)
    fail('limit-exceeded', `the checkpoint has more than ${LIMITS.signedNoteSize} characters`);
  const border = note.lastIndexOf('\n\n');
  if (border < 0 || !note.endsWith('\n')) return malformed('it has no signatures');
  const text = note.slice(0, border + 1);
  const lines = text.split('\n');
  const signatureLines = note.slice(border + 2, -1).split('\n');
  if (lines.length + signatureLines.length > LIMITS.signedNoteLines)
    return malformed('it has too many lines');
  if (hasControlCharacter(note)) return malformed('it has control characters');
  const [origin = '', size = '', root = ''] = lines;
  const rootHash = fromBase64(root);
  if (origin === '' || !SIZE.test(size) || !Number.isSafeInteger(Number(size)) || rootHash?.length !== 32)
    return malformed('it does not begin with origin, size and root hash');
  return {
    origin,
    treeSize: Number(size),
    rootHash,
    signedText: utf8(text),
    signatures: signatureLines.map(parseSignatureLine),
  };
}

function parseSignatureLine(line: string): NoteSignature {
  const match = SIGNATURE_LINE.exec(line);
  const bytes = match?.[2] === undefined ? undefined : fromBase64(match[2]);
  if (!match?.[1] || bytes === undefined || bytes.length < 5)
    return malformed('one of its signatures is malformed');
  return { name: match[1], keyHint: toHex(bytes.subarray(0, 4)), signature: bytes.subarray(4) };
}

function hasControlCharacter(text: string): boolean {
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if ((code < 0x20 && code !== 0x0a) || code === 0x7f) return true;
  }
  return false;
}

function malformed(problem: string): never {
  return fail('format-log-entry', `the checkpoint of a log cannot be used: ${problem}`);
}
