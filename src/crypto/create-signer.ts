import type { PrivateKey, SignatureScheme, Signer } from './keys.js';

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
