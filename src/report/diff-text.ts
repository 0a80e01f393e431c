import type { DiffedImage, DiffedKey, DiffedPackage, DiffedPath, DiffReport } from '../verify/diff-report.js';
import { type Fragment, type Line, line } from './lines.js';

const SIGNS = { added: '+', removed: '-', changed: '~' } as const;
const STYLES = { added: 'green', removed: 'red', changed: 'yellow' } as const;
/** Characters of a value of the config that are shown. */
const VALUE = 60;

/** A line for each difference: what it is, whose work it is, whose it was before. */
export function presentDiff(report: DiffReport, numbersAlone: boolean): readonly Line[] {
  const { files, config, packages, proven, differs } = report;
  const width = Math.max(6, ...report.after.layers.map(({ team }) => team?.length ?? 0));
  const sections = numbersAlone
    ? presentTallies(report, width)
    : [
        ...section(
          'packages',
          packages.map(one => presentPackage(one, width, proven)),
        ),
        ...section(
          'config',
          config.map(one => presentKey(one, width, proven)),
        ),
        ...section(
          'files',
          files.map(one => presentPath(one, width, proven)),
        ),
      ];
  return [
    presentImage('before', report.before),
    presentImage('after', report.after),
    line(`  ${countLayers(report.sharedLayers)} shared from the base`),
    ...(proven ? [] : [line({ text: NOTHING_PROVEN, style: 'yellow' })]),
    ...(differs ? sections : [line('no difference')]),
  ];
}

const NOTHING_PROVEN = '  nothing is proven: without --policy no mark was verified, and layers have no teams';

function presentImage(which: string, { pinned, layers }: DiffedImage): Line {
  return line(`${which.padEnd(7)} `, { text: pinned, style: 'bold' }, `  ${countLayers(layers.length)}`);
}

function countLayers(count: number): string {
  return `${count} ${count === 1 ? 'layer' : 'layers'}`;
}

function section(name: string, lines: readonly Line[]): readonly Line[] {
  return lines.length === 0 ? [] : [line({ text: `${name} (${lines.length})`, style: 'bold' }), ...lines];
}

function presentTallies({ summary }: DiffReport, width: number): readonly Line[] {
  return summary.map(({ team, added, removed, changed, metadata, config, packages }) =>
    line(
      { text: (team ?? 'nobody').padEnd(width), style: 'bold' },
      `  files +${added} -${removed} ~${changed}, metadata ~${metadata}, config ~${config}, packages ~${packages}`,
    ),
  );
}

/** The sign, and who did it: a team with its layer, or the layer alone. */
function head(
  change: keyof typeof SIGNS,
  by: { readonly team: string | null; readonly layer?: number | null },
  width: number,
  proven: boolean,
): readonly Fragment[] {
  const layer = by.layer === undefined ? '' : by.layer === null ? '-' : `layer ${by.layer}`;
  const team = proven ? `${(by.team ?? '-').padEnd(width)}  ` : '';
  return [{ text: `${SIGNS[change]} `, style: STYLES[change] }, `${team}${layer.padEnd(9)} `];
}

function former(team: string | null, now: string | null): string {
  return team === null || team === now ? '' : `was ${team}’s`;
}

function presentPath(file: DiffedPath, width: number, proven: boolean): Line {
  const { before, after, aspects, change, how } = file;
  const notes = [
    change === 'changed' ? aspects.map(aspect => explain(aspect, file)).join(', ') : '',
    how === null || how === 'explicit'
      ? ''
      : how === 'opaque'
        ? 'with all of its folder'
        : 'its folder was replaced',
    change === 'removed' && file.layer === null ? 'no layer of the second image had it' : '',
    former(file.formerTeam, file.team),
  ].filter(note => note !== '');
  const kind = (after ?? before)?.kind === 'folder' ? '/' : '';
  return line(...head(change, file, width, proven), `${file.path}${kind}`, ...dim(notes));
}

function explain(aspect: string, { before, after }: DiffedPath): string {
  if (aspect === 'type') return `${before?.kind} became ${after?.kind}`;
  if (aspect === 'mode') return `mode ${before?.mode} to ${after?.mode}`;
  if (aspect === 'owner') return `owner ${before?.uid}:${before?.gid} to ${after?.uid}:${after?.gid}`;
  return aspect;
}

function presentKey(one: DiffedKey, width: number, proven: boolean): Line {
  const name = one.member === null ? one.key : `${one.key} ${one.member}`;
  const values = [one.before, one.after].map(value =>
    value === null ? 'nothing' : JSON.stringify(shorten(value)),
  );
  const by = { team: one.team };
  return line(...head(one.change, by, width, proven), name, ...dim([values.join(' to ')]));
}

function shorten(value: string): string {
  return value.length > VALUE ? `${value.slice(0, VALUE)}…` : value;
}

function presentPackage(one: DiffedPackage, width: number, proven: boolean): Line {
  const { before, after } = one;
  const other = before && after && before.architecture !== after.architecture;
  const versions = [before, after]
    .filter(version => version !== null)
    .map(({ version, architecture }) => (other ? `${version} (${architecture})` : version));
  return line(
    ...head(one.change, one, width, proven),
    `${one.ecosystem} ${one.name} ${versions.join(' to ')}`,
    ...dim([former(one.formerTeam, one.team)].filter(note => note !== '')),
  );
}

function dim(notes: readonly string[]): readonly Fragment[] {
  return notes.length === 0 ? [] : [{ text: `  ${notes.join(', ')}`, style: 'dim' }];
}
