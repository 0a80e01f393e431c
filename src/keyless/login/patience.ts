import { TouchmarkError } from '../../base/errors.js';
import { LIMITS } from '../../base/limits.js';
import { abortError } from '../../oci/http/faults.js';
import type { LoginOptions } from './options.js';

/** A person's login comes to an end: when it is done, at Ctrl-C, or when its time is over. */
export async function withPatience<T>(
  { time = LIMITS.loginTime, access }: Pick<LoginOptions, 'time' | 'access'>,
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const { signal } = access.options;
  const over = new AbortController();
  const joined = signal ? AbortSignal.any([signal, over.signal]) : over.signal;
  const timer = setTimeout(
    () =>
      over.abort(
        new TouchmarkError('net-timeout', 'nobody logged in within the time for it', {
          hint: 'run the same command again and log in on the page that opens',
          retryable: true,
        }),
      ),
    Math.min(time, LIMITS.loginTime),
  );
  const aborted = new Promise<never>((_, reject) => {
    const stop = () => reject(abortError(joined));
    if (joined.aborted) stop();
    else joined.addEventListener('abort', stop, { once: true });
  });
  aborted.catch(() => {});
  try {
    return await Promise.race([work(joined), aborted]);
  } finally {
    clearTimeout(timer);
    // Work that is still waiting is let go.
    over.abort();
  }
}
