import { execFileSync, spawnSync } from 'node:child_process';
import { readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { utf8 } from '../../../src/base/bytes.js';
import { computeDigest, digestHex } from '../../../src/base/digest.js';
import { openOciArchiveStore } from '../../../src/oci/archive/index.js';
import { parseManifest, serializeManifest } from '../../../src/oci/manifest.js';
import { attachmentTag } from '../../../src/oci/reference.js';
import { buildImage, pushImage, type TestImage } from '../../../src/testing/index.js';
import {
  drain,
  expectCode,
  expectManifest,
  image,
  layoutWith,
  other,
  referrerOf,
  temporaryFolder,
} from '../layout/helpers.js';

const digest = image.manifest.descriptor.digest;
async function reopen(location: string) {
  const store = await openOciArchiveStore({ location });
  onTestFinished(() => store.close());
  return store;
}

async function archiveWith(images: Record<string, TestImage>) {
  const path = join(temporaryFolder(), 'image.tar');
  const store = await reopen(path);
  for (const [tag, what] of Object.entries(images)) await pushImage(store, what, tag);
  await store.commit();
  return { path, store };
}

/** Only the archive lies there: no lock, no temporary file, no staging folder. */
const expectTidy = (path: string) => expect(readdirSync(dirname(path))).toEqual(['image.tar']);

describe('an oci-archive', () => {
  it('gives back what was committed, to us and to tar', async () => {
    const { path, store } = await archiveWith({ v1: image });
    expectTidy(path);
    for (const open of [store, await reopen(path)]) {
      expectManifest(await open.fetchManifest({ tag: 'v1' }), image.manifest);
      expectManifest(await open.fetchManifest({ digest }), image.manifest);
      expectManifest(await open.resolveDefault(), image.manifest);
      for (const { descriptor, bytes } of image.layers) {
        expect(await drain(open.openBlob(descriptor))).toBe(bytes.length);
      }
    }
    const { descriptor, bytes } = image.layers[1]!;
    const member = `blobs/sha256/${digestHex(descriptor.digest)}`;
    expect(execFileSync('tar', ['-xOf', path, member]).equals(bytes)).toBe(true);
  });

  it('reads the archive that tar makes of a layout', async () => {
    const { folder } = await layoutWith({ v1: image, v2: other });
    const path = join(temporaryFolder(), 'image.tar');
    execFileSync('tar', ['-C', folder, '-cf', path, '.']);
    const store = await reopen(path);
    expectManifest(await store.fetchManifest({ tag: 'v2' }), other.manifest);
    await pushImage(store, buildImage({ layers: [{ third: '3' }] }), 'v3');
    await store.commit();
    expect((await (await reopen(path)).listTags()).toSorted()).toEqual(['v1', 'v2', 'v3']);
    expectManifest(await (await reopen(path)).fetchManifest({ tag: 'v1' }), image.manifest);
  });

  it('keeps what it does not know when it is written anew', async () => {
    const { path } = await archiveWith({ v1: image });
    const folder = temporaryFolder();
    const long = `${'long/'.repeat(40)}name`;
    execFileSync(
      'sh',
      ['-c', `mkdir -p "$(dirname "$0")" && printf kept > "$0" && tar -rf "$1" "$0"`, long, path],
      { cwd: folder },
    );
    const store = await reopen(path);
    await store.attach(referrerOf(image, 1), digest);
    await store.commit();
    expect(execFileSync('tar', ['-xOf', path, long]).toString()).toBe('kept');
    const found = await (await reopen(path)).listReferrers(digest);
    expect(found.descriptors.map(d => d.digest)).toEqual([referrerOf(image, 1).descriptor.digest]);
  });

  it('is not touched before the commit, and not by a close without one', async () => {
    const { path } = await archiveWith({ v1: image });
    const before = readFileSync(path);
    const store = await reopen(path);
    await pushImage(store, other, 'v2');
    expectManifest(await store.fetchManifest({ tag: 'v2' }), other.manifest);
    expect(readFileSync(path).equals(before)).toBe(true);
    await store.close();
    expect(readFileSync(path).equals(before)).toBe(true);
    expectTidy(path);
  });

  it('is not rewritten when nothing changed', async () => {
    const { path, store } = await archiveWith({ v1: image });
    const before = statSync(path).ino;
    await pushImage(store, image, 'v1');
    await store.updateTag('v1', () => undefined);
    await store.commit();
    expect(statSync(path).ino).toBe(before);
  });

  it('that another writer changed in between has the changes of both', async () => {
    const { path } = await archiveWith({ v1: image });
    const stores = await Promise.all(Array.from({ length: 8 }, () => reopen(path)));
    for (const [n, store] of stores.entries()) {
      const added = buildImage({ layers: [{ n: String(n) }] });
      await pushImage(store, added);
      await store.updateTag(attachmentTag(digest), current => {
        const index = current && parseManifest(current);
        const listed = index?.kind === 'index' ? index.manifests : [];
        return serializeManifest({ manifests: [...listed, added.manifest.descriptor] });
      });
    }
    await Promise.all(stores.map(store => store.commit()));
    const merged = parseManifest((await (await reopen(path)).fetchManifest({ tag: attachmentTag(digest) }))!);
    if (merged.kind !== 'index') throw new Error('not an index');
    expect(new Set(merged.manifests.map(child => child.digest)).size).toBe(8);
    await Promise.all(stores.map(store => store.close()));
    expectTidy(path);
  });

  it.skipIf(process.platform !== 'linux')(
    'that is locked by a process that is gone is written all the same',
    async () => {
      const { path, store } = await archiveWith({ v1: image });
      const lock = join(dirname(path), '.image.tar.touchmark.lock');
      const { pid } = spawnSync(process.execPath, ['-e', '']);
      const [host, boot, namespace] = execFileSync('sh', [
        '-c',
        'hostname; cat /proc/sys/kernel/random/boot_id; readlink /proc/self/ns/pid',
      ])
        .toString()
        .trim()
        .split('\n');
      writeFileSync(lock, JSON.stringify({ nonce: 'gone', host, pid, started: '1', boot, namespace }));
      await pushImage(store, other, 'v2');
      await store.commit();
      expectManifest(await (await reopen(path)).fetchManifest({ tag: 'v2' }), other.manifest);
      expectTidy(path);
    },
  );
});

describe('a damaged oci-archive', () => {
  it('is refused where it is damaged', async () => {
    const { path } = await archiveWith({ v1: image });
    const good = readFileSync(path);
    const flip = (needle: Uint8Array | string, by = 20) => {
      const copy = Buffer.from(good);
      const at = copy.indexOf(needle) + by;
      copy[at] = (copy[at] ?? 0) ^ 1;
      writeFileSync(path, copy);
    };
    const layer = image.layers[1]!;
    flip(image.manifest.bytes, 40);
    await expectCode((await reopen(path)).fetchManifest({ tag: 'v1' }), 'oci-digest-mismatch');
    flip(layer.bytes);
    await expectCode(drain((await reopen(path)).openBlob(layer.descriptor)), 'oci-digest-mismatch');
    writeFileSync(path, good.subarray(0, good.length - 2048));
    await expectCode(reopen(path), 'format-archive');
    writeFileSync(path, good);
    const store = await reopen(path);
    expectManifest(await store.fetchManifest({ tag: 'v1' }), image.manifest);
    await drain(store.openBlob(layer.descriptor));
  });

  it('that is no archive of a layout says what it may be', async () => {
    const folder = temporaryFolder();
    writeFileSync(join(folder, 'manifest.json'), '[]');
    execFileSync('tar', ['-C', folder, '-cf', join(folder, 'a.tar'), 'manifest.json']);
    const error = await expectCode(reopen(join(folder, 'a.tar')), 'format-archive');
    expect(error.hint).toContain('docker-archive:');
    const layout = await expectCode(reopen(folder), 'format-archive');
    expect(layout.hint).toContain(`oci:${folder}`);
  });

  it('that does not exist holds nothing yet', async () => {
    const store = await reopen(join(temporaryFolder(), 'image.tar'));
    expect(await store.fetchManifest({ tag: 'v1' })).toBeUndefined();
    expect(await store.hasBlob({ mediaType: 'x', digest: computeDigest(utf8('x')), size: 1 })).toBe(false);
    await expectCode(store.resolveDefault(), 'oci-not-found');
  });
});
