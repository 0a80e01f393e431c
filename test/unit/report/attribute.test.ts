import { expect, test } from 'vitest';
import { z } from 'zod';
import { printable } from '../../../src/cli/text.js';
import { renderAttributionCsv } from '../../../src/report/attribute-csv.js';
import { buildAttributionSarif } from '../../../src/report/attribute-sarif.js';
import { presentAttribution } from '../../../src/report/attribute-text.js';
import { renderLines } from '../../../src/report/lines.js';
import {
  type AttributedFinding,
  type AttributeReport,
  summarizeScan,
} from '../../../src/verify/attribute-report.js';
import type { BlamedLayer } from '../../../src/verify/blame-report.js';
import type { Owner } from '../../../src/verify/finding-owners.js';

const digest = `sha256:${'a'.repeat(64)}` as AttributeReport['report']['digest'];
const layer = (index: number, team: string): BlamedLayer => ({
  ...{ index, team, step: team, adopted: index === 0, signers: [team] },
  ...{ time: '2026-11-20T12:00:00Z', claim: digest, digest, diffID: digest },
});
const layers = [layer(0, 'base'), layer(1, 'app')];
const owner = (index: number, by: Owner['by'], path: string | null): Owner => {
  const { team, step, adopted } = layers[index] as BlamedLayer;
  return { by, team, step, layer: index, adopted, path };
};
const plain: AttributedFinding = {
  ...{
    id: 'CVE-1',
    aliases: ['GHSA-1'],
    title: 'a flaw',
    severity: 'high',
    severityWord: 'HIGH',
    source: null,
  },
  package: { ecosystem: 'npm', name: 'x', version: '1', architecture: null, purl: 'pkg:npm/x@1' },
  ...{ fixedIn: ['2', '3'], places: [{ path: 'a b/ü', layers: [] }], orphan: null },
  ...{ owners: [owner(1, 'path', '/a b/ü')], contradictions: [owner(0, 'layer', null)], unknownLayers: [] },
};
const findings: readonly AttributedFinding[] = [
  plain,
  {
    ...plain,
    severity: 'low',
    owners: [owner(0, 'path', '/p'), owner(1, 'path', '/q\udc80')],
    contradictions: [],
  },
  {
    ...plain,
    ...{ id: '=CVE-2', title: null, severity: 'unknown', package: null, fixedIn: [], owners: [] },
    ...{ contradictions: [], places: [], orphan: 'place-missing' },
  },
];
const report: AttributeReport = {
  ...{ reference: 'app:1', pinned: `app@${digest}`, through: null, level: 'content' },
  policy: { name: 'shop', version: 1, digest },
  custody: { verdict: 'pass', code: null },
  report: {
    ...{
      format: 'grype',
      formatVersion: null,
      tool: null,
      created: null,
      digest,
      size: 1,
      subject: 'layers',
    },
    name: null,
  },
  approvals: [],
  layers,
  summary: summarizeScan({ dismissed: 2 }, layers, findings, []),
  findings,
  components: [],
  gate: null,
};

/** What is used of SARIF 2.1.0, as its schema has it: closed objects, members of these forms. */
const text = z.strictObject({ text: z.string() });
const bag = z.looseObject({
  tags: z
    .array(z.string())
    .refine(tags => new Set(tags).size === tags.length)
    .optional(),
});
const SARIF = z.strictObject({
  $schema: z.url(),
  version: z.literal('2.1.0'),
  runs: z.array(
    z.strictObject({
      tool: z.strictObject({
        driver: z.strictObject({
          name: z.string(),
          version: z.string(),
          rules: z.array(
            z.strictObject({ id: z.string(), shortDescription: text.optional(), properties: bag }),
          ),
        }),
      }),
      originalUriBaseIds: z.record(z.string(), z.strictObject({ uri: z.url().endsWith('/') })),
      results: z.array(
        z.strictObject({
          ruleId: z.string(),
          ruleIndex: z.int().min(-1),
          level: z.enum(['none', 'note', 'warning', 'error']),
          message: text,
          locations: z.array(
            z.strictObject({
              physicalLocation: z
                .strictObject({
                  artifactLocation: z.strictObject({
                    uri: z.string().regex(/^(?:[\w.~!$&'()*+,;=:@/-]|%[0-9A-F]{2})+$/),
                    uriBaseId: z.literal('ROOTPATH'),
                  }),
                })
                .optional(),
              logicalLocations: z
                .array(z.strictObject({ name: z.string(), kind: z.string(), fullyQualifiedName: z.string() }))
                .optional(),
            }),
          ),
          properties: bag,
        }),
      ),
      properties: bag,
    }),
  ),
});

test('SARIF: a result for each finding, a rule for each flaw with its gravest severity, teams as places', () => {
  const { runs } = SARIF.parse(buildAttributionSarif(report, { name: 'touchmark', version: '1' }));
  const [run] = runs;
  expect(run?.tool.driver.rules).toEqual([
    {
      id: 'CVE-1',
      shortDescription: { text: 'a flaw' },
      properties: { tags: ['security', 'high'], 'security-severity': '7.0' },
    },
    { id: '=CVE-2', properties: { tags: ['security', 'unknown'] } },
  ]);
  const results = run?.results.map(({ level, ruleIndex, properties, locations }) => [
    ...[level, ruleIndex, properties['teams']],
    locations.map(one => [one.physicalLocation?.artifactLocation.uri, one.logicalLocations?.[0]?.name]),
  ]);
  expect(results).toEqual([
    ['error', 0, ['app'], [['a%20b/%C3%BC', 'app']]],
    [
      'note',
      0,
      ['base', 'app'],
      [
        ['p', 'base'],
        ['q%EF%BF%BD', 'app'],
      ],
    ],
    ['warning', 1, [], []],
  ]);
  expect(run?.results[0]?.message.text).toBe(
    'CVE-1 in x 1: high, fixed in 2, 3. Whose it is: app (layer 1, by path).',
  );
});

test('CSV: a row for each finding and owner', () => {
  const [, ...rows] = renderAttributionCsv(report).trimEnd().split('\n');
  expect(rows).toEqual([
    'high,CVE-1,x,1,2 3,app,app,1,no,path,/a b/ü,,base,a flaw,pkg:npm/x@1',
    'low,CVE-1,x,1,2 3,base,base,0,yes,path,/p,,,a flaw,pkg:npm/x@1',
    'low,CVE-1,x,1,2 3,app,app,1,no,path,/q\udc80,,,a flaw,pkg:npm/x@1',
    "unknown,'=CVE-2,,,,,,,,,,place-missing,,,",
  ]);
});

test('text: what counts for whom, and the reason where it is nobody’s', () => {
  const lines = renderLines(presentAttribution(report), (_, said) => said, printable).split('\n');
  expect(lines).toEqual([
    `app@${digest}  content`,
    '  report    of an unknown tool, as grype, of these layers',
    '  approved  no approval of the image rests on this report',
    '',
    '  team  critical  high  medium  low  negligible  unknown  total',
    '  base         0     0       0    1           0        0      1',
    '  app          0     1       0    1           0        0      2',
    '  1 finding of nobody: see below',
    '  1 finding that the report puts into a layer of another team than the image does',
    '  2 findings that the report itself takes back, not counted',
    '',
    'high        app       CVE-1   x 1  → 2, 3  layer 1, /a b/ü (by layer: base, layer 0)',
    'low         base+app  CVE-1   x 1  → 2, 3  layer 0, adopted, /p; layer 1, /q\\u{dc80}',
    'unknown     nobody    =CVE-2               the report does not say where it lies',
  ]);
});
