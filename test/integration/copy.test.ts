import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startRegistry, type TestRegistry } from '../../src/testing/index.js';
import { runOk } from '../peers/command.js';
import { cosignSign, cosignVerify } from '../peers/cosign.js';
import { type DebianImages, prepareDebianImages } from '../peers/debian-image.js';
import { PEERS } from '../peers/peer-list.js';
import { requirePeers } from '../peers/require-peers.js';
import { skopeo, skopeoCopy } from '../peers/skopeo.js';
import { openSite, type Site, verdictOf } from './site.js';

const absent = await requirePeers(['docker-registry', 'skopeo', 'umoci', 'debootstrap', 'zstd', 'cosign3']);

describe.skipIf(absent)('a signed index on its way through the world', () => {
  let site: Site;
  let images: DebianImages;
  /** With the referrers API, which docker-registry does not have. */
  let second: TestRegistry;
  beforeAll(async () => {
    images = await prepareDebianImages(console.warn);
    site = await openSite('copy', { keys: ['ada', 'ben'] });
    second = await startRegistry();
  });
  afterAll(async () => {
    await second?.close();
    await site?.close();
  });

  it('goes registry, layout, archive, registry and keeps its digest and every signature', async () => {
    const repository = `${site.registry.host}/team/app`;
    const source = `${repository}:v1`;
    await skopeoCopy(site.scratch, `oci:${images.layout}:multi`, `docker://${source}`, ['--all']);
    await site.ok('sign', source, '--key', 'ada.key', '--recursive', '--yes');
    const { digest } = await verdictOf(site, source, '--key', 'ada.pub');
    for (const carrier of ['simplesigning', 'bundle'] as const) {
      const made = await cosignSign(site.scratch, 3, carrier, 'ben.key', `${repository}@${digest}`);
      expect(made.code).toBe(0);
    }

    const stops = [
      `oci:${site.scratch.file('stop')}:v1`,
      `oci-archive:${site.scratch.file('stop.tar')}:v1`,
      `${second.host}/mirror/app:v1`,
      `${site.registry.host}/back/home:v1`,
    ];
    let from = source;
    for (const stop of stops) {
      const result = (await site.ok('copy', from, stop, '-o', 'json')).json();
      expect(result).toMatchObject({ ok: true, digest });
      for (const carrier of ['simplesigning', 'bundle']) {
        const both = ['--key', 'ada.pub', '--key', 'ben.pub', '--carrier', carrier, '--as', repository];
        const verdict = await verdictOf(site, stop, ...both, '--level', 'blobs');
        expect(verdict).toMatchObject({ exitCode: 0, digest, threshold: { required: 2, valid: 2 } });
        // Signed recursively: each image of the index brought its own signature along.
        const platform = await verdictOf(
          site,
          stop,
          '--key',
          'ada.pub',
          '--platform',
          'linux/arm64',
          '--as',
          repository,
        );
        const child = `${stop.replace(/:v1$/, '')}@${platform.digest}`;
        expect(
          (await verdictOf(site, child, '--key', 'ada.pub', '--carrier', carrier, '--as', repository))
            .exitCode,
        ).toBe(0);
      }
      from = stop;
    }

    // The others read what arrived: skopeo every byte, cosign both formats.
    const home = `${site.registry.host}/back/home`;
    for (const stop of [stops[0], `docker://${home}:v1`, `docker://${second.host}/mirror/app:v1`]) {
      const target = `dir:${site.scratch.file(`dir-${stops.indexOf(String(stop))}`)}`;
      await skopeoCopy(site.scratch, String(stop), target, ['--all']);
    }
    for (const key of ['ada.pub', 'ben.pub']) {
      const verified = await cosignVerify(site.scratch, 3, 'bundle', key, `${home}@${digest}`);
      expect(verified.code).toBe(0);
    }
  });

  it('copies what skopeo archived, and umoci and skopeo read what touchmark wrote', async () => {
    const layout = site.scratch.file('from-archive');
    await site.ok('copy', `oci-archive:${images.ociArchive}`, `oci:${layout}:v1`);
    await site.ok('sign', `oci:${layout}:v1`, '--key', 'ada.key', '--yes');
    const { stdout } = await runOk(PEERS.umoci.path, ['stat', '--image', `${layout}:v1`, '--json']);
    expect(JSON.parse(stdout).history).not.toEqual([]);
    const archive = site.scratch.file('again.tar');
    await site.ok('copy', `oci:${layout}:v1`, `oci-archive:${archive}:v1`);
    expect((await verdictOf(site, `oci-archive:${archive}`, '--key', 'ada.pub')).exitCode).toBe(0);
    const inspected = await skopeo(site.scratch, ['inspect', '--config', `oci-archive:${archive}:v1`]);
    expect(inspected.code).toBe(0);
    expect(JSON.parse(inspected.stdout).rootfs.diff_ids).toHaveLength(3);
  });

  it('keeps signatures that the destination has and the source has not', async () => {
    const image = await site.publish('merge/from');
    const target = `${site.registry.host}/merge/to:v1`;
    await site.ok('copy', image.tagged, target);
    await site.ok('sign', target, '--key', 'ben.key', '--yes', '--as', image.repository);
    await site.ok('sign', image.pinned, '--key', 'ada.key');
    await site.ok('copy', image.tagged, target);
    for (const carrier of ['simplesigning', 'bundle']) {
      const both = ['--key', 'ada.pub', '--key', 'ben.pub', '--carrier', carrier, '--as', image.repository];
      expect((await verdictOf(site, target, ...both)).exitCode).toBe(0);
    }
  });
});
