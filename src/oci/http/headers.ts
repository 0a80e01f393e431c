import { LIMITS } from '../../base/limits.js';

/** One challenge of a `WWW-Authenticate` header. */
export interface Challenge {
  /** In lower case. */
  readonly scheme: string;
  /** Names in lower case. */
  readonly parameters: ReadonlyMap<string, string>;
}

const TOKEN = "[!#$%&'*+.^_`|~0-9A-Za-z-]+";
const QUOTED = '"(?:[^"\\\\]|\\\\.)*"';
const PARAMETER = new RegExp(`[\\s,]*(${TOKEN})[ \\t]*=[ \\t]*(${TOKEN}|${QUOTED})[ \\t]*(?=,|$)`, 'y');
const SCHEME = new RegExp(`[\\s,]*(${TOKEN})(?=[\\s,]|$)`, 'y');
const TOKEN68 = /[ \t]+[A-Za-z0-9._~+/-]+=*[ \t]*(?=,|$)/y;

/**
 * Parses challenges (RFC 9110, section 11.6.1): several may stand in one header, and commas separate both challenges and
 * parameters. What cannot be read ends the list.
 */
export function parseChallenges(header: string): Challenge[] {
  const challenges: { scheme: string; parameters: Map<string, string> }[] = [];
  let at = 0;
  const take = (pattern: RegExp): RegExpExecArray | null => {
    pattern.lastIndex = at;
    const match = pattern.exec(header);
    if (match) at = pattern.lastIndex;
    return match;
  };
  while (at < header.length && challenges.length < 16) {
    const current = challenges.at(-1);
    const parameter = current ? take(PARAMETER) : null;
    if (current && parameter?.[1] && parameter[2] !== undefined) {
      const name = parameter[1].toLowerCase();
      if (!current.parameters.has(name)) current.parameters.set(name, unquote(parameter[2]));
      continue;
    }
    const scheme = take(SCHEME);
    if (!scheme?.[1]) break;
    challenges.push({ scheme: scheme[1].toLowerCase(), parameters: new Map() });
    take(TOKEN68);
  }
  return challenges;
}

function unquote(text: string): string {
  return text.startsWith('"') ? text.slice(1, -1).replace(/\\(.)/g, '$1') : text;
}

/** The media type without parameters, in lower case; empty when absent. */
export function mediaTypeOf(contentType: string | undefined): string {
  return contentType?.split(';')[0]?.trim().toLowerCase() ?? '';
}

const LINK = new RegExp(
  `[\\s,]*<([^>]*)>((?:[ \\t]*;[ \\t]*${TOKEN}[ \\t]*(?:=[ \\t]*(?:${TOKEN}|${QUOTED}))?)*)`,
  'y',
);

/** The target of `Link: <…>; rel="next"` (RFC 8288) as written; undefined when there is none. */
export function parseNextLink(header: string | undefined): string | undefined {
  if (header === undefined) return undefined;
  LINK.lastIndex = 0;
  for (let match = LINK.exec(header); match; match = LINK.exec(header)) {
    if (/;[ \t]*rel[ \t]*=[ \t]*(?:"(?:[^"]* )?next(?: [^"]*)?"|next[ \t]*(?:;|$))/i.test(match[2] ?? ''))
      return match[1];
  }
  return undefined;
}

/** The texts of `Warning: 299 - "…"` headers (distribution specification, "Warnings"); other warnings are not for people. */
export function parseWarnings(header: string | undefined): string[] {
  if (header === undefined || header.length > LIMITS.warningSize) return [];
  const texts: string[] = [];
  for (const [, code, text] of header.matchAll(/(\d{3}) - ("(?:[^"\\]|\\.)*")/g)) {
    if (code === '299' && text !== undefined && isPlainText(unquote(text))) texts.push(unquote(text));
  }
  return texts;
}

/** False when a terminal would do something else than show the text. */
export function isPlainText(text: string): boolean {
  return !/[\p{Cc}\p{Cf}\u2028\u2029]/u.test(text);
}

/** Text of a server for a message: one line, bounded, nothing that a terminal acts on. */
export function clean(text: string, maxLength = 300): string {
  const line = text.replace(/[\p{Cc}\p{Cf}\u2028\u2029\s]+/gu, ' ').trim();
  return line.length > maxLength ? `${line.slice(0, maxLength)}…` : line;
}
