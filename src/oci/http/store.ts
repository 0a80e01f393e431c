import { fail } from '../../base/errors.js';
import { type ImageReference, parseRepository } from '../reference.js';
import type { Store } from '../store.js';
import { attachManifest } from './attach.js';
import { fetchBlob, headBlob, openBlob } from './blobs.js';
import { getManifest, putManifest } from './manifests.js';
import { listReferrers } from './referrers.js';
import { openRepository } from './repository.js';
import { partsOf, type RegistrySession } from './session.js';
import { mergeTag } from './tag-merge.js';
import { listTags } from './tags.js';
import { pushBlob } from './uploads.js';

/**
 * A repository of a registry. Nothing is asked before the first call; closing it leaves the session open.
 * @throws TouchmarkError `usage-reference` when the reference is not of a registry
 */
export function openRegistryStore(reference: ImageReference, session: RegistrySession): Store {
  if (reference.transport !== 'registry') {
    fail('usage-reference', `${reference.transport}:${reference.location} is not in a registry`);
  }
  const repository = openRepository(reference.location, partsOf(session));
  return {
    reference: { transport: 'registry', location: reference.location },
    repository: repository.name,
    namesRepository: true,
    writable: true,
    fetchManifest: async selector => (await getManifest(repository, selector))?.raw,
    fetchBlob: (descriptor, maxSize) => fetchBlob(repository, descriptor, maxSize),
    openBlob: descriptor => openBlob(repository, descriptor),
    listReferrers: subject => listReferrers(repository, subject),
    listTags: () => listTags(repository),
    hasBlob: descriptor => headBlob(repository, descriptor),
    writeBlob: (descriptor, source, from) =>
      pushBlob(repository, descriptor, source, pathInSameRegistry(from, repository.endpoint.registry)),
    async writeManifest(manifest, tag) {
      const { digest } = manifest.descriptor;
      await putManifest(repository, manifest, tag === undefined ? { digest } : { tag });
    },
    attach: (manifest, subject) => attachManifest(repository, manifest, subject),
    updateTag: (tag, merge) => mergeTag(repository, tag, merge),
    async commit() {},
    async close() {},
  };
}

function pathInSameRegistry(from: Store | undefined, registry: string): string | undefined {
  if (from?.reference.transport !== 'registry') return undefined;
  const source = parseRepository(from.reference.location);
  return source.registry.toLowerCase() === registry.toLowerCase() ? source.path : undefined;
}
