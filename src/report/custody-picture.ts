import type { ReasonCode } from '../base/codes.js';
import type { Digest } from '../base/digest.js';
import type {
  ApprovalEntry,
  ChainEntry,
  CustodyVerdict,
  EvidenceLevel,
  Finding,
  LayerEvidence,
  LayerVerdict,
  Severity,
} from '../custody/index.js';
import { formatPlatform } from '../oci/platform.js';

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

interface PictureMark {
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

/** @param image the manifest's layers: sizes, and layers that no link owns, are known from here only */
export function pictureOf(verdict: CustodyVerdict, image: readonly ImageLayer[] = []): CustodyPicture {
  const { subject, findings } = verdict;
  const links = verdict.chain.map(entry => pictureLink(entry, findings));
  const [first] = links;
  const kind = first?.kind === 'adopt' ? 'upstream' : 'scratch';
  return {
    subject: {
      repository: subject.repository,
      manifest: subject.manifest,
      platform: subject.platform && formatPlatform(subject.platform),
    },
    state: STATES[verdict.verdict],
    code: verdict.code,
    level: verdict.level,
    policy: verdict.policy,
    start: { kind: first?.seq === 0 ? kind : 'missing', name: null },
    links,
    approvals: [
      ...verdict.approvals.map(entry => pictureApproval(entry, findings)),
      ...lackingApprovals(verdict),
    ],
    layers:
      verdict.layers.length > 0 ? ownedLayers(verdict, links, image) : claimedLayers(links, image, 'failed'),
    findings: findings.map(({ hint, ...found }) => ({ ...found, hint: hint ?? null })),
  };
}

const STATES = { pass: 'verified', fail: 'failed', indeterminate: 'indeterminate' } as const;

function judge(findings: readonly Finding[]): Pick<PictureMark, 'state' | 'codes'> {
  const worst = ['fail', 'indeterminate'].find(severity =>
    findings.some(found => found.severity === severity),
  );
  return {
    state: STATES[(worst ?? 'pass') as keyof typeof STATES],
    codes: [...new Set(findings.map(({ code }) => code))],
  };
}

/** Findings name a claim by the first digits of its digest, as in `step app (sha256:0123456789ab)`. */
function findAbout(findings: readonly Finding[], claim: Digest): readonly Finding[] {
  return findings.filter(({ where }) => where.endsWith(`(${claim.slice(0, 19)})`));
}

function signed(
  { claim, team, step, signers, time, age }: ChainEntry | ApprovalEntry,
  findings: readonly Finding[],
) {
  const seconds = Math.floor(age / 1000);
  return { claim, team, step, signers, keyids: [], time, age: seconds, ...judge(findAbout(findings, claim)) };
}

function pictureLink(entry: ChainEntry, findings: readonly Finding[]): PictureLink {
  const { kind, seq, span, manifest } = entry;
  return { ...signed(entry, findings), kind, seq, span, manifest };
}

function pictureApproval(entry: ApprovalEntry, findings: readonly Finding[]): PictureApproval {
  return { ...signed(entry, findings), step: entry.rule, on: entry.on };
}

/** Rules that do not hold are known by their findings alone. */
function lackingApprovals({ approvals, findings }: CustodyVerdict): readonly PictureApproval[] {
  const byRule = new Map<string, Finding[]>();
  for (const found of findings) {
    const rule = /^approval (\S+)/.exec(found.where)?.[1];
    if (rule === undefined || approvals.some(given => given.rule === rule)) continue;
    byRule.set(rule, [...(byRule.get(rule) ?? []), found]);
  }
  return [...byRule].map(([step, about]) => ({
    ...{ claim: null, on: null, team: null, step, signers: [], keyids: [], time: null, age: null },
    ...judge(about),
  }));
}

function ownedLayers(
  { layers, findings, chain }: CustodyVerdict,
  links: readonly PictureLink[],
  image: readonly ImageLayer[],
): readonly PictureLayer[] {
  const sizes = new Map(image.map(({ digest, size }) => [digest, size]));
  return layers.map(({ index, digest, evidence }: LayerVerdict) => {
    const at = chain.findIndex(({ span }) => span.from <= index && index < span.to);
    const link = links[at];
    const own = judge(findings.filter(({ where }) => where === `layer ${index}`));
    return {
      index,
      digest,
      size: sizes.get(digest) ?? null,
      owner: link ? { team: link.team, step: link.step, claim: link.claim } : null,
      evidence,
      // A layer is no better than the link that vouches for it.
      state: worse(own.state, link?.state ?? 'failed'),
      codes: own.codes,
    };
  });
}

const ORDER: readonly PictureState[] = ['failed', 'indeterminate', 'unverified', 'verified'];

function worse(a: PictureState, b: PictureState): PictureState {
  return ORDER.indexOf(a) <= ORDER.indexOf(b) ? a : b;
}

/**
 * Layers where the spans do not make up the image, or nobody checked that they do: what one link claims is said to be
 * claimed, and what none or several claim has no owner.
 */
export function claimedLayers(
  links: readonly PictureLink[],
  image: readonly ImageLayer[],
  unowned: PictureState,
): readonly PictureLayer[] {
  return image.map(({ index, digest, size }) => {
    const claiming = links.filter(({ span }) => span.from <= index && index < span.to);
    const [link] = claiming.length === 1 ? claiming : [];
    return {
      index,
      digest,
      size,
      owner: link ? { team: link.team, step: link.step, claim: link.claim } : null,
      evidence: null,
      state: link ? 'unverified' : unowned,
      codes: [],
    };
  });
}
