/**
 * Signing with an identity instead of a key: a token says who signs, a certificate authority binds that to a key that
 * lives for minutes, and logs and timestamp authorities say when.
 *
 * What holds here:
 * - a token is in no error, event or printed value; it is sent to the certificate authority and to nobody else;
 * - the private key is made for one run, is never written, and is given to nobody;
 * - an answer is bound to what was sent before anything is made of it; whom it is from the verifier says, before
 *   anybody gets the signature;
 * - clock, randomness, environment and network enter through arguments.
 */
export { findAmbientToken } from './ambient-token.js';
export { type IdentityToken, parseIdentityToken } from './identity-token.js';
export { type BrowserLogin, logInWithBrowser } from './login/browser.js';
export { type DeviceLogin, logInWithDevice } from './login/device.js';
export type { LoginOptions } from './login/options.js';
export { isSignedBy, type SignedAs } from './self-check.js';
export { type LogService, parseServices, type SigningServices } from './services.js';
export {
  type IdentityContent,
  type IdentitySignature,
  type IdentitySigner,
  type IdentitySigning,
  openIdentitySigner,
} from './sign.js';
export { chooseServices } from './signing-config.js';
export { loadIdentityToken, parseTokenSource, type TokenSource } from './token-source.js';
