import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { requirePeers } from '../peers/require-peers.js';
import { skopeoCopy } from '../peers/skopeo.js';
import { custodyOf } from './custody-answer.js';
import { type CustodySite, openCustodySite, type TeamReferences } from './custody-site.js';
import { fetchManifest, listTags, putManifest, repositoryOf } from './registry-http.js';

const absent = await requirePeers(['docker-registry', 'skopeo', 'umoci', 'debootstrap', 'zstd']);

describe.skipIf(absent)('custody on its way', () => {
  let site: CustodySite;
  let images: TeamReferences;
  beforeAll(async () => {
    site = await openCustodySite('custody-travel');
    images = await site.pushTeams('team');
  });
  afterAll(() => site?.close());

  it('by promotion into production, which approves it there and moves the tag last', async () => {
    const release = site.writePolicy('release.json', releaseRules(site));
    const target = `${site.production.host}/shop/team-app:v1`;
    const promote = async (...more: string[]): Promise<number> =>
      (await site.run('promote', images.app, target, '--policy', release, '--yes', ...more)).code;
    const approve = ['--approve', 'promote', '--team', 'release', '--key', 'rob.key'];

    expect(await promote(...approve)).toBe(10);
    await site.markTeams(images);
    expect(await promote(...approve)).toBe(15); // Not scanned.
    await site.scan(images.app);
    expect(await promote()).toBe(12); // The relocation wants an approval.
    expect(await listTags(repositoryOf(target))).toEqual([]);

    expect(await promote(...approve)).toBe(0);
    const { digest } = await fetchManifest(images.app);
    expect((await fetchManifest(target)).digest).toBe(digest);
    for (const level of ['manifest', 'blobs']) {
      expect(await custodyOf(site, target, { policy: release, flags: ['--level', level] })).toMatchObject({
        exitCode: 0,
        digest,
        custody: {
          level,
          chain: [{ team: 'base' }, { team: 'runtime' }, { team: 'app' }],
          approvals: [{ rule: 'scan' }, { rule: 'promote', signers: ['rob'] }],
        },
      });
    }
    // The approval is for production: where it came from, the image is as unapproved as before.
    expect(await custodyOf(site, images.app, { policy: release })).toMatchObject({
      code: 'approval-missing',
      exitCode: 15,
    });
    // Another image does not get under the tag: what is refused leaves it as it was.
    const unmarked = await site.push('v1', 'unmarked-app');
    const refused = await site.run('promote', unmarked, target, '--policy', release, '--yes', ...approve);
    expect(refused.code).toBe(10);
    expect((await fetchManifest(target)).digest).toBe(digest);
  });

  it('through an archive, an offline machine and back into a registry', async () => {
    const { digest } = await custodyOf(site, images.app);
    const repository = repositoryOf(images.app);

    const archive = `oci-archive:${site.scratch.file('app.tar')}:v1`;
    await site.ok('copy', images.app, archive);
    const offline = ['--offline', '--as', repository];
    expect(await custodyOf(site, archive, { flags: offline })).toMatchObject({
      exitCode: 0,
      digest,
      custody: { level: 'blobs', layers: [{ team: 'base' }, { team: 'runtime' }, { team: 'app' }] },
    });
    expect(await custodyOf(site, images.app, { flags: ['--offline'] })).toMatchObject({
      code: 'net-offline',
      exitCode: 20,
    });
    const layout = `oci:${site.scratch.file('unpacked')}:v1`;
    await site.ok('copy', archive, layout);
    expect((await custodyOf(site, layout, { flags: offline })).exitCode).toBe(0);

    const back = `${site.registry.host}/back/app:v1`;
    await site.ok('copy', layout, back);
    expect(await custodyOf(site, back, { flags: ['--as', repository] })).toMatchObject({
      exitCode: 0,
      digest,
    });
    // There it is not by its name: no relocation leads to it.
    expect(await custodyOf(site, back)).toMatchObject({ code: 'identity-mismatch', exitCode: 12 });
  });

  describe('of an index', () => {
    let index: string;
    beforeAll(async () => {
      const indexes = await site.pushTeams('multi', '-multi');
      await site.markTeams(indexes);
      await site.scan(indexes.app);
      index = indexes.app;
    });
    /** The index with other entries, under a tag of its own. */
    const changed = async (tag: string, change: (entries: readonly Entry[]) => readonly Entry[]) => {
      const { json } = await fetchManifest(index);
      const reference = `${repositoryOf(index)}:${tag}`;
      await putManifest(reference, { ...json, manifests: change(json.manifests ?? []) });
      return reference;
    };

    it('holds when each image in it has its chain', async () => {
      const answer = await custodyOf(site, index);
      expect(answer).toMatchObject({ exitCode: 0, digest: (await fetchManifest(index)).digest });
      expect(answer.custody?.children).toHaveLength(2);
      for (const child of answer.custody?.children ?? []) {
        expect(child).toMatchObject({
          verdict: 'pass',
          chain: [{ team: 'base' }, { team: 'runtime' }, { team: 'app' }],
        });
      }
      // Marked as an index by its team, in a claim of its own.
      const on = ['--step', 'app', '--base', index.replace('-app:', '-runtime:')];
      const again = await site.claim('mark', 'app', 'ben', index, ...on);
      expect(again.claims).toHaveLength(2);
      expect(again.index).not.toBeNull();
      for (const platform of ['linux/amd64', 'linux/arm64'])
        expect((await custodyOf(site, index, { flags: ['--platform', platform] })).exitCode).toBe(0);
    });

    it('does not with an image more, or with platforms that are not theirs', async () => {
      const child = `${repositoryOf(index)}:child`;
      await skopeoCopy(site.scratch, `oci:${site.images.layout}:v1`, `docker://${child}`);
      const { mediaType, digest, size } = await fetchManifest(child);
      const platform = { os: 'linux', architecture: 's390x' };
      const more = await changed('more', entries => [...entries, { mediaType, digest, size, platform }]);
      expect(await custodyOf(site, more)).toMatchObject({ code: 'index-child-unmarked', exitCode: 15 });
      const swapped = await changed('swapped', entries => {
        const platforms = entries.map(entry => entry.platform).reverse();
        return entries.map((entry, at) => ({ ...entry, ...(platforms[at] && { platform: platforms[at] }) }));
      });
      expect(await custodyOf(site, swapped)).toMatchObject({ code: 'platform-mismatch', exitCode: 15 });
    });

    it('is promoted with all of its images', async () => {
      const target = `${site.production.host}/shop/multi-app:v1`;
      await site.ok('promote', index, target, '--policy', site.policy, '--yes');
      expect(await custodyOf(site, target)).toMatchObject({
        exitCode: 0,
        digest: (await fetchManifest(index)).digest,
        custody: { children: [{ verdict: 'pass' }, { verdict: 'pass' }] },
      });
    });
  });
});

type Entry = NonNullable<Awaited<ReturnType<typeof fetchManifest>>['json']['manifests']>[number];

/** Production takes what the release team has approved for it, after the scan. */
function releaseRules({ registry, production }: CustodySite) {
  const [from, to] = [`${registry.host}/shop/*`, `${production.host}/shop/*`];
  return {
    scope: { repositories: [from, to], relocations: [{ from, to, via: 'promote' }] },
    approvals: [
      { name: 'scan', team: 'security', threshold: 1, evidence: [{ type: 'scan-report' }] },
      { name: 'promote', team: 'release', threshold: 1, after: ['scan'] },
    ],
  };
}
