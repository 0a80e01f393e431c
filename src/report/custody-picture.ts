import type { ReasonCode } from '../base/codes.js';
import type { Digest } from '../base/digest.js';
import type { ClaimSeal, EvidenceLevel, LayerEvidence, Severity } from '../custody/index.js';

/**
 * A chain of custody as it is drawn: by a verdict, or by claims that nobody has checked. Plain data; as JSON it is the
 * document of `custody show`, so fields are only ever added.
 */
export interface CustodyPicture {
  readonly subject: {
    readonly repository: string | null;
    readonly manifest: Digest;
    /** `os/architecture[/variant]`. */
    readonly platform: string | null;
  };
  readonly state: PictureState;
  readonly code: ReasonCode | null;
  readonly level: EvidenceLevel | null;
  /** Null: nothing was verified. */
  readonly policy: { readonly name: string; readonly version: number; readonly digest: Digest } | null;
  /** What the first link stands on. */
  readonly start: { readonly kind: 'scratch' | 'upstream' | 'missing'; readonly name: string | null };
  /** Base first. */
  readonly links: readonly PictureLink[];
  readonly approvals: readonly PictureApproval[];
  readonly layers: readonly PictureLayer[];
  /** Everything that was found, worst first. */
  readonly findings: readonly PictureFinding[];
}

/** `unverified`: nobody checked. `indeterminate`: it could not be checked. Only `verified` is a yes. */
export type PictureState = 'verified' | 'failed' | 'indeterminate' | 'unverified';

export interface PictureMark {
  readonly team: string;
  readonly step: string;
  /** Names out of the policy; empty where nothing was verified. */
  readonly signers: readonly string[];
  /** Keys that unverified signatures point to. */
  readonly keyids: readonly string[];
  readonly time: string;
  /** Whole seconds. */
  readonly age: number;
  readonly state: PictureState;
  /** What was found about it, worst first; warnings too. */
  readonly codes: readonly ReasonCode[];
}

export interface PictureLink extends PictureMark {
  readonly claim: Digest;
  readonly kind: string;
  readonly seq: number;
  readonly span: { readonly from: number; readonly to: number };
  readonly manifest: Digest;
  /** What steps above may not do to which files. */
  readonly seals: readonly ClaimSeal[];
}

/** An approval that was given, or one that is asked for and has no claim, team and time. */
export interface PictureApproval extends Omit<PictureMark, 'team' | 'time' | 'age'> {
  readonly team: string | null;
  readonly time: string | null;
  readonly age: number | null;
  readonly claim: Digest | null;
  /** The link that it hangs off; null: not known. */
  readonly on: Digest | null;
}

export interface PictureLayer {
  readonly index: number;
  readonly digest: Digest;
  /** In bytes. */
  readonly size: number | null;
  /** The link that the layer belongs to; with state `unverified` the one that claims it. */
  readonly owner: { readonly team: string; readonly step: string; readonly claim: Digest } | null;
  readonly evidence: LayerEvidence | null;
  readonly state: PictureState;
  readonly codes: readonly ReasonCode[];
}

export interface PictureFinding {
  readonly code: ReasonCode;
  readonly severity: Severity;
  readonly where: string;
  readonly message: string;
  readonly hint: string | null;
}

/** A layer as the manifest has it. */
export interface ImageLayer {
  readonly index: number;
  readonly digest: Digest;
  readonly size: number;
}
