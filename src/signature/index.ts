/**
 * The two signature formats, byte for byte: cosign's simple-signing payload in a `.sig` manifest, and the sigstore bundle
 * as a referrer. Pure: nothing here fetches, and nothing here decides whether a signature counts.
 */
export { type Bundle, parseBundle, serializeBundle, signedBytes } from './bundle.js';
export { IN_TOTO_PAYLOAD_TYPE, preAuthEncoding } from './dsse.js';
export { parsePayload, SIMPLE_SIGNING_TYPE, type SimpleSigningPayload, serializePayload } from './payload.js';
export { bundleManifest, parseReferrer, type ReferrerContent } from './referrer.js';
export {
  addSignatures,
  parseSignatureManifest,
  type SignatureLayer,
  type SignatureSet,
  signatureLayer,
} from './sig-manifest.js';
export {
  parseStatement,
  SIGN_PREDICATE_TYPE,
  type Statement,
  type StatementSubject,
  serializeSignStatement,
} from './statement.js';
