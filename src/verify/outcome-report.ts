import { type ExitCode, exitCodeOf } from '../base/codes.js';
import { EXIT_MEANINGS } from '../base/exit-meanings.js';
import { type CustodyPolicy, type Finding, sayFinding } from '../custody/index.js';
import { type CustodyReport, reportCustody, reportCustodyIndex } from './custody-report.js';
import type { Release } from './release.js';
import { type ErrorReport, type ImageReport, reportError } from './report.js';
import type { CustodyOutcome } from './verify-custody.js';

/** The outcome of one custody check, as machines read it. Fields are only ever added. */
export interface OutcomeReport {
  readonly reference: string;
  readonly digest: string | null;
  readonly mediaType: string | null;
  /** The reference by digest: what was verified. */
  readonly pinned: string | null;
  readonly through: string | null;
  readonly ok: boolean;
  /** `verified`, or the name of the exit code. */
  readonly verdict: string;
  readonly code: string | null;
  readonly exitCode: number;
  readonly message: string;
  /** Null when no verdict was reached; `error` says why. */
  readonly custody: CustodyReport | null;
  /** What the tag was released as; null where that is not recorded, or TUF was not asked. */
  readonly release: Release | null;
  readonly error: ErrorReport | null;
}

export function reportOutcome(outcome: CustodyOutcome, policy: CustodyPolicy): OutcomeReport {
  const { reference, digest, mediaType, pinned, through, code, error } = outcome;
  const exitCode: ExitCode = code === null ? 0 : exitCodeOf(code);
  return {
    ...{ reference, digest, mediaType, pinned, through },
    ok: code === null,
    verdict: exitCode === 0 ? 'verified' : EXIT_MEANINGS[exitCode].name,
    code,
    exitCode,
    message: messageOf(outcome),
    custody: custodyOf(outcome, policy),
    release: outcome.release,
    error: error && reportError(error),
  };
}

/** The same in the form of a signature verification, whose members stay: no key was asked for. */
export function reportOutcomeAsImage(outcome: CustodyOutcome, policy: CustodyPolicy): ImageReport {
  const report = reportOutcome(outcome, policy);
  const { digest, ok, code, message, custody } = report;
  const details = { policy: policy.name, version: policy.version, policyDigest: policy.digest };
  return {
    ...report,
    level: custody?.level ?? null,
    threshold: { required: 0, valid: 0, signers: [] },
    checks: digest === null ? [] : [{ id: 'custody', ok, code, subject: digest, message, details }],
    signatures: [],
    problems: [],
  };
}

function custodyOf({ custody, index }: CustodyOutcome, policy: CustodyPolicy): CustodyReport | null {
  if (custody) return reportCustody(custody);
  if (!index) return null;
  const { name, version, digest } = policy;
  const repository = index.children[0]?.subject.repository ?? null;
  return reportCustodyIndex(index, { policy: { name, version, digest }, repository });
}

/** One sentence: who stands for the image, or the first thing that is wrong. */
export function messageOf({ code, custody, index, error }: CustodyOutcome): string {
  if (error) return error.message;
  if (code !== null) return firstProblem(custody?.findings ?? index?.findings ?? []);
  if (index) return `each of ${index.children.length} images has a chain of custody that holds`;
  return `custody holds: ${(custody?.chain ?? []).map(({ step }) => step).join(', ')}`;
}

function firstProblem([first]: readonly Finding[]): string {
  return first ? sayFinding(first) : 'did not pass';
}
