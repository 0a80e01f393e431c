import type { DocumentPath } from './problem.js';

/**
 * The offset of a value, or of the key that leads to it, in a text that the strict JSON reader has accepted; so nothing
 * is checked here. Undefined when the path leads nowhere.
 */
export function locateInJson(text: string, path: DocumentPath, part: 'key' | 'value'): number | undefined {
  let at = skipSpace(text, 0);
  let key = at;
  for (const step of path) {
    const found = typeof step === 'number' ? item(text, at, step) : member(text, at, step);
    if (found === undefined) return undefined;
    [key, at] = found;
  }
  return part === 'key' ? key : at;
}

type KeyAndValue = readonly [key: number, value: number];

function member(text: string, at: number, name: string): KeyAndValue | undefined {
  if (text[at] !== '{') return undefined;
  at = skipSpace(text, at + 1);
  while (text[at] === '"') {
    const end = skipString(text, at);
    const value = skipSpace(text, skipSpace(text, end) + 1);
    if (JSON.parse(text.slice(at, end)) === name) return [at, value];
    at = skipSpace(text, skipValue(text, value));
    if (text[at] === ',') at = skipSpace(text, at + 1);
  }
  return undefined;
}

function item(text: string, at: number, index: number): KeyAndValue | undefined {
  if (text[at] !== '[') return undefined;
  at = skipSpace(text, at + 1);
  for (let i = 0; text[at] !== ']'; i++) {
    if (i === index) return [at, at];
    at = skipSpace(text, skipValue(text, at));
    if (text[at] === ',') at = skipSpace(text, at + 1);
  }
  return undefined;
}

function skipSpace(text: string, at: number): number {
  while (' \t\r\n'.includes(text[at] ?? 'x')) at++;
  return at;
}

function skipString(text: string, at: number): number {
  at++;
  while (text[at] !== '"') at += text[at] === '\\' ? 2 : 1;
  return at + 1;
}

function skipValue(text: string, at: number): number {
  let depth = 0;
  do {
    const c = text[at] as string;
    if (c === '"') at = skipString(text, at);
    else if ('{['.includes(c)) {
      depth++;
      at++;
    } else if ('}]'.includes(c)) {
      depth--;
      at++;
    } else if (',: \t\r\n'.includes(c)) at++;
    else while (/[-+.\w]/.test(text[at] ?? '')) at++;
  } while (depth > 0);
  return at;
}
