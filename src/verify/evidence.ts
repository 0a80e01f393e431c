import type { TouchmarkError } from '../base/errors.js';

/** The two ways in which a signature is stored. */
export const CARRIERS = ['simplesigning', 'bundle'] as const;
export type Carrier = (typeof CARRIERS)[number];

/** A signature as it was found: nothing in it is trusted yet. */
export interface FoundSignature {
  readonly carrier: Carrier;
  /** Where: `sha256-….sig[2]`, or the digest of the referrer. */
  readonly source: string;
  /** The document that was signed: a payload or a statement. */
  readonly payload: Uint8Array;
  /** What the signature is over: the payload itself, or its DSSE pre-authentication encoding. */
  readonly signedBytes: Uint8Array;
  readonly signature: Uint8Array;
  /** DSSE payload type; undefined for simple signing. */
  readonly payloadType: string | undefined;
  /** The whole sigstore bundle it came in; undefined for simple signing. */
  readonly bundle?: Uint8Array;
  /** What else came with it, none of it verified here. */
  readonly material: {
    readonly keyHint: string | undefined;
    readonly certificate: boolean;
    readonly transparencyLog: boolean;
    readonly timestamp: boolean;
  };
}

/** Something that should have been a signature or a list of them, and could not be read. */
export interface Problem {
  readonly carrier: Carrier;
  readonly source: string;
  readonly error: TouchmarkError;
}

/** What was found about one image, in one step of looking. */
export interface Evidence {
  readonly signatures: readonly FoundSignature[];
  readonly problems: readonly Problem[];
}
