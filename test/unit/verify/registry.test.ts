import { describe, expect, onTestFinished, test } from 'vitest';
import type { Signer } from '../../../src/crypto/index.js';
import { type Descriptor, describe as describeBytes } from '../../../src/oci/descriptor.js';
import { parseManifest, type RawManifest, serializeManifest } from '../../../src/oci/manifest.js';
import { MEDIA_TYPES } from '../../../src/oci/media-types.js';
import { createStoreAccess, openStore } from '../../../src/oci/open.js';
import { attachmentTag, parseReference } from '../../../src/oci/reference.js';
import type { Store } from '../../../src/oci/store.js';
import { signImage } from '../../../src/sign/index.js';
import { pushImage } from '../../../src/testing/image.js';
import {
  countDependentSteps,
  type RegistryOptions,
  startRegistry,
  type TestRegistry,
} from '../../../src/testing/registry.js';
import type { Fault } from '../../../src/testing/registry-answer.js';
import { type Carrier, type ImageVerdict, verifyImage, verifyImages } from '../../../src/verify/index.js';
import { anImage, aSigner, trust } from '../images.js';

const now = new Date('2026-01-02T03:04:05Z');

interface Setting {
  readonly registry: TestRegistry;
  readonly reference: string;
  readonly store: Store;
  readonly image: RawManifest;
  readonly ada: Signer;
  verify(carriers?: readonly Carrier[]): Promise<ImageVerdict>;
}

async function signedInRegistry(
  options: RegistryOptions = {},
  carriers?: readonly Carrier[],
): Promise<Setting> {
  const registry = await startRegistry(options);
  const reference = `${registry.host}/team/app:1`;
  const access = createStoreAccess({});
  const store = await openStore(parseReference(reference), access);
  onTestFinished(async () => {
    await store.close();
    await access.close();
    await registry.close();
  });
  const image = anImage();
  await pushImage(store, image, '1');
  const ada = await aSigner('ada');
  await signImage(store, image.manifest, [ada], { now, ...(carriers && { carriers }) });
  registry.clearRequests();
  return {
    registry,
    reference,
    store,
    image: image.manifest,
    ada,
    // A process of its own in effect: nothing is known of the registry, no connection is open.
    verify: async carriers => {
      const fresh = createStoreAccess({});
      try {
        return await verifyImage(fresh, reference, {
          keys: [trust('ada', ada)],
          ...(carriers && { carriers }),
        });
      } finally {
        await fresh.close();
      }
    },
  };
}

/** What cosign writes: the same manifests without inlined content. */
async function withoutInlining(store: Store, tag: string): Promise<void> {
  const raw = await store.fetchManifest({ tag });
  const manifest = parseManifest(raw!);
  if (manifest.kind !== 'image') throw new Error('not a signature manifest');
  const layers = manifest.layers.map(({ data: _, ...layer }): Descriptor => layer);
  await store.writeManifest(serializeManifest({ ...manifest, layers }), tag);
}

