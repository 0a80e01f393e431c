import { SEVERITIES, type Severity } from '../scans/index.js';
import type {
  AttributedComponent,
  AttributedFinding,
  AttributeReport,
  AttributeSummary,
} from '../verify/attribute-report.js';
import type { Orphan, Ownership } from '../verify/finding-owners.js';
import { countOf, formatSince } from './custody-words.js';
import { type Line, line, type TextStyle } from './lines.js';

/** What the report is, a table by team and severity, then a line for each finding. */
export function presentAttribution(report: AttributeReport): readonly Line[] {
  const { pinned, level, findings, components, summary } = report;
  return [
    line({ text: pinned, style: 'bold' }, `  ${level}`),
    ...presentFacts(report),
    line(),
    ...presentTable(summary),
    ...presentRemarks(summary),
    ...(findings.length === 0 ? [] : [line(), ...presentFindings(findings)]),
    ...(summary.findings > 0 || components.length === 0 ? [] : [line(), ...presentComponents(components)]),
  ];
}

const SUBJECTS: Readonly<Record<AttributeReport['report']['subject'], string>> = {
  manifest: 'of this image, by its manifest',
  config: 'of this image, by its config',
  index: 'of an index that lists this image',
  layers: 'of these layers',
  unstated: 'does not say of which image',
};

function presentFacts({ report, approvals, custody }: AttributeReport): readonly Line[] {
  const { format, tool, created, subject } = report;
  const maker = tool === null ? 'of an unknown tool' : [tool.name, tool.version ?? ''].join(' ').trimEnd();
  const form = tool?.name.toLowerCase() === format ? [] : [`as ${format}`];
  const known = [maker, ...form, SUBJECTS[subject], ...(created ? [`made ${created.slice(0, 10)}`] : [])];
  return [
    line('  report    ', known.join(', ')),
    ...(approvals.length === 0
      ? [line('  approved  ', { text: 'no approval of the image rests on this report', style: 'dim' })]
      : approvals.map(({ team, rule, signers, age }) =>
          line(
            '  approved  ',
            { text: team, style: 'bold' },
            `  ${rule}, ${signers.join(' and ')}, ${formatSince(age)}`,
          ),
        )),
    ...(custody.code === null
      ? []
      : [line('  policy    ', { text: `not satisfied yet: ${custody.code}`, style: 'yellow' })]),
  ];
}

function presentTable({ teams, findings, components, unattributed }: AttributeSummary): readonly Line[] {
  const counted = findings > 0 || components === 0;
  const rows = teams.map(({ team, findings: counts, total, components: parts }) => [
    team,
    ...(counted ? [...SEVERITIES.map(severity => counts[severity]), total] : []),
    ...(components > 0 ? [parts] : []),
  ]);
  const header = [
    'team',
    ...(counted ? [...SEVERITIES, 'total'] : []),
    ...(components > 0 ? ['components'] : []),
  ];
  const lines = pad([header, ...rows.map(row => row.map(String))], 1);
  return [
    ...lines.map((text, at) => line(at === 0 ? { text: `  ${text}`, style: 'dim' as const } : `  ${text}`)),
    ...(unattributed > 0
      ? [line({ text: `  ${countOf(unattributed, 'finding')} of nobody: see below`, style: 'yellow' })]
      : []),
  ];
}

function presentRemarks({ dismissed, contradicted, unknownLayers }: AttributeSummary): readonly Line[] {
  const remarks = [
    contradicted > 0 &&
      `${countOf(contradicted, 'finding')} that the report puts into a layer of another team than the image does`,
    dismissed > 0 && `${countOf(dismissed, 'finding')} that the report itself takes back, not counted`,
    unknownLayers.length > 0 &&
      `the report names ${countOf(unknownLayers.length, 'layer')} that the image does not have`,
  ];
  return remarks.flatMap(text => (text === false ? [] : [line({ text: `  ${text}`, style: 'yellow' })]));
}

const STYLES: Readonly<Partial<Record<Severity, TextStyle>>> = {
  critical: 'red',
  high: 'red',
  medium: 'yellow',
};

function presentFindings(findings: readonly AttributedFinding[]): readonly Line[] {
  const cells = pad(
    findings.map(({ id, package: part, fixedIn, owners }) => [
      teamsOf(owners),
      id,
      part === null ? '' : `${part.name} ${part.version ?? ''}`.trimEnd(),
      fixedIn.length === 0 ? '' : `→ ${fixedIn.join(', ')}`,
    ]),
  );
  return findings.map((finding, at) =>
    line(
      { text: finding.severity.padEnd(SEVERITY_WIDTH), ...{ style: STYLES[finding.severity] ?? 'dim' } },
      `  ${cells[at]}  `,
      { text: sayEvidence(finding), style: 'dim' },
    ),
  );
}

const SEVERITY_WIDTH = Math.max(...SEVERITIES.map(({ length }) => length));

function presentComponents(components: readonly AttributedComponent[]): readonly Line[] {
  const cells = pad(
    components.map(({ package: { name, version }, owners }) => [teamsOf(owners), `${name} ${version ?? ''}`]),
  );
  return components.map((component, at) =>
    line(`${cells[at]}  `, { text: sayEvidence(component), style: 'dim' }),
  );
}

function teamsOf(owners: Ownership['owners']): string {
  return owners.length === 0 ? 'nobody' : [...new Set(owners.map(({ team }) => team))].join('+');
}

const ORPHANS: Readonly<Record<Orphan, string>> = {
  'place-missing': 'the report does not say where it lies',
  'path-unknown': 'the image has no such file',
  'package-unknown': 'no package database of the image lists it',
  'layer-unknown': 'the image has no such layer',
};

function sayEvidence({ owners, orphan, contradictions }: Ownership): string {
  if (owners.length === 0) return orphan === null ? '' : ORPHANS[orphan];
  const found = owners.map(({ by, layer, path, adopted }) => {
    const how = path === null ? `by ${by}` : path;
    return `layer ${layer}${adopted ? ', adopted' : ''}, ${how}`;
  });
  const others = contradictions.map(({ by, team, layer }) => `by ${by}: ${team}, layer ${layer}`);
  return [found.join('; '), ...(others.length === 0 ? [] : [`(${others.join('; ')})`])].join(' ');
}

/** Rows as columns, at most so wide that a long name does not push the others away. @param right first column of numbers */
function pad(rows: readonly (readonly string[])[], right = Number.POSITIVE_INFINITY): readonly string[] {
  const widths = (rows[0] ?? []).map((_, column) =>
    Math.min(WIDEST, Math.max(...rows.map(row => row[column]?.length ?? 0))),
  );
  return rows.map(row =>
    row
      .map((cell, column) => {
        const width = widths[column] ?? 0;
        return column >= right ? cell.padStart(width) : cell.padEnd(width);
      })
      .join('  '),
  );
}

const WIDEST = 44;
