/** Text for people before it meets a terminal: fragments with a meaning, so that colour is decided by whoever prints them. */
export type TextStyle = 'bold' | 'dim' | 'red' | 'green' | 'yellow';

export type Fragment = string | { readonly text: string; readonly style: TextStyle };

export type Line = readonly Fragment[];

export function line(...fragments: readonly Fragment[]): Line {
  return fragments;
}

/** Lines as text. `style` adds colour or nothing; `clean` makes values from outside safe to print. */
export function renderLines(
  lines: readonly Line[],
  style: (style: TextStyle, text: string) => string,
  clean: (text: string) => string,
): string {
  return lines
    .map(fragments =>
      fragments
        .map(f => (typeof f === 'string' ? clean(f) : style(f.style, clean(f.text))))
        .join('')
        .trimEnd(),
    )
    .join('\n');
}