describe('requests of one verification by tag', () => {
  /** Answers are held back, so that requests which do not wait for one another overlap. */
  const slow = (): Fault => ({ delay: 30 });

  async function budget(setting: Setting, carriers?: readonly Carrier[]) {
    setting.registry.setFault(slow);
    setting.registry.clearRequests();
    const verdict = await setting.verify(carriers);
    const { requests } = setting.registry;
    expect(verdict.code).toBeNull();
    expect(requests.every(({ method, path }) => method === 'GET' && path !== '/v2/')).toBe(true);
    return { requests: requests.length, steps: countDependentSteps(requests) };
  }

  test.each([
    ['with the referrers API', { referrers: true }],
    ['without it', { referrers: false }],
  ])('%s: 2 dependent steps when the payload is inlined', async (_, options) => {
    expect(await budget(await signedInRegistry(options))).toEqual({ requests: 4, steps: 2 });
  });

  test('3 when it is a blob, as cosign writes it', async () => {
    const setting = await signedInRegistry({ referrers: false }, ['simplesigning']);
    await withoutInlining(setting.store, attachmentTag(setting.image.descriptor.digest, '.sig'));
    const { requests, steps } = await budget(setting);
    expect(steps).toBe(3);
    expect(requests).toBeLessThanOrEqual(6);
  });

  test.each([
    ['with the referrers API', { referrers: true }],
    ['by the fallback tag', { referrers: false }],
  ])('a bundle alone, %s: 3', async (_, options) => {
    const { requests, steps } = await budget(await signedInRegistry(options, ['bundle']));
    expect(steps).toBe(3);
    expect(requests).toBeLessThanOrEqual(6);
  });

  test('one carrier asks for nothing of the other', async () => {
    const setting = await signedInRegistry();
    expect(await budget(setting, ['simplesigning'])).toEqual({ requests: 2, steps: 2 });
  });

  test('a registry that wants a token costs one refused request and one exchange', async () => {
    const auth = { kind: 'token', username: 'u', password: 'p', anonymousPull: true } as const;
    const registry = await startRegistry({ auth });
    const access = createStoreAccess({ credentials: { username: 'u', password: 'p' } });
    const reference = `${registry.host}/team/app:1`;
    const store = await openStore(parseReference(reference), access);
    onTestFinished(async () => {
      await access.close();
      await registry.close();
    });
    const image = anImage();
    await pushImage(store, image, '1');
    const ada = await aSigner('ada');
    await signImage(store, image.manifest, [ada], { now });
    registry.clearRequests();
    const fresh = createStoreAccess({});
    const verdict = await verifyImage(fresh, reference, { keys: [trust('ada', ada)] });
    await fresh.close();
    expect(verdict.code).toBeNull();
    expect(registry.requests.map(({ path }) => path).filter(path => path.startsWith('/token'))).toHaveLength(
      1,
    );
    expect(registry.requests).toHaveLength(6);
  });

  test('200 images share connections and what was learnt of the registry', async () => {
    const { registry, reference, ada } = await signedInRegistry({ referrers: false });
    const access = createStoreAccess({});
    const verdicts = await verifyImages(access, Array(200).fill(reference), { keys: [trust('ada', ada)] });
    await access.close();
    expect(verdicts.every(v => v.code === null)).toBe(true);
    // The tag and its signatures; bundles are not asked for when the payload was enough.
    expect(registry.requests).toHaveLength(400);
  });
});

test('asking one place after the other finds what asking all at once finds', async () => {
  for (const carriers of [['simplesigning'], ['bundle']] as const) {
    const { reference, ada } = await signedInRegistry({ referrers: false }, carriers);
    const access = createStoreAccess({});
    const keys = [trust('ada', ada)];
    const [many] = await verifyImages(access, [reference, reference, reference], { keys, concurrency: 2 });
    const [one] = await verifyImages(access, [reference], { keys });
    await access.close();
    expect(many).toEqual(one);
    expect(one?.code).toBeNull();
  }
});

