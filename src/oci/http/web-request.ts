import { fail, TouchmarkError } from '../../base/errors.js';
import { discardBody } from './body.js';
import { isInsecure, publicUrl } from './endpoint.js';
import { markTransient } from './faults.js';
import { isLoopback } from './hosts.js';
import { parseRetryAfter, TRANSIENT_STATUSES } from './retry.js';
import type { SessionParts } from './session.js';
import type { Answer, Exchange } from './transport.js';

/**
 * One request to a web server that is no registry, over the connections of a session: https alone, but for loopback and the
 * hosts that the user named insecure. It sends no credentials but those in `headers`.
 * @throws TouchmarkError `net-*`
 */
export async function sendWebRequest(
  { transport, insecureHosts, warn }: SessionParts,
  exchange: Omit<Exchange, 'verifyCertificate'>,
): Promise<Answer> {
  const { url } = exchange;
  const insecure = isInsecure(url.host, insecureHosts);
  if (url.protocol === 'http:' && !insecure && !isLoopback(url.hostname)) {
    fail('net-tls', `${url.host} is only asked over https`, {
      hint: `use https, or name ${url.host} with --insecure-registry`,
      details: { host: url.host },
    });
  }
  if (insecure && url.protocol === 'https:') warn(`the certificate of ${url.host} is not checked`);
  const headers = { accept: '*/*', 'accept-encoding': 'identity', ...exchange.headers };
  return transport({ ...exchange, headers, verifyCertificate: !insecure });
}

/** @throws TouchmarkError `net-protocol` when a body comes compressed, though it was asked for as it is */
export async function refuseEncoding(answer: Answer): Promise<void> {
  const encoding = answer.headers['content-encoding'];
  if (encoding === undefined || encoding === 'identity') return;
  await discardBody(answer);
  fail('net-protocol', `${answer.url.host} sends files in another encoding than it was asked for`, {
    details: { url: publicUrl(answer.url), encoding: encoding.slice(0, 40) },
  });
}

/** The failure that a status means; marked as passing when asking again may help. */
export function webStatusError({ status, url, headers }: Answer, now: number): TouchmarkError {
  const passing = TRANSIENT_STATUSES.has(status);
  const error = new TouchmarkError('net-status', `${url.host} answered with status ${status}`, {
    retryable: passing,
    details: { url: publicUrl(url), status },
  });
  if (!passing) return error;
  const after = parseRetryAfter(headers['retry-after'], now);
  return markTransient(error, after === undefined ? {} : { after });
}
