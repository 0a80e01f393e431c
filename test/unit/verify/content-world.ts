import { gzipSync } from 'node:zlib';
import { computeDigest, type Digest } from '../../../src/base/digest.js';
import { fail } from '../../../src/base/errors.js';
import type { ClaimSeal } from '../../../src/custody/index.js';
import { describe as descriptorOf } from '../../../src/oci/descriptor.js';
import { checkedContent } from '../../../src/oci/layout/checked-content.js';
import type { RawManifest } from '../../../src/oci/manifest.js';
import { MEDIA_TYPES } from '../../../src/oci/media-types.js';
import type { Store } from '../../../src/oci/store.js';
import { pushImage, type TestLayer } from '../../../src/testing/image.js';
import type { CustodyOptions } from '../../../src/verify/judge-custody.js';
import { type CustodyOutcome, judgeResolved } from '../../../src/verify/verify-custody.js';
import { type MarkedImage, markedImage, plantArtifact, plantSig } from '../custody-images.js';
import type { Layer } from '../layers/constructs.js';
import { tar } from '../layers/tars.js';
import { load } from '../policy/support.js';

/** Two teams, base and app, whose layers are real; a policy document; and the verdict that they come to. */

export const REPOSITORY = 'registry.example/shop/app';

/** A layer of these entries, or of these bytes. */
export function layerFrom(
  content: Layer | Buffer,
  annotations?: Readonly<Record<string, string>>,
): TestLayer {
  const bytes = Buffer.isBuffer(content) ? content : gzipSync(tar(...content));
  const unpacked = Buffer.isBuffer(content) ? undefined : tar(...content);
  return {
    descriptor: {
      ...descriptorOf(`${MEDIA_TYPES.ociLayer}+gzip`, bytes),
      ...(annotations && { annotations }),
    },
    bytes,
    diffId: computeDigest(unpacked ?? bytes),
  };
}

export interface ContentDraft {
  readonly base: Layer;
  readonly app: TestLayer | readonly TestLayer[];
  readonly seals?: readonly ClaimSeal[];
}

export async function contentImage({ base, app, seals }: ContentDraft): Promise<MarkedImage> {
  return markedImage({
    repository: REPOSITORY,
    teams: ['base', 'app'],
    layers: { base: [layerFrom(base)], app: Array.isArray(app) ? app : [app as TestLayer] },
    ...(seals && { seals: { base: seals } }),
  });
}

/** What the document says beside teams and flow, which are those of the image. */
export async function policyOf(marked: MarkedImage, document: string): Promise<CustodyOptions['policy']> {
  const { policy } = await load(`custody: 1
name: shop
version: 1
scope: { repositories: ["${REPOSITORY}"] }
teams: { base: { signers: { b: { keys: [b.pub] } } }, app: { signers: { a: { keys: [a.pub] } } } }
flow:
  - { step: base, team: base, kinds: [add], threshold: 1 }
  - { step: app, team: app, kinds: [add, config], threshold: 1 }
${document}
`);
  return { ...policy, teams: marked.policy.teams };
}

export interface MemoryStore {
  readonly store: Store;
  /** How often the blob was opened as a stream. */
  opened(digest: Digest): number;
  /** The store says that it has no such blob. */
  forget(digest: Digest): void;
}

/** A repository in memory with the image in it, and the marks of its teams. */
export async function storeOf(marked: MarkedImage): Promise<MemoryStore> {
  const blobs = new Map<Digest, Uint8Array>();
  const manifests = new Map<string, RawManifest>();
  const counts = new Map<Digest, number>();
  const bytesOf = (digest: Digest): Uint8Array =>
    blobs.get(digest) ?? fail('layer-unavailable', `the blob ${digest} is not there`);
  const parts: Partial<Store> = {
    repository: REPOSITORY,
    namesRepository: true,
    writable: true,
    reference: { transport: 'registry', location: REPOSITORY } as never,
    fetchManifest: async selector => manifests.get('tag' in selector ? selector.tag : selector.digest),
    fetchBlob: async ({ digest }) => bytesOf(digest),
    async *openBlob(descriptor) {
      counts.set(descriptor.digest, (counts.get(descriptor.digest) ?? 0) + 1);
      yield* checkedContent([bytesOf(descriptor.digest)], descriptor, 'the blob');
    },
    listReferrers: async () => ({ descriptors: [], sources: ['api'], problems: [] }),
    hasBlob: async ({ digest }) => blobs.has(digest),
    writeBlob: async ({ digest }, source) => void blobs.set(digest, source as Uint8Array),
    async writeManifest(manifest, tag) {
      manifests.set(manifest.descriptor.digest, manifest);
      if (tag !== undefined) manifests.set(tag, manifest);
    },
    async updateTag(tag, merge) {
      const merged = await merge(manifests.get(tag));
      if (merged) await parts.writeManifest?.(merged, tag);
    },
    commit: async () => {},
    close: async () => {},
  };
  const store = parts as Store;
  await pushImage(store, marked.image, '1');
  await plantSig(store, marked.image.manifest, marked.head.claim, marked.head.team);
  await plantArtifact(store, marked, { at: ['tag'] });
  return { store, opened: digest => counts.get(digest) ?? 0, forget: digest => void blobs.delete(digest) };
}

export async function judgeMarked(
  marked: MarkedImage,
  policy: CustodyOptions['policy'],
  { store }: MemoryStore,
  options: Partial<CustodyOptions> = {},
): Promise<CustodyOutcome> {
  const { manifest } = marked.image;
  const reference = `${REPOSITORY}@${manifest.descriptor.digest}`;
  return judgeResolved(store, reference, manifest, false, { policy, now: marked.now, ...options });
}
