import type { Digest } from '../../base/digest.js';
import { fail, TouchmarkError } from '../../base/errors.js';
import { checkContent, type Descriptor, failSize } from '../descriptor.js';
import { artifactTypeOf, parseManifest, type RawManifest, serializeManifest } from '../manifest.js';
import { attachmentTag, defaultRepository, type ImageReference } from '../reference.js';
import type { Store, TagMerge } from '../store.js';
import type { LayoutBackend } from './backend.js';
import { checkedContent, failUnavailable, readAll, refuseLarge, sourceOf } from './checked-content.js';
import { findTag, type LayoutIndex, withTag, withUntagged } from './layout-index.js';
import { createReferrerScan } from './referrer-scan.js';
import { loadListed, loadUnlisted } from './stored-manifests.js';
import { explainMissing, failSeveral, listImages } from './which-image.js';

/** A store in a folder or a file, which can say what it holds. */
export interface LocalStore extends Store {
  /**
   * The image meant when the reference names neither tag nor digest: the only one.
   * @throws TouchmarkError `oci-not-found`, `usage-reference` listing the tags when there are several
   */
  resolveDefault(): Promise<RawManifest>;
  /** Why a reference found nothing: `oci-not-found` with what is there as the hint. */
  explainMissing(reference: ImageReference): Promise<TouchmarkError>;
}

/** Blobs up to this size are compared with their digest before they are taken for present. */
const SMALL = 1024 * 1024;

