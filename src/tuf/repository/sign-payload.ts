import { toHex } from '../../base/bytes.js';
import { fail } from '../../base/errors.js';
import type { Signer } from '../../crypto/keys.js';
import { openKey } from '../keys.js';
import { type Authority, keyOf } from './authority.js';
import type { SignatureEntry } from './json-text.js';
import { requireMetadataScheme } from './key-entry.js';

/** The signatures that these signers give for these authorities, each verified as soon as it is made. */
export function signPayload(
  message: Uint8Array,
  authorities: readonly Authority[],
  signers: readonly Signer[],
): readonly SignatureEntry[] {
  const signatures = new Map<string, string>();
  for (const signer of signers) {
    for (const authority of authorities) {
      const key = keyOf(authority, signer.publicKey);
      if (!key || signatures.has(key.keyid)) continue;
      requireMetadataScheme(signer);
      const signature = signer.sign(message);
      const verifier = openKey(key);
      if (!verifier.usable || !verifier.verify(message, signature))
        fail(
          'key-unsupported',
          `the key ${key.keyid.slice(0, 12)} is there for ${key.scheme}, and signs otherwise`,
          {
            details: { keyid: key.keyid, scheme: key.scheme },
          },
        );
      signatures.set(key.keyid, toHex(signature));
    }
  }
  return [...signatures].map(([keyid, sig]) => ({ keyid, sig }));
}
