import { TouchmarkError } from '../base/errors.js';
import { openStore, type StoreAccess } from '../oci/open.js';
import { type ImageReference, parseReference, registryOf } from '../oci/reference.js';
import type { Store } from '../oci/store.js';

/** Registries that may be asked: an image can name any, and must not choose whom this machine talks to. */
export interface Reach {
  /** @throws TouchmarkError `net-offline` for a registry that the user did not name; what the store throws */
  open<T>(reference: ImageReference, use: (store: Store) => Promise<T>): Promise<T>;
}

/**
 * @param references images that the user named
 * @param registries more of them, `host[:port]`
 */
export function createReach(
  access: StoreAccess,
  references: readonly string[],
  registries: readonly string[],
): Reach {
  const named = new Set([
    ...references.flatMap(reference => tryRegistryOf(reference) ?? []),
    ...registries.map(registry => registry.toLowerCase()),
  ]);
  return {
    async open(reference, use) {
      const registry = registryOf(reference);
      if (registry !== undefined && !named.has(registry))
        throw new TouchmarkError('net-offline', `${registry} was not asked`, {
          hint: `--base-registry ${registry} allows it`,
        });
      const store = await openStore(reference, access);
      try {
        return await use(store);
      } finally {
        await store.close();
      }
    },
  };
}

function tryRegistryOf(reference: string): string | undefined {
  try {
    return registryOf(parseReference(reference));
  } catch {
    // What is no reference has an error of its own.
    return undefined;
  }
}
