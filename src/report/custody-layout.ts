import { type Line, line, type TextStyle } from './lines.js';

/** Text in at most a hundred columns. What can reach it from outside is measured as wide as its escaped form may become. */

export const COLUMNS = 100;
const LABEL = 12;

/** Characters that a terminal never gets as they are; the longest way of escaping one is `\u{10ffff}`. */
const ESCAPED = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}\u180e]/u;

function widthOfCharacter(character: string): number {
  return ESCAPED.test(character) ? 10 : 1;
}

export function widthOf(text: string): number {
  return [...text].reduce((sum, character) => sum + widthOfCharacter(character), 0);
}

/** Shortens in the middle: names that differ usually do so at one of their ends. */
export function cut(text: string, width: number): string {
  if (widthOf(text) <= width) return text;
  const characters = [...text];
  const tail: string[] = [];
  const head: string[] = [];
  for (let left = width - 1; ; ) {
    const fromHead = head.length <= tail.length;
    const next = fromHead ? characters.shift() : characters.pop();
    left -= next === undefined ? 0 : widthOfCharacter(next);
    if (next === undefined || left < 0) break;
    if (fromHead) head.push(next);
    else tail.unshift(next);
  }
  return `${head.join('')}…${tail.join('')}`;
}

/** Ends a reference or names a blob: people copy it, so it stays whole however wide. */
const DIGEST = /[@:]?sha\d{3}[:-][0-9a-f]{64,128}[:,;.)]?$/;

/** Breaks at spaces, and a word that is wider than the line where it must. */
export function wrap(text: string, width: number): readonly string[] {
  const lines: string[] = [];
  let current = '';
  for (const word of text.split(/ +/).flatMap(part => split(part, width))) {
    if (current !== '' && widthOf(current) + 1 + widthOf(word) > width) {
      lines.push(current);
      current = word;
    } else current = current === '' ? word : `${current} ${word}`;
  }
  return [...lines, current];
}

function split(word: string, width: number): readonly string[] {
  if (widthOf(word) <= width || DIGEST.test(word)) return [word];
  const parts: string[] = [];
  let part = '';
  for (const character of word) {
    if (widthOf(part) + widthOfCharacter(character) > width) {
      parts.push(part);
      part = '';
    }
    part += character;
  }
  return [...parts, part];
}

/** A label and its text, folded behind the label. */
export function field(label: string, text: string, style?: TextStyle): readonly Line[] {
  return wrap(text, COLUMNS - LABEL - 2).map((part, at) =>
    line(
      '  ',
      { text: (at === 0 ? label : '').padEnd(LABEL), style: 'dim' },
      style ? { text: part, style } : part,
    ),
  );
}

/** Text behind an indent that repeats, and a first line that may begin otherwise. */
export function indented(text: string, indent: string, first = indent): readonly Line[] {
  return wrap(text, COLUMNS - widthOf(indent)).map((part, at) => line(at === 0 ? first : indent, part));
}

export interface Column {
  readonly title: string;
  readonly right?: boolean;
  /** May be cut when the table is too wide. */
  readonly flexible?: boolean;
}

export interface Cell {
  readonly text: string;
  readonly style?: TextStyle;
}

const LEAST = 6;

/** Rows under titles, two spaces apart; flexible columns give way until the table fits. */
export function table(columns: readonly Column[], rows: readonly (readonly Cell[])[]): readonly Line[] {
  const titles = columns.map(({ title }): Cell => ({ text: title, style: 'dim' }));
  const widths = columns.map((_, at) =>
    Math.max(...[titles, ...rows].map(row => widthOf(row[at]?.text ?? ''))),
  );
  for (;;) {
    const over = 2 + widths.reduce((sum, width) => sum + width + 2, -2) - COLUMNS;
    if (over <= 0) break;
    const flexible = columns.flatMap(({ flexible: may }, at) =>
      may && (widths[at] ?? 0) > LEAST ? [at] : [],
    );
    const widest = flexible.sort((a, b) => (widths[b] ?? 0) - (widths[a] ?? 0))[0];
    if (widest === undefined) break;
    widths[widest] = (widths[widest] ?? 0) - 1;
  }
  return [titles, ...rows].map(row =>
    line(
      '  ',
      ...columns.flatMap(({ right }, at) => {
        const width = widths[at] ?? 0;
        const { style, text } = row[at] ?? { text: '' };
        const shown = cut(text, width);
        const gap = ' '.repeat(Math.max(0, width - widthOf(shown)));
        const value = style ? { text: shown, style } : shown;
        return [...(right ? [gap, value] : [value, gap]), at === columns.length - 1 ? '' : '  '];
      }),
    ),
  );
}
