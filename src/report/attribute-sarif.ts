import { type Severity, worse } from '../scans/index.js';
import type { AttributedFinding, AttributeReport } from '../verify/attribute-report.js';
import type { Owner } from '../verify/finding-owners.js';

const LEVELS: Readonly<Record<Severity, string>> = {
  critical: 'error',
  high: 'error',
  medium: 'warning',
  low: 'note',
  negligible: 'note',
  // Nobody has said that it is less.
  unknown: 'warning',
};

/** The least score of each band, as code scanners read `security-severity`; without one they go by the level. */
const SCORES: Readonly<Partial<Record<Severity, string>>> = {
  critical: '9.0',
  high: '7.0',
  medium: '4.0',
  low: '0.1',
  negligible: '0.0',
};

/**
 * The findings as a SARIF log (OASIS, SARIF 2.1.0): teams are properties of each result, and logical locations.
 * @param tool this tool
 */
export function buildAttributionSarif(
  { findings, pinned, layers, report }: AttributeReport,
  tool: { readonly name: string; readonly version: string },
): object {
  const rules = new Map<
    string,
    { readonly index: number; severity: Severity; readonly title: string | null }
  >();
  for (const { id, severity, title } of findings) {
    const known = rules.get(id);
    if (known) known.severity = worse(known.severity, severity);
    else rules.set(id, { index: rules.size, severity, title });
  }
  const driver = {
    name: tool.name,
    version: tool.version,
    rules: [...rules].map(([id, { severity, title }]) => ({
      id,
      ...(title !== null && { shortDescription: { text: title } }),
      properties: {
        tags: ['security', severity],
        ...(SCORES[severity] !== undefined && { 'security-severity': SCORES[severity] }),
      },
    })),
  };
  return {
    $schema: 'https://json.schemastore.org/sarif-2.1.0.json',
    version: '2.1.0',
    runs: [
      {
        tool: { driver },
        originalUriBaseIds: { ROOTPATH: { uri: 'file:///' } },
        results: findings.map(finding => buildResult(finding, rules.get(finding.id)?.index ?? 0)),
        properties: { image: pinned, teams: [...new Set(layers.map(({ team }) => team))], report },
      },
    ],
  };
}

function buildResult(finding: AttributedFinding, ruleIndex: number): object {
  const { id, severity, package: part, owners, orphan, contradictions, fixedIn, aliases, places } = finding;
  const paths = places.flatMap(({ path }) => path ?? []);
  return {
    ruleId: id,
    ruleIndex,
    level: LEVELS[severity],
    message: { text: sayResult(finding) },
    locations:
      owners.length > 0
        ? owners.map(owner => ({
            ...physical(owner.path ?? (owners.length === 1 ? paths[0] : undefined)),
            logicalLocations: [logical(owner)],
          }))
        : paths.map(physical),
    properties: {
      teams: [...new Set(owners.map(({ team }) => team))],
      ...{ severity, owners, unattributed: orphan, contradictions, package: part, fixedIn, aliases },
    },
  };
}

function logical({ team, step, layer }: Owner): object {
  return { name: team, kind: 'team', fullyQualifiedName: `${team}/${step}/layer ${layer}` };
}

/** Relative to the root of the image. */
function physical(path: string | undefined): object {
  if (path === undefined) return {};
  // A byte that is no UTF-8 stands as half of a surrogate pair, of which there is no URI.
  const uri = path
    .replace(/^\/+/, '')
    .split('/')
    .map(part => encodeURIComponent(part.replace(/\p{Cs}/gu, '\ufffd')))
    .join('/');
  return { physicalLocation: { artifactLocation: { uri, uriBaseId: 'ROOTPATH' } } };
}

function sayResult({ id, severity, package: part, fixedIn, owners, orphan }: AttributedFinding): string {
  const what = part === null ? id : `${id} in ${part.name} ${part.version ?? ''}`.trimEnd();
  const fix = fixedIn.length === 0 ? '' : `, fixed in ${fixedIn.join(', ')}`;
  const whose =
    owners.length === 0
      ? `nobody's: ${orphan}`
      : owners.map(({ team, layer, by }) => `${team} (layer ${layer}, by ${by})`).join(', ');
  return `${what}: ${severity}${fix}. Whose it is: ${whose}.`;
}
