import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { custodyReport, custodyShowFields } from '../../../src/cli/custody-schemas.js';
import { pictureOf } from '../../../src/report/index.js';
import { reportCustody, reportCustodyIndex } from '../../../src/verify/custody-report.js';
import { dropped, gapped, good, judged, manifestLayers, underSigned, unread } from './verdicts.js';

const worlds = { good, underSigned, dropped, gapped, unread, none: () => judged({}, () => ({ marks: [] })) };

/** As it is read: JSON leaves out what is undefined. */
function written<T>(value: T): T {
  return JSON.parse(JSON.stringify(value));
}

/** Holds a document to the schema, and to having no field that the schema does not name. */
function holds(schema: z.ZodType, document: unknown): void {
  const json = z.toJSONSchema(schema, { io: 'input' });
  expect(unknownFields(json, json, document, '')).toEqual([]);
  expect(schema.parse(document)).toEqual(document);
}

// biome-ignore lint/suspicious/noExplicitAny: a JSON Schema
function unknownFields(root: any, schema: any, value: unknown, path: string): string[] {
  const target = schema.$ref === '#' ? root : schema.$ref ? root.$defs[schema.$ref.slice(8)] : schema;
  const options = target.anyOf ?? [target];
  if (Array.isArray(value)) {
    const list = options.find((option: { items?: unknown }) => option.items);
    return value.flatMap((item, at) => unknownFields(root, list.items, item, `${path}[${at}]`));
  }
  if (typeof value !== 'object' || value === null) return [];
  const { properties } = options.find((option: { properties?: unknown }) => option.properties);
  return Object.entries(value).flatMap(([key, item]) =>
    properties[key] ? unknownFields(root, properties[key], item, `${path}.${key}`) : [`${path}.${key}`],
  );
}

describe('a custody verdict as JSON', () => {
  it.each(Object.entries(worlds))('follows its schema: %s', async (_, world) => {
    holds(custodyReport, written(reportCustody((await world()).verdict)));
  });

  it('says who added every layer', async () => {
    const { verdict, story } = await good();
    const report = written(reportCustody(verdict));
    expect(report).toMatchObject({ verdict: 'pass', code: null, level: 'blobs', children: [] });
    expect(report.layers).toEqual(
      story.head.image.layers.map(({ digest, diffID }, index) => {
        const team = ['base', 'base', 'runtime', 'runtime', 'app', 'app'][index];
        return { index, team, step: team, adopted: false, digest, diffID, evidence: 'blobs' };
      }),
    );
    expect(report.chain[0]).toEqual({
      team: 'base',
      step: 'base',
      kind: 'add',
      seq: 0,
      signers: ['grace', 'linus'],
      time: '2026-10-31T12:00:00Z',
      timeSource: 'claimed',
      age: 20 * 86_400,
      claim: story.links[0]?.digest,
      manifest: story.links[0]?.claim.subject.manifest.digest,
      span: { from: 0, to: 2 },
      seals: [],
    });
    expect(report.approvals.map(({ rule, team, on }) => [rule, team, on])).toEqual([
      ['base-qa', 'security', story.links[0]?.digest],
      ['scan', 'security', story.head.digest],
      ['promote', 'release', story.head.digest],
    ]);
  });

  it('gives a hint or null, never nothing', async () => {
    const { findings, code } = written(reportCustody((await underSigned()).verdict));
    expect(findings.map(found => [found.code, found.severity, found.hint])).toEqual([
      ['threshold-not-met', 'fail', 'more signers of the team co-sign the same claim'],
      ['approval-missing', 'fail', null],
      ['tag-unpinned', 'warning', 'deploy the digest'],
    ]);
    expect(code).toBe('threshold-not-met');
  });

  it('reports an index through its images, at the least of their levels', async () => {
    const { verdict, policy } = await good();
    const other = (await unread()).verdict;
    const about = { policy: verdict.policy, repository: verdict.subject.repository };
    const index = {
      verdict: 'indeterminate',
      code: 'layer-unavailable',
      index: policy.digest,
      findings: [],
    } as const;
    const report = written(reportCustodyIndex({ ...index, children: [verdict, other] }, about));
    holds(custodyReport, report);
    expect(report).toMatchObject({
      level: 'manifest',
      chain: [],
      layers: [],
      subject: { manifest: policy.digest },
    });
    expect(report.children.map(child => child.verdict)).toEqual(['pass', 'indeterminate']);
    const broken = (await dropped()).verdict;
    expect(reportCustodyIndex({ ...index, children: [verdict, broken] }, about).level).toBeNull();
    expect(reportCustodyIndex({ ...index, children: [] }, about).level).toBeNull();
  });
});

describe('a picture as JSON', () => {
  it.each(Object.entries(worlds))('follows its schema: %s', async (_, world) => {
    const { verdict, story } = await world();
    holds(z.looseObject(custodyShowFields), written(pictureOf(verdict, manifestLayers(story))));
  });
});
