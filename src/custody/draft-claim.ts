import type { Digest } from '../base/digest.js';
import { fail } from '../base/errors.js';
import type { JsonValue } from '../base/json.js';
import { formatTime } from '../base/time.js';
import type { Descriptor } from '../oci/descriptor.js';
import { computeChainID, extendChain } from './chain-id.js';
import {
  type ApproveClaim,
  CLAIM_VERSION,
  type Claim,
  type ClaimCheck,
  type ClaimDescriptor,
  type ClaimEvidence,
  type ClaimInput,
  type ClaimPlatform,
  type ClaimSeal,
  type ContentClaim,
  type ImageClaim,
  type IndexChild,
  type IndexClaim,
  type WithdrawClaim,
} from './claim.js';
import { serializeClaim } from './claim-digest.js';
import { parseClaim } from './parse-claim.js';
import type { CustodyPolicy } from './policy.js';

/**
 * Claims made from facts. Every draft is read back by the parser, so that what is signed is what verifiers accept; each
 * function throws as `parseClaim` where the facts do not make a claim.
 */

interface AnyDraft {
  readonly team: string;
  readonly step: string;
  /** `registry/path`. */
  readonly repository: string;
  readonly time: Date;
  /** In force when the team checked. */
  readonly policy: Pick<CustodyPolicy, 'name' | 'version' | 'digest'>;
}

/** The image that a claim builds on, with the claim at its head. */
export interface DraftBase {
  /** Of the head claim; the rest of these four as that claim has them. */
  readonly claim: Digest;
  readonly team: string;
  readonly step: string;
  readonly seq: number;
  /** RFC 3339, of the head claim. */
  readonly time: string;
  readonly manifest: Digest;
  readonly config: Digest;
  /** The index that its name resolved through. */
  readonly index?: Digest;
  /** Of its layers, base first. */
  readonly diffIDs: readonly Digest[];
}

export interface ContentDraft extends AnyDraft {
  /** Only `adopt` has to be said: a span with layers is `add`, one without is `config`. */
  readonly kind?: 'adopt';
  readonly platform: ClaimPlatform;
  readonly image: {
    readonly manifest: Descriptor;
    readonly config: Descriptor;
    readonly layers: readonly Descriptor[];
    /** As many as layers. */
    readonly diffIDs: readonly Digest[];
  };
  /** Absent at the start of a chain. */
  readonly base?: DraftBase;
  readonly checked?: ClaimCheck;
  readonly expires?: Date;
  readonly next?: readonly string[];
  readonly inputs?: readonly ClaimInput[];
  readonly evidence?: readonly ClaimEvidence[];
  readonly saw?: readonly Digest[];
  readonly seals?: readonly ClaimSeal[];
}

/**
 * The claim of a step that builds, changes or adopts an image.
 * @throws TouchmarkError `layer-count-mismatch` without a diffID for each layer; `base-mismatch` when the image does not begin
 *   with the layers of its base (`comparePrefix` says what happened)
 */
export function draftContentClaim(draft: ContentDraft): ContentClaim {
  const { image, base, platform } = draft;
  const from = base?.diffIDs.length ?? 0;
  const to = image.layers.length;
  if (image.diffIDs.length !== to)
    fail('layer-count-mismatch', `${to} layers and ${image.diffIDs.length} diffIDs`);
  if (base?.diffIDs.some((diffID, i) => diffID !== image.diffIDs[i]))
    fail('base-mismatch', 'the image does not begin with the layers of its base');
  const before = computeChainID(image.diffIDs.slice(0, from));
  return confirm({
    ...common(draft, base?.time),
    kind: draft.kind ?? (to > from ? 'add' : 'config'),
    seq: base ? base.seq + 1 : 0,
    platform,
    subject: { manifest: plain(image.manifest), config: plain(image.config) },
    ...(base && {
      base: {
        manifest: base.manifest,
        config: base.config,
        ...(base.index && { index: base.index }),
        layers: from,
      },
      prev: { claim: base.claim, team: base.team, step: base.step },
    }),
    span: { from, to },
    layers: image.layers.slice(from).map((layer, at) => ({
      i: from + at,
      ...plain(layer),
      diffID: image.diffIDs[from + at] as Digest,
    })),
    chain: { before, after: extendChain(before, image.diffIDs.slice(from)) },
    ...pick(draft, ['checked', 'next', 'inputs', 'evidence', 'saw', 'seals']),
    ...(draft.expires && { expires: formatTime(draft.expires) }),
  });
}

