import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished, test } from 'vitest';
import { utf8 } from '../../../src/base/bytes.js';
import { computeDigest } from '../../../src/base/digest.js';
import { createStoreAccess } from '../../../src/oci/open.js';
import type { ScanPackage, ScanPlace } from '../../../src/scans/index.js';
import { type AttributeOptions, attributeImage } from '../../../src/verify/attribute-image.js';
import { createOwnerFinder, type Ownership } from '../../../src/verify/finding-owners.js';
import { openPackages } from '../../../src/verify/open-contents.js';
import { root } from '../documents.js';
import { temporaryFolder } from '../images.js';
import { BLOBS, base, DIFF_IDS, MANIFEST, middle, scanned } from '../scans/scanned-image.js';
import { NOW, openWorkshop, SCAN, type Workshop, withStep } from '../sign/workshop.js';

async function openShop(edit?: Parameters<typeof openWorkshop>[1]) {
  const shop = await openWorkshop('a layout', edit);
  for (const [name, image, below] of [
    ['base', base, undefined],
    ['runtime', middle, 'base'],
    ['app', scanned, 'runtime'],
  ] as const) {
    await shop.push(name, image);
    await shop.mark(name, below === undefined ? {} : { base: below });
  }
  const access = createStoreAccess({});
  onTestFinished(() => access.close());
  return { shop, access, cacheFolder: join(await temporaryFolder(), 'cache') };
}

const LODASH = 'opt/app/node_modules/lodash/package.json';
const SSL = 'usr/lib/x86_64-linux-gnu/libssl.so.3';
const STATUS = 'var/lib/dpkg/status';
const nowhere = `sha256:${'ab'.repeat(32)}`;

const at = (path: string | null, ...layers: readonly (string | undefined)[]): ScanPlace => ({
  path,
  layers: layers.flatMap(layer => layer ?? []),
});
const part = (ecosystem: string | null, name: string, version: string | null): ScanPackage => ({
  ...{ ecosystem, name, version },
  architecture: null,
  purl: null,
});
const deb = (name: string, version: string | null) => part('deb', name, version);

/** `runtime 1 by path`, then what contradicts it; or why nobody is named. */
function say({ owners, orphan, contradictions }: Ownership): string {
  const all = [owners, contradictions].map(list =>
    list.map(({ team, layer, by }) => `${team} ${layer} by ${by}`).join(' + '),
  );
  return orphan ?? all.filter(text => text !== '').join(' against ');
}

