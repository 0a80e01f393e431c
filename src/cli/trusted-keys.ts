import { loadPublicKey } from '../crypto/key-reference.js';
import type { TrustedKey } from '../verify/judge.js';

/**
 * The keys of `--key`, each once however often it was given: a threshold counts distinct keys.
 * @throws TouchmarkError `key-*`
 */
export async function loadTrustedKeys(references: readonly string[]): Promise<readonly TrustedKey[]> {
  const keys = new Map<string, TrustedKey>();
  for (const name of references) {
    const key = await loadPublicKey(name);
    if (!keys.has(key.keyid)) keys.set(key.keyid, { name, key });
  }
  return [...keys.values()];
}
