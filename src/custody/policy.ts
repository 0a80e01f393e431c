import type { Digest } from '../base/digest.js';
import type { PathRules } from '../base/path-rules.js';
import type { PublicKey } from '../crypto/keys.js';
import type { ImageFacts } from './facts.js';
import type { PredicateOutcome } from './predicates.js';

/** How far a layer's bytes were looked at. Each level includes the ones before it. */
export const EVIDENCE_LEVELS = ['marks', 'manifest', 'blobs', 'content'] as const;
export type EvidenceLevel = (typeof EVIDENCE_LEVELS)[number];

/** Where marks lie: sigstore bundles that refer to the image, and cosign's `.sig` tag. */
export const MARK_CARRIERS = ['bundle', 'simplesigning'] as const;
export type MarkCarrier = (typeof MARK_CARRIERS)[number];

/**
 * What a team's current TUF metadata must say of a mark: nothing, that it stands, or that it stands and that nothing else
 * which is listed for the image is kept back.
 */
export const INDEX_MODES = ['off', 'present', 'complete'] as const;
export type IndexMode = (typeof INDEX_MODES)[number];

/** Kinds of claims about content; only these are links of a chain. The last three are reserved and denied. */
export const CONTENT_KINDS = ['add', 'config', 'adopt', 'rebase', 'repack', 'squash'] as const;
export type ContentKind = (typeof CONTENT_KINDS)[number];

/**
 * Who may do what to an image, in which order, how recently: the policy as the check uses it. Documents in YAML or JSON
 * become one of these elsewhere, with every key loaded and every default written out; nothing here is permissive by omission.
 */
export interface CustodyPolicy {
  readonly name: string;
  readonly version: number;
  /** Of the document's bytes. */
  readonly digest: Digest;
  readonly expires: Date | undefined;
  /** Globs over `registry/path`; `*` does not cross `/`. Empty matches nothing. */
  readonly repositories: readonly string[];
  readonly relocations: readonly Relocation[];
  readonly teams: readonly Team[];
  /** Milliseconds by which clocks may disagree. */
  readonly skew: number;
  /** Only marks from these count. Documents always give it; undefined means each. */
  readonly carriers?: readonly MarkCarrier[];
  /** Undefined: `present` where TUF is there, otherwise `off`. */
  readonly index?: IndexMode | undefined;
  /** The level that a verdict must reach. */
  readonly evidence: EvidenceLevel;
  /** `content`: accept an image whose config digest and diffIDs equal the head's claim though its manifest differs. Never a default. */
  readonly identity: 'manifest' | 'content';
  /** Content steps in their order. A step that is not listed is denied. */
  readonly flow: readonly FlowStep[];
  readonly approvals: readonly ApprovalRule[];
  /** One signer may not satisfy two teams. */
  readonly distinctSigners: boolean;
  /** By step name. Without an entry a step may change the config freely. */
  readonly config: Readonly<Record<string, ConfigRules>>;
  /** By step name. Without an entry a step may do to files what no seal forbids. Any entry asks for level `content`. */
  readonly paths?: Readonly<Record<string, PathRules>>;
  /** Undefined: honoured, all of them. */
  readonly seals?: SealRules;
  /** What the finished image must be. */
  readonly metadata?: MetadataRules | undefined;
  /** All of them must be true of the finished image. */
  readonly predicates?: readonly Predicate[];
}

/**
 * The policy for a check that comes before the last one: predicates are about the finished image, with all its approvals and
 * with its layers read as far as the policy asks.
 */
export function withoutPredicates(policy: CustodyPolicy): CustodyPolicy {
  return { ...policy, predicates: [] };
}

export interface Team {
  /** Never a path, never all digits. */
  readonly name: string;
  readonly signers: readonly TeamSigner[];
}

/** A person or robot; thresholds count these, however many keys each has. */
export interface TeamSigner {
  readonly name: string;
  readonly keys: readonly PublicKey[];
  /** Keys of the past, honestly used: their marks stand only where the team still lists them. */
  readonly retired?: readonly PublicKey[];
  /** Keys that others may have: as {@link retired}. */
  readonly revoked?: readonly PublicKey[];
}