test('whose something is: the file, else the package, else the layer', async () => {
  const { shop, access, cacheFolder } = await openShop();
  const opened = await openPackages(access, shop.reference('app'), {
    ...{ policy: shop.policy, now: NOW, cacheFolder },
  });
  const image = { ...opened, packages: opened.packages.packages };
  const find = createOwnerFinder(image);
  const whose = (of: ScanPackage | null, ...places: readonly ScanPlace[]) =>
    say(find({ package: of, places }));

  const paths = {
    [LODASH]: 'app 2 by path',
    [`/${LODASH}`]: 'app 2 by path',
    [`./${LODASH}`]: 'app 2 by path',
    // Written by the base, and again by the runtime.
    [SSL]: 'runtime 1 by path',
    'opt/app': 'app 2 by path',
    'etc/os-release': 'base 0 by path',
    [`${LODASH}:inside/x.js`]: 'app 2 by path',
    'opt/app/.env/inside/y.jar': 'app 2 by path',
    'opt/app/none': 'path-unknown',
    'opt/../etc/os-release': 'path-unknown',
    [`${'x/'.repeat(3000)}x`]: 'path-unknown',
  };
  for (const [path, owner] of Object.entries(paths)) expect(whose(null, at(path)), path).toBe(owner);

  // The application team wrote the database last; that says nothing about what it lists.
  expect(whose(deb('libc6', '2.36-9'), at(STATUS))).toBe('base 0 by package');
  expect(whose(deb('libssl3', '3.0.11-1~deb12u2'))).toBe('runtime 1 by package');
  expect(whose(deb('zlib1g', '1:1.2.13.dfsg-1'))).toBe('base 0 by package');
  expect(whose(deb('zlib1g', '1.2.13.dfsg-1'))).toBe('base 0 by package');
  expect(whose(deb('zlib1g', '2:1.2.13.dfsg-1'))).toBe('package-unknown');
  expect(whose(part(null, 'curl', '7.88.1-10+deb12u5'))).toBe('app 2 by package');
  expect(whose(deb('libssl3', '3.0.9-1'))).toBe('package-unknown');
  expect(whose(deb('libssl3', null))).toBe('package-unknown');
  expect(whose(part('npm', 'curl', '7.88.1-10+deb12u5'))).toBe('place-missing');
  expect(whose(part('rpm', 'curl', '7.88.1-10+deb12u5'))).toBe('package-unknown');

  expect(whose(null, at(null, DIFF_IDS[1]))).toBe('runtime 1 by layer');
  expect(whose(null, at(null, BLOBS[1]))).toBe('runtime 1 by layer');
  expect(whose(null, at(null, DIFF_IDS[1], nowhere))).toBe('runtime 1 by layer');
  expect(whose(null, at(null, nowhere))).toBe('layer-unknown');
  expect(whose(null)).toBe('place-missing');
  expect(find({ package: null, places: [at(LODASH, nowhere)] }).unknownLayers).toEqual([nowhere]);
  expect(find({ package: null, places: [at(null, DIFF_IDS[1], nowhere)] }).unknownLayers).toEqual([]);

  // The stronger wins, and the weaker is told where it says otherwise.
  expect(whose(deb('libssl3', '3.0.11-1~deb12u2'), at(STATUS, DIFF_IDS[2]))).toBe(
    'runtime 1 by package against app 2 by layer',
  );
  expect(whose(deb('curl', '7.88.1-10+deb12u5'), at(SSL, DIFF_IDS[0]))).toBe(
    'runtime 1 by path against app 2 by package + base 0 by layer',
  );
  expect(whose(null, at(LODASH, DIFF_IDS[2]))).toBe('app 2 by path');
  // In two places it is for two teams to mend.
  expect(whose(null, at(LODASH), at(SSL), at('opt/app/.env'))).toBe('app 2 by path + runtime 1 by path');

  const adopted = createOwnerFinder({
    ...image,
    layers: image.layers.map(layer => ({ ...layer, adopted: layer.index === 0 })),
  });
  expect(adopted({ package: null, places: [at('etc/os-release')] }).owners).toEqual([
    { by: 'path', team: 'base', step: 'base', layer: 0, adopted: true, path: '/etc/os-release' },
  ]);
});

const finding = (id: string, Severity: string, PkgPath: string, more: object = {}) => ({
  ...{ VulnerabilityID: id, PkgName: 'p', InstalledVersion: '1', Severity, PkgPath },
  ...more,
});
const REPORT = utf8(
  JSON.stringify({
    SchemaVersion: 2,
    ArtifactName: 'app',
    Metadata: { RepoDigests: [`shop/app@${MANIFEST}`] },
    Results: [
      {
        Class: 'lang-pkgs',
        Type: 'jar',
        Vulnerabilities: [
          finding('A', 'HIGH', LODASH, { FixedVersion: '2' }),
          finding('B', 'MEDIUM', LODASH),
          finding('C', 'HIGH', SSL),
          finding('D', 'UNKNOWN', LODASH),
          finding('E', 'CRITICAL', 'opt/none'),
        ],
      },
    ],
  }),
);

