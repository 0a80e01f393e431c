/** One line of the results: a ratio, and what it is made of. */
export interface Result {
  readonly what: string;
  readonly ours: string;
  readonly theirs: string;
  readonly ratio: string;
  /** What the ratio or value has to reach, where something was promised. */
  readonly bar?: string;
}

export const milliseconds = (value: number): string => `${value.toFixed(0)} ms`;
export const seconds = (value: number): string => `${(value / 1000).toFixed(1)} s`;
export const times = (value: number): string => value.toFixed(2);

export function renderResults(title: string, results: readonly Result[]): string {
  const head = ['', 'touchmark', 'beside it', 'ratio', 'bar'];
  const rows = results.map(({ what, ours, theirs, ratio, bar }) => [what, ours, theirs, ratio, bar ?? '']);
  return [`### ${title}`, '', ...alignColumns([head, ...rows]), ''].join('\n');
}

/** A markdown table with columns of even width, as the formatter wants them; the first row is its head. */
export function alignColumns(table: readonly (readonly string[])[]): readonly string[] {
  const [head = []] = table;
  const widths = head.map((_, i) => Math.max(3, ...table.map(row => row[i]?.length ?? 0)));
  const line = (row: readonly string[], fill: string): string =>
    `| ${row.map((text, i) => text.padEnd(widths[i] ?? 0, fill)).join(' | ')} |`;
  const [first = '', ...rest] = table.map(row => line(row, ' '));
  return [
    first,
    line(
      head.map(() => ''),
      '-',
    ),
    ...rest,
  ];
}
