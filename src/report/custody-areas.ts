import type { ReasonCode } from '../base/codes.js';
import { type Finding, isAboutFinished } from '../custody/index.js';

/** The parts of a custody check, in the order in which they are made (CUSTODY.md 5.2). */
export const AREAS = [
  'policy',
  'subject',
  'marks',
  'chain',
  'flow',
  'approvals',
  'config',
  'layers',
  'contents',
] as const;
export type Area = (typeof AREAS)[number];

/** What is in no list is about finding and authenticating marks: the network's codes are. */
const CODES: Readonly<Record<Exclude<Area, 'marks' | 'approvals'>, readonly ReasonCode[]>> = {
  policy: ['policy-expired', 'policy-invalid', 'policy-rollback', 'tuf-root-missing'],
  subject: [
    'manifest-ambiguous',
    'manifest-unsupported',
    'digest-invalid',
    'format-config',
    'format-manifest',
    'index-nested',
    'index-child-unmarked',
    'identity-mismatch',
    'identity-content',
    'subject-mismatch',
    'tag-unpinned',
    'annotation-mismatch',
    'release-rollback',
  ],
  chain: [
    'chain-start-invalid',
    'prev-missing',
    'prev-mismatch',
    'chain-cycle',
    'base-mismatch',
    'base-withdrawn',
    'mark-withdrawn',
    'mark-expired',
    'time-implausible',
    'coverage-gap',
    'coverage-overlap',
    'coverage-short',
    'coverage-excess',
    'layer-count-mismatch',
    'chain-before-mismatch',
    'chain-after-mismatch',
    'chain-mismatch',
    'platform-mismatch',
    'kind-invalid',
    'handover-denied',
    'custody-ambiguous',
    'custody-collapsed',
    'duplicate-claims',
  ],
  flow: [
    'step-unknown',
    'step-order',
    'step-missing',
    'kind-denied',
    'unchecked-step',
    'threshold-not-met',
    'team-not-delegated',
    'tuf-path-not-delegated',
    'key-retired',
    'key-revoked',
    'key-not-authorised',
    'signer-reuse',
    'mark-stale',
    'base-behind',
    'upstream-denied',
    'evidence-missing',
  ],
  config: ['config-denied', 'config-unavailable', 'history-untrusted', 'metadata-denied', 'policy-predicate'],
  layers: [
    'blob-digest-mismatch',
    'blob-corrupt',
    'blob-trailing-data',
    'layer-diffid-mismatch',
    'layer-repeats-lower',
    'layer-unproven',
    'layer-unavailable',
    'layer-compression-unsupported',
    'evidence-insufficient',
  ],
  contents: [
    'layer-not-tar',
    'layer-trailing-data',
    'layer-path-invalid',
    'layer-duplicate-entry',
    'layer-ambiguous',
    'layer-dual-view',
    'path-symlink-traversal',
    'path-link-denied',
    'path-denied',
    'path-delete-denied',
    'path-mode-denied',
    'path-collision',
    'seal-violated',
    'hardlink-cross-layer',
    'whiteout-dangling',
  ],
};

const AREA_OF: ReadonlyMap<ReasonCode, Area> = new Map(
  Object.entries(CODES).flatMap(([area, codes]) => codes.map(code => [code, area as Area] as const)),
);

export function areaOf(finding: Finding): Area {
  const { code, where } = finding;
  if (where.startsWith('approval ')) return 'approvals';
  if (isAboutFinished(finding)) return 'config';
  return AREA_OF.get(code) ?? 'marks';
}
