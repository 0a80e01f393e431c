import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type DebianImages, prepareDebianImages } from '../peers/debian-image.js';
import { requirePeers } from '../peers/require-peers.js';
import { skopeoCopy, skopeoManifest } from '../peers/skopeo.js';
import { openSite, type Site, verdictOf } from './site.js';

const absent = await requirePeers(['docker-registry', 'skopeo', 'umoci', 'debootstrap', 'zstd']);

describe.skipIf(absent)('images from Debian packages in docker-registry', () => {
  let site: Site;
  let images: DebianImages;
  beforeAll(async () => {
    images = await prepareDebianImages(console.warn);
    site = await openSite('sign', { keys: ['ada', 'ben'] });
  });
  afterAll(() => site?.close());

  const push = async (name: string, source: string, options: readonly string[] = []): Promise<string> => {
    const repository = `${site.registry.host}/debian/${name}`;
    await skopeoCopy(site.scratch, source, `docker://${repository}:v1`, options);
    return repository;
  };

  describe.each([
    {
      name: 'oci-without-media-type',
      from: () => `oci:${images.layout}:v1`,
      options: [],
      contains: '"application/vnd.oci.image.layer.v1.tar+gzip"',
    },
    {
      name: 'docker-v2s2',
      from: () => `oci:${images.layout}:v1`,
      options: ['--format', 'v2s2'],
      contains: '"application/vnd.docker.distribution.manifest.v2+json"',
    },
    {
      name: 'zstd',
      from: () => `oci:${images.zstdLayout}:v1`,
      options: [],
      contains: '"application/vnd.oci.image.layer.v1.tar+zstd"',
    },
    {
      name: 'index',
      from: () => `oci:${images.layout}:multi`,
      options: ['--all'],
      contains: '"application/vnd.oci.image.index.v1+json"',
    },
  ])('$name', ({ name, from, options, contains }) => {
    it('is signed by tag in both carriers, and verifies by tag and digest, down to its layers', async () => {
      const repository = await push(name, from(), options);
      expect(await skopeoManifest(site.scratch, `docker://${repository}:v1`)).toContain(contains);
      expect(await verdictOf(site, `${repository}:v1`, '--key', 'ada.pub')).toMatchObject({
        code: 'sig-none',
        exitCode: 10,
      });

      await site.ok('sign', `${repository}:v1`, '--key', 'ada.key', '--yes');
      const byTag = await verdictOf(site, `${repository}:v1`, '--key', 'ada.pub', '--level', 'blobs');
      expect(byTag).toMatchObject({ exitCode: 0, threshold: { valid: 1, required: 1 } });
      const pinned = `${repository}@${byTag.digest}`;
      expect(byTag.pinned).toBe(pinned);
      for (const carrier of ['simplesigning', 'bundle']) {
        const verdict = await verdictOf(site, pinned, '--key', 'ada.pub', '--carrier', carrier);
        expect(verdict.signatures).toMatchObject([{ carrier, valid: true }]);
      }
    });
  });

  it.each([
    { carrier: 'simplesigning', other: 'bundle' },
    { carrier: 'bundle', other: 'simplesigning' },
  ])('signs by digest in $carrier alone', async ({ carrier, other }) => {
    const image = await site.publish(`only/${carrier}`);
    await site.ok('sign', image.pinned, '--key', 'ada.key', '--carrier', carrier);
    const verify = (...more: string[]) => verdictOf(site, image.pinned, '--key', 'ada.pub', ...more);
    expect((await verify('--carrier', carrier)).exitCode).toBe(0);
    expect((await verify()).exitCode).toBe(0);
    expect(await verify('--carrier', other)).toMatchObject({ code: 'sig-none', exitCode: 10 });
  });

  it('does not sign a tag unasked, and leaves nothing behind when it refuses', async () => {
    const image = await site.publish('unasked');
    const refused = await site.run('sign', image.tagged, '--key', 'ada.key', '-o', 'json');
    expect(refused.code).toBe(2);
    expect((await verdictOf(site, image.tagged, '--key', 'ada.pub')).exitCode).toBe(10);
    await site.ok('sign', image.tagged, '--key', 'ada.key', '--yes');
    expect((await verdictOf(site, image.tagged, '--key', 'ada.pub')).exitCode).toBe(0);
  });

  it('covers the images of an index by one signature when asked by platform, each by its own when signed recursively', async () => {
    const repository = await push('platforms', `oci:${images.layout}:multi`, ['--all']);
    const index = JSON.parse(await skopeoManifest(site.scratch, `docker://${repository}:v1`));
    const children: string[] = index.manifests.map((m: { digest: string }) => `${repository}@${m.digest}`);
    const verify = (image: string, ...more: string[]) => verdictOf(site, image, '--key', 'ada.pub', ...more);

    await site.ok('sign', `${repository}:v1`, '--key', 'ada.key', '--yes');
    const arm = await verify(`${repository}:v1`, '--platform', 'linux/arm64');
    expect(arm).toMatchObject({ exitCode: 0, through: (await verify(`${repository}:v1`)).digest });
    expect(children).toContain(`${repository}@${arm.digest}`);
    for (const child of children) expect((await verify(child)).exitCode).toBe(10);

    await site.ok('sign', `${repository}:v1`, '--key', 'ada.key', '--recursive', '--yes');
    for (const child of children) {
      expect((await verify(child)).exitCode).toBe(0);
      for (const carrier of ['simplesigning', 'bundle'])
        expect((await verify(child, '--carrier', carrier)).exitCode).toBe(0);
    }
  });

  it('keeps every signer: two keys sign one after the other, and both count', async () => {
    const image = await site.publish('two-signers');
    await site.ok('sign', image.pinned, '--key', 'ada.key');
    await site.ok('sign', image.pinned, '--key', 'ben.key');
    for (const carrier of ['simplesigning', 'bundle']) {
      const keys = ['--key', 'ada.pub', '--key', 'ben.pub', '--threshold', '2', '--carrier', carrier];
      expect(await verdictOf(site, image.pinned, ...keys)).toMatchObject({
        exitCode: 0,
        threshold: { required: 2, valid: 2 },
      });
    }
  });

  it('shows what hangs on an image in inspect and tree', async () => {
    const image = await site.publish('shown');
    await site.ok('sign', image.pinned, '--key', 'ada.key');
    const inspected = (await site.ok('inspect', image.tagged, '-o', 'json')).json();
    expect(inspected).toMatchObject({ ok: true, pinned: image.pinned, digest: image.digest });
    const tree = await site.ok('tree', image.tagged, '--key', 'ada.pub');
    expect(tree.stdout).toContain('✓');
    expect(tree.stdout).toContain('ada.pub');
  });

  describe('on disk', () => {
    it.each([
      { kind: 'oci', reference: () => `oci:${site.scratch.file('disk')}:v1` },
      { kind: 'oci-archive', reference: () => `oci-archive:${site.scratch.file('disk.tar')}:v1` },
    ])('signs and verifies an $kind with the repository it is meant for', async ({ reference }) => {
      const image = reference();
      await skopeoCopy(site.scratch, `oci:${images.layout}:v1`, image);
      expect((await verdictOf(site, image, '--key', 'ada.pub')).exitCode).toBe(10);
      await site.ok('sign', image, '--key', 'ada.key', '--as', 'registry.example/team/app', '--yes');
      const as = (name: string) => verdictOf(site, image, '--key', 'ada.pub', '--as', name);
      expect((await verdictOf(site, image, '--key', 'ada.pub')).exitCode).toBe(0);
      expect((await as('registry.example/team/app')).exitCode).toBe(0);
      expect(await as('registry.example/team/other')).toMatchObject({
        code: 'sig-wrong-reference',
        exitCode: 12,
      });
    });

    it('reads a docker-archive made by skopeo, and refuses to write into it', async () => {
      const archive = `docker-archive:${images.dockerArchive}`;
      const inspected = (await site.ok('inspect', archive, '-o', 'json')).json();
      expect(inspected).toMatchObject({ ok: true });
      const signed = await site.run('sign', archive, '--key', 'ada.key', '--yes', '-o', 'json');
      expect(signed.code).toBe(2);
      expect(signed.stdout).toContain('usage-read-only');
      // The same bytes in a layout take a signature.
      const layout = `oci:${site.scratch.file('from-docker')}:v1`;
      await site.ok('copy', archive, layout);
      await site.ok('sign', layout, '--key', 'ada.key', '--yes');
      expect((await verdictOf(site, layout, '--key', 'ada.pub')).exitCode).toBe(0);
    });
  });
});
