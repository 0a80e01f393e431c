export type CsvRow = readonly (string | number)[];

/** As RFC 4180 has it, but for plain line feeds. */
export function renderCsv(rows: readonly CsvRow[]): string {
  return rows.map(cells => `${cells.map(quote).join(',')}\n`).join('');
}

/** A cell that a spreadsheet would take for a formula is made text. */
function quote(cell: string | number): string {
  const text = /^[=+\-@\t\r]/.test(String(cell)) ? `'${cell}` : String(cell);
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
