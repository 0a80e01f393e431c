import type { Digest } from '../base/digest.js';
import type { JsonValue } from '../base/json.js';
import { CONTENT_KINDS, type ContentKind, type EvidenceLevel } from './policy.js';

/** The version of the claim format that is read and written here. */
export const CLAIM_VERSION = 1;

export const CLAIM_KINDS = [...CONTENT_KINDS, 'approve', 'index', 'withdraw'] as const;
export type ClaimKind = (typeof CLAIM_KINDS)[number];

/** Kinds whose names are taken and that version 1 of the format refuses with `kind-denied`. */
export const RESERVED_KINDS = ['rebase', 'repack', 'squash'] as const;
export type WorkingContentKind = Exclude<ContentKind, (typeof RESERVED_KINDS)[number]>;

/** `empty` stands for the ChainID of no layers. */
export type ChainPoint = Digest | 'empty';

export interface ClaimDescriptor {
  readonly mediaType: string;
  readonly digest: Digest;
  /** In bytes. */
  readonly size: number;
}

export interface ClaimPlatform {
  readonly os: string;
  readonly architecture: string;
  readonly variant?: string;
}

export interface ClaimSubject {
  readonly manifest: ClaimDescriptor;
  readonly config: ClaimDescriptor;
}

/** One layer of a span: the pair of digest and diffID, signed by the layer's owner. */
export interface ClaimLayer extends ClaimDescriptor {
  /** Index in the image. */
  readonly i: number;
  /** Digest of the uncompressed tar. */
  readonly diffID: Digest;
}

export interface ClaimBase {
  readonly manifest: Digest;
  readonly config: Digest;
  /** The index that the base's name resolved through. */
  readonly index?: Digest;
  /** Number of layers. */
  readonly layers: number;
}

/** The claim that this one builds on, approves or withdraws. */
export interface ClaimLink {
  readonly claim: Digest;
  readonly team: string;
  readonly step: string;
}

/** What a team says it checked before it signed. For audit: a verifier checks by itself. */
export interface ClaimCheck {
  readonly verdict: 'pass' | 'fail' | 'indeterminate' | 'skipped';
  readonly level?: EvidenceLevel;
  readonly at: string;
  readonly tool: string;
}

export interface ClaimInput {
  readonly purpose: string;
  readonly manifest: Digest;
  readonly claim?: Digest;
  /** Of an upstream: the reference that was adopted. */
  readonly ref?: string;
  /** Of an upstream: what was checked, such as `cosign-key:…`; `none` says nothing was. */
  readonly verifiedBy?: readonly string[];
}

export interface ClaimSeal {
  readonly paths: readonly string[];
  readonly ops: readonly string[];
}

export interface ClaimEvidence {
  readonly type: string;
  readonly digest: Digest;
}

/** What every claim says. Each interface here is the JSON document itself: a claim's digest is over all its members. */
interface AnyClaim {
  readonly v: typeof CLAIM_VERSION;
  readonly team: string;
  readonly step: string;
  /** `registry/path` without tag or digest. */
  readonly repo: string;
  /** RFC 3339 in UTC, whole seconds. */
  readonly time: string;
  /** As `time`; the signer's upper bound. */
  readonly expires?: string;
  readonly policy?: { readonly name: string; readonly version: number; readonly digest: Digest };
  readonly evidence?: readonly ClaimEvidence[];
  readonly [extension: `x-${string}`]: JsonValue;
}

/** What content claims and approvals say about the image they stand on. */
interface PlacedClaim extends AnyClaim {
  /** Position in the chain, from 0; an approval repeats that of what it approves. */
  readonly seq: number;
  readonly platform: ClaimPlatform;
  readonly subject: ClaimSubject;
  readonly span: { readonly from: number; readonly to: number };
  readonly layers: readonly ClaimLayer[];
  /** ChainIDs of the layers [0, from) and [0, to). */
  readonly chain: { readonly before: ChainPoint; readonly after: ChainPoint };
  /** Approvals that the team relied on. */
  readonly saw?: readonly Digest[];
  readonly checked?: ClaimCheck;
}

/** A link of the chain: a team built, changed or adopted this image. */
export interface ContentClaim extends PlacedClaim {
  readonly kind: WorkingContentKind;
  /** Absent at seq 0 only. */
  readonly base?: ClaimBase;
  /** Absent at seq 0 only. */
  readonly prev?: ClaimLink;
  readonly seals?: readonly ClaimSeal[];
  /** Teams that this handover is meant for; absent: any. */
  readonly next?: readonly string[];
  readonly inputs?: readonly ClaimInput[];
}

/** A leaf on one content claim: a team checked this image. */
export interface ApproveClaim extends PlacedClaim {
  readonly kind: 'approve';
  readonly prev: ClaimLink;
}

/** A team takes a claim of its own back. */
export interface WithdrawClaim extends AnyClaim {
  readonly kind: 'withdraw';
  readonly subject: { readonly manifest: ClaimDescriptor; readonly config?: ClaimDescriptor };
  /** What is withdrawn. */
  readonly prev: ClaimLink;
}

export interface IndexChild {
  readonly platform?: ClaimPlatform;
  readonly manifest: Digest;
  /** Null for children that are not images, such as attestations. */
  readonly claim: Digest | null;
}

/** The set of images that an index holds. */
export interface IndexClaim extends AnyClaim {
  readonly kind: 'index';
  readonly subject: { readonly manifest: ClaimDescriptor };
  /** Sorted by manifest digest, each once. */
  readonly children: readonly IndexChild[];
}

export type Claim = ContentClaim | ApproveClaim | WithdrawClaim | IndexClaim;
/** Claims that sign an image; the others must never look like a signature on one. */
export type ImageClaim = ContentClaim | ApproveClaim;

export function isContentClaim(claim: Claim): claim is ContentClaim {
  return (CONTENT_KINDS as readonly string[]).includes(claim.kind);
}

export function isImageClaim(claim: Claim): claim is ImageClaim {
  return claim.kind === 'approve' || isContentClaim(claim);
}
