import type { BlameReport } from '../verify/blame-report.js';
import type { FolderSummary, TeamSummary } from '../verify/blame-summary.js';
import { type Line, line } from './lines.js';

/** Lines of one kind that are shown; JSON and CSV have all of them. */
const SHOWN = 20;

/** A line each team; of a single one also its folders, worst first. */
export function presentSummary(summary: BlameReport['summary']): readonly Line[] {
  const [team] = summary;
  const table = tableOf('team', summary, ({ team }) => team);
  if (team === undefined || summary.length > 1) return [...table, FOOT];
  const folders = team.folders.slice(0, SHOWN);
  const more = team.folders.length - folders.length;
  return [
    ...table,
    line(''),
    ...tableOf('folder', folders, ({ path }) => path),
    ...(more > 0 ? [line({ text: `and ${more} more folders`, style: 'dim' })] : []),
    FOOT,
  ];
}

const FOOT = line({ text: 'replaced, metadata, (deleted): what other teams had there', style: 'dim' });

const HEADS = ['files', 'bytes', 'others', 'replaced', 'metadata', 'deleted'];

function tableOf<Of extends TeamSummary | FolderSummary>(
  what: string,
  rows: readonly Of[],
  nameOf: (row: Of) => string,
): readonly Line[] {
  const cells = rows.map(row => {
    const { files, bytes, others, replaced, metadata, deleted, deletedOfOthers } = row;
    const gone = deletedOfOthers === 0 ? `${deleted}` : `${deleted} (${deletedOfOthers})`;
    return [...[files, bytes, others, replaced, metadata].map(String), gone];
  });
  const width = Math.max(what.length, ...rows.map(row => nameOf(row).length));
  const widths = HEADS.map((head, i) => Math.max(head.length, ...cells.map(row => row[i]?.length ?? 0)));
  const numbers = (row: readonly string[]): string =>
    row.map((cell, i) => `  ${cell.padStart(widths[i] ?? 0)}`).join('');
  return [
    line({ text: `${what.padEnd(width)}${numbers(HEADS)}`, style: 'dim' }),
    ...rows.map((row, i) =>
      line({ text: nameOf(row).padEnd(width), style: 'bold' }, numbers(cells[i] ?? [])),
    ),
  ];
}

/** What to know before such an image is unpacked on another system. */
export function presentCollisions({ collisions, layers }: BlameReport): readonly Line[] {
  if (collisions === null || collisions.length === 0) return [];
  const more = collisions.length - SHOWN;
  return [
    line({
      text: 'one name to file systems that ignore case or how Unicode composes letters:',
      style: 'yellow',
    }),
    ...collisions
      .slice(0, SHOWN)
      .map(({ paths, layers: of }) =>
        line(
          `  ${paths.map((path, i) => `${path} (${layers[of[i] ?? -1]?.team ?? 'no layer'})`).join(', ')}`,
        ),
      ),
    ...(more > 0 ? [line({ text: `  and ${more} more`, style: 'dim' })] : []),
  ];
}
