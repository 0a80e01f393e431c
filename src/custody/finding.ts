import { EXIT_CODES, type ReasonCode } from '../base/codes.js';

/** `fail` is a definite no; `indeterminate` means evidence could not be obtained; a `warning` changes no verdict. */
export type Severity = 'fail' | 'indeterminate' | 'warning';

export interface Finding {
  readonly code: ReasonCode;
  readonly severity: Severity;
  /** What it is about: `image`, `layer 3`, `step app`, a claim's digest, or where a mark lay. */
  readonly where: string;
  readonly message: string;
  readonly hint: string | undefined;
}

export function failure(code: ReasonCode, where: string, message: string, hint?: string): Finding {
  return { code, severity: 'fail', where, message, hint };
}

export function doubt(code: ReasonCode, where: string, message: string, hint?: string): Finding {
  return { code, severity: 'indeterminate', where, message, hint };
}

export function warning(code: ReasonCode, where: string, message: string, hint?: string): Finding {
  return { code, severity: 'warning', where, message, hint };
}

/** A finding as a sentence: `step app (sha256:…): builds on …`; the image needs no name. */
export function sayFinding({ where, message }: Pick<Finding, 'where' | 'message'>): string {
  return where === 'image' ? message : `${where}: ${message}`;
}

/**
 * One cause usually breaks several rules, and only the first helps the reader. This is the order in which they are
 * named (CUSTODY.md 5.3): trust, subject, mark, key, the invariants I1 to I16, layer, flow, config, path, and what the
 * finished image must be at the end.
 */
const PRIORITY: readonly ReasonCode[] = [
  'tuf-root-missing',
  'team-not-delegated',
  'tuf-path-not-delegated',
  'policy-rollback',
  'policy-expired',
  'limit-exceeded',
  // subject
  'manifest-ambiguous',
  'digest-invalid',
  'manifest-unsupported',
  'format-config',
  'index-nested',
  'index-child-unmarked',
  'identity-mismatch',
  'subject-mismatch',
  'platform-mismatch',
  'release-rollback',
  // mark
  'payload-ambiguous',
  'payload-inconsistent',
  'claim-version-unsupported',
  'no-marks',
  'mark-unlisted',
  'mark-missing',
  'mark-withdrawn',
  'mark-expired',
  'mark-stale',
  'time-implausible',
  'unchecked-step',
  // key
  'key-algorithm-denied',
  'key-revoked',
  'key-retired',
  'key-not-authorised',
  'threshold-not-met',
  'signer-reuse',
  // invariants
  'chain-start-invalid',
  'prev-missing',
  'prev-mismatch',
  'chain-cycle',
  'base-mismatch',
  'coverage-gap',
  'coverage-overlap',
  'layer-count-mismatch',
  'chain-before-mismatch',
  'chain-after-mismatch',
  'coverage-short',
  'coverage-excess',
  'chain-mismatch',
  'kind-invalid',
  'config-unavailable',
  'base-withdrawn',
  'base-behind',
  'handover-denied',
  'custody-ambiguous',
  // layer
  'blob-digest-mismatch',
  'blob-corrupt',
  'blob-trailing-data',
  'layer-diffid-mismatch',
  'layer-not-tar',
  'layer-path-invalid',
  'layer-duplicate-entry',
  'layer-trailing-data',
  'layer-ambiguous',
  'layer-dual-view',
  'layer-repeats-lower',
  'layer-unproven',
  'layer-unavailable',
  'layer-compression-unsupported',
  // flow
  'step-unknown',
  'kind-denied',
  'step-order',
  'step-missing',
  'upstream-denied',
  'evidence-missing',
  'approval-missing',
  'approval-order',
  'evidence-insufficient',
  // config
  'config-denied',
  // path
  'path-symlink-traversal',
  'path-link-denied',
  'path-mode-denied',
  'path-denied',
  'path-delete-denied',
  'seal-violated',
  'hardlink-cross-layer',
  // the finished image
  'metadata-denied',
  'policy-predicate',
];

const RANKS: ReadonlyMap<ReasonCode, number> = new Map(PRIORITY.map((code, rank) => [code, rank]));

/** Smaller comes first. Codes of other areas, such as the network's, explain everything behind them and lead. */
export function rankOf(code: ReasonCode): number {
  return RANKS.get(code) ?? -1;
}

const SEVERITIES: readonly Severity[] = ['fail', 'indeterminate', 'warning'];

/** An open question is named by what left it open: a code that says "could not decide", before what may be missing. */
function isDoubtful({ severity, code }: Finding): boolean {
  return severity === 'indeterminate' && EXIT_CODES[code] >= 18;
}

/** Worst first, then in the order of {@link rankOf}; equal ones keep their order, repetitions go. */
export function sortFindings(findings: readonly Finding[]): readonly Finding[] {
  const unique = new Map(
    findings.map(finding => [`${finding.code} ${finding.where} ${finding.message}`, finding]),
  );
  return [...unique.values()].sort(
    (a, b) =>
      SEVERITIES.indexOf(a.severity) - SEVERITIES.indexOf(b.severity) ||
      Number(isDoubtful(b)) - Number(isDoubtful(a)) ||
      rankOf(a.code) - rankOf(b.code),
  );
}

/** What the findings come to: pass only when nothing but warnings is among them. */
export function concludeFrom(findings: readonly Finding[]): {
  readonly verdict: 'pass' | 'fail' | 'indeterminate';
  readonly code: ReasonCode | null;
} {
  const [first] = sortFindings(findings);
  if (first === undefined || first.severity === 'warning') return { verdict: 'pass', code: null };
  return { verdict: first.severity, code: first.code };
}
