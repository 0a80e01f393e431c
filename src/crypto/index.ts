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
export { defaultScheme, schemesOf } from './algorithms.js';
export { createSigner } from './create-signer.js';
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
export {
  type KeyPairFiles,
  keyPairFiles,
  replacePrivateFile,
  requireNoKeyPair,
  saveKeyPair,
} from './key-pair-files.js';
export {
  checkPrivateMode,
  type KeyEnvironment,
  type KeyLocation,
  type KeySource,
  type LoadSignerOptions,
  loadPublicKey,
  loadSigner,
  parseKeyReference,
  readKey,
} from './key-reference.js';
export * from './keys.js';
export { type KeyListEntry, listKeys } from './list-keys.js';
export {
  changePassword,
  describeKey,
  exportPublicKey,
  generateKeyPair,
  importKeyPair,
  type KeyDescription,
  type NewKeyPair,
  type Protection,
} from './manage-keys.js';
export { type OpenedKey, openPrivateKey } from './open-private-key.js';
export { parsePkcs8, wipe } from './private-key.js';
export { parsePublicKey, parseSpki, publicKeyHint, serializePublicKey } from './public-key.js';
export { checkScheme, checkSignature } from './verify.js';
