import { TouchmarkError } from '../base/errors.js';
import type { StoreOptions } from './context.js';
import type { RegistrySession } from './http/index.js';
import type { LocalStore } from './layout/index.js';
import type { RawManifest } from './manifest.js';
import { formatReference, type ImageReference } from './reference.js';
import type { Store } from './store.js';

/** What the stores of one command share: connections and tokens, made when the first registry is opened. */
export interface StoreAccess {
  readonly options: StoreOptions;
  session(): Promise<RegistrySession>;
  /** Ends the connections. Stores are closed by who opened them. */
  close(): Promise<void>;
}

export function createStoreAccess(options: StoreOptions = {}): StoreAccess {
  let session: Promise<RegistrySession> | undefined;
  return {
    options,
    session: () => {
      // Loaded on demand: verifying a layout must not pay for the http client.
      session ??= import('./http/index.js').then(http => http.createRegistrySession(options));
      return session;
    },
    close: async () => {
      if (session) await (await session).close();
      session = undefined;
    },
  };
}

/**
 * Opens the store that a reference names. Only the code of its transport is loaded.
 * @throws TouchmarkError `format-archive`, `format-layout`, `net-offline`, …
 */
export async function openStore(reference: ImageReference, access: StoreAccess): Promise<Store> {
  const { signal } = access.options;
  switch (reference.transport) {
    case 'registry': {
      const [http, session] = await Promise.all([import('./http/index.js'), access.session()]);
      return http.openRegistryStore(reference, session);
    }
    case 'oci':
      return (await import('./layout/index.js')).openLayoutStore(reference, { signal });
    case 'oci-archive':
      return (await import('./archive/index.js')).openOciArchiveStore(reference, { signal });
    case 'docker-archive':
      return (await import('./archive/index.js')).openDockerArchiveStore(reference, { signal });
  }
}

/**
 * Resolves a reference to the manifest or index it names: by digest, by tag, or the only image of a local store.
 * @throws TouchmarkError `oci-not-found` when there is none, with what there is as the hint; `usage-reference` when several fit
 */
export async function resolveImage(store: Store, reference: ImageReference): Promise<RawManifest> {
  const { digest, tag } = reference;
  const local = isLocal(store) ? store : undefined;
  if (digest === undefined && tag === undefined && local) return local.resolveDefault();
  const found = await store.fetchManifest(digest === undefined ? { tag: tag ?? 'latest' } : { digest });
  if (found) return found;
  if (local) throw await local.explainMissing(reference);
  const shown = formatReference(reference);
  throw new TouchmarkError('oci-not-found', `${shown} does not exist`, {
    hint: 'check the name and the tag; a private repository may need a login',
    details: { image: shown },
  });
}

/** Opens the store, resolves the image in it, and closes the store however `use` ends. */
export async function withImage<T>(
  access: StoreAccess,
  reference: ImageReference,
  use: (store: Store, image: RawManifest) => Promise<T>,
): Promise<T> {
  const store = await openStore(reference, access);
  try {
    return await use(store, await resolveImage(store, reference));
  } finally {
    await store.close();
  }
}

function isLocal(store: Store): store is LocalStore {
  return 'resolveDefault' in store;
}