export interface ApprovalDraft extends AnyDraft {
  /** The content claim that is approved. */
  readonly on: { readonly claim: ContentClaim; readonly digest: Digest };
  readonly checked: ClaimCheck;
  /** Approvals that this one relies on. */
  readonly saw?: readonly Digest[];
  readonly evidence?: readonly ClaimEvidence[];
  readonly expires?: Date;
}

/** The claim of a team that has checked an image. */
export function draftApproval(draft: ApprovalDraft): ApproveClaim {
  const { claim, digest } = draft.on;
  return confirm({
    ...common(draft, claim.time),
    kind: 'approve',
    seq: claim.seq,
    platform: claim.platform,
    subject: claim.subject,
    prev: { claim: digest, team: claim.team, step: claim.step },
    span: { from: claim.span.to, to: claim.span.to },
    layers: [],
    chain: { before: claim.chain.after, after: claim.chain.after },
    ...pick(draft, ['checked', 'evidence', 'saw']),
    ...(draft.expires && { expires: formatTime(draft.expires) }),
  });
}

export interface WithdrawalDraft extends AnyDraft {
  /** The claim that is taken back. */
  readonly target: { readonly claim: ImageClaim | IndexClaim; readonly digest: Digest };
  /** For people. */
  readonly reason?: string;
}

/** The claim of a team that takes one of its claims back. */
export function draftWithdrawal(draft: WithdrawalDraft): WithdrawClaim {
  const { claim, digest } = draft.target;
  return confirm({
    ...common(draft, claim.time),
    kind: 'withdraw',
    subject: claim.subject,
    prev: { claim: digest, team: claim.team, step: claim.step },
    ...(draft.reason !== undefined && { 'x-reason': draft.reason }),
  });
}

export interface IndexDraft extends AnyDraft {
  readonly index: Descriptor;
  /** In any order. */
  readonly children: readonly IndexChild[];
}

/** The claim that binds the images of an index together. */
export function draftIndexClaim(draft: IndexDraft): IndexClaim {
  // An index may list one manifest for several platforms.
  const children = new Map(draft.children.map(child => [child.manifest, child]));
  return confirm({
    ...common(draft, undefined),
    kind: 'index',
    subject: { manifest: plain(draft.index) },
    children: [...children.values()].sort((a, b) => (a.manifest < b.manifest ? -1 : 1)),
  });
}

/** @param earliest a claim is not older than what it stands on, whatever this machine's clock says within the skew */
function common({ team, step, repository, time, policy }: AnyDraft, earliest: string | undefined) {
  const now = formatTime(time);
  return {
    v: CLAIM_VERSION,
    team,
    step,
    repo: repository,
    time: earliest !== undefined && earliest > now ? earliest : now,
    policy: { name: policy.name, version: policy.version, digest: policy.digest },
  } as const;
}

function plain({ mediaType, digest, size }: Descriptor): ClaimDescriptor {
  return { mediaType, digest, size };
}

/** The members that are there and not empty: an absent list and an empty one must not be two claims. */
function pick<T extends object, K extends keyof T>(draft: T, keys: readonly K[]): Partial<Pick<T, K>> {
  const present = keys.filter(key => {
    const value = draft[key];
    return value !== undefined && !(Array.isArray(value) && value.length === 0);
  });
  return Object.fromEntries(present.map(key => [key, draft[key]])) as Partial<Pick<T, K>>;
}

/** With its keys in canonical order, which carriers then write it in, and readers are quickest with. */
function confirm<C extends Claim>(claim: C): C {
  return parseClaim(serializeClaim(parseClaim(claim as unknown as JsonValue))) as C;
}
