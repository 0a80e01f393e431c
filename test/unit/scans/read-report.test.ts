import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, test } from 'vitest';
import { utf8 } from '../../../src/base/bytes.js';
import { TouchmarkError } from '../../../src/base/errors.js';
import { LIMITS } from '../../../src/base/limits.js';
import {
  matchSubject,
  parsePackageUrl,
  readScanReport,
  SCAN_FORMATS,
  type ScanFinding,
  type ScanFormat,
  type ScanPlace,
  severityOf,
  severityOfScore,
} from '../../../src/scans/index.js';
import { root } from '../documents.js';
import { BLOBS, CONFIG, DIFF_IDS, MANIFEST } from './scanned-image.js';

const folder = join(root, 'test/vectors/reports');
const load = (name: string): Uint8Array => readFileSync(join(folder, `${name}.json`));
const image = {
  manifest: MANIFEST,
  index: null,
  config: CONFIG,
  layers: DIFF_IDS.map((diffID, at) => ({ diffID, digest: BLOBS[at] as string })),
};

/** `usr/x in 1`: a path, and the layers of the test image by number. */
function say({ path, layers }: ScanPlace): string {
  const numbers = layers.map(layer => {
    const at = Math.max(DIFF_IDS.indexOf(layer as never), BLOBS.indexOf(layer as never));
    return at < 0 ? '?' : at;
  });
  return [path, ...(numbers.length > 0 ? [`in ${numbers.join()}`] : [])].filter(Boolean).join(' ');
}

function sayFinding({ id, severity, package: part, fixedIn, places }: ScanFinding): string {
  const what = part ? `${part.ecosystem}:${part.name}@${part.version}` : 'file';
  return [id, severity, what, fixedIn.join('|') || '-', ...places.map(say)].join(' · ');
}

const LODASH = 'opt/app/node_modules/lodash/package.json';
const IP = 'usr/lib/node_modules/npm/node_modules/ip/package.json';

/** What each recorded report comes to. */
const REPORTS: Readonly<Record<string, readonly [ScanFormat, tool: string, ...findings: string[]]>> = {
  trivy: [
    'trivy',
    'trivy',
    'CVE-2023-6129 · medium · deb:libssl3@3.0.11-1~deb12u2 · - · in 2,2',
    'CVE-2023-45853 · critical · deb:zlib1g@1:1.2.13.dfsg-1 · - · in 2,2',
    'CVE-2023-46218 · medium · deb:curl@7.88.1-10+deb12u5 · 7.88.1-10+deb12u6 · in 2,2',
    `CVE-2023-42282 · low · npm:ip@2.0.0 · 2.0.1|1.1.9 · ${IP} in 1,1`,
    `CVE-2021-23337 · high · npm:lodash@4.17.20 · 4.17.21 · ${LODASH} in 2,2`,
    'aws-access-key-id · critical · file · - · /opt/app/.env in 2,2',
  ],
  grype: [
    'grype',
    'grype',
    'CVE-2023-6129 · negligible · deb:libssl3@3.0.11-1~deb12u2 · - · /usr/share/doc/libssl3/copyright in 0 · /var/lib/dpkg/status in 2',
    `GHSA-35jh-r3h4-6jhm · high · npm:lodash@4.17.20 · 4.17.21 · /${LODASH} in 2`,
  ],
  clair: [
    'clair',
    'clair',
    'CVE-2023-6129 · low · deb:libssl3@3.0.11-1~deb12u2 · 3.0.13-1~deb12u1 · var/lib/dpkg/status in 1',
    'CVE-2023-46218 · unknown · deb:curl@7.88.1-10+deb12u5 · - · var/lib/dpkg/status in 2',
    'GHSA-j8r2-6x86-q33q · medium · pypi:requests@2.30.0 · 2.31.0 · opt/venv/lib/python3.11/site-packages in ?',
  ],
  'sarif-trivy': [
    'sarif',
    'Trivy',
    'CVE-2023-45853 · critical · null:zlib1g@1:1.2.13.dfsg-1 · - · shop/app',
    `CVE-2021-23337 · high · null:lodash@4.17.20 · 4.17.21 · ${LODASH}`,
  ],
  'sarif-grype': [
    'sarif',
    'grype',
    'CVE-2023-46218 · medium · deb:curl@7.88.1-10+deb12u5 · - · /var/lib/dpkg/status',
    `GHSA-35jh-r3h4-6jhm · high · npm:lodash@4.17.20 · - · /${LODASH}`,
  ],
  'cyclonedx-trivy': [
    'cyclonedx',
    'trivy',
    'CVE-2023-45853 · critical · deb:zlib1g@1:1.2.13.dfsg-1 · - · in 2,2',
    `CVE-2021-23337 · high · npm:lodash@4.17.20 · 4.17.21 · ${LODASH} in 2`,
  ],
  'cyclonedx-syft': ['cyclonedx', 'syft'],
  'spdx-trivy': ['spdx', 'trivy'],
  'spdx-syft': ['spdx', 'syft'],
  'spdx-3': ['spdx', 'sbom-maker'],
};