/** A store over an image layout, wherever its parts lie. */
export function createLayoutStore(
  reference: Pick<ImageReference, 'transport' | 'location'>,
  backend: LayoutBackend,
  { writable = true }: { readonly writable?: boolean } = {},
): LocalStore {
  const mustBeWritable = (): void => {
    if (writable) return;
    fail('usage-read-only', `${backend.what} can only be read`, {
      hint: 'copy the image to a registry, an oci: folder or an oci-archive: file first',
    });
  };
  const scan = createReferrerScan(backend);
  /** Manifests written without a tag. Those that nothing else lists by the end go into index.json, for other tools to find. */
  const untagged = new Map<Digest, Descriptor>();
  const children = new Set<Digest>();

  async function fetchManifest(
    selector: { readonly tag: string } | { readonly digest: Digest },
  ): Promise<RawManifest | undefined> {
    const index = await backend.readIndex();
    if (!index) return undefined;
    if ('tag' in selector) {
      const entry = findTag(index, selector.tag);
      return entry && loadListed(backend, entry.descriptor);
    }
    const listed = index.entries.find(entry => entry.descriptor.digest === selector.digest);
    return listed ? loadListed(backend, listed.descriptor) : loadUnlisted(backend, selector.digest);
  }

  async function* openBlob(descriptor: Descriptor): AsyncGenerator<Uint8Array> {
    const what = `the blob ${descriptor.digest}`;
    if (descriptor.data) {
      yield* checkedContent([descriptor.data], descriptor, what);
      return;
    }
    const file = await backend.findBlob(descriptor.digest);
    if (!file) return failUnavailable(descriptor.digest, backend.what);
    if (file.size !== descriptor.size) {
      await file.close();
      failSize(what, descriptor, file.size);
    }
    yield* checkedContent(file.read(), descriptor, what);
  }

  async function hasBlob(descriptor: Pick<Descriptor, 'digest' | 'size'>): Promise<boolean> {
    if (!(await backend.readIndex())) return false;
    const file = await backend.findBlob(descriptor.digest);
    if (!file) return false;
    if (file.size !== descriptor.size || file.size > SMALL) {
      await file.close();
      return file.size === descriptor.size;
    }
    try {
      await readAll(checkedContent(file.read(), descriptor, 'the blob'));
      return true;
    } catch (error) {
      // A damaged blob counts as absent, so that writing it again repairs it.
      if (error instanceof TouchmarkError && error.code === 'oci-digest-mismatch') return false;
      throw error;
    }
  }

  async function storeManifest(manifest: RawManifest): Promise<void> {
    mustBeWritable();
    checkContent(manifest.bytes, manifest.descriptor, `the manifest ${manifest.descriptor.digest}`);
    const parsed = parseManifest(manifest);
    if (parsed.kind === 'index') for (const child of parsed.manifests) children.add(child.digest);
    if (parsed.subject) children.add(manifest.descriptor.digest);
    if (!(await hasBlob(manifest.descriptor))) await backend.storeBlob(manifest.descriptor, [manifest.bytes]);
  }

  async function updateTag(tag: string, merge: TagMerge): Promise<void> {
    mustBeWritable();
    await backend.updateIndex(async index => {
      const entry = findTag(index, tag);
      const next = await merge(entry && (await loadListed(backend, entry.descriptor)));
      if (!next) return undefined;
      await storeManifest(next);
      return withTag(index, tag, next.descriptor);
    });
  }

  return {
    reference,
    repository: defaultRepository({ ...reference }),
    namesRepository: false,
    writable,
    fetchManifest,
    fetchBlob: async (descriptor, maxSize) => {
      refuseLarge(descriptor, maxSize);
      return readAll(openBlob(descriptor));
    },
    openBlob,
    listReferrers: scan,
    listTags: async () => {
      const names = ((await backend.readIndex())?.entries ?? []).flatMap(entry => entry.name ?? []);
      return [...new Set(names)];
    },
    hasBlob,
    writeBlob: async (descriptor, source) => {
      mustBeWritable();
      if (!(await hasBlob(descriptor))) await backend.storeBlob(descriptor, sourceOf(source));
    },
    writeManifest: async (manifest, tag) => {
      await storeManifest(manifest);
      if (tag === undefined) untagged.set(manifest.descriptor.digest, manifest.descriptor);
      else await backend.updateIndex(async index => withTag(index, tag, manifest.descriptor));
    },
    attach: async (manifest, subject) => {
      await storeManifest(manifest);
      await updateTag(attachmentTag(subject), current => withReferrer(current, manifest));
    },
    updateTag,
    commit: async () => {
      const roots = [...untagged.values()].filter(({ digest }) => !children.has(digest));
      untagged.clear();
      if (roots.length > 0) await backend.updateIndex(async index => roots.reduce(withUntagged, index));
      await backend.commit();
    },
    close: () => backend.close(),
    resolveDefault: async () => {
      const index = await backend.readIndex();
      const images = index ? await listImages(backend, index) : [];
      const [image] = images;
      if (!image) throw await explainMissing(backend, reference);
      if (images.length > 1) failSeveral(backend, reference, index as LayoutIndex);
      return loadListed(backend, image);
    },
    explainMissing: wanted => explainMissing(backend, wanted),
  };
}

/** The fallback index with one more referrer; undefined when it is listed already. */
function withReferrer(current: RawManifest | undefined, manifest: RawManifest): RawManifest | undefined {
  const listed = current && parseManifest(current);
  if (listed && listed.kind !== 'index') {
    return fail('format-manifest', 'the tag for referrers names an image where an index is due', {
      hint: 'that tag was written by another tool; remove it from index.json',
    });
  }
  const manifests = listed?.manifests ?? [];
  const { digest } = manifest.descriptor;
  if (manifests.some(descriptor => descriptor.digest === digest)) return undefined;
  const parsed = parseManifest(manifest);
  const artifactType = artifactTypeOf(parsed);
  const added: Descriptor = {
    ...manifest.descriptor,
    ...(artifactType !== undefined && { artifactType }),
    ...(Object.keys(parsed.annotations).length > 0 && { annotations: parsed.annotations }),
  };
  const sorted = [...manifests, added].sort((a, b) => (a.digest < b.digest ? -1 : 1));
  return serializeManifest({ manifests: sorted, ...(listed && { annotations: listed.annotations }) });
}
