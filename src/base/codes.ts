/**
 * Every reason code touchmark can give, with the process exit code it leads to.
 * Codes are API: once released, a code keeps its meaning and a number never changes (see `touchmark help exit-codes`).
 *
 * 10–19 is a definite no, 20–24 means "could not decide"; only 0 is yes.
 */
export const EXIT_CODES = {
  internal: 1,

  'usage-argument': 2,
  'usage-unknown-flag': 2,
  'usage-unknown-command': 2,
  'usage-reference': 2,
  'usage-declined': 2,
  'usage-no-terminal': 2,
  'usage-file': 2,
  'usage-file-exists': 2,
  'usage-read-only': 2,
  'policy-invalid': 2,
  'tuf-root-missing': 2,
  'tuf-root-other': 2,

  'sig-none': 10,
  'oci-not-found': 11,
  'sig-no-match': 12,
  'sig-wrong-digest': 12,
  'sig-wrong-type': 12,
  'sig-wrong-reference': 12,
  'sig-wrong-subject': 12,
  'sig-annotation-mismatch': 12,
  'sig-threshold-not-met': 14,
  'tuf-not-signed': 14,

  'no-marks': 10,
  'mark-unverifiable': 12,
  'mark-other-subject': 12,
  'claim-version-unsupported': 12,
  'carrier-shadowed': 12,
  'payload-ambiguous': 18,
  'payload-inconsistent': 18,
  'duplicate-claims': 14,
  'mark-withdrawn': 15,
  'time-implausible': 15,
  'mark-expired': 16,
  'mark-stale': 16,
  'unchecked-step': 16,

  'subject-mismatch': 12,
  'identity-mismatch': 12,
  'identity-content': 12,
  'tag-unpinned': 12,
  'annotation-mismatch': 12,
  'platform-mismatch': 15,
  'index-child-unmarked': 15,
  'index-nested': 18,
  'manifest-ambiguous': 18,
  'manifest-unsupported': 18,
  'digest-invalid': 18,

  'key-not-authorised': 12,
  'key-algorithm-denied': 12,
  'threshold-not-met': 14,
  'signer-reuse': 14,

  'prev-missing': 15,
  'prev-mismatch': 15,
  'chain-cycle': 15,
  'chain-start-invalid': 15,
  'chain-before-mismatch': 15,
  'chain-after-mismatch': 15,
  'chain-mismatch': 15,
  'base-mismatch': 15,
  'base-withdrawn': 15,
  'handover-denied': 15,
  'custody-collapsed': 15,
  'custody-ambiguous': 15,
  'coverage-gap': 15,
  'coverage-overlap': 15,
  'coverage-short': 15,
  'coverage-excess': 15,

  'step-missing': 15,
  'step-order': 15,
  'step-unknown': 15,
  'approval-missing': 15,
  'approval-order': 15,
  'upstream-denied': 15,
  'kind-invalid': 15,
  'kind-denied': 15,
  'evidence-missing': 15,
  'evidence-insufficient': 15,

  'layer-count-mismatch': 15,
  'layer-diffid-mismatch': 15,
  'layer-repeats-lower': 15,
  'blob-digest-mismatch': 18,
  'blob-corrupt': 18,
  'blob-trailing-data': 18,

  'policy-expired': 16,
  'config-denied': 16,
  'config-unavailable': 16,
  'history-untrusted': 16,

  'tuf-format': 17,
  'tuf-expired': 17,
  'tuf-rollback': 17,
  'tuf-root-threshold': 17,
  'tuf-root-version': 17,
  'tuf-threshold': 17,
  'tuf-version-mismatch': 17,
  'tuf-length-mismatch': 17,
  'tuf-hash-mismatch': 17,
  'tuf-hash-unsupported': 17,
  'tuf-role-unlisted': 17,
  'tuf-path-not-delegated': 17,
  'tuf-target-unlisted': 17,
  'tuf-broken': 17,

  'oci-digest-mismatch': 18,
  'oci-size-mismatch': 18,
  'format-json': 18,
  'format-digest': 18,
  'format-manifest': 18,
  'format-config': 18,
  'format-payload': 18,
  'format-bundle': 18,
  'format-layout': 18,
  'format-archive': 18,

  'policy-unwise': 19,
  'tuf-unwise': 19,

  'net-unreachable': 20,
  'net-timeout': 20,
  'net-tls': 20,
  'net-protocol': 20,
  'net-redirect': 20,
  'net-offline': 20,
  'net-status': 20,
  'oci-unavailable': 20,
  'oci-rejected': 20,
  'tuf-unavailable': 20,
  'io-failed': 20,
  'io-no-space': 20,

  'oci-unauthorized': 21,
  'oci-credentials': 21,

  'key-not-found': 22,
  'key-empty': 22,
  'key-too-large': 22,
  'key-malformed': 22,
  'key-parameters': 22,
  'key-permissions': 22,
  'key-unsupported': 22,
  'key-wrong-password': 22,
  'key-not-private': 22,
  'key-not-public': 22,
  'key-reference': 22,

  'oci-conflict': 23,
  'tuf-conflict': 23,

  'limit-exceeded': 24,
  'layer-unavailable': 24,
  'layer-unproven': 24,
  'layer-compression-unsupported': 24,

  interrupted: 130,
  terminated: 143,
} as const satisfies Record<string, number>;

/** A reason code, kebab-case `area-problem`. */
export type ReasonCode = keyof typeof EXIT_CODES;

/** A process exit code that touchmark can give. */
export type ExitCode = 0 | (typeof EXIT_CODES)[ReasonCode];

/** The exit code a reason code leads to. */
export function exitCodeOf(code: ReasonCode): ExitCode {
  return EXIT_CODES[code];
}
