import type { ReasonCode } from '../base/codes.js';
import type { Statement } from '../signature/statement.js';
import type { Problem } from './certificate-chain.js';
import type { CertificateIdentity } from './certificate-identity.js';
import type { TimestampEvidence } from './timestamp-evidence.js';
import type { VouchedTime } from './vouched-times.js';

/** The steps of a verification, in order. The first that fails ends it: what comes after would rest on it. */
export type CheckName =
  | 'signer'
  | 'signature'
  | 'artifact'
  | 'logs'
  | 'time'
  | 'certificate'
  | 'certificate-logs'
  | 'identity';

export type BundleCheck =
  | { readonly name: CheckName; readonly ok: true }
  | ({ readonly name: CheckName; readonly ok: false } & Problem);

/** One log entry or timestamp of the bundle. Those that do not count are told too. */
export type EvidenceOutcome<T> = ({ readonly ok: true } & T) | ({ readonly ok: false } & Problem);

export interface BundleOutcomes {
  readonly checks: readonly BundleCheck[];
  /** In the order of the bundle; `log` is the hex id. */
  readonly logEntries: readonly EvidenceOutcome<{ readonly log: string; readonly logIndex: string }>[];
  readonly timestamps: readonly EvidenceOutcome<TimestampEvidence>[];
}

/** What became of a bundle. Signer, times and statement are there only when all holds: nothing else is verified. */
export type BundleResult = BundleOutcomes & (AcceptedBundle | RefusedBundle);

export interface AcceptedBundle {
  readonly ok: true;
  readonly signer: VerifiedSigner;
  /** The earliest of each source, earliest first. */
  readonly times: readonly VouchedTime[];
  /** Of an envelope; undefined for files. */
  readonly statement: Statement | undefined;
}

export interface RefusedBundle {
  readonly ok: false;
  readonly code: ReasonCode;
  readonly message: string;
}

export type VerifiedSigner =
  | { readonly kind: 'key'; readonly keyid: string }
  /** `certificate` is DER. */
  | ({ readonly kind: 'identity'; readonly certificate: Uint8Array } & CertificateIdentity);

/** Keeps what came out while the steps of one verification run. */
export class Trial {
  logEntries: BundleOutcomes['logEntries'] = [];
  timestamps: BundleOutcomes['timestamps'] = [];
  readonly #checks: BundleCheck[] = [];

  /** Notes a step; gives the refusal when it failed. */
  step(name: CheckName, problem: Problem | undefined): (BundleOutcomes & RefusedBundle) | undefined {
    if (problem !== undefined) return this.refuse(name, problem);
    this.#checks.push({ name, ok: true });
    return undefined;
  }

  refuse(name: CheckName, { code, message }: Problem): BundleOutcomes & RefusedBundle {
    this.#checks.push({ name, ok: false, code, message });
    return { ok: false, code, message, ...this.#outcomes() };
  }

  accept(found: Omit<AcceptedBundle, 'ok'>): BundleOutcomes & AcceptedBundle {
    return { ok: true, ...found, ...this.#outcomes() };
  }

  #outcomes(): BundleOutcomes {
    return { checks: this.#checks, logEntries: this.logEntries, timestamps: this.timestamps };
  }
}
