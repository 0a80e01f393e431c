import type { BlameReport, PathState } from '../verify/blame-report.js';
import { owner, ownersOf } from './blame-text.js';
import { type CsvRow, renderCsv } from './csv.js';

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

/** A header line first. What is gone has the team that deleted it. */
export function renderBlameCsv({ paths, deleted, summary, layers }: BlameReport): string {
  if (summary.length > 0) return renderCsv(summaryRows(summary));
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
  return renderCsv(rows);
}

const TALLY = ['files', 'bytes', 'others', 'replaced', 'metadata', 'deleted', 'deletedOfOthers'] as const;

/** Of each team a row for all, without a folder, and one for each folder. */
function summaryRows(summary: BlameReport['summary']): readonly CsvRow[] {
  const header = [...TALLY.slice(0, -1), 'deleted-of-others'];
  return [
    ['team', 'folder', ...header],
    ...summary.flatMap(({ team, folders, ...all }) => [
      [team, '', ...TALLY.map(name => all[name])],
      ...folders.map(folder => [team, folder.path, ...TALLY.map(name => folder[name])]),
    ]),
  ];
}
