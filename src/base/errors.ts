import type { ReasonCode } from './codes.js';

/** A fact that belongs to an error, for people and for JSON; never a secret. */
export type Detail = string | number | boolean | null | readonly string[];

export interface ErrorFacts {
  /** What the user can do about it: a sentence, or a command that works when pasted. */
  readonly hint?: string;
  /** True when the same call may succeed later without any change. */
  readonly retryable?: boolean;
  /** Facts by name (`image`, `file`, `expected`, `actual`, `status`, …). */
  readonly details?: Readonly<Record<string, Detail>>;
  readonly cause?: unknown;
}

/**
 * The one error class: something could not be decided or done, and why.
 * A negative verdict is never an exception: verifying returns a report.
 */
export class TouchmarkError extends Error {
  override readonly name = 'TouchmarkError';
  readonly code: ReasonCode;
  readonly hint: string | undefined;
  readonly retryable: boolean;
  readonly details: Readonly<Record<string, Detail>>;

  constructor(code: ReasonCode, message: string, facts: ErrorFacts = {}) {
    super(message, facts.cause === undefined ? undefined : { cause: facts.cause });
    this.code = code;
    this.hint = facts.hint;
    this.retryable = facts.retryable ?? false;
    this.details = facts.details ?? {};
  }
}

/** Throws a {@link TouchmarkError}: for expression position. */
export function fail(code: ReasonCode, message: string, facts?: ErrorFacts): never {
  throw new TouchmarkError(code, message, facts);
}

/** The same failure with more facts; anything that is not ours becomes `internal`. */
export function withDetails(error: unknown, details: Readonly<Record<string, Detail>>): TouchmarkError {
  const known = toTouchmarkError(error);
  const facts: ErrorFacts = {
    retryable: known.retryable,
    details: { ...details, ...known.details },
    cause: known.cause,
  };
  return new TouchmarkError(
    known.code,
    known.message,
    known.hint === undefined ? facts : { ...facts, hint: known.hint },
  );
}

/** Wraps whatever was thrown. Node's file-system faults get their own codes; the rest is `internal`. */
export function toTouchmarkError(error: unknown): TouchmarkError {
  if (error instanceof TouchmarkError || isFromAnotherCopy(error)) return error;
  if (error instanceof Error) {
    const code = (error as NodeJS.ErrnoException).code;
    if (code === 'ENOSPC' || code === 'EDQUOT' || code === 'EFBIG') {
      return new TouchmarkError('io-no-space', `no space left to write: ${error.message}`, {
        cause: error,
        retryable: true,
      });
    }
    if (typeof (error as NodeJS.ErrnoException).syscall === 'string' && typeof code === 'string') {
      return new TouchmarkError('io-failed', error.message, { cause: error });
    }
    return new TouchmarkError('internal', error.message, { cause: error });
  }
  return new TouchmarkError('internal', String(error));
}

/** The same class out of another bundle, such as the one that starts commands. */
function isFromAnotherCopy(error: unknown): error is TouchmarkError {
  return error instanceof Error && error.name === 'TouchmarkError' && 'code' in error && 'details' in error;
}
