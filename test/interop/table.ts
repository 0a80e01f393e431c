import { alignColumns } from '../markdown-table.js';
import { PLACES, type Place, REASONS, type Row, TOOLS, type Tool } from './matrix.js';

/** What happened: the id of the reason it did not verify for, or `yes`. */
export type Cell = {
  readonly row: Row;
  readonly place: Place;
  readonly verifier: Tool;
  readonly result: string;
};

/** The table as it is published: a line for each key kind, format and signer, a column for each place and verifier. */
export function renderTable(rows: readonly Row[], cells: readonly Cell[], versions: string): string {
  const columns = PLACES.flatMap(place => TOOLS.map(verifier => ({ place, verifier })));
  const at = (row: Row, place: Place, verifier: Tool): string => {
    const cell = cells.find(c => c.row === row && c.place === place && c.verifier === verifier);
    if (!cell) throw new Error(`no result for ${row.kind} ${row.carrier} ${row.signer} ${place} ${verifier}`);
    return cell.result === 'yes' ? 'yes' : `no (${cell.result})`;
  };
  const title = ['key', 'format', 'signed by', ...columns.map(c => `${c.place}: ${c.verifier}`)];
  const lines = rows.map(row => [
    row.kind,
    row.carrier,
    row.signer,
    ...columns.map(c => at(row, c.place, c.verifier)),
  ]);
  return [
    '# Who verifies whose signatures',
    '',
    'Made by `TOUCHMARK_UPDATE_TABLE=1 npm run test:interop`; the interop suite holds it to what it finds.',
    `Every tool with a key, its default flags and no transparency log: ${versions}.`,
    '',
    'touchmark signs with keys that `cosign import-key-pair` wrote, cosign with keys that touchmark wrote.',
    'Columns: where the image lies, then who verifies. `fallback` is docker-registry 2.8, which has no referrers API;',
    '`referrers` a registry that has it; `layout` a folder: touchmark signs there, cosign signs in a registry and saves.',
    '“no” carries the letter of its reason below.',
    '',
    ...alignColumns([title, ...lines]),
    '',
    ...REASONS.filter(({ id }) => cells.some(cell => cell.result === id)).map(
      ({ id, text }) => `- (${id}) ${text}.`,
    ),
    '',
  ].join('\n');
}
