/**
 * Keys and signatures: reading key files, opening private keys, signing bytes, checking signatures over bytes.
 *
 * What holds here:
 * - A key that is not one of {@link KEY_KINDS}, at its exact strength and in its one encoding, does not become a
 *   {@link PublicKey}; so a keyid names one key and a key has one keyid.
 * - Key material is read by our own DER reader first and handed to OpenSSL only when its form is known.
 * - A signature is checked under the schemes of its key's kind and no other; there is no algorithm in the data to obey.
 * - A private key leaves this folder only encrypted, or in plain when that was asked for in so many words; passwords
 *   and keys stand in no error, and buffers that held them are overwritten where JavaScript allows it.
 * - Verifying needs `node:crypto` alone; the curves are loaded when something is signed or an Ed25519ph signature met.
 * - Nothing here does I/O but `key-reference.ts`, `key-pair-files.ts`, `manage-keys.ts` and `list-keys.ts`.
 */
import type { PrivateKey, SignatureScheme, Signer } from './keys.js';

export { defaultScheme, schemesOf } from './algorithms.js';
export {
  decryptPrivateKey,
  type EncryptOptions,
  encryptPrivateKey,
  readScryptParameters,
  SCRYPT_COSTS,
  type ScryptParameters,
} from './encrypted-key.js';
export { generateKey } from './generate-key.js';
export { identifyKeyFile, type KeyFile, type KeyFileFormat } from './key-file-format.js';
export * from './keys.js';
export { type OpenedKey, openPrivateKey } from './open-private-key.js';
export { parsePkcs8, wipe } from './private-key.js';
export { parsePublicKey, parseSpki, publicKeyHint, serializePublicKey } from './public-key.js';
export { checkScheme, checkSignature } from './verify.js';

/**
 * Makes a signer. Without `scheme`, the one that `cosign verify --key` accepts with default flags.
 * @throws TouchmarkError `usage-argument` when the key cannot sign with `scheme`
 */
export async function createSigner(
  key: PrivateKey,
  options: { readonly scheme?: SignatureScheme } = {},
): Promise<Signer> {
  const { makeSigner } = await import('./signer.js');
  return makeSigner(key, options.scheme);
}