const COMPONENTS: Readonly<Record<string, readonly string[]>> = {
  'cyclonedx-trivy': ['deb:zlib1g@1:1.2.13.dfsg-1 in 2,2', `npm:lodash@4.17.20 ${LODASH} in 2`],
  'cyclonedx-syft': [
    'deb:curl@7.88.1-10+deb12u5 /var/lib/dpkg/status in 2',
    `npm:ip@2.0.0 /${IP}`,
    'null:inner@1 /gone/inner.json in 1',
  ],
  'spdx-trivy': ['deb:libssl3@3.0.11-1~deb12u2 in 2,2', `npm:lodash@4.17.20 in 2 ${LODASH}`],
  'spdx-syft': [
    'deb:curl@7.88.1-10+deb12u5 /usr/share/doc/curl/copyright /var/lib/dpkg/status',
    `npm:ip@2.0.0 /${IP} ${IP} in 1`,
  ],
  'spdx-3': ['deb:curl@7.88.1-10+deb12u5', `npm:lodash@4.17.20 ./${LODASH}`],
};

test('every recorded report has its expectation', () => {
  expect(readdirSync(folder).sort()).toEqual(
    Object.keys(REPORTS)
      .map(name => `${name}.json`)
      .sort(),
  );
});

describe.each(Object.entries(REPORTS))('%s', (name, [format, tool, ...findings]) => {
  const report = readScanReport(load(name));

  it('is known by what it holds, and read', () => {
    expect([report.format, report.tool?.name]).toEqual([format, tool]);
    expect(report.searched).toBe(findings.length > 0);
    expect(report.findings.map(sayFinding)).toEqual(findings);
    const components = report.components.map(({ package: { ecosystem, name, version }, places }) =>
      [`${ecosystem}:${name}@${version}`, ...places.map(say)].join(' '),
    );
    expect(components).toEqual(COMPONENTS[name] ?? []);
    expect(readScanReport(load(name), format)).toEqual(report);
  });

  it('says which image it is about, and is about no other', () => {
    expect(matchSubject(report.subject, image)).toBe('manifest');
    const other = { ...image, manifest: `sha256:${'0'.repeat(64)}`, config: `sha256:${'1'.repeat(64)}` };
    expect(matchSubject(report.subject, other)).toBe('other');
  });
});

