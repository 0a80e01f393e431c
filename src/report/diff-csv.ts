import type { DiffedPath, DiffReport, PackageVersion } from '../verify/diff-report.js';
import { type CsvRow, renderCsv } from './csv.js';

const COLUMNS = [
  ...['what', 'name', 'change', 'aspects', 'team', 'layer', 'former-team'],
  ...['before', 'after', 'before-mode', 'after-mode', 'before-digest', 'after-digest'],
];

const TALLY = ['added', 'removed', 'changed', 'metadata', 'config', 'packages'] as const;

/** A row for each difference, a header line first; where numbers alone were asked for, a row for each team. */
export function renderDiffCsv(report: DiffReport, numbersAlone: boolean): string {
  if (numbersAlone)
    return renderCsv([
      ['team', ...TALLY],
      ...report.summary.map(tally => [tally.team ?? '', ...TALLY.map(name => tally[name])]),
    ]);
  return renderCsv([COLUMNS, ...pathRows(report), ...configRows(report), ...packageRows(report)]);
}

function pathRows({ files }: DiffReport): readonly CsvRow[] {
  return files.map(file => [
    ...['file', file.path, file.change, file.aspects.join(' '), file.team ?? '', file.layer ?? ''],
    ...[file.formerTeam ?? '', ...states(file)],
  ]);
}

function states({ before, after }: DiffedPath): CsvRow {
  const both = [before, after];
  return [
    ...both.map(state => (state ? `${state.kind}${state.target === null ? '' : ` to ${state.target}`}` : '')),
    ...both.map(state => (state ? `${state.mode} ${state.uid}:${state.gid}` : '')),
    ...both.map(state => state?.digest ?? ''),
  ];
}

function configRows({ config }: DiffReport): readonly CsvRow[] {
  return config.map(({ key, member, change, before, after, team }) => [
    ...['config', member === null ? key : `${key} ${member}`, change, '', team ?? '', '', ''],
    ...[before ?? '', after ?? '', '', '', '', ''],
  ]);
}

function packageRows({ packages }: DiffReport): readonly CsvRow[] {
  const say = (version: PackageVersion | null): string =>
    version ? `${version.version} ${version.architecture}`.trimEnd() : '';
  return packages.map(one => [
    ...[one.ecosystem, one.name, one.change, '', one.team ?? '', one.layer ?? '', one.formerTeam ?? ''],
    ...[say(one.before), say(one.after), '', '', '', ''],
  ]);
}
