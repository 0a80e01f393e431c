import { fail } from '../base/errors.js';
import { formatReference, type ImageReference } from '../oci/reference.js';
import type { Store } from '../oci/store.js';
import type { TufSource } from '../tuf/source.js';
import { type PublishedRepository, parseRepository, TARGETS } from './repository-form.js';

/** A source that can say what it holds: names of metadata files, and of targets with `targets/` in front. */
export interface ListedSource extends TufSource {
  list(): Promise<readonly string[]>;
}

/**
 * A repository in an image store, as its tag names it when the first file is asked for: one source is one moment. Every
 * file is proven by the digest in the manifest, before anything looks at its signature.
 */
export function openStoreSource(store: Store, reference: ImageReference): ListedSource {
  let opened: Promise<PublishedRepository> | undefined;
  const list = async () => {
    opened ??= openPublished(store, reference);
    return [...(await (await opened).list()).keys()];
  };
  const read = async (name: string, maxLength: number): Promise<Uint8Array | undefined> => {
    opened ??= openPublished(store, reference);
    const file = await (await opened).find(name);
    if (!file) return undefined;
    const parts: Uint8Array[] = [];
    let size = 0;
    for await (const chunk of store.openBlob(file)) {
      parts.push(chunk);
      size += chunk.length;
      if (size > maxLength) break;
    }
    return Buffer.concat(parts).subarray(0, maxLength + 1);
  };
  return { list, metadata: read, target: (path, maxLength) => read(`${TARGETS}${path}`, maxLength) };
}

/** @throws TouchmarkError `tuf-unavailable` when there is none */
export async function openPublished(store: Store, reference: ImageReference): Promise<PublishedRepository> {
  return (
    (await findPublished(store, reference)) ??
    fail('tuf-unavailable', `there is no TUF repository at ${formatReference(reference)}`, {
      hint: 'check the name and the tag; touchmark tuf publish PLACE puts one there',
      details: { image: formatReference(reference) },
    })
  );
}

export async function findPublished(
  store: Store,
  { tag = 'latest', digest }: Pick<ImageReference, 'tag' | 'digest'>,
): Promise<PublishedRepository | undefined> {
  const raw = await store.fetchManifest(digest ? { digest } : { tag });
  if (!raw) return undefined;
  return parseRepository(raw, async part => store.fetchManifest({ digest: part }));
}