test('other names, sources, titles, and what a report takes back itself', () => {
  const trivy = readScanReport(load('trivy'));
  expect(trivy.findings[3]).toMatchObject({
    aliases: ['GHSA-78xj-cgh5-2h22'],
    title: 'nodejs-ip: arbitrary code execution via the isPublic() function',
    source: 'ghsa',
    severityWord: 'LOW',
  });
  expect(trivy.findings[0]?.package?.architecture).toBe('amd64');
  expect(JSON.stringify(trivy)).not.toContain('AWS_ACCESS_KEY_ID=');
  const grype = readScanReport(load('grype'));
  expect(grype.findings[1]?.aliases).toEqual(['CVE-2021-23337']);
  expect([trivy, grype, readScanReport(load('sarif-grype'))].map(({ dismissed }) => dismissed)).toEqual([
    0, 1, 1,
  ]);
  expect(readScanReport(load('cyclonedx-trivy')).dismissed).toBe(1);
});

describe('the image that a report is about', () => {
  const digest = (letter: string) => `sha256:${letter.repeat(64)}`;
  const said = (images: string[], layers: readonly string[] = []) => ({ name: null, images, layers });
  test.each([
    ['manifest', said([digest('e'), MANIFEST])],
    ['config', said([CONFIG])],
    ['index', said([digest('f')])],
    ['layers', said([digest('f')], DIFF_IDS)],
    ['layers', said([], DIFF_IDS)],
    ['layers', said([], BLOBS)],
    ['unstated', said([])],
    ['other', said([digest('e')])],
    ['other', said([digest('e')], DIFF_IDS)],
    ['other', said([MANIFEST], DIFF_IDS.slice(1))],
    ['other', said([], [...DIFF_IDS].reverse())],
    ['other', said([digest('f')], BLOBS.slice(0, 2))],
  ])('%s', (match, subject) => {
    expect(matchSubject(subject, { ...image, index: digest('f') })).toBe(match);
  });
});

test.each([
  ['Critical', 'critical'],
  ['Defcon1', 'critical'],
  ['IMPORTANT', 'high'],
  ['moderate', 'medium'],
  ['negligible', 'negligible'],
  ['none', 'negligible'],
  ['harmless', 'unknown'],
  ['constructor', 'unknown'],
  [null, 'unknown'],
])('the word %s is %s', (word, severity) => expect(severityOf(word)).toBe(severity));

test.each([
  [10, 'critical'],
  [8.9, 'high'],
  [6.9, 'medium'],
  [0.1, 'low'],
  [0, 'negligible'],
  [11, 'unknown'],
  [-1, 'unknown'],
  [Number.NaN, 'unknown'],
])('the score %s is %s', (score, severity) => expect(severityOfScore(score)).toBe(severity));

test('package URLs', () => {
  expect(parsePackageUrl('pkg:deb/debian/a%2Bb@1%3A2?arch=amd64&distro=debian-12#x')).toEqual({
    type: 'deb',
    namespace: 'debian',
    name: 'a+b',
    version: '1:2',
    qualifiers: new Map([
      ['arch', 'amd64'],
      ['distro', 'debian-12'],
    ]),
  });
  expect(parsePackageUrl('pkg:npm/@scope/name')).toMatchObject({
    namespace: '@scope',
    name: 'name',
    version: null,
  });
  for (const text of [null, '', 'npm/x', 'pkg:npm', 'pkg:npm/%zz@1', 'pkg:npm/x@1?a=%zz'])
    expect(parsePackageUrl(text)).toBeUndefined();
});

