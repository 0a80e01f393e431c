import type { Digest } from '../base/digest.js';
import {
  type ApprovalEntry,
  type ChainEntry,
  type ClaimSeal,
  type CustodyVerdict,
  type EvidenceLevel,
  type Finding,
  type IndexVerdict,
  leastLevel,
} from '../custody/index.js';

/**
 * A custody verdict as machines read it: `images[].custody`. Fields are only ever added; codes and words of open lists may
 * grow. Only `verdict: pass` is a yes.
 */
export interface CustodyReport {
  /** `pass`, `fail`, or `indeterminate`: evidence could not be obtained, which is no yes. */
  readonly verdict: string;
  /** Null exactly when the verdict is `pass`. */
  readonly code: string | null;
  /** The evidence level that every layer reached; null where no chain holds. */
  readonly level: EvidenceLevel | null;
  readonly policy: CustodyVerdict['policy'];
  readonly subject: {
    readonly repository: string | null;
    readonly manifest: Digest;
    readonly config: Digest | null;
    readonly platform: {
      readonly os: string;
      readonly architecture: string;
      readonly variant?: string;
    } | null;
    readonly identity: string;
  };
  /** Base first. */
  readonly chain: readonly ChainReport[];
  readonly approvals: readonly ApprovalReport[];
  /** Empty where the spans of the chain do not make up the image. */
  readonly layers: readonly LayerReport[];
  /** Worst first, the one behind `code` at the head. */
  readonly findings: readonly FindingReport[];
  /** Of an index: one report for each image in it that was checked. Of an image: empty. */
  readonly children: readonly CustodyReport[];
}

interface SignedReport {
  readonly team: string;
  readonly step: string;
  readonly signers: readonly string[];
  readonly time: string;
  readonly timeSource: string;
  /** Whole seconds. */
  readonly age: number;
  readonly claim: Digest;
}

export interface ChainReport extends SignedReport {
  readonly kind: string;
  readonly seq: number;
  readonly span: { readonly from: number; readonly to: number };
  readonly manifest: Digest;
  /** What steps above may not do to which files. */
  readonly seals: readonly ClaimSeal[];
}

export interface ApprovalReport extends SignedReport {
  readonly rule: string;
  readonly on: Digest;
  readonly evidence: readonly { readonly type: string; readonly digest: Digest }[];
}

export interface LayerReport {
  readonly index: number;
  readonly team: string;
  readonly step: string;
  readonly adopted: boolean;
  readonly digest: Digest;
  readonly diffID: Digest;
  readonly evidence: string;
}

export interface FindingReport {
  readonly code: string;
  readonly severity: string;
  readonly where: string;
  readonly message: string;
  readonly hint: string | null;
}

export function reportCustody(verdict: CustodyVerdict): CustodyReport {
  const { repository, manifest, config, platform, identity } = verdict.subject;
  return {
    verdict: verdict.verdict,
    code: verdict.code,
    level: verdict.level,
    policy: verdict.policy,
    subject: { repository, manifest, config, platform, identity },
    chain: verdict.chain.map(entry => {
      const { kind, seq, span, manifest: of, seals } = entry;
      return { ...signed(entry), kind, seq, span, manifest: of, seals };
    }),
    approvals: verdict.approvals.map(entry => {
      const { rule, on, evidence } = entry;
      return { ...signed(entry), rule, on, evidence };
    }),
    layers: verdict.layers.map(({ index, team, step, adopted, digest, diffID, evidence }) => ({
      ...{ index, team, step, adopted, digest, diffID, evidence },
    })),
    findings: verdict.findings.map(reportFinding),
    children: [],
  };
}

/** An index has no chain of its own: its level is the least of its images', and each of them reports by itself. */
export function reportCustodyIndex(
  verdict: IndexVerdict,
  about: { readonly policy: CustodyVerdict['policy']; readonly repository: string | null },
): CustodyReport {
  return {
    verdict: verdict.verdict,
    code: verdict.code,
    level: leastLevel(verdict.children),
    policy: about.policy,
    subject: {
      repository: about.repository,
      manifest: verdict.index,
      config: null,
      platform: null,
      identity: 'manifest',
    },
    chain: [],
    approvals: [],
    layers: [],
    findings: verdict.findings.map(reportFinding),
    children: verdict.children.map(reportCustody),
  };
}

function signed({
  team,
  step,
  signers,
  time,
  timeSource,
  age,
  claim,
}: ChainEntry | ApprovalEntry): SignedReport {
  return { team, step, signers, time, timeSource, age: Math.floor(age / 1000), claim };
}

function reportFinding({ code, severity, where, message, hint }: Finding): FindingReport {
  return { code, severity, where, message, hint: hint ?? null };
}
