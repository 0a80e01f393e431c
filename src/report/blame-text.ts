import type { BlamedLayer, BlamedPath, BlameReport, GonePath, PathState } from '../verify/blame-report.js';
import { presentCollisions, presentSummary } from './blame-summary-text.js';
import { type Line, line } from './lines.js';

/** A single path in full; of many a line each. */
export function presentBlame(report: BlameReport): readonly Line[] {
  const { paths, deleted, summary, layers, pinned, level } = report;
  const of = ownersOf(layers);
  const head = line({ text: pinned, style: 'bold' }, `  ${level}`);
  const collisions = presentCollisions(report);
  if (summary.length > 0) return [head, ...presentSummary(summary), ...collisions];
  const [path] = paths;
  const [gone] = deleted;
  if (path && paths.length === 1) return [head, ...presentPath(path, of)];
  if (gone && paths.length === 0 && deleted.length === 1) return [head, ...presentGone(gone, of)];
  if (paths.length === 0 && deleted.length === 0) return [head, line('nothing')];
  const width = Math.max(...layers.map(({ team }) => team.length));
  return [
    head,
    ...paths.map(entry => line(`${columns(of(owner(entry)), width)}  ${entry.path}`, ...remarks(entry, of))),
    ...deleted.map(entry => {
      const by = of(entry.deletedBy);
      const text = `  deleted by ${by?.team}, layer ${by?.index}${HOW[entry.how] ?? ''}`;
      return line(`${columns(of(owner(entry.was)), width)}  ${entry.path}`, { text, style: 'dim' });
    }),
    ...collisions,
  ];
}

export type OwnerOf = (layer: number | null) => BlamedLayer | undefined;

export function ownersOf(layers: readonly BlamedLayer[]): OwnerOf {
  return layer => (layer === null ? undefined : layers[layer]);
}

/** Folders have no bytes: theirs is who made them. */
export function owner({ content, name }: PathState): number | null {
  return content ?? name;
}

function columns(layer: BlamedLayer | undefined, width: number): string {
  return `${(layer?.team ?? '').padEnd(width)}  layer ${String(layer?.index ?? '').padEnd(2)}`;
}

const HOW: Readonly<Record<string, string>> = {
  opaque: ', with all that was in its folder',
  replaced: ', by what came in the place of its folder',
};

function remarks(path: BlamedPath, of: OwnerOf): Line {
  const main = owner(path);
  const notes = [
    path.metadata === main ? '' : `mode and owner by ${of(path.metadata)?.team}`,
    path.name === main ? '' : `name by ${of(path.name)?.team}`,
    path.history.length > 0 ? `changed ${path.history.length}×` : '',
    path.deletions.length > 0 ? 'was gone before' : '',
  ].filter(note => note !== '');
  return notes.length === 0 ? [] : [{ text: `  ${notes.join(', ')}`, style: 'dim' }];
}

function presentPath(path: BlamedPath, of: OwnerOf): readonly Line[] {
  return [
    line({ text: path.path, style: 'bold' }, `  ${describe(path)}`),
    ...presentOwners(path, of),
    ...(path.touched === null ? [] : [row('repeated', of(path.touched))]),
    ...path.history.map(state => row('before', of(owner(state)), describe(state))),
    ...path.deletions.map(gone => row('was deleted', of(gone.deletedBy))),
  ];
}

function presentGone({ path, deletedBy, how, was, history }: GonePath, of: OwnerOf): readonly Line[] {
  return [
    line({ text: path, style: 'bold' }, `  is gone${HOW[how] ?? ''}`),
    row('deleted', of(deletedBy)),
    row('was', of(owner(was)), describe(was)),
    ...history.map(state => row('before', of(owner(state)), describe(state))),
  ];
}

function presentOwners(path: PathState, of: OwnerOf): readonly Line[] {
  const what = path.kind === 'folder' ? [] : [row('bytes', of(path.content))];
  return [...what, row('metadata', of(path.metadata)), row('name', of(path.name))];
}

function row(what: string, layer: BlamedLayer | undefined, more = ''): Line {
  if (layer === undefined) return line(`  ${what.padEnd(12)}no layer`);
  const { team, index, step, signers, adopted, time } = layer;
  const how = adopted ? `adopted in step ${step}` : `step ${step}`;
  const by = `layer ${index}, ${how}, ${signers.join(' and ')}, ${time.slice(0, 10)}`;
  return line(
    `  ${what.padEnd(12)}`,
    { text: team, style: 'bold' },
    `  ${by}${more === '' ? '' : `  ${more}`}`,
  );
}

function describe({ kind, mode, uid, gid, size, digest, target }: PathState): string {
  const bytes = kind === 'file' ? `, ${size} bytes, ${digest?.slice(0, 19)}…` : '';
  return `${kind}${target === null ? '' : ` to ${target}`}, ${mode} ${uid}:${gid}${bytes}`;
}