describe('refused', () => {
  const trivy = (change: object) =>
    JSON.stringify({ ...JSON.parse(Buffer.from(load('trivy')).toString()), ...change });
  const nested = (depth: number) => '['.repeat(depth) + ']'.repeat(depth);
  const simple = (name: string, more = '') =>
    `{"SchemaVersion":2,"ArtifactName":"x","Results":[{"Vulnerabilities":[{"VulnerabilityID":${name},"PkgName":"p"${more}}]}]}`;
  test.each([
    ['no JSON', '<xml/>', 'report-invalid', /not acceptable JSON/],
    ['a list', '[]', 'report-invalid', /none of the formats/],
    ['an envelope', '{"payloadType":"x","payload":""}', 'report-invalid', /none of the formats/],
    ['a key twice', '{"SchemaVersion":2,"SchemaVersion":2}', 'report-invalid', /stands twice/],
    ['another schema', trivy({ SchemaVersion: 1 }), 'report-invalid', /SchemaVersion must be 2/],
    ['a list that is none', trivy({ Results: {} }), 'report-invalid', /report\.Results must be a list/],
    ['a finding without a name', simple('null'), 'report-invalid', /VulnerabilityID must be a string/],
    [
      'a name without end',
      simple(JSON.stringify('x'.repeat(300))),
      'report-invalid',
      /more than 256 characters/,
    ],
    [
      'depth',
      `{"SchemaVersion":2,"ArtifactName":"x","y":${nested(LIMITS.reportDepth + 1)}}`,
      'report-invalid',
      /nested deeper/,
    ],
    [
      'a version of CycloneDX',
      '{"bomFormat":"CycloneDX","specVersion":"1.2"}',
      'report-invalid',
      /specVersion must be/,
    ],
    ['a version of SPDX', '{"spdxVersion":"SPDX-1.2"}', 'report-invalid', /spdxVersion must be/],
    ['a version of SARIF', '{"version":"2.0.0","runs":[]}', 'report-invalid', /version must be 2\.1\.0/],
    [
      'a result without a rule',
      '{"version":"2.1.0","runs":[{"tool":{"driver":{"name":"x"}},"results":[{}]}]}',
      'report-invalid',
      /names no rule/,
    ],
    [
      'a package that is not there',
      '{"manifest_hash":"x","package_vulnerabilities":{"1":["2"]},"packages":{},"vulnerabilities":{}}',
      'report-invalid',
      /package_vulnerabilities\.1 is about a package/,
    ],
    [
      'too many findings',
      `{"SchemaVersion":2,"ArtifactName":"x","Results":[${'0,'.repeat(LIMITS.reportEntries)}0]}`,
      'limit-exceeded',
      /entries; at most/,
    ],
  ])('%s', (_, text, code, message) => {
    let thrown: unknown;
    try {
      readScanReport(utf8(text));
    } catch (error) {
      thrown = error;
    }
    expect(thrown).toBeInstanceOf(TouchmarkError);
    expect((thrown as TouchmarkError).code).toBe(code);
    expect((thrown as TouchmarkError).message).toMatch(message);
  });

  it('but not for what is unknown in it, nor for numbers of any size', () => {
    const report = readScanReport(
      utf8(simple('"CVE-1"', ',"New":{"x":[1e999,123456789012345678901234567890]}')),
    );
    expect(report.findings).toMatchObject([{ id: 'CVE-1', severity: 'unknown', places: [] }]);
  });

  it('and words that JavaScript knows are words like others', () => {
    const text = simple('"CVE-1"', ',"Severity":"constructor"').replace(
      '"Results":[{',
      '"Results":[{"Class":"os-pkgs","Type":"constructor",',
    );
    expect(readScanReport(utf8(text)).findings).toMatchObject([
      { severity: 'unknown', severityWord: 'constructor', package: { ecosystem: 'rpm' } },
    ]);
    const result = { ruleId: 'x', level: '__proto__' };
    const sarif = { version: '2.1.0', runs: [{ tool: { driver: { name: 'x' } }, results: [result] }] };
    expect(readScanReport(utf8(JSON.stringify(sarif))).findings).toMatchObject([{ severity: 'unknown' }]);
    // Tags may be about anything: only the words of the scale are taken for one.
    Object.assign(result, { properties: { tags: ['info', 'none'], 'security-severity': '9.1' } });
    expect(readScanReport(utf8(JSON.stringify(sarif))).findings).toMatchObject([{ severity: 'critical' }]);
  });

  it('a format that it is not', () => {
    for (const name of Object.keys(REPORTS))
      for (const format of SCAN_FORMATS.filter(other => other !== REPORTS[name]?.[0]))
        expect(() => readScanReport(load(name), format), `${name} as ${format}`).toThrow(
          /report\.\w+ must be/,
        );
  });
});
