import type { Digest } from '../base/digest.js';
import type { CustodyVerdict } from '../custody/index.js';
import {
  type LeastSeverity,
  type ScanComponent,
  type ScanFinding,
  type ScanReport,
  SEVERITIES,
  type Severity,
  type SubjectMatch,
} from '../scans/index.js';
import type { BlamedLayer } from './blame-report.js';
import type { Owner, Ownership } from './finding-owners.js';

/** A scanner's report joined to teams, as machines read it. Fields are only ever added; lists of words may grow. */
export interface AttributeReport {
  readonly reference: string;
  /** The reference by digest: what the answer is about. */
  readonly pinned: string;
  readonly through: Digest | null;
  readonly policy: CustodyVerdict['policy'];
  /** Always `content`: the layers' own entries, tied by the teams' marks to the image. Below that nothing is said. */
  readonly level: 'content';
  /** What the policy makes of the chain. It may lack approvals: whose its layers are is known without them. */
  readonly custody: { readonly verdict: CustodyVerdict['verdict']; readonly code: string | null };
  readonly report: ReportFacts;
  /** Approvals of the image that count and rest on this very file. */
  readonly approvals: readonly ReportApproval[];
  /** Base first. */
  readonly layers: readonly BlamedLayer[];
  /** Of everything in the report, whatever is listed below. */
  readonly summary: AttributeSummary;
  /** What was asked for, gravest first. */
  readonly findings: readonly AttributedFinding[];
  readonly components: readonly AttributedComponent[];
  /** What decides the exit code; null when no finding was to be a no. */
  readonly gate: AttributeGate | null;
}

export interface ReportFacts extends Pick<ScanReport, 'format' | 'formatVersion' | 'tool' | 'created'> {
  readonly digest: Digest;
  /** In bytes. */
  readonly size: number;
  /** How it names the image; never `other`. */
  readonly subject: Exclude<SubjectMatch, 'other'>;
  /** The name that it gives the image. */
  readonly name: string | null;
}

export interface ReportApproval {
  readonly rule: string;
  readonly team: string;
  readonly signers: readonly string[];
  /** As the claim says it. */
  readonly time: string;
  /** Whole seconds since then. */
  readonly age: number;
  /** What the approval calls the file. */
  readonly type: string;
}

export interface AttributeSummary {
  readonly findings: number;
  readonly components: number;
  /** Findings that the report itself takes back. */
  readonly dismissed: number;
  /** Findings that are nobody's as far as is known. */
  readonly unattributed: number;
  /** Findings for which the report points to another team than the image does. */
  readonly contradicted: number;
  /** Layers that the report names and the image does not have. */
  readonly unknownLayers: readonly string[];
  /** Teams that have layers, base first. What several teams own counts for each of them. */
  readonly teams: readonly TeamCounts[];
}

export interface TeamCounts {
  readonly team: string;
  readonly findings: Readonly<Record<Severity, number>>;
  readonly total: number;
  readonly components: number;
}

export interface AttributedFinding extends ScanFinding, Ownership {}

export interface AttributedComponent extends ScanComponent, Ownership {}

/** What may be let through although nothing says that it is harmless. */
export const TOLERABLE = ['unattributed', 'unknown-severity'] as const;
export type Tolerable = (typeof TOLERABLE)[number];

export interface AttributeGate {
  readonly failOn: LeastSeverity;
  readonly team: string | null;
  readonly tolerated: readonly Tolerable[];
  /** Findings that make it a no. */
  readonly failing: number;
  /** Those of them that are nobody's, or of unknown severity. */
  readonly uncertain: number;
}

export interface FindingFilter {
  /** Only what is this team's. */
  readonly team?: string | undefined;
  /** Only what is at least as grave. */
  readonly severity?: LeastSeverity | undefined;
  /** Only what a newer version is free of. */
  readonly fixable?: boolean | undefined;
}

export interface GateRule {
  readonly failOn: LeastSeverity;
  readonly tolerate?: readonly Tolerable[] | undefined;
}

/** What is nobody's is listed for every team: it may be theirs. */
export function isTeamsOrNobodys({ owners }: Ownership, team: string | undefined): boolean {
  return team === undefined || owners.length === 0 || owners.some(owner => owner.team === team);
}

/** Counts everything by team. */
export function summarizeScan(
  scan: Pick<ScanReport, 'dismissed'>,
  layers: readonly BlamedLayer[],
  findings: readonly AttributedFinding[],
  components: readonly AttributedComponent[],
): AttributeSummary {
  const all: readonly Ownership[] = [...findings, ...components];
  return {
    findings: findings.length,
    components: components.length,
    dismissed: scan.dismissed,
    unattributed: findings.filter(({ owners }) => owners.length === 0).length,
    contradicted: findings.filter(({ contradictions }) => contradictions.length > 0).length,
    unknownLayers: [...new Set(all.flatMap(({ unknownLayers }) => unknownLayers))],
    teams: [...new Set(layers.map(({ team }) => team))].map(team => {
      const own = findings.filter(finding => isOf(finding, team));
      const counts = SEVERITIES.map(
        severity => [severity, own.filter(finding => finding.severity === severity).length] as const,
      );
      return {
        team,
        findings: Object.fromEntries(counts) as Record<Severity, number>,
        total: own.length,
        components: components.filter(component => isOf(component, team)).length,
      };
    }),
  };
}

function isOf({ owners }: { readonly owners: readonly Owner[] }, team: string): boolean {
  return owners.some(owner => owner.team === team);
}
