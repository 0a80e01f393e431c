import type { DocumentPath, Position } from './problem.js';

export const LINT_SEVERITIES = ['error', 'warning', 'note'] as const;
export type LintSeverity = (typeof LINT_SEVERITIES)[number];

/** What is unwise in a policy that is valid. Codes are API. */
export interface PolicyFinding {
  readonly code:
    | 'policy-expired'
    | 'policy-expires-never'
    | 'policy-expires-soon'
    | 'policy-unsatisfiable'
    | 'repositories-everything'
    | 'evidence-weak'
    | 'identity-converted'
    | 'first-step-one-signer'
    | 'step-never'
    | 'step-ageless'
    | 'approval-ageless'
    | 'team-one-signer'
    | 'team-unused'
    | 'team-below-threshold'
    | 'key-in-two-teams'
    | 'signer-in-two-teams'
    | 'signers-not-distinct'
    | 'metadata-asserted'
    | 'predicate-asserted'
    | 'predicate-constant'
    | 'paths-everything'
    | 'paths-free'
    | 'seals-ignored';
  /** `error`: the policy cannot do what it says; `warning`: it protects less than it seems to; `note`: worth knowing. */
  readonly severity: LintSeverity;
  /** `flow[0].threshold`. */
  readonly path: string;
  readonly position: Position | undefined;
  readonly message: string;
  readonly hint: string;
}

/** A finding that has yet to be looked up in the text. */
export type Found = Omit<PolicyFinding, 'path' | 'position'> & { readonly path: DocumentPath };
