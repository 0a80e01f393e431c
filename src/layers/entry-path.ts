import { decodeUtf8 } from '../base/bytes.js';
import { fail } from '../base/errors.js';
import { LIMITS } from '../base/limits.js';

/**
 * Paths of a layer are bytes. Here they are strings with one character for each byte (latin1): equal bytes are equal
 * strings, nothing is folded, and no byte is lost. `''` is the root; nothing else begins or ends with a slash.
 */
export type EntryPath = string;

const NEEDS_WORK = /^\/|\/$|\/\/|(?:^|\/)\.{1,2}(?:\/|$)/;

/**
 * Brings a path to the one spelling that all runtimes give it: relative to the root, no `.`, no empty part.
 * @throws TouchmarkError `layer-path-invalid` for what leads out, is empty, has a NUL or is too long; `limit-exceeded` for
 *   too many parts
 */
export function normalizeEntryPath(raw: string): EntryPath {
  if (raw === '') failPath(raw, 'is empty');
  if (raw.length > LIMITS.entryPathLength) failPath(raw, `has ${raw.length} bytes`);
  if (raw.includes('\0')) failPath(raw, 'holds a NUL');
  let path = raw;
  if (NEEDS_WORK.test(raw)) {
    const parts = raw.split('/').filter(part => part !== '' && part !== '.');
    if (parts.includes('..')) failPath(raw, 'has a .. in it');
    path = parts.join('/');
  }
  if (countSlashes(path) >= LIMITS.entryPathDepth) {
    fail('limit-exceeded', `the path ${showPath(path)} has more than ${LIMITS.entryPathDepth} parts`, {
      details: { limit: LIMITS.entryPathDepth },
    });
  }
  return path;
}

function countSlashes(path: string): number {
  let count = 0;
  for (let at = path.indexOf('/'); at >= 0; at = path.indexOf('/', at + 1)) count++;
  return count;
}

function failPath(path: string, problem: string): never {
  return fail('layer-path-invalid', `the path ${showPath(path)} ${problem}`, { hint: REBUILD });
}

/** What to do about a layer that tools do not agree on. */
export const REBUILD = 'build the layer again with another tool: container runtimes do not agree on this one';

// biome-ignore lint/suspicious/noControlCharactersInRegex: what is not ASCII has to be decoded
const ASCII = /^[\x00-\x7f]*$/;

/**
 * A path as text: its bytes as UTF-8. Where they are none, each byte beyond ASCII becomes half of a surrogate pair
 * (U+DC80 to U+DCFF), which no text and no pattern has.
 */
export function pathText(path: EntryPath): string {
  if (ASCII.test(path)) return path;
  return (
    decodeUtf8(Buffer.from(path, 'latin1')) ??
    path.replace(/[\x80-\xff]/g, byte => String.fromCharCode(0xdc00 + byte.charCodeAt(0)))
  );
}

/** A path for a message: quoted, absolute and not too long. */
export function showPath(path: EntryPath): string {
  const text = pathText(path.length > 200 ? path.slice(0, 200) : path);
  const rooted = text.startsWith('/') ? text : `/${text}`;
  return JSON.stringify(path.length > 200 ? `${rooted}…` : rooted);
}

/** The folder that a path lies in. */
export function parentOf(path: EntryPath): EntryPath {
  return path.slice(0, Math.max(0, path.lastIndexOf('/')));
}

export function nameOf(path: EntryPath): string {
  return path.slice(path.lastIndexOf('/') + 1);
}

/** The path of a name in a folder. */
export function joinPath(folder: EntryPath, name: string): EntryPath {
  return folder === '' ? name : `${folder}/${name}`;
}

/** A path that a person wrote, as the bytes of its UTF-8; a slash in front may be there or not. */
export function parsePathText(text: string): EntryPath {
  return normalizeEntryPath(Buffer.from(text, 'utf8').toString('latin1'));
}
