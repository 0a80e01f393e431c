import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { toBase64 } from '../../src/base/bytes.js';
import type { Digest } from '../../src/base/digest.js';
import { createSigner, generateKey, type KeyKind, type Signer } from '../../src/crypto/index.js';
import { type Descriptor, describe } from '../../src/oci/descriptor.js';
import type { RawManifest } from '../../src/oci/manifest.js';
import { MEDIA_TYPES } from '../../src/oci/media-types.js';
import { createStoreAccess, openStore, type StoreAccess } from '../../src/oci/open.js';
import { attachmentTag, parseReference } from '../../src/oci/reference.js';
import type { Store } from '../../src/oci/store.js';
import { serializeBundle } from '../../src/signature/bundle.js';
import { IN_TOTO_PAYLOAD_TYPE, preAuthEncoding } from '../../src/signature/dsse.js';
import { bundleManifest, EMPTY_CONFIG } from '../../src/signature/referrer.js';
import { addSignatures, SIGNATURE_ANNOTATION, signatureLayer } from '../../src/signature/sig-manifest.js';
import { buildImage, pushImage, type TestImage, type TestIndex } from '../../src/testing/image.js';
import type { TrustedKey } from '../../src/verify/index.js';

export async function temporaryFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'touchmark-test-'));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

export interface Fixture {
  readonly folder: string;
  readonly reference: string;
  readonly store: Store;
  readonly access: StoreAccess;
  readonly image: RawManifest;
  readonly digest: Digest;
}

/** An image in a layout of its own, under the tag `1`. */
export async function layoutWith(image: TestImage | TestIndex = anImage()): Promise<Fixture> {
  const folder = join(await temporaryFolder(), 'app');
  const reference = `oci:${folder}:1`;
  const access = createStoreAccess({});
  const store = await openStore(parseReference(reference), access);
  onTestFinished(async () => {
    await store.close();
    await access.close();
  });
  const digest = await pushImage(store, image, '1');
  return { folder, reference, store, access, image: image.manifest, digest };
}

export function anImage(seed = 'hello'): TestImage {
  return buildImage({ layers: [{ 'etc/motd': seed }, { 'app/run': `#!/bin/sh\necho ${seed}\n` }] });
}

const made = new Map<string, Promise<Signer>>();

/** The same name gives the same key in one test file. */
export async function aSigner(name: string, kind: KeyKind = 'ecdsa-p256'): Promise<Signer> {
  const id = `${kind} ${name}`;
  const signer = made.get(id) ?? generateKey(kind).then(key => createSigner(key));
  made.set(id, signer);
  return signer;
}

export function trust(name: string, signer: Signer): TrustedKey {
  return { name, key: signer.publicKey };
}

/** Puts arbitrary bytes with a signature over them into the `.sig` tag of a digest. */
export async function plantPayload(
  store: Store,
  digest: Digest,
  payload: Uint8Array,
  signature: Uint8Array,
  change: (layer: Descriptor) => Descriptor = layer => layer,
): Promise<void> {
  const layer = change(signatureLayer(payload, signature));
  await store.writeBlob(describe(MEDIA_TYPES.simpleSigning, payload), payload);
  await store.updateTag(attachmentTag(digest, '.sig'), async current => {
    const update = addSignatures(current, [layer]);
    if (update) await store.writeBlob(update.config.descriptor, update.config.bytes);
    return update?.manifest;
  });
}

/** Hangs an arbitrary statement, signed by `signer`, on an image as a bundle. */
export async function plantStatement(
  store: Store,
  image: RawManifest,
  statement: Uint8Array,
  signer: Signer,
  options: { readonly payloadType?: string; readonly change?: (bundle: Uint8Array) => Uint8Array } = {},
): Promise<void> {
  const signature = signer.sign(preAuthEncoding(options.payloadType ?? IN_TOTO_PAYLOAD_TYPE, statement));
  const keyHint = toBase64(Buffer.from(signer.publicKey.keyid, 'hex'));
  const plain = serializeBundle({ statement, signature, keyHint });
  const typed = options.payloadType
    ? Buffer.from(Buffer.from(plain).toString().replace(IN_TOTO_PAYLOAD_TYPE, options.payloadType))
    : plain;
  const bundle = options.change?.(typed) ?? typed;
  await store.writeBlob(describe(MEDIA_TYPES.ociEmpty, EMPTY_CONFIG), EMPTY_CONFIG);
  await store.writeBlob(describe(MEDIA_TYPES.sigstoreBundle, bundle), bundle);
  await store.attach(
    bundleManifest(bundle, image.descriptor, '2026-01-01T00:00:00Z'),
    image.descriptor.digest,
  );
}

/** The layer with another signature in its annotation. */
export function withSignature(layer: Descriptor, signature: string): Descriptor {
  return { ...layer, annotations: { [SIGNATURE_ANNOTATION]: signature } };
}
