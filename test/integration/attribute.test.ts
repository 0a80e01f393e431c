import { writeFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { runOk } from '../peers/command.js';
import { PEERS } from '../peers/peer-list.js';
import { requirePeers } from '../peers/require-peers.js';
import { type CustodySite, openCustodySite } from './custody-site.js';

const absent = await requirePeers(['docker-registry', 'umoci', 'skopeo', 'debootstrap']);

interface Owned {
  readonly package: { readonly name: string } | null;
  readonly places: readonly { readonly path: string | null }[];
  readonly owners: readonly { readonly team: string; readonly by: string }[];
  readonly contradictions: readonly { readonly team: string }[];
}

/** The base team debootstrapped a system, the runtime team installed netbase with dpkg, the app team added files. */
describe.skipIf(absent)("a scanner's report of a Debian image of three teams", () => {
  let site: CustodySite;
  let image: string;
  /** Of all that dpkg-query lists in the image. */
  let names: readonly string[];
  const attribute = (...more: string[]) =>
    site.run('attribute', image, '--policy', site.policy, '--report', 'trivy.json', ...more);

  beforeAll(async () => {
    site = await openCustodySite('attribute');
    const images = await site.pushTeams('scanned');
    await site.markTeams(images);
    image = images.app;

    const bundle = site.scratch.file('bundle');
    const rootless = process.getuid?.() === 0 ? [] : ['--rootless'];
    const tag = `${site.images.layout}:team-app`;
    await runOk(PEERS.umoci.path, ['unpack', ...rootless, '--image', tag, bundle], { env: site.scratch.env });
    // biome-ignore lint/suspicious/noTemplateCurlyInString: they are dpkg-query's own
    const fields = '${Package} ${Version} ${Architecture}\n';
    const database = `--admindir=${bundle}/rootfs/var/lib/dpkg`;
    const listed = (await runOk('dpkg-query', [database, '-W', '-f', fields])).stdout;
    const packages = listed
      .trim()
      .split('\n')
      .map(line => line.split(' '));
    names = packages.map(([name = '']) => name);

    const inspect = async (what: string): Promise<string> => {
      const argv = ['inspect', what, '--tls-verify=false', `docker://${image}`];
      return (await runOk(PEERS.skopeo.path, argv, { env: site.scratch.env })).stdout;
    };
    const { layers, config } = JSON.parse(await inspect('--raw'));
    const { diff_ids: diffIDs } = JSON.parse(await inspect('--config')).rootfs;
    // As a scanner does: of a package it says the layer that last wrote the database, which is the runtime team's.
    const layer = (at: number) => ({ Digest: layers[at].digest, DiffID: diffIDs[at] });
    const flaw = (id: string, name: string, version: string, more: object) => ({
      ...{ VulnerabilityID: id, PkgName: name, InstalledVersion: version, Severity: 'HIGH' },
      ...more,
    });
    const report = {
      ...{ SchemaVersion: 2, ArtifactName: image, ArtifactType: 'container_image' },
      Metadata: { ImageID: config.digest, DiffIDs: diffIDs },
      Results: [
        {
          ...{ Target: image, Class: 'os-pkgs', Type: 'debian' },
          Vulnerabilities: packages.map(([name = '', version = '', arch = ''], at) =>
            flaw(`CVE-${at}`, name, version, {
              Layer: layer(1),
              PkgIdentifier: { PURL: `pkg:deb/debian/${name}@${encodeURIComponent(version)}?arch=${arch}` },
            }),
          ),
        },
        {
          ...{ Target: '/opt/app/bin/serve', Class: 'secret' },
          Secrets: [{ RuleID: 'private-key', Severity: 'CRITICAL', Layer: layer(2) }],
        },
        {
          ...{ Target: 'etc/services', Class: 'lang-pkgs', Type: 'gobinary' },
          Vulnerabilities: [flaw('CVE-file', 'services', '1', { Layer: layer(1) })],
        },
      ],
    };
    writeFileSync(site.scratch.file('trivy.json'), JSON.stringify(report));
  });
  afterAll(() => site?.close());

  it('comes out split by team: packages by who installed them, whoever wrote the database', async () => {
    const { code, json } = await attribute('-o', 'json');
    expect(code).toBe(0);
    const { findings, summary, report } = json() as unknown as {
      findings: readonly Owned[];
      summary: { contradicted: number; teams: readonly { team: string; total: number }[] };
      report: { subject: string };
    };
    expect(report.subject).toBe('config');
    expect(names.length).toBeGreaterThan(70);
    const packages = new Map(
      findings.map(one => [one.package?.name, one.owners.map(({ team, by }) => `${team} by ${by}`)]),
    );
    for (const name of names)
      expect(packages.get(name), name).toEqual([
        name === 'netbase' ? 'runtime by package' : 'base by package',
      ]);
    expect(packages.get('services')).toEqual(['runtime by path']);
    expect(packages.get(undefined)).toEqual(['app by path']);
    expect(summary.contradicted).toBe(names.length - 1);
    expect(summary.teams.map(({ team, total }) => [team, total])).toEqual([
      ['base', names.length - 1],
      ['runtime', 2],
      ['app', 1],
    ]);
  });

  it('is a gate for each team, and the one that the security team approved', async () => {
    expect((await attribute('--fail-on', 'critical', '--team', 'app')).code).toBe(19);
    const evidence = ['--evidence', 'scan-report=trivy.json'];
    await site.claim('approve', 'security', 'sec', image, '--step', 'scan', ...evidence);
    const base = ['--fail-on', 'critical', '--team', 'base', '--approved-by', 'security'];
    expect((await attribute(...base)).code).toBe(0);
  });
});
