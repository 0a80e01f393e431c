import type { BlameReport, PathState } from '../verify/blame-report.js';
import { owner, ownersOf } from './blame-text.js';

const COLUMNS = [
  'path',
  'kind',
  'team',
  'step',
  'layer',
  'metadata-team',
  'name-team',
  'mode',
  'uid',
  'gid',
  'size',
  'digest',
  'deleted-by',
  'how',
];

/** As RFC 4180 has it, but for plain line feeds; a header line first. What is gone has the team that deleted it. */
export function renderBlameCsv({ paths, deleted, summary, layers }: BlameReport): string {
  if (summary.length > 0) return renderRows(summaryRows(summary));
  const of = ownersOf(layers);
  const fields = (state: PathState): readonly (string | number)[] => {
    const main = of(owner(state));
    const { kind, mode, uid, gid, size, digest } = state;
    const teams = [of(state.metadata)?.team ?? '', of(state.name)?.team ?? ''];
    return [
      kind,
      main?.team ?? '',
      main?.step ?? '',
      main?.index ?? '',
      ...teams,
      mode,
      uid,
      gid,
      size,
      digest ?? '',
    ];
  };
  const rows = [
    COLUMNS,
    ...paths.map(path => [path.path, ...fields(path), '', '']),
    ...deleted.map(gone => [gone.path, ...fields(gone.was), of(gone.deletedBy)?.team ?? '', gone.how]),
  ];
  return renderRows(rows);
}

const TALLY = ['files', 'bytes', 'others', 'replaced', 'metadata', 'deleted', 'deletedOfOthers'] as const;

/** Of each team a row for all, without a folder, and one for each folder. */
function summaryRows(summary: BlameReport['summary']): readonly Row[] {
  const header = [...TALLY.slice(0, -1), 'deleted-of-others'];
  return [
    ['team', 'folder', ...header],
    ...summary.flatMap(({ team, folders, ...all }) => [
      [team, '', ...TALLY.map(name => all[name])],
      ...folders.map(folder => [team, folder.path, ...TALLY.map(name => folder[name])]),
    ]),
  ];
}

type Row = readonly (string | number)[];

function renderRows(rows: readonly Row[]): string {
  return rows.map(cells => `${cells.map(quote).join(',')}\n`).join('');
}

/** A cell that a spreadsheet would take for a formula is made text. */
function quote(cell: string | number): string {
  const text = /^[=+\-@\t\r]/.test(String(cell)) ? `'${cell}` : String(cell);
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
