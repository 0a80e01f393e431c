import type { AttributedComponent, AttributedFinding, AttributeReport } from '../verify/attribute-report.js';
import { type CsvRow, renderCsv } from './csv.js';

const COLUMNS = [
  'severity',
  'id',
  'package',
  'version',
  'fixed-in',
  'team',
  'step',
  'layer',
  'adopted',
  'by',
  'path',
  'unattributed',
  'contradicted-by',
  'title',
  'purl',
];

/** A header line, then a line for each finding and team; where the report has components alone, one for each of those. */
export function renderAttributionCsv({ findings, components, summary }: AttributeReport): string {
  const rows =
    summary.findings > 0 || components.length === 0
      ? findings.flatMap(finding => rowsOf(finding, finding))
      : components.flatMap(component => rowsOf(component, undefined));
  return renderCsv([COLUMNS, ...rows]);
}

function rowsOf(
  { package: part, owners, orphan, contradictions }: AttributedFinding | AttributedComponent,
  finding: AttributedFinding | undefined,
): readonly CsvRow[] {
  const what = [
    finding?.severity ?? '',
    finding?.id ?? '',
    part?.name ?? '',
    part?.version ?? '',
    finding?.fixedIn.join(' ') ?? '',
  ];
  const others = [...new Set(contradictions.map(({ team }) => team))].join(' ');
  const rest = [orphan ?? '', others, finding?.title ?? '', part?.purl ?? ''];
  if (owners.length === 0) return [[...what, '', '', '', '', '', '', ...rest]];
  return owners.map(({ team, step, layer, adopted, by, path }) => [
    ...what,
    ...[team, step, layer, adopted ? 'yes' : 'no', by, path ?? ''],
    ...rest,
  ]);
}
