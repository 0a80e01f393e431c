import { readFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ARCHIVED_NAME, type DebianImages, prepareDebianImages } from '../peers/debian-image.js';
import { ACCOUNT, startDockerRegistry } from '../peers/docker-registry.js';
import { requirePeers } from '../peers/require-peers.js';
import { createScratch, type Scratch } from '../peers/scratch.js';
import { skopeo, skopeoManifest } from '../peers/skopeo.js';
import { DELETED } from '../peers/team-images.js';

const absent = await requirePeers(['docker-registry', 'skopeo', 'umoci', 'debootstrap', 'zstd']);

/** What the other suites take for granted about what they run against. */
describe.skipIf(absent)('the peers', () => {
  let scratch: Scratch;
  let images: DebianImages;
  beforeAll(async () => {
    scratch = createScratch('peers');
    images = await prepareDebianImages(console.warn);
  });
  afterAll(() => scratch?.remove());

  /** The tar in a layer of the layout. */
  const unpacked = (digest = ''): Buffer =>
    gunzipSync(readFileSync(join(images.layout, 'blobs/sha256', digest.slice('sha256:'.length))));

  it('docker-registry has no referrers API, and is gone when it is stopped', async () => {
    const registry = await startDockerRegistry(scratch.file('plain'));
    const digest = `sha256:${'0'.repeat(64)}`;
    expect((await fetch(`${registry.origin}/v2/`)).status).toBe(200);
    expect((await fetch(`${registry.origin}/v2/team/app/referrers/${digest}`)).status).toBe(404);
    await registry.stop();
    await expect(fetch(`${registry.origin}/v2/`)).rejects.toThrow();
  });

  it('docker-registry with accounts lets in only who has one', async () => {
    const registry = await startDockerRegistry(scratch.file('private'), { auth: true });
    const ask = async (password: string): Promise<number> => {
      const authorization = `Basic ${Buffer.from(`${ACCOUNT.user}:${password}`).toString('base64')}`;
      return (await fetch(`${registry.origin}/v2/`, { headers: { authorization } })).status;
    };
    expect(await ask(ACCOUNT.password)).toBe(200);
    expect(await ask('another')).toBe(401);
    await registry.stop();
  });

  it('the Debian image has three layers, the last one with whiteouts', async () => {
    const manifest = JSON.parse(await skopeoManifest(scratch, `oci:${images.layout}:v1`));
    expect(manifest.layers).toHaveLength(3);
    // umoci writes no mediaType: what an old image looks like.
    expect(manifest.mediaType).toBeUndefined();
    expect(unpacked(manifest.layers[0].digest).length).toBeGreaterThan(50_000_000);
    const names = unpacked(manifest.layers[2].digest).toString('latin1');
    expect(names).toContain('opt/runtime/.wh.VERSION');
    expect(names).toContain('usr/share/.wh.common-licenses');
  });

  it('what the teams build stands on what the team before built, and changes it', async () => {
    const layersOf = async (tag: string): Promise<readonly string[]> => {
      const { layers } = JSON.parse(await skopeoManifest(scratch, `oci:${images.layout}:${tag}`));
      return layers.map((layer: { digest: string }) => layer.digest);
    };
    const [base, runtime, app] = await Promise.all(['base', 'team-runtime', 'team-app'].map(layersOf));
    expect([base, runtime, app].map(layers => layers?.length)).toEqual([1, 2, 3]);
    expect([runtime?.slice(0, 1), app?.slice(0, 2)]).toEqual([base, runtime]);
    expect(await layersOf('team-app-arm')).toEqual(app);
    expect(unpacked(runtime?.[1]).toString('latin1')).toContain('var/lib/dpkg/status');
    const names = unpacked(app?.[2]).toString('latin1');
    for (const path of DELETED) expect(names).toContain(`${dirname(path)}/.wh.${basename(path)}`);
  });

  it('the other images are what their names say', async () => {
    const index = JSON.parse(await skopeoManifest(scratch, `oci:${images.layout}:multi`));
    const platforms = index.manifests.map(
      (m: { platform: { architecture: string } }) => m.platform.architecture,
    );
    expect(platforms).toHaveLength(2);
    expect(platforms).toContain('arm64');
    const zstd = JSON.parse(await skopeoManifest(scratch, `oci:${images.zstdLayout}:v1`));
    for (const layer of zstd.layers) expect(layer.mediaType).toMatch(/tar\+zstd$/);
    for (const archive of [`oci-archive:${images.ociArchive}:v1`, `docker-archive:${images.dockerArchive}`]) {
      const { code, stdout } = await skopeo(scratch, ['inspect', archive]);
      expect(code).toBe(0);
      expect(JSON.parse(stdout).Layers).toHaveLength(3);
    }
    expect(readFileSync(images.dockerArchive).includes(ARCHIVED_NAME)).toBe(true);
  });
});
