/**
 * Text for people. Everything that came from outside (registry answers, annotations, file names) may hold escape
 * sequences that rewrite the screen: nothing reaches a terminal without passing {@link printable} or {@link guardTerminal}.
 */

/** C0 and C1 controls, line separators, and the marks that reorder or hide text (Unicode TR 36, "Trojan Source"), halves of surrogate pairs. */
const UNSAFE =
  /[\p{Cc}\p{Zl}\p{Zp}\u00ad\u061c\u180e\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff\u{e0000}-\u{e007f}\p{Cs}]/gu;

function escapeCharacter(character: string): string {
  return `\\u{${(character.codePointAt(0) ?? 0).toString(16)}}`;
}

/** One line that is safe to print: line breaks and tabs are escaped as well. For every value from outside. */
export function printable(text: string): string {
  return text.replace(UNSAFE, escapeCharacter);
}

const STYLES = { bold: 1, dim: 2, red: 31, green: 32, yellow: 33 } as const;
export type Style = keyof typeof STYLES;
export type Styler = (style: Style, text: string) => string;

const ESCAPE = '\u001b';
const ANY_SEQUENCE = new RegExp(`(${ESCAPE}\\[\\d+m)`);
const OWN_SEQUENCE = new RegExp(`${ESCAPE}\\[(?:0|${Object.values(STYLES).join('|')})m`, 'g');

/** Adds colour, or nothing when the stream takes none. Colour never carries meaning alone. */
export function createStyler(enabled: boolean): Styler {
  return enabled ? (style, text) => `\u001b[${STYLES[style]}m${text}\u001b[0m` : (_style, text) => text;
}

/** Several lines, made safe: line breaks stay, and of the escape sequences only this module's own, when colour is on. */
export function guardTerminal(text: string, colour: boolean): string {
  const kept = colour ? text.split(ANY_SEQUENCE) : [text];
  return kept
    .map((part, index) =>
      index % 2 === 1 && part.replace(OWN_SEQUENCE, '') === ''
        ? part
        : part.replace(UNSAFE, character => (character === '\n' ? character : escapeCharacter(character))),
    )
    .join('');
}

export interface ColourQuestion {
  readonly isTTY: boolean;
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** `--no-color` was given. */
  readonly refused: boolean;
}

/** Whether a stream gets colour: never for `--no-color` or a set `NO_COLOR`; `FORCE_COLOR` forces it; else only a terminal. */
export function wantsColour({ isTTY, environment, refused }: ColourQuestion): boolean {
  if (refused || environment['NO_COLOR'] !== undefined) return false;
  const force = environment['FORCE_COLOR'];
  if (force !== undefined) return force !== '0' && force !== 'false';
  return isTTY && environment['TERM'] !== 'dumb';
}

/** Text is at most this wide. */
export const TEXT_COLUMNS = 100;

/** Columns that a text takes: escape sequences take none. */
export function textWidth(text: string): number {
  return [...text.replace(OWN_SEQUENCE, '')].length;
}

/** Shortens in the middle, where digests and paths carry least. */
export function shorten(text: string, width: number): string {
  const characters = [...text];
  if (characters.length <= width) return text;
  const head = Math.ceil((width - 1) / 2);
  return `${characters.slice(0, head).join('')}…${characters.slice(characters.length - (width - 1 - head)).join('')}`;
}

/**
 * Rows as columns, two spaces apart, at most {@link TEXT_COLUMNS} wide: the widest column without escape sequences gives way.
 * Cells are printed as they are: pass values from outside through {@link printable} first.
 */
export function formatTable(rows: readonly (readonly string[])[], indent = ''): string {
  const columns = Math.max(0, ...rows.map(row => row.length));
  const widths = Array.from({ length: columns }, (_, column) =>
    Math.max(0, ...rows.map(row => textWidth(row[column] ?? ''))),
  );
  const total = () => indent.length + widths.reduce((sum, width) => sum + width + 2, -2);
  while (total() > TEXT_COLUMNS) {
    const widest = widths.indexOf(Math.max(...widths));
    const width = widths[widest] ?? 0;
    if (width <= 12) break;
    widths[widest] = Math.max(12, width - (total() - TEXT_COLUMNS));
  }
  return rows
    .map(row => {
      const cells = row.map((cell, column) => {
        const fitted = textWidth(cell) === cell.length ? shorten(cell, widths[column] ?? 0) : cell;
        return fitted + ' '.repeat(Math.max(0, (widths[column] ?? 0) - textWidth(fitted)));
      });
      return (indent + cells.join('  ')).trimEnd();
    })
    .join('\n');
}

/** Breaks a paragraph at spaces; a word longer than the line stays whole, so that it can be copied. */
export function wrapText(text: string, width: number): string[] {
  const lines: string[] = [];
  let line = '';
  for (const word of text.split(/ +/)) {
    if (line !== '' && textWidth(line) + 1 + textWidth(word) > width) {
      lines.push(line);
      line = word;
    } else line = line === '' ? word : `${line} ${word}`;
  }
  return [...lines, line];
}
