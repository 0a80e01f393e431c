import { describe, expect, onTestFinished, test } from 'vitest';
import { LIMITS } from '../../../src/base/limits.js';
import { parseChain, parseChainManifest } from '../../../src/custody/index.js';
import { serializeManifest } from '../../../src/oci/manifest.js';
import { createStoreAccess, openStore } from '../../../src/oci/open.js';
import { attachmentTag, parseReference } from '../../../src/oci/reference.js';
import type { Store } from '../../../src/oci/store.js';
import { copyImage } from '../../../src/sign/index.js';
import { buildIndex } from '../../../src/testing/image.js';
import { startRegistry } from '../../../src/testing/registry.js';
import { verifyCustody } from '../../../src/verify/verify-custody.js';
import { carried, type MarkedImage, markedImage, plantArtifact, SCAN } from '../custody-images.js';
import { temporaryFolder } from '../images.js';
import { codeOfAsync } from '../support.js';
import { plantScanned } from './marked.js';

async function open(reference: string): Promise<Store> {
  const access = createStoreAccess({});
  const store = await openStore(parseReference(reference), access);
  onTestFinished(async () => {
    await store.close();
    await access.close();
  });
  return store;
}

const custodyTag = ({ image }: MarkedImage) => attachmentTag(image.manifest.descriptor.digest, '.custody');

async function artifactOf(store: Store, marked: MarkedImage) {
  const raw = await store.fetchManifest({ tag: custodyTag(marked) });
  const manifest = raw && parseChainManifest(raw, marked.image.manifest.descriptor.digest);
  if (!raw || !manifest) throw new Error('no custody artifact');
  return { raw, chain: parseChain(await store.fetchBlob(manifest.document, LIMITS.custodyChainSize)) };
}

async function verdictAt(reference: string, { policy, now, repository }: MarkedImage, approved = true) {
  const access = createStoreAccess({});
  try {
    const asked = { ...policy, approvals: approved ? [SCAN] : [] };
    return await verifyCustody(access, reference, { policy: asked, now, repository });
  } finally {
    await access.close();
  }
}

describe('custody travels with an image', () => {
  test('through a layout, an archive, a registry with the referrers API and one without', async () => {
    const folder = await temporaryFolder();
    const registries = [await startRegistry(), await startRegistry({ referrers: false })];
    onTestFinished(async () => {
      for (const registry of registries) await registry.close();
    });
    const start = `oci:${folder}/start:1`;
    const marked = await plantScanned(await open(start), { tag: '1' });
    const stops = [
      `oci-archive:${folder}/stop.tar:1`,
      `${registries[0]?.host}/some/where:1`,
      `${registries[1]?.host}/or/other:1`,
      `oci:${folder}/end:1`,
    ];
    const first = await artifactOf(await open(start), marked);
    let from = start;
    for (const stop of stops) {
      const copied = await copyImage(await open(from), await open(stop), marked.image.manifest, { tag: '1' });
      expect(copied.attachments).toContain(custodyTag(marked));
      expect(copied.referrers).toContain(first.raw.descriptor.digest);
      expect((await artifactOf(await open(stop), marked)).raw.bytes).toEqual(first.raw.bytes);
      expect((await verdictAt(stop, marked)).code).toBeNull();
      from = stop;
    }
  });

  test('with each image of an index', async () => {
    const folder = await temporaryFolder();
    const source = await open(`oci:${folder}/from:1`);
    const images = [
      await plantScanned(source, {}),
      await plantScanned(source, { platform: { os: 'linux', architecture: 'arm64' } }),
    ] as const;
    const { manifest } = buildIndex(images.map(({ image }) => image));
    await source.writeManifest(manifest, '1');
    const target = await open(`oci-archive:${folder}/to.tar:1`);
    const copied = await copyImage(source, target, manifest, { tag: '1' });
    expect(copied.attachments).toEqual(expect.arrayContaining(images.map(custodyTag)));
    const verdict = await verdictAt(`oci-archive:${folder}/to.tar:1`, images[0]);
    expect(verdict).toMatchObject({ code: null, index: { children: { length: 2 } } });
  });

  test('what the destination knows and the source does not is kept', async () => {
    const folder = await temporaryFolder();
    const marked = await markedImage();
    const [base, ...rest] = await Promise.all(
      marked.steps.map(({ claim, team }) => carried(claim, team, 'bundle')),
    );
    const from = await open(`oci:${folder}/from:1`);
    const to = await open(`oci:${folder}/to:1`);
    // Each end has a part of the chain only, and neither passes.
    await plantScanned(from, { tag: '1', scan: false });
    await plantArtifact(from, marked, { marks: rest });
    const empty = await open(`oci:${folder}/empty:1`);
    await copyImage(from, to, marked.image.manifest, { tag: '1' });
    await plantArtifact(to, marked, { marks: base ? [base] : [], at: ['tag'] });
    await copyImage(from, to, marked.image.manifest, { tag: '1' });
    const { chain, raw } = await artifactOf(to, marked);
    expect(chain.marks).toHaveLength(3);
    await copyImage(to, to, marked.image.manifest, { tag: '1' });
    expect((await artifactOf(to, marked)).raw.bytes).toEqual(raw.bytes);
    await copyImage(to, empty, marked.image.manifest, { tag: '1' });
    expect((await verdictAt(`oci:${folder}/empty:1`, marked, false)).code).toBeNull();
  });

  test('what is damaged at the destination is not overwritten', async () => {
    const folder = await temporaryFolder();
    const from = await open(`oci:${folder}/from:1`);
    const to = await open(`oci:${folder}/to:1`);
    const marked = await plantScanned(from, { tag: '1' });
    const damaged = serializeManifest({ manifests: [] });
    await to.writeManifest(damaged, custodyTag(marked));
    expect(await codeOfAsync(copyImage(from, to, marked.image.manifest, { tag: '1' }))).toBe(
      'format-manifest',
    );
    expect(await to.fetchManifest({ tag: '1' })).toBeUndefined();
    const still = await to.fetchManifest({ tag: custodyTag(marked) });
    expect(still?.descriptor.digest).toBe(damaged.descriptor.digest);
  });

  test('an archive is written once', async () => {
    const folder = await temporaryFolder();
    const from = await open(`oci:${folder}/from:1`);
    const marked = await plantScanned(from, { tag: '1' });
    const to = await open(`oci-archive:${folder}/to.tar:1`);
    await plantArtifact(to, marked, { marks: [] });
    let commits = 0;
    const counted: Store = {
      ...to,
      commit: () => {
        commits++;
        return to.commit();
      },
    };
    await copyImage(from, counted, marked.image.manifest, { tag: '1' });
    expect(commits).toBe(1);
    expect((await verdictAt(`oci-archive:${folder}/to.tar:1`, marked)).code).toBeNull();
  });
});