describe('a report', () => {
  const ids = (findings: readonly { readonly id: string }[]) => findings.map(({ id }) => id).join('');

  it('is filtered and judged: nobody’s and unknown count, unless they are tolerated', async () => {
    const { shop, access, cacheFolder } = await openShop();
    const ask = (more: Partial<AttributeOptions>) =>
      attributeImage(access, shop.reference('app'), {
        ...{ policy: shop.policy, now: NOW, cacheFolder, report: REPORT },
        ...more,
      });
    const gated = async (more: Partial<AttributeOptions>) => (await ask(more)).gate?.failing;
    const all = await ask({});
    expect([ids(all.findings), all.gate]).toEqual(['ECABD', null]);
    expect(all.summary).toMatchObject({ findings: 5, unattributed: 1, contradicted: 0, unknownLayers: [] });
    expect(all.summary.teams.map(({ team, total }) => [team, total])).toEqual([
      ['base', 0],
      ['runtime', 1],
      ['app', 3],
    ]);
    expect(ids((await ask({ team: 'app' })).findings)).toBe('EABD');
    expect(ids((await ask({ severity: 'high' })).findings)).toBe('ECAD');
    expect(ids((await ask({ fixable: true })).findings)).toBe('A');

    const high = { failOn: 'high' } as const;
    expect(await gated({ gate: high })).toBe(4);
    expect(await gated({ gate: { failOn: 'medium' } })).toBe(5);
    expect(await gated({ gate: high, severity: 'critical' })).toBe(4);
    expect(await gated({ gate: high, team: 'base' })).toBe(1);
    expect(await gated({ gate: high, team: 'runtime' })).toBe(2);
    expect(await gated({ gate: high, team: 'app' })).toBe(3);
    expect(await gated({ gate: high, team: 'app', fixable: true })).toBe(1);
    expect(await gated({ gate: { ...high, tolerate: ['unattributed'] }, team: 'app' })).toBe(2);
    expect(await gated({ gate: { ...high, tolerate: ['unknown-severity'] }, team: 'app' })).toBe(2);
    expect(await gated({ gate: { ...high, tolerate: ['unattributed'] }, team: 'base' })).toBe(0);
    const components = readFileSync(join(root, 'test/vectors/reports/spdx-syft.json'));
    expect((await ask({ report: components })).components).toHaveLength(2);
    await expect(ask({ report: components, gate: high })).rejects.toMatchObject({ code: 'report-invalid' });
    await expect(ask({ team: 'ap' })).rejects.toMatchObject({
      code: 'usage-argument',
      hint: 'did you mean app?',
    });
  });

  it('may come before the approval that the policy wants, which says whether it rests on this report', async () => {
    const { shop, access, cacheFolder } = await openShop(policy => ({
      approvals: [
        { ...SCAN, evidence: ['scan-report'] },
        ...policy.approvals.filter(({ name }) => name !== 'scan'),
      ],
    }));
    const ask = (days: number, report = REPORT) =>
      attributeImage(access, shop.reference('app'), {
        ...{ policy: shop.policy, cacheFolder, report },
        now: new Date(NOW.getTime() + days * 86_400_000),
      });
    const before = await ask(0);
    expect(before).toMatchObject({ custody: { verdict: 'fail', code: 'approval-missing' }, approvals: [] });
    expect(before.findings[1]?.owners).toMatchObject([{ team: 'runtime' }]);
    await approve(shop);
    const after = await ask(2);
    expect(after.custody).toEqual({ verdict: 'pass', code: null });
    expect(after.approvals).toMatchObject([
      { rule: 'scan', team: 'security', signers: ['sue'], age: 2 * 86_400, type: 'scan-report' },
    ]);
    expect((await ask(2, utf8(` ${Buffer.from(REPORT)}`))).approvals).toEqual([]);
    // Seven days are its most.
    expect(await ask(8)).toMatchObject({ custody: { code: 'mark-stale' }, approvals: [] });
  });

  it('is no answer where the chain does not hold, whatever approvals lack besides', async () => {
    const { shop, access, cacheFolder } = await openShop();
    const policy = {
      ...shop.policy,
      ...withStep('runtime', { team: 'app' })(shop.policy),
      approvals: [SCAN],
    };
    const asked = attributeImage(access, shop.reference('app'), {
      ...{ policy, now: NOW, cacheFolder, report: REPORT },
    });
    await expect(asked).rejects.toMatchObject({ code: 'key-not-authorised' });
  });
});

async function approve(shop: Workshop): Promise<void> {
  const evidence = [{ type: 'scan-report', digest: computeDigest(REPORT) }];
  await shop.approve('app', 'scan', 'sue', { evidence });
}
