import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { cosignSign } from '../peers/cosign.js';
import { startDockerRegistry } from '../peers/docker-registry.js';
import { requirePeers } from '../peers/require-peers.js';
import { skopeoCopy } from '../peers/skopeo.js';
import { fetchManifest } from './registry-http.js';
import { openSite, type Published, type Site, tamper, verdictOf } from './site.js';

const absent = await requirePeers(['docker-registry', 'skopeo', 'cosign3']);

describe.skipIf(absent)('what verify says no to', () => {
  let site: Site;
  beforeAll(async () => {
    site = await openSite('no', { keys: ['ada', 'ben'] });
  });
  afterAll(() => site?.close());

  const signed = async (path: string): Promise<Published> => {
    const image = await site.publish(path);
    await site.ok('sign', image.pinned, '--key', 'ada.key');
    return image;
  };

  it('a tag, a digest and a repository that are not there (11)', async () => {
    const image = await signed('there');
    for (const reference of [
      `${image.repository}:v2`,
      `${image.repository}@sha256:${'0'.repeat(64)}`,
      `${site.registry.host}/nobody/here:v1`,
    ]) {
      expect(await verdictOf(site, reference, '--key', 'ada.pub')).toMatchObject({
        code: 'oci-not-found',
        exitCode: 11,
      });
    }
    expect((await verdictOf(site, image.tagged, '--key', 'ada.pub')).exitCode).toBe(0);
  });

  it('an image that nobody signed (10)', async () => {
    const image = await site.publish('unsigned');
    expect(await verdictOf(site, image.tagged, '--key', 'ada.pub')).toMatchObject({
      code: 'sig-none',
      exitCode: 10,
    });
    await site.ok('sign', image.pinned, '--key', 'ada.key');
    expect((await verdictOf(site, image.tagged, '--key', 'ada.pub')).exitCode).toBe(0);
  });

  it('a signature by another key (12)', async () => {
    const image = await signed('other-key');
    expect(await verdictOf(site, image.tagged, '--key', 'ben.pub')).toMatchObject({
      code: 'sig-no-match',
      exitCode: 12,
    });
    expect((await verdictOf(site, image.tagged, '--key', 'ada.pub')).exitCode).toBe(0);
  });

  it('one signature where two are needed (14)', async () => {
    const image = await signed('one-of-two');
    const both = ['--key', 'ada.pub', '--key', 'ben.pub'];
    for (const threshold of [[], ['--threshold', '2']]) {
      expect(await verdictOf(site, image.tagged, ...both, ...threshold)).toMatchObject({
        code: 'sig-threshold-not-met',
        exitCode: 14,
        threshold: { required: 2, valid: 1 },
      });
    }
    expect((await verdictOf(site, image.tagged, ...both, '--threshold', '1')).exitCode).toBe(0);
    await site.ok('sign', image.pinned, '--key', 'ben.key');
    expect((await verdictOf(site, image.tagged, ...both)).exitCode).toBe(0);
  });

  it('an annotation that the signer did not make (12)', async () => {
    const image = await site.publish('annotated');
    await site.ok('sign', image.pinned, '--key', 'ada.key', '-a', 'build=42', '-a', 'branch=main');
    for (const carrier of ['simplesigning', 'bundle']) {
      const verify = (...more: string[]) =>
        verdictOf(site, image.tagged, '--key', 'ada.pub', '--carrier', carrier, ...more);
      expect(await verify('-a', 'build=43')).toMatchObject({
        code: 'sig-annotation-mismatch',
        exitCode: 12,
      });
      expect((await verify('-a', 'build=42')).exitCode).toBe(0);
    }
  });

  it('a signature moved to another image, or made for another repository (12)', async () => {
    const image = await signed('moved/from');
    const relocated = `${site.registry.host}/moved/to:v1`;
    await site.ok('copy', image.tagged, relocated);
    expect(await verdictOf(site, relocated, '--key', 'ada.pub')).toMatchObject({
      code: 'sig-wrong-reference',
      exitCode: 12,
    });
    expect((await verdictOf(site, relocated, '--key', 'ada.pub', '--as', image.repository)).exitCode).toBe(0);

    const other = await site.publish('moved/other');
    const tagOf = (digest: string): string => `${digest.replace(':', '-')}.sig`;
    await skopeoCopy(
      site.scratch,
      `docker://${image.repository}:${tagOf(image.digest)}`,
      `docker://${other.repository}:${tagOf(other.digest)}`,
    );
    expect(await verdictOf(site, other.tagged, '--key', 'ada.pub', '--as', image.repository)).toMatchObject({
      code: 'sig-wrong-digest',
      exitCode: 12,
    });
  });

  it('a registry that is gone (20)', async () => {
    const registry = await startDockerRegistry(site.scratch.file('registry-that-stops'));
    const image = await signed('elsewhere');
    const copy = `${registry.host}/elsewhere:v1`;
    await site.ok('copy', image.tagged, copy);
    const verify = () => verdictOf(site, copy, '--key', 'ada.pub', '--as', image.repository);
    expect((await verify()).exitCode).toBe(0);
    await registry.stop();
    expect(await verify()).toMatchObject({ code: 'net-unreachable', exitCode: 20 });
  });

  describe('bytes that were changed in the registry’s storage (18)', () => {
    const tamperBlob = (digest: string, at?: (bytes: Buffer) => number): (() => void) =>
      tamper(site.registry.blobFile(digest), at);
    /** The last character of the first string value that starts with `text`. */
    const inside = (text: string) => (bytes: Buffer) => {
      const start = bytes.indexOf(text);
      if (start < 0) throw new Error(`no ${text} in ${bytes}`);
      return start + text.length;
    };
    const storedManifest = ({ repository }: Published, tag: string) => fetchManifest(`${repository}:${tag}`);
    const fallbackTag = ({ digest }: Published): string => digest.replace(':', '-');
    const refusedUntilUndone = async (
      undo: () => void,
      verify: () => ReturnType<typeof verdictOf>,
    ): Promise<void> => {
      try {
        expect(await verify()).toMatchObject({ code: 'oci-digest-mismatch', exitCode: 18 });
      } finally {
        undo();
      }
      expect((await verify()).exitCode).toBe(0);
    };

    it('the manifest', async () => {
      const image = await signed('tampered/manifest');
      const undo = tamperBlob(image.digest, inside('"digest":"sha256:'));
      await refusedUntilUndone(undo, () => verdictOf(site, image.pinned, '--key', 'ada.pub'));
    });

    it('a layer, and the config', async () => {
      const image = await signed('tampered/layer');
      for (const blob of [...image.layers, image.config]) {
        const undo = tamperBlob(blob);
        await refusedUntilUndone(undo, () =>
          verdictOf(site, image.pinned, '--key', 'ada.pub', '--level', 'blobs'),
        );
      }
    });

    it('the payload of a signature by cosign, which lies in a blob', async () => {
      const image = await site.publish('tampered/payload');
      const made = await cosignSign(site.scratch, 3, 'simplesigning', 'ada.key', image.pinned);
      expect(made.code).toBe(0);
      const { json } = await storedManifest(image, `${fallbackTag(image)}.sig`);
      const undo = tamperBlob(json.layers?.[0]?.digest ?? '', inside('"docker-reference":"'));
      await refusedUntilUndone(undo, () => verdictOf(site, image.pinned, '--key', 'ada.pub'));
    });

    it('the payload of a signature by touchmark, which lies in its manifest', async () => {
      const image = await signed('tampered/inlined');
      const { digest } = await storedManifest(image, `${fallbackTag(image)}.sig`);
      const undo = tamperBlob(digest, inside('"data":"'));
      const verify = () => verdictOf(site, image.pinned, '--key', 'ada.pub', '--carrier', 'simplesigning');
      await refusedUntilUndone(undo, verify);
    });

    it('a bundle, and the list of referrers it is in', async () => {
      const image = await signed('tampered/bundle');
      const { json } = await storedManifest(image, fallbackTag(image));
      const bundle = json.manifests?.[0]?.digest ?? '';
      const verify = () => verdictOf(site, image.pinned, '--key', 'ada.pub', '--carrier', 'bundle');
      await refusedUntilUndone(tamperBlob(bundle, inside('"artifactType":"')), verify);
    });

    it('a signature, in the manifest that the tag names', async () => {
      const image = await signed('tampered/signature');
      const { digest } = await storedManifest(image, `${fallbackTag(image)}.sig`);
      const undo = tamperBlob(digest, bytes => {
        // Behind the DER header, a letter that is a letter of base64 with its last bit flipped, too.
        const start = inside('"dev.cosignproject.cosign/signature":"')(bytes) + 16;
        return start + bytes.toString('latin1', start).search(/[b-x]/);
      });
      const verify = () => verdictOf(site, image.pinned, '--key', 'ada.pub', '--carrier', 'simplesigning');
      await refusedUntilUndone(undo, verify);
    });

    it('a layer under a copy on its way to disk: nothing stays there that verifies', async () => {
      const image = await signed('tampered/copied');
      const undo = tamperBlob(image.layers[1] ?? '');
      const target = `oci:${site.scratch.file('half')}:v1`;
      const copied = await site.run('copy', image.tagged, target, '-o', 'json');
      expect(copied.code).toBe(18);
      expect((await verdictOf(site, target, '--key', 'ada.pub')).exitCode).not.toBe(0);
      undo();
      await site.ok('copy', image.tagged, target);
      expect((await verdictOf(site, target, '--key', 'ada.pub')).exitCode).toBe(0);
    });
  });
});
