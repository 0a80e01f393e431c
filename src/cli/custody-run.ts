import { fail, type TouchmarkError } from '../base/errors.js';
import { nearest } from '../base/nearest.js';
import type { CustodyPolicy, EvidenceLevel } from '../custody/policy.js';
import type { StoreOptions } from '../oci/context.js';
import { createStoreAccess } from '../oci/open.js';
import { line, renderLines } from '../report/lines.js';
import { explainOutcome, presentOutcome, presentOutcomeLine } from '../report/outcome-text.js';
import { type OutcomeReport, reportOutcome, reportOutcomeAsImage } from '../verify/outcome-report.js';
import type { ImageReport } from '../verify/report.js';
import type { TrustView } from '../verify/trust-view.js';
import { verifyCustodies } from '../verify/verify-custodies.js';
import type { CustodyOutcome } from '../verify/verify-custody.js';
import { policyFileOf } from './image-trust.js';
import { requireOneRegistry } from './one-registry.js';
import type { Progress } from './progress.js';
import { printable, type Styler } from './text.js';

// One module that a command loads on demand, with all that a run under a policy or with TUF needs.
export { choosePolicy, openImageTrust, requirePolicyFor } from './image-trust.js';

export interface CustodyRunFlags {
  readonly policy?: string | undefined;
  readonly as?: string | undefined;
  readonly platform?: string | undefined;
  readonly level?: string | undefined;
  readonly handover?: string | undefined;
  readonly explain?: boolean | undefined;
  readonly 'insecure-local-policy'?: boolean | undefined;
  readonly concurrency: number;
}

/** What a run has in the command around it. */
export interface CustodyRunContext {
  readonly options: StoreOptions;
  readonly policy: CustodyPolicy;
  readonly trust: TrustView | undefined;
  readonly now: Date;
  readonly signal: AbortSignal;
  readonly progress: () => Progress;
}

/** Many images verified under one policy, and how that is said. */
export interface CustodyRun {
  readonly policy: CustodyPolicy;
  readonly outcomes: readonly CustodyOutcome[];
  reports(): readonly OutcomeReport[];
  /** With the members that a verification of signatures has. */
  imageReports(): readonly ImageReport[];
  text(style: Styler): string;
  problems(): readonly TouchmarkError[];
}

/**
 * Verifies the custody of each image under a policy, over shared connections. What concerns one image is in its outcome.
 * @throws TouchmarkError `usage-argument`; `tuf-…` when what TUF says of the policy's teams cannot be had
 */
export async function runCustody(
  references: readonly string[],
  flags: CustodyRunFlags,
  { options, policy, trust, now, signal, progress }: CustodyRunContext,
): Promise<CustodyRun> {
  const handover = readHandover(flags.handover, policy);
  requireOneRegistry(references, options);
  const facts = await trust?.factsFor(policy);
  // Who says so goes by the file, whatever TUF has under its name.
  const held = flags['insecure-local-policy'] ? facts && { ...facts, policy: undefined } : facts;
  const access = createStoreAccess(options);
  const single = references.length === 1;
  try {
    const outcomes = await verifyCustodies(access, references, {
      policy,
      ...(trust && held && { trust: { facts: held, releaseOf: trust.releaseOf } }),
      now,
      signal,
      concurrency: flags.concurrency * 2,
      ...(flags.as !== undefined && { repository: flags.as }),
      ...(flags.platform !== undefined && { platform: flags.platform }),
      ...(flags.level !== undefined && { level: flags.level as EvidenceLevel }),
      ...(handover !== undefined && { handover }),
      ...(single
        ? { onProgress: (done, total) => progress().report({ phase: 'reading layers', done, total }) }
        : { onOutcome: (_, done, total) => progress().report({ phase: 'verifying', done, total }) }),
    });
    return present(outcomes, policy, flags);
  } finally {
    await access.close();
  }
}

function present(
  outcomes: readonly CustodyOutcome[],
  policy: CustodyPolicy,
  { policy: file, explain = false }: Pick<CustodyRunFlags, 'policy' | 'explain'>,
): CustodyRun {
  const inFull = (outcome: CustodyOutcome) => presentOutcome(outcome, policy, { explain });
  return {
    policy,
    outcomes,
    reports: () => outcomes.map(outcome => reportOutcome(outcome, policy)),
    imageReports: () => outcomes.map(outcome => reportOutcomeAsImage(outcome, policy)),
    problems: () => outcomes.flatMap(outcome => explainOutcome(outcome, policy, policyFileOf(file)) ?? []),
    text: style => {
      const [only] = outcomes;
      if (outcomes.length === 1 && only) return renderLines(inFull(only), style, printable);
      const verified = outcomes.filter(({ code }) => code === null).length;
      const lines = [
        ...(explain ? outcomes.flatMap(outcome => [...inFull(outcome), line('')]) : []),
        ...outcomes.map(presentOutcomeLine),
        line(`${verified} of ${outcomes.length} images verified`),
      ];
      return renderLines(lines, style, printable);
    },
  };
}

function readHandover(team: string | undefined, { name, teams }: CustodyPolicy): string | undefined {
  if (team === undefined || teams.some(known => known.name === team)) return team;
  const names = teams.map(known => known.name);
  const meant = nearest(team, names);
  return fail('usage-argument', `the policy ${name} has no team ${JSON.stringify(team)}`, {
    hint: meant === undefined ? `its teams are: ${names.join(', ')}` : `--handover ${meant}`,
  });
}
