import { fail, TouchmarkError } from '../../base/errors.js';
import { discardBody, readBeginning, readErrorBody, refuseWebPage } from './body.js';
import { isInsecure, publicUrl } from './endpoint.js';
import { markTransient } from './faults.js';
import { isLoopback } from './hosts.js';
import { followRedirects } from './redirect.js';
import { parseRetryAfter, TRANSIENT_STATUSES, withRetries } from './retry.js';
import { partsOf, type RegistrySession } from './session.js';
import type { Answer } from './transport.js';

/** What a web server said of a file: its bytes, that there is none (404, 410), or that it may not be read (401, 403). */
export type WebFile =
  | { readonly found: true; readonly bytes: Uint8Array }
  | { readonly found: false; readonly because: 'missing' | 'denied'; readonly status: number };

export interface WebFileOptions {
  /** No more than the first byte behind this many is read. */
  readonly maxLength: number;
  /** For messages, where a web page cannot be what was asked for; undefined where it can. */
  readonly refusePage?: string;
}

/**
 * Fetches a file from a web server that is no registry, over the connections, proxies, redirects, deadlines and retries of
 * a session. No credentials are sent, to nobody.
 * @throws TouchmarkError `net-*`; `net-status` for an answer that says nothing about the file
 */
export async function fetchWebFile(
  session: RegistrySession,
  url: URL,
  { maxLength, refusePage }: WebFileOptions,
): Promise<WebFile> {
  const { transport, tuning, signal, insecureHosts, warn } = partsOf(session);
  const ask = (at: URL): Promise<Answer> => {
    const insecure = isInsecure(at.host, insecureHosts);
    if (at.protocol === 'http:' && !insecure && !isLoopback(at.hostname)) {
      fail('net-tls', `${at.host} is only asked over https`, {
        hint: `use https, or name ${at.host} with --insecure-registry`,
        details: { host: at.host },
      });
    }
    if (insecure && at.protocol === 'https:') warn(`the certificate of ${at.host} is not checked`);
    const headers = { accept: '*/*', 'accept-encoding': 'identity' };
    return transport({ method: 'GET', url: at, headers, verifyCertificate: !insecure });
  };
  return withRetries(tuning, signal, async (): Promise<WebFile> => {
    const { answer } = await followRedirects({ method: 'GET', url, trusted: false }, hop => ask(hop.url));
    const { status } = answer;
    if (status === 404 || status === 410 || status === 401 || status === 403) {
      await discardBody(answer);
      return { found: false, because: status === 404 || status === 410 ? 'missing' : 'denied', status };
    }
    if (status !== 200) {
      await readErrorBody(answer);
      throw statusError(answer, tuning.date());
    }
    if (refusePage !== undefined) await refuseWebPage(answer, refusePage);
    const encoding = answer.headers['content-encoding'];
    if (encoding !== undefined && encoding !== 'identity') {
      await discardBody(answer);
      fail('net-protocol', `${answer.url.host} sends files in another encoding than it was asked for`, {
        details: { url: publicUrl(answer.url), encoding: encoding.slice(0, 40) },
      });
    }
    return { found: true, bytes: await readBeginning(answer, maxLength + 1) };
  });
}

function statusError({ status, url, headers }: Answer, now: number): TouchmarkError {
  const passing = TRANSIENT_STATUSES.has(status);
  const error = new TouchmarkError('net-status', `${url.host} answered with status ${status}`, {
    retryable: passing,
    details: { url: publicUrl(url), status },
  });
  if (!passing) return error;
  const after = parseRetryAfter(headers['retry-after'], now);
  return markTransient(error, after === undefined ? {} : { after });
}
