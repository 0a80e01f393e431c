import { TouchmarkError } from '../../base/errors.js';
import { LIMITS } from '../../base/limits.js';
import { transienceOf } from './faults.js';
import type { Tuning } from './tuning.js';

const LONGEST_PAUSE = 8000;

/** Statuses of a passing fault. 501 and the other 4xx say no for good. */
export const TRANSIENT_STATUSES: ReadonlySet<number> = new Set([408, 429, 499, 500, 502, 503, 504, 522]);

/**
 * Repeats what failed with a passing fault, with exponential pauses and jitter, or after the pause that the server asked for.
 * @throws TouchmarkError the last failure
 */
export async function withRetries<T>(
  tuning: Tuning,
  signal: AbortSignal | undefined,
  attempt: () => Promise<T>,
  firstPause: number = tuning.retryPause,
): Promise<T> {
  for (let round = 0; ; round++) {
    try {
      return await attempt();
    } catch (error) {
      const transience = transienceOf(error);
      if (transience === undefined || round >= tuning.retries || signal?.aborted) throw error;
      const asked = transience.after ?? 0;
      if (asked > LIMITS.retryAfter) throw tooLong(error as TouchmarkError, asked);
      if (transience.atOnce && round === 0) continue;
      const pause = Math.min(firstPause * 2 ** round, LONGEST_PAUSE) * (0.5 + tuning.random() / 2);
      await tuning.sleep(Math.max(asked, pause), signal);
    }
  }
}

function tooLong(error: TouchmarkError, asked: number): TouchmarkError {
  const seconds = Math.ceil(asked / 1000);
  return new TouchmarkError(
    error.code,
    `${error.message}; it asks to wait ${seconds} s, more than this tool waits`,
    {
      retryable: true,
      hint: `try again in ${seconds} seconds`,
      details: { ...error.details, retryAfterSeconds: seconds },
      cause: error,
    },
  );
}

/** Reads `Retry-After` (RFC 9110, section 10.2.3) as milliseconds from `now`; undefined when it is neither form. */
export function parseRetryAfter(header: string | undefined, now: number): number | undefined {
  const text = header?.trim() ?? '';
  if (/^\d{1,9}$/.test(text)) return Number(text) * 1000;
  // An HTTP date begins with the name of a day; Date.parse would take many other things.
  if (!/^(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun)/.test(text)) return undefined;
  const date = Date.parse(text);
  return Number.isNaN(date) ? undefined : Math.max(0, date - now);
}
