import { expect, onTestFinished, test } from 'vitest';
import { createStoreAccess, openStore } from '../../../src/oci/open.js';
import { parseReference } from '../../../src/oci/reference.js';
import { buildIndex, pushImage } from '../../../src/testing/image.js';
import { startRegistry } from '../../../src/testing/registry.js';
import type { CustodyOptions } from '../../../src/verify/judge-custody.js';
import { verifyCustody } from '../../../src/verify/verify-custody.js';
import { markedImage, plantMarks } from '../custody-images.js';

const ARM = { os: 'linux', architecture: 'arm64' };

/** An image for amd64 that holds, under the tag `one`; and an index, `twice`, that lists it for arm64 as well. */
async function listedTwice() {
  const registry = await startRegistry({});
  const access = createStoreAccess({});
  const store = await openStore(parseReference(`${registry.host}/shop/app:one`), access);
  onTestFinished(async () => {
    await store.close();
    await access.close();
    await registry.close();
  });
  const repository = `${registry.host}/shop/app`;
  const { image, policy, now, ...marked } = await markedImage({ repository });
  await pushImage(store, image, 'one');
  await plantMarks(store, { image, policy, now, ...marked });
  await pushImage(store, buildIndex([image, { ...image, platform: ARM }]), 'twice');
  const verify = async (tag: string, more: Partial<CustodyOptions> = {}) => {
    // What an earlier check has learnt of the registry does not help.
    const own = createStoreAccess({});
    try {
      return await verifyCustody(own, `${repository}:${tag}`, { policy, now, ...more });
    } finally {
      await own.close();
    }
  };
  return { registry, digest: image.manifest.descriptor.digest, verify };
}

test('who asks for a platform gets no image for another one, whatever else the index lists it for', async () => {
  const { verify } = await listedTwice();
  expect((await verify('twice', { platform: 'linux/arm64' })).code).toBe('platform-mismatch');
  expect((await verify('twice', { platform: 'linux/amd64' })).code).toBeNull();
});

test('nor does a single image in the place of the index', async () => {
  const { verify } = await listedTwice();
  expect((await verify('one', { platform: 'linux/arm64' })).code).toBe('platform-mismatch');
  expect((await verify('one', { platform: 'linux/amd64' })).code).toBeNull();
});

test('an image that is served once and then withheld does not pass for the platform it was not judged for', async () => {
  const { registry, digest, verify } = await listedTwice();
  let served = 0;
  registry.setFault(({ path }) =>
    path.endsWith(`/manifests/${digest}`) && served++ > 0 ? { status: 404 } : undefined,
  );
  expect((await verify('twice')).code).toBe('platform-mismatch');
  expect(served).toBe(2);
});
