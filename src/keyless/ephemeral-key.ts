import { createSigner } from '../crypto/create-signer.js';
import { generateKey } from '../crypto/generate-key.js';
import type { Signer } from '../crypto/keys.js';
import { wipe } from '../crypto/private-key.js';

/** A P-256 key for one certificate: it is in this process alone, and goes when its signer does. */
export async function createEphemeralSigner(): Promise<Signer> {
  const key = await generateKey('ecdsa-p256');
  try {
    return await createSigner(key);
  } finally {
    wipe(key.pkcs8);
  }
}
