import { type ExitCode, exitCodeOf, type ReasonCode } from '../base/codes.js';
import type { TouchmarkError } from '../base/errors.js';
import { EXIT_MEANINGS } from '../base/exit-meanings.js';
import type { CustodyReport } from './custody-report.js';
import type { Check } from './judge.js';
import type { Release } from './release.js';
import type { ImageVerdict } from './verify-image.js';

/** The verdict on one image, as machines read it. Fields are only ever added; unknown words may appear in open lists. */
export interface ImageReport {
  readonly reference: string;
  readonly digest: string | null;
  readonly mediaType: string | null;
  /** The reference by digest: what was verified. */
  readonly pinned: string | null;
  readonly through: string | null;
  readonly level: string | null;
  readonly ok: boolean;
  /** `verified`, or the name of the exit code. */
  readonly verdict: string;
  readonly code: string | null;
  readonly exitCode: number;
  readonly message: string;
  readonly threshold: {
    readonly required: number;
    readonly valid: number;
    readonly signers: readonly string[];
  };
  /** What the verdict rests on: the threshold, and the contents where they were read. */
  readonly checks: readonly ImageCheck[];
  readonly signatures: readonly SignatureReport[];
  /** Signatures or lists of them that could not be read. */
  readonly problems: readonly {
    readonly carrier: string;
    readonly source: string;
    readonly code: string;
    readonly message: string;
  }[];
  /** What the tag was released as; null where that is not recorded, or TUF was not asked. */
  readonly release: Release | null;
  readonly error: ErrorReport | null;
  /** Only of a verification under a policy. */
  readonly custody?: CustodyReport | null;
}

export interface ImageCheck {
  readonly id: string;
  readonly ok: boolean;
  readonly code: string | null;
  /** What was checked: a digest. */
  readonly subject: string;
  readonly message: string;
  readonly details: Readonly<Record<string, unknown>>;
}

export interface SignatureReport {
  readonly carrier: string;
  readonly source: string;
  readonly valid: boolean;
  readonly code: string | null;
  readonly keyid: string | null;
  readonly key: string | null;
  readonly scheme: string | null;
  readonly payloadDigest: string;
  /** What the signer said; null until the signature has been verified. */
  readonly claim: {
    readonly type: string;
    readonly repository: string | null;
    readonly annotations: Readonly<Record<string, unknown>>;
  } | null;
  readonly checks: readonly Check[];
}

export interface ErrorReport {
  readonly code: string;
  readonly message: string;
  readonly hint: string | null;
  readonly retryable: boolean;
  readonly details: Readonly<Record<string, unknown>>;
}

export function reportError(error: TouchmarkError): ErrorReport {
  return {
    code: error.code,
    message: error.message,
    hint: error.hint ?? null,
    retryable: error.retryable,
    details: error.details,
  };
}

export function reportImage(verdict: ImageVerdict): ImageReport {
  const exitCode = exitOf(verdict.code);
  return {
    reference: verdict.reference,
    digest: verdict.digest,
    mediaType: verdict.mediaType,
    pinned: verdict.pinned,
    through: verdict.through,
    level: verdict.level,
    ok: verdict.code === null,
    verdict: exitCode === 0 ? 'verified' : EXIT_MEANINGS[exitCode].name,
    code: verdict.code,
    exitCode,
    message: verdict.message,
    threshold: verdict.threshold,
    checks: imageChecks(verdict),
    signatures: verdict.signatures.map(s => ({
      carrier: s.carrier,
      source: s.source,
      valid: s.code === null,
      code: s.code,
      keyid: s.signer?.key.keyid ?? null,
      key: s.signer?.name ?? null,
      scheme: s.scheme,
      payloadDigest: s.payloadDigest,
      claim: s.claim,
      checks: s.checks,
    })),
    problems: verdict.problems.map(({ carrier, source, error }) => ({
      carrier,
      source,
      code: error.code,
      message: error.message,
    })),
    release: verdict.release,
    error: verdict.error && reportError(verdict.error),
  };
}

function imageChecks(verdict: ImageVerdict): readonly ImageCheck[] {
  const { digest, threshold, level } = verdict;
  if (digest === null) return [];
  const met = threshold.valid >= threshold.required;
  const { required, valid } = threshold;
  const signed: ImageCheck = {
    id: 'signatures.threshold',
    ok: met,
    code: met ? null : verdict.code === 'release-rollback' ? 'sig-threshold-not-met' : verdict.code,
    subject: verdict.through ?? digest,
    message: `${valid} of ${required} required keys signed`,
    details: { required, valid },
  };
  const release = releaseCheck(verdict);
  // A release that nobody signed an image for is the whole of it.
  const first = [...(required === 0 ? [] : [signed]), ...release];
  // Contents are read only of an image whose signatures hold.
  if (!met || level !== 'blobs' || release.some(check => !check.ok)) return first;
  const ok = verdict.code === null;
  const message = ok ? 'config and every layer match their digests' : verdict.message;
  return [...first, { id: 'contents', ok, code: verdict.code, subject: digest, message, details: {} }];
}

function exitOf(code: ReasonCode | null): ExitCode {
  return code === null ? 0 : exitCodeOf(code);
}

function releaseCheck({ release, code, digest, through, message }: ImageVerdict): readonly ImageCheck[] {
  if (!release || digest === null) return [];
  const ok = code !== 'release-rollback';
  const said = ok ? `is what ${release.role} released as ${release.name}` : message;
  const subject = ok ? release.digest : (through ?? digest);
  return [{ id: 'release', ok, code: ok ? null : code, subject, message: said, details: { ...release } }];
}