/** An image that may be presented under another repository than the one its claims name. */
export interface Relocation {
  readonly from: string;
  readonly to: string;
  /** An approval rule that must hold with the destination as its repository. */
  readonly via: string | undefined;
}

export interface FlowStep {
  readonly step: string;
  /** A team's name, or a glob over names. */
  readonly team: string;
  readonly kinds: readonly ContentKind[];
  /** How often the step may occur: least and most. */
  readonly count: readonly [number, number];
  /** Distinct signers of the team. */
  readonly threshold: number;
  /** Milliseconds. */
  readonly maxAge: number | undefined;
  /** Of `adopt`: globs over the upstream references that may be adopted; undefined denies all. */
  readonly upstream: readonly string[] | undefined;
  /** Of `adopt`: an upstream that nobody checked (`verifiedBy: none` only) does not do. */
  readonly upstreamVerified: boolean;
  /** The image of the step must be among the newest of a channel. */
  readonly currency?: Currency | undefined;
}

export interface Currency {
  readonly channel: string;
  /** How many releases of the channel may be newer. */
  readonly maxBehind: number;
}

export interface ApprovalRule {
  /** What the claim's `step` says. */
  readonly name: string;
  readonly team: string;
  /** The step whose content claim is approved; undefined: the head. */
  readonly on: string | undefined;
  readonly threshold: number;
  /** Milliseconds. */
  readonly maxAge: number | undefined;
  /** Approvals that this one must have seen: a counted claim of each must stand in `saw`. */
  readonly after: readonly string[];
  /** Types of evidence that the claim must list. */
  readonly evidence: readonly string[];
}

/** Rules over config keys: `Cmd`, `User=root`, `Env:APP_*`, `Labels:*`. Deny wins; what neither list names is denied. */
export interface ConfigRules {
  readonly allow: readonly string[];
  readonly deny: readonly string[];
}

/** How far the promises of steps about their files bind the steps above them. */
export interface SealRules {
  /** False: they bind nobody. */
  readonly honour: boolean;
  readonly override: readonly SealOverride[];
}

/** What step `by` may do although step `of` has sealed it. */
export interface SealOverride {
  readonly of: string;
  readonly by: string;
  /** Patterns over paths; undefined: everywhere. */
  readonly paths?: readonly string[] | undefined;
}

/** What the finished image must be. Patterns are globs over whole texts, without separators. */
export interface MetadataRules {
  readonly os?: readonly string[] | undefined;
  /** `arm64` is any variant of it, `arm64/v8` this one. */
  readonly architecture?: readonly string[] | undefined;
  readonly user?:
    | {
        /** Not root, and a number, unless {@link allow} has the name. */
        readonly nonRoot: boolean;
        readonly allow: readonly string[] | undefined;
      }
    | undefined;
  readonly labels?: NameRules | undefined;
  readonly annotations?: NameRules | undefined;
  readonly environment?: NameRules | undefined;
  readonly ports?: EntryRules | undefined;
  readonly volumes?: EntryRules | undefined;
  /** About the program, the first word. */
  readonly entrypoint?: EntryRules | undefined;
  readonly healthcheck?: { readonly required: boolean } | undefined;
  /** Milliseconds. */
  readonly created?: { readonly maxAge: number; readonly skew: number } | undefined;
  /** About the base that the image names. */
  readonly base?: EntryRules | undefined;
}

export interface NameRules {
  /** Names that must be there, each with a pattern for its value. */
  readonly require?: Readonly<Record<string, string>> | undefined;
  /** Patterns over names. */
  readonly forbid?: readonly string[] | undefined;
}

/** What fits none of the patterns is denied. */
export interface EntryRules {
  readonly allow: readonly string[];
}

/** An expression over the facts of an image. It may only deny. */
export interface Predicate {
  /** Undefined: the policy's only one. */
  readonly name: string | undefined;
  readonly expression: string;
  /** Names of the facts that it speaks of. */
  readonly facts: readonly string[];
  /** What is wrong when it is false. */
  readonly message: string | undefined;
  /** Never throws for anything that an image holds. */
  evaluate(facts: ImageFacts): PredicateOutcome;
}
