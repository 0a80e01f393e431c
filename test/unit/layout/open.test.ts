import { join } from 'node:path';
import { build } from 'esbuild';
import { describe, expect, it } from 'vitest';
import { createStoreAccess, openStore, resolveImage } from '../../../src/oci/open.js';
import { parseReference } from '../../../src/oci/reference.js';
import { pushImage, startRegistry } from '../../../src/testing/index.js';
import { expectCode, expectManifest, image, layoutWith, other, temporaryFolder } from './helpers.js';

const digest = image.manifest.descriptor.digest;

async function open(text: string) {
  const reference = parseReference(text);
  const store = await openStore(reference, createStoreAccess());
  return { reference, store, resolve: () => resolveImage(store, reference) };
}

describe('openStore and resolveImage', () => {
  it('find an image by tag, by digest and by being the only one, in a folder and in an archive', async () => {
    const folder = temporaryFolder();
    for (const place of [`oci:${join(folder, 'layout')}`, `oci-archive:${join(folder, 'image.tar')}`]) {
      const { store } = await open(place);
      await pushImage(store, image, 'v1');
      await store.commit();
      for (const text of [place, `${place}:v1`, `${place}@${digest}`]) {
        expectManifest(await (await open(text)).resolve(), image.manifest);
      }
    }
  });

  it('find an image in a registry, over one session that is closed at the end', async () => {
    const registry = await startRegistry();
    const access = createStoreAccess();
    try {
      const reference = parseReference(`${registry.host}/team/app:v1`);
      const store = await openStore(reference, access);
      await pushImage(store, image, 'v1');
      expectManifest(await resolveImage(store, reference), image.manifest);
      expect(await access.session()).toBe(await access.session());
      const missing = parseReference(`${registry.host}/team/app:v2`);
      await expectCode(resolveImage(await openStore(missing, access), missing), 'oci-not-found');
      await store.close();
    } finally {
      await access.close();
      await registry.close();
    }
  });

  it('say which tags there are when the one asked for is not', async () => {
    const { folder } = await layoutWith({ v1: image, v2: other });
    const error = await expectCode((await open(`oci:${folder}:v3`)).resolve(), 'oci-not-found');
    expect(error.hint).toContain('v1, v2');
    await expectCode((await open(`oci:${folder}@sha256:${'0'.repeat(64)}`)).resolve(), 'oci-not-found');
    const several = await expectCode((await open(`oci:${folder}`)).resolve(), 'usage-reference');
    expect(several.hint).toContain(`oci:${folder}:v1, oci:${folder}:v2`);
    expectManifest(await (await open(`oci:${folder}:v1`)).resolve(), image.manifest);
  });

  it('refuse a registry without a network, and still read a folder', async () => {
    const access = createStoreAccess({ offline: true });
    const remote = parseReference('registry.example/app:v1');
    const work = async () => resolveImage(await openStore(remote, access), remote);
    await expectCode(work(), 'net-offline');
    const { folder } = await layoutWith({ v1: image });
    const local = parseReference(`oci:${folder}:v1`);
    expectManifest(await resolveImage(await openStore(local, access), local), image.manifest);
    await access.close();
  });
});

describe('what a reference loads', () => {
  it('is the code of its transport only', async () => {
    const { metafile } = await build({
      entryPoints: [join(import.meta.dirname, '../../../src/oci/open.ts')],
      bundle: true,
      splitting: true,
      write: false,
      outdir: '/unused',
      platform: 'node',
      format: 'esm',
      metafile: true,
    });
    const loadedBy = (end: string): string[] => {
      const seen = new Set<string>();
      const visit = (path: string): void => {
        if (seen.has(path)) return;
        seen.add(path);
        for (const { path: next, kind } of metafile.inputs[path]?.imports ?? []) {
          if (kind === 'import-statement') visit(next);
        }
      };
      visit(Object.keys(metafile.inputs).find(path => path.endsWith(end)) ?? '');
      return [...seen];
    };
    const folders = (end: string) =>
      [...new Set(loadedBy(end).map(path => /src\/oci\/(http|layout|archive)\//.exec(path)?.[1]))]
        .filter(Boolean)
        .toSorted();
    expect(folders('src/oci/open.ts')).toEqual([]);
    expect(folders('src/oci/layout/index.ts')).toEqual(['layout']);
    expect(folders('src/oci/archive/index.ts')).toEqual(['archive', 'layout']);
    expect(folders('src/oci/http/index.ts')).not.toContain('archive');
    expect(folders('src/oci/http/index.ts')).toContain('http');
  });
});
