/** A markdown table with columns of even width, as the formatter wants them; the first row is its head. */
export function alignColumns(table: readonly (readonly string[])[]): readonly string[] {
  const [head = []] = table;
  const widths = head.map((_, i) => Math.max(3, ...table.map(row => row[i]?.length ?? 0)));
  const line = (row: readonly string[], fill: string): string =>
    `| ${row.map((text, i) => text.padEnd(widths[i] ?? 0, fill)).join(' | ')} |`;
  const rule = line(
    head.map(() => ''),
    '-',
  );
  const [first = '', ...rest] = table.map(row => line(row, ' '));
  return [first, rule, ...rest];
}
