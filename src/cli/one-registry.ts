import { fail, TouchmarkError } from '../base/errors.js';
import type { StoreOptions } from '../oci/context.js';
import { parseReference, registryOf } from '../oci/reference.js';

/**
 * Credentials given by flags belong to one registry: a list of images must not carry them to another.
 * @throws TouchmarkError `usage-argument` naming the registries
 */
export function requireOneRegistry(
  references: readonly string[],
  { credentials }: Pick<StoreOptions, 'credentials'>,
): void {
  if (!credentials) return;
  const registries = new Set(references.flatMap(reference => tryRegistryOf(reference) ?? []));
  if (registries.size > 1) {
    fail('usage-argument', 'credentials given by flags are for one registry, and the images lie in several', {
      details: { registries: [...registries].sort() },
      hint: 'run it once for each registry, or log in with docker login or podman login instead',
    });
  }
}

function tryRegistryOf(reference: string): string | undefined {
  try {
    return registryOf(parseReference(reference));
  } catch (error) {
    // A reference that is none reaches no registry; it gets its own verdict later.
    if (error instanceof TouchmarkError) return undefined;
    throw error;
  }
}
