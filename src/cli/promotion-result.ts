import type { Claim, CustodyPolicy, CustodyVerdict } from '../custody/index.js';
import type { Promotion } from '../sign/promote.js';
import { type CustodyReport, reportCustody, reportCustodyIndex } from '../verify/custody-report.js';
import type { CustodyOutcome } from '../verify/verify-custody.js';

interface End {
  readonly pinned: string;
  readonly code: string | null;
  readonly custody: CustodyReport;
}

export interface PromotionResult {
  readonly dryRun: boolean;
  readonly promoted: boolean;
  readonly digest: string;
  readonly destination: string;
  readonly repository: string | null;
  readonly tag: string | null;
  readonly replaced: string | null;
  readonly refusedAt: Promotion['refusedAt'];
  readonly verdicts: { readonly source: End; readonly destination: End | null };
  readonly copied: Promotion['copied'];
  readonly approvals: readonly {
    readonly subject: string;
    readonly team: string;
    readonly step: string;
    readonly claim: string;
    readonly document: Claim;
    readonly keyids: readonly string[];
  }[];
}

/** A promotion as the JSON document has it. */
export function promotionResult(
  promotion: Promotion,
  about: {
    readonly dryRun: boolean;
    readonly destination: string;
    readonly tag: string | undefined;
    readonly policy: CustodyPolicy;
  },
): PromotionResult {
  const { digest, promoted, repository, replaced, refusedAt, source, destination, copied } = promotion;
  const { name, version, digest: policyDigest } = about.policy;
  const endOf = (outcome: CustodyOutcome): End => ({
    pinned: outcome.pinned ?? outcome.reference,
    code: outcome.code,
    custody: outcome.index
      ? reportCustodyIndex(outcome.index, { policy: { name, version, digest: policyDigest }, repository })
      : reportCustody(outcome.custody as CustodyVerdict),
  });
  return {
    dryRun: about.dryRun,
    promoted,
    digest,
    destination: about.destination,
    repository,
    tag: about.tag ?? null,
    replaced,
    refusedAt,
    verdicts: { source: endOf(source), destination: destination && endOf(destination) },
    copied,
    approvals: promotion.planned.map(({ claim, digest: of }, at) => {
      const signatures = promotion.approvals[at]?.signatures ?? [];
      return {
        subject: claim.subject.manifest.digest,
        team: claim.team,
        step: claim.step,
        claim: of,
        document: claim,
        keyids: [...new Set(signatures.map(({ keyid }) => keyid))],
      };
    }),
  };
}