describe('what a registry may answer', () => {
  const sig = /\.sig$/;
  const referrers = /\/referrers\//;
  const fallback = /\/manifests\/sha256-[a-f0-9]{64}$/;
  const tag = /\/manifests\/1$/;

  /** Signed by another key than the one asked for, or by it in the carrier that is not disturbed. */
  async function codeWith(path: RegExp, fault: Fault, signed = false): Promise<string | null> {
    const setting = await signedInRegistry(
      { referrers: true },
      path === referrers ? ['simplesigning'] : ['bundle'],
    );
    setting.registry.setFault(request =>
      path.test(request.path) ? { headers: { 'retry-after': '0' }, ...fault } : undefined,
    );
    const ben = await aSigner('ben');
    const access = createStoreAccess({});
    const verdict = await verifyImage(access, setting.reference, {
      keys: [trust('ben', signed ? setting.ada : ben)],
    });
    await access.close();
    return verdict.code;
  }

  test.each<[string, RegExp, Fault, string]>([
    ['401 for the signatures', sig, { status: 401 }, 'oci-unauthorized'],
    ['403 for the signatures', sig, { status: 403 }, 'oci-unauthorized'],
    ['403 for the referrers', referrers, { status: 403 }, 'oci-unauthorized'],
    ['500 for the signatures', sig, { status: 500 }, 'oci-unavailable'],
    ['500 for the fallback tag', fallback, { status: 500 }, 'oci-unavailable'],
    [
      'a web page instead of the signatures',
      sig,
      { status: 200, headers: { 'content-type': 'text/html' }, body: '<html>' },
      'net-protocol',
    ],
    [
      'half an answer',
      sig,
      {
        status: 200,
        body: 'x'.repeat(100),
        headers: { 'content-type': MEDIA_TYPES.ociManifest, 'content-length': '100' },
        cutAfterBytes: 10,
      },
      'net-protocol',
    ],
    [
      'rubbish instead of a manifest',
      sig,
      { status: 200, headers: { 'content-type': MEDIA_TYPES.ociManifest }, body: 'rubbish' },
      'format-manifest',
    ],
  ])('%s: never "unsigned"', async (_, path, fault, code) => {
    expect(await codeWith(path, fault)).toBe(code);
    expect(await codeWith(path, fault, true)).toBeNull();
  });

  test('404 for the tag is "not found", 401 is not', async () => {
    expect(await codeWith(tag, { status: 404 })).toBe('oci-not-found');
    expect(await codeWith(tag, { status: 401 })).toBe('oci-unauthorized');
    expect(await codeWith(tag, { status: 500 })).toBe('oci-unavailable');
  });

  test('no referrers API and no fallback tag is no bundle', async () => {
    const setting = await signedInRegistry({ referrers: false }, ['simplesigning']);
    expect((await setting.verify(['bundle'])).code).toBe('sig-none');
    expect((await setting.verify()).code).toBeNull();
  });

  test('10,000 signatures are not looked at; 1,000 are', async () => {
    const { store, image, verify } = await signedInRegistry({ maxManifestSize: 64 * 1024 * 1024 });
    const tag = attachmentTag(image.descriptor.digest, '.sig');
    const signed = parseManifest((await store.fetchManifest({ tag }))!);
    if (signed.kind !== 'image') throw new Error('not a signature manifest');
    const { data: _, ...bare } = signed.layers[0]!;
    const noise = { ...bare, annotations: { 'dev.cosignproject.cosign/signature': 'AA==' } };
    const write = (n: number) =>
      store.writeManifest(serializeManifest({ ...signed, layers: [...Array(n).fill(noise), bare] }), tag);
    await write(10_000);
    expect((await verify(['simplesigning'])).code).toBe('limit-exceeded');
    await write(999);
    expect((await verify(['simplesigning'])).code).toBeNull();
  });

  test('a payload that claims 2 GB is not fetched', async () => {
    const { registry, store, image, verify } = await signedInRegistry({}, ['simplesigning']);
    const tag = attachmentTag(image.descriptor.digest, '.sig');
    const signed = parseManifest((await store.fetchManifest({ tag }))!);
    if (signed.kind !== 'image') throw new Error('not a signature manifest');
    const { data: _, ...bare } = signed.layers[0]!;
    await store.writeManifest(
      serializeManifest({ ...signed, layers: [{ ...bare, size: 2 * 1024 ** 3 }] }),
      tag,
    );
    registry.clearRequests();
    expect((await verify(['simplesigning'])).code).toBe('limit-exceeded');
    expect(registry.requests.some(({ path }) => path.includes('/blobs/'))).toBe(false);
    expect(describeBytes(MEDIA_TYPES.simpleSigning, new Uint8Array(1)).size).toBe(1);
  });
});

describe('a tag whose bytes are not what the registry says they are', () => {
  const byTag = /\/manifests\/1$/;
  const tampered = (raw: RawManifest) =>
    Buffer.from(Buffer.from(raw.bytes).toString().replace('"layers"', '"Xayers"'));

  test('is read by that digest, and refused when the bytes do not match it', async () => {
    const { registry, image, verify } = await signedInRegistry();
    const body = tampered(image);
    const headers = {
      'content-type': MEDIA_TYPES.ociManifest,
      'docker-content-digest': image.descriptor.digest,
    };
    const everywhere = /\/manifests\/(?:1|sha256:[a-f0-9]{64})$/;
    registry.setFault(({ path }) => (everywhere.test(path) ? { status: 200, headers, body } : undefined));
    expect((await verify()).code).toBe('oci-digest-mismatch');
    // Only the tag lies: what it stands for is still there.
    registry.setFault(({ path }) => (byTag.test(path) ? { status: 200, headers, body } : undefined));
    expect(await verify()).toMatchObject({ code: null, digest: image.descriptor.digest });
  });

  test('a registry that states nonsense can be read all the same', async () => {
    const { registry, image, verify } = await signedInRegistry();
    const headers = { 'docker-content-digest': `sha256:${'ab'.repeat(32)}` };
    registry.setFault(({ path }) => (byTag.test(path) ? { headers } : undefined));
    expect(await verify()).toMatchObject({ code: null, digest: image.descriptor.digest });
  });
});
