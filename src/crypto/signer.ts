import { constants, createHash, sign, verify } from 'node:crypto';
import { ed25519, ed25519ph } from '@noble/curves/ed25519.js';
import { fail } from '../base/errors.js';
import { defaultScheme, hashOf, signingSchemesOf } from './algorithms.js';
import type { PrivateKey, SignatureScheme, Signer } from './keys.js';
import { checkPortably, ECDSA_SCHEMES } from './portable.js';
import { openPkcs8, secretOf } from './private-key.js';

/**
 * Makes the signer of a key. Reach it through `createSigner` of the folder's entry, which loads this module, and with it
 * the curves, only when something is to be signed.
 */
export function makeSigner(key: PrivateKey, scheme: SignatureScheme | undefined): Signer {
  const { publicKey } = key;
  const chosen = scheme ?? defaultScheme(publicKey.kind);
  if (!signingSchemesOf(publicKey.kind).includes(chosen)) {
    fail('usage-argument', `a key of kind ${publicKey.kind} cannot sign with ${chosen}`, {
      hint: `its schemes are ${signingSchemesOf(publicKey.kind).join(', ')}`,
    });
  }
  const signMessage = signFunction(key, chosen);
  return {
    publicKey,
    scheme: chosen,
    sign(message) {
      const signature = signMessage(message);
      // A fault while signing (bad memory, a broken library) can give the key away: such a signature stays here.
      const holds =
        chosen === 'ed25519ph'
          ? checkPortably(publicKey, chosen, message, signature)
          : verify(
              hashOf(chosen) ?? null,
              message,
              { key: publicKey.keyObject, ...paddingOf(chosen) },
              signature,
            );
      if (!holds) {
        fail('internal', 'a signature was made that does not verify; it was thrown away', {
          retryable: true,
        });
      }
      return signature;
    },
  };
}

function signFunction(key: PrivateKey, scheme: SignatureScheme): (message: Uint8Array) => Uint8Array {
  const hash = hashOf(scheme);
  const ec = ECDSA_SCHEMES[scheme];
  if (hash !== undefined && ec === undefined) {
    const keyObject = openPkcs8(key.pkcs8);
    return message => Uint8Array.from(sign(hash, message, { key: keyObject, ...paddingOf(scheme) }));
  }
  const secret = secretOf(key);
  if (ec !== undefined && hash !== undefined) {
    return message => {
      const digest = createHash(hash).update(message).digest();
      // Neither low-S nor extra entropy: the signature is the one of RFC 6979, 3.2.
      return ec.sign(digest, secret, { prehash: false, lowS: false, extraEntropy: false, format: 'der' });
    };
  }
  const curve = scheme === 'ed25519ph' ? ed25519ph : ed25519;
  return message => curve.sign(message, secret);
}

/** RFC 8017 9.1: with a salt as long as the hash, which is what verifiers that do not look for its length expect. */
function paddingOf(scheme: SignatureScheme): { readonly padding?: number; readonly saltLength?: number } {
  if (scheme !== 'rsa-pss-sha256') return {};
  return { padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: constants.RSA_PSS_SALTLEN_DIGEST };
}
