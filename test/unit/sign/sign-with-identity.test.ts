import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Digest } from '../../../src/base/digest.js';
import { chooseServices, parseIdentityToken } from '../../../src/keyless/index.js';
import { createStoreAccess, openStore } from '../../../src/oci/open.js';
import { parseReference } from '../../../src/oci/reference.js';
import type { Store } from '../../../src/oci/store.js';
import { attachBundle } from '../../../src/sign/attach-bundle.js';
import { signImageWithIdentity } from '../../../src/sign/index.js';
import { parseTrustedRoot } from '../../../src/sigstore/index.js';
import {
  buildImage,
  buildIndex,
  pushImage,
  startRegistry,
  type TestRegistry,
} from '../../../src/testing/index.js';
import { collectSignatures } from '../../../src/verify/collect.js';
import { type PrivateSigstore, startPrivateSigstore } from '../../private-sigstore/index.js';
import { failure, random } from '../keyless/support.js';

const access = createStoreAccess();
let sigstore: PrivateSigstore;
let registry: TestRegistry;
let store: Store;
beforeAll(async () => {
  [sigstore, registry] = await Promise.all([startPrivateSigstore(), startRegistry()]);
  store = await openStore(parseReference(`${registry.host}/app`), access);
});
afterAll(async () => {
  await access.close();
  await Promise.all([sigstore.close(), registry.close()]);
});

const options = (subject = 'https://ci.example/app', log: 1 | 2 = 1) => {
  const now = new Date();
  const text = sigstore.issuer.token({ sub: subject });
  return {
    token: parseIdentityToken(text, { now, audience: 'sigstore', from: 'the test' }),
    services: chooseServices(Buffer.from(sigstore.signingConfig(log)), now),
    trustedRoot: parseTrustedRoot(Buffer.from(sigstore.trustedRoot())),
    now,
    random,
  };
};
const published = async (content: string) => {
  const image = buildImage({ layers: [{ app: content }] });
  await pushImage(store, image);
  return image.manifest;
};
const bundlesOf = async (digest: Digest) => {
  const bundles: Uint8Array[] = [];
  for await (const { signatures } of collectSignatures(store, digest, ['bundle']))
    bundles.push(...signatures.flatMap(({ bundle }) => (bundle ? [bundle] : [])));
  return bundles;
};

describe('an image signed with an identity', () => {
  it('has a bundle among its referrers, once for each identity', async () => {
    const image = await published('one');
    const [written] = await signImageWithIdentity(access, store, image, options());
    expect(written).toMatchObject({ subject: image.descriptor.digest, added: true });
    expect(written?.identity).toMatchObject({
      subject: 'https://ci.example/app',
      issuer: sigstore.issuer.name,
    });
    expect(await bundlesOf(image.descriptor.digest)).toHaveLength(1);

    const [again] = await signImageWithIdentity(access, store, image, options());
    expect(again).toMatchObject({ added: false });
    expect(await bundlesOf(image.descriptor.digest)).toHaveLength(1);

    const [other] = await signImageWithIdentity(access, store, image, options('https://ci.example/other'));
    expect(other).toMatchObject({ added: true });
    expect(await bundlesOf(image.descriptor.digest)).toHaveLength(2);
  });

  it('is signed anew where other witnesses are asked for', async () => {
    const image = await published('witnesses');
    const now = options();
    const stamped = { ...now, services: { ...now.services, logs: [] } };
    await signImageWithIdentity(access, store, image, stamped);
    const [logged] = await signImageWithIdentity(access, store, image, options());
    expect(logged).toMatchObject({ added: true });
  });

  it('may be an index with all its platforms, under one certificate', async () => {
    const children = ['amd64', 'arm64'].map(architecture =>
      buildImage({ layers: [{ app: architecture }], platform: { os: 'linux', architecture } }),
    );
    const index = buildIndex(children);
    await pushImage(store, index);
    const calls = sigstore.fulcio.service.calls.length;
    const written = await signImageWithIdentity(access, store, index.manifest, {
      ...options(),
      recursive: true,
    });
    expect(new Set(written.map(({ subject }) => subject))).toEqual(
      new Set([index, ...children].map(({ manifest }) => manifest.descriptor.digest)),
    );
    expect(sigstore.fulcio.service.calls.length).toBe(calls + 1);
  });

  it('is not taken for signed by what somebody else put there', async () => {
    const image = await published('true');
    await signImageWithIdentity(access, store, image, options());
    const [bundle = new Uint8Array()] = await bundlesOf(image.descriptor.digest);
    const genuine = JSON.parse(Buffer.from(bundle).toString());
    const spoil: readonly ((bundle: typeof genuine) => void)[] = [
      // Over the right bytes, and witnessed by nobody who is trusted.
      ({ verificationMaterial }) => {
        verificationMaterial.timestampVerificationData.rfc3161Timestamps = [];
      },
      ({ verificationMaterial }) => {
        verificationMaterial.tlogEntries[0].integratedTime = '1';
      },
      // Read by the lenient reader alone.
      ({ verificationMaterial }) => {
        verificationMaterial.tlogEntries[0].logIndex = 'x';
      },
    ];
    for (const change of spoil) {
      const copy = structuredClone(genuine);
      change(copy);
      // The same image in a repository where only the spoilt bundle is.
      const place = await openStore(
        parseReference(`${registry.host}/spoilt${spoil.indexOf(change)}`),
        access,
      );
      await pushImage(place, buildImage({ layers: [{ app: 'true' }] }));
      await attachBundle(place, Buffer.from(JSON.stringify(copy)), image.descriptor, '2026-01-01T00:00:00Z');
      const sign = () =>
        signImageWithIdentity(access, place, image, { ...options(), repository: `${registry.host}/app` });
      expect(await sign()).toMatchObject([{ added: true }]);
      expect(await sign()).toMatchObject([{ added: false }]);
    }
  });

  it('is not reported when it is not there afterwards', async () => {
    const image = await published('lost');
    const forgetful: Store = { ...store, attach: async () => {} };
    const error = await failure(() => signImageWithIdentity(access, forgetful, image, options()));
    expect(error.code).toBe('oci-conflict');
    expect(error.retryable).toBe(true);
  });

  it('is not signed when the services and the trusted root do not belong together', async () => {
    const image = await published('strange');
    const other = await startPrivateSigstore();
    const trustedRoot = parseTrustedRoot(Buffer.from(other.trustedRoot()));
    await other.close();
    const error = await failure(() =>
      signImageWithIdentity(access, store, image, { ...options(), trustedRoot }),
    );
    expect(error.code).toBe('log-threshold-not-met');
    expect(await bundlesOf(image.descriptor.digest)).toEqual([]);
  });
});
