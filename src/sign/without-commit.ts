import type { Store } from '../oci/store.js';

/**
 * The same store, whose `commit` is left to whoever owns it: several use cases then write an archive once, or, when one of
 * them fails, not at all.
 */
export function withoutCommit(store: Store): Store {
  return {
    reference: store.reference,
    repository: store.repository,
    namesRepository: store.namesRepository,
    writable: store.writable,
    fetchManifest: selector => store.fetchManifest(selector),
    fetchBlob: (descriptor, maxSize) => store.fetchBlob(descriptor, maxSize),
    openBlob: descriptor => store.openBlob(descriptor),
    listReferrers: subject => store.listReferrers(subject),
    listTags: () => store.listTags(),
    hasBlob: descriptor => store.hasBlob(descriptor),
    writeBlob: (descriptor, source, from) => store.writeBlob(descriptor, source, from),
    writeManifest: (manifest, tag) => store.writeManifest(manifest, tag),
    attach: (manifest, subject) => store.attach(manifest, subject),
    updateTag: (tag, merge) => store.updateTag(tag, merge),
    commit: async () => {},
    close: () => store.close(),
  };
}
