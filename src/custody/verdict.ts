import type { ReasonCode } from '../base/codes.js';
import type { Digest } from '../base/digest.js';
import type { Platform } from '../oci/descriptor.js';
import type { ClaimEvidence, ClaimSeal, WorkingContentKind } from './claim.js';
import type { ImageFacts } from './facts.js';
import type { Finding } from './finding.js';
import type { LayerVerdict } from './layers.js';
import type { EvidenceLevel } from './policy.js';

/** What a custody check came to. Only `pass` is a yes; `indeterminate` means evidence could not be obtained. */
export interface CustodyVerdict {
  readonly verdict: 'pass' | 'fail' | 'indeterminate';
  /** The reason that explains a no best; null is yes. */
  readonly code: ReasonCode | null;
  /** The evidence level that every layer reached; null where no chain holds. */
  readonly level: EvidenceLevel | null;
  readonly policy: { readonly name: string; readonly version: number; readonly digest: Digest };
  readonly subject: VerdictSubject;
  /** Base first. Empty where no claim speaks about the image. */
  readonly chain: readonly ChainEntry[];
  readonly approvals: readonly ApprovalEntry[];
  /** Empty where the spans do not make up the image. */
  readonly layers: readonly LayerVerdict[];
  /** Worst first, the one behind `code` at the head. */
  readonly findings: readonly Finding[];
  /** Where rules are about them or they were asked for, and some claim speaks about the image. */
  readonly facts?: ImageFacts;
}

export interface VerdictSubject {
  readonly repository: string | null;
  readonly manifest: Digest;
  readonly config: Digest | null;
  readonly platform: Platform | null;
  /** `content`: accepted for its config and layers, with another manifest than the one that was marked. */
  readonly identity: 'manifest' | 'content';
}

interface SignedEntry {
  readonly claim: Digest;
  readonly team: string;
  readonly step: string;
  /** Names of the team's signers, sorted. */
  readonly signers: readonly string[];
  /** As the claim says it. */
  readonly time: string;
  readonly timeSource: 'claimed';
  /** Milliseconds since `time`. */
  readonly age: number;
}

export interface ChainEntry extends SignedEntry {
  readonly kind: WorkingContentKind;
  readonly seq: number;
  readonly span: { readonly from: number; readonly to: number };
  readonly manifest: Digest;
  /** What the steps above must leave alone. */
  readonly seals: readonly ClaimSeal[];
}

export interface ApprovalEntry extends SignedEntry {
  /** The rule that it satisfies. */
  readonly rule: string;
  /** The content claim approved. */
  readonly on: Digest;
  /** Files that it rests on, by type and digest. */
  readonly evidence: readonly ClaimEvidence[];
}
