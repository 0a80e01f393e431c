/**
 * Where TUF repositories and the outside meet: the same repository read from a web server, a folder, a registry or an image
 * layout, and written to the last two. The room `tuf` knows rules and no places; `oci` knows places and no rules.
 *
 * What holds here:
 * - no place is believed: everything that comes from one goes through the client of `tuf`;
 * - "not there" is what a place says of a file, and nothing else: refusals, web pages and half answers are errors;
 * - what is published was verified as a client would before the first byte is sent, and never replaces what somebody else
 *   published.
 */

export { type AuditTrustOptions, auditTrust, type TrustAudit } from './audit.js';
export { defaultTrustFolder, trustFolderOf } from './cache-folder.js';
export { type Checkout, type CheckoutOptions, checkoutRepository } from './checkout.js';
export { openTrustClient, type Trust, type TrustOptions } from './client.js';
export * from './layout.js';
export { formatTrustLocation, isLocal, parseTrustLocation, type TrustLocation } from './location.js';
export { notaryServerOf, openNotarySource } from './notary-source.js';
export { PUBLIC_GOOD } from './public-good.js';
export { checkDestination, type Publication, type PublishOptions, publishRepository } from './publish.js';
export {
  fetchSigstoreTrust,
  publicGoodMirror,
  type SigstoreMirror,
  type SigstoreTrust,
  type SigstoreTrustOptions,
} from './sigstore.js';
export { openTrustSource, type TrustSource } from './source.js';
