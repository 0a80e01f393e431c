import type { Claim, CustodyPolicy } from '../custody/index.js';
import type { Promotion } from '../sign/promote.js';
import { type OutcomeReport, reportOutcome } from '../verify/outcome-report.js';

export interface PromotionResult {
  readonly dryRun: boolean;
  readonly promoted: boolean;
  readonly digest: string;
  readonly destination: string;
  readonly repository: string | null;
  readonly tag: string | null;
  readonly replaced: string | null;
  readonly refusedAt: Promotion['refusedAt'];
  readonly verdicts: { readonly source: OutcomeReport; readonly destination: OutcomeReport | null };
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
  return {
    dryRun: about.dryRun,
    promoted,
    digest,
    destination: about.destination,
    repository,
    tag: about.tag ?? null,
    replaced,
    refusedAt,
    verdicts: {
      source: reportOutcome(source, about.policy),
      destination: destination && reportOutcome(destination, about.policy),
    },
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
