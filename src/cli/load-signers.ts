import { type LoadSignerOptions, loadSigner } from '../crypto/key-reference.js';
import type { Signer } from '../crypto/keys.js';
import type { Passwords } from './password.js';

/**
 * Opens the private keys of `--key`, one after another, so that a person is asked for one password at a time.
 * @throws TouchmarkError `key-*`
 */
export async function loadSigners(
  references: readonly string[],
  passwords: Passwords,
  onWarning: (message: string) => void,
  options: Pick<LoadSignerOptions, 'scheme'> = {},
): Promise<readonly Signer[]> {
  const signers: Signer[] = [];
  for (const reference of references) {
    signers.push(
      await passwords.retrying(password => loadSigner(reference, { ...options, password, onWarning })),
    );
  }
  return signers;
}
