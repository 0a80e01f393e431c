import { fail, TouchmarkError } from '../../base/errors.js';
import { discardBody, readBody, readErrorBody } from './body.js';
import { publicUrl } from './endpoint.js';
import { isRedirect } from './redirect.js';
import { TRANSIENT_STATUSES, withRetries } from './retry.js';
import { partsOf, type RegistrySession } from './session.js';
import { refuseEncoding, sendWebRequest, webStatusError } from './web-request.js';

export interface ServiceRequest {
  readonly method: 'GET' | 'POST';
  readonly url: URL;
  /** These and the body may hold a credential: nothing here is redirected, so both stay with the host of `url`. */
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: Uint8Array;
  /** Bytes of the answer. */
  readonly maxLength: number;
  /** Milliseconds for the whole call: all attempts, and the last byte of the answer. */
  readonly time: number;
  /** For messages: `the answer of the log`. */
  readonly what: string;
}

export interface ServiceAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | readonly string[] | undefined>>;
  readonly bytes: Uint8Array;
}

/**
 * Calls a web service, over the connections, proxies and deadline of a session. Passing faults are tried again; every other
 * status is the caller's to judge.
 * @throws TouchmarkError `net-*`; `net-redirect` for any redirect; `limit-exceeded` for a longer answer
 */
export async function callWebService(
  session: RegistrySession,
  { maxLength, time, what, ...request }: ServiceRequest,
): Promise<ServiceAnswer> {
  const parts = partsOf(session);
  const { tuning } = parts;
  const deadline = new AbortController();
  const signal = parts.signal ? AbortSignal.any([parts.signal, deadline.signal]) : deadline.signal;
  const timer = setTimeout(() => deadline.abort(tooSlow(request.url, time)), time);
  try {
    return await withRetries(tuning, signal, async (): Promise<ServiceAnswer> => {
      const answer = await sendWebRequest(parts, { headers: {}, ...request, signal });
      const { status, headers } = answer;
      if (isRedirect(status)) {
        await discardBody(answer);
        fail('net-redirect', `${answer.url.host} redirects; services are asked at their own address alone`, {
          hint: 'give the address that it redirects to, if that is the one you mean',
          details: { url: publicUrl(answer.url), status },
        });
      }
      if (TRANSIENT_STATUSES.has(status)) {
        await readErrorBody(answer);
        throw webStatusError(answer, tuning.date());
      }
      await refuseEncoding(answer);
      return { status, headers, bytes: await readBody(answer, maxLength, what) };
    });
  } finally {
    clearTimeout(timer);
  }
}

function tooSlow(url: URL, time: number): TouchmarkError {
  const seconds = Math.max(1, Math.round(time / 1000));
  return new TouchmarkError('net-timeout', `${url.host} did not answer in full within ${seconds} s`, {
    retryable: true,
    details: { url: publicUrl(url) },
  });
}
