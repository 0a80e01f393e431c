import { fail } from '../../base/errors.js';
import { LIMITS } from '../../base/limits.js';
import { discardBody } from './body.js';
import { publicUrl } from './endpoint.js';
import { mayPointTo } from './hosts.js';
import type { Answer, RequestBody } from './transport.js';

/** One step of a chain of redirects. */
export interface Hop {
  readonly method: string;
  readonly url: URL;
  readonly body?: RequestBody;
  /** False once the chain has left its first origin: credentials are not sent any more, not even when it comes back. */
  readonly trusted: boolean;
  /** The body is a credential itself: it stays with the first origin. */
  readonly secretBody?: boolean;
}

export function isRedirect(status: number): boolean {
  return status === 301 || status === 302 || status === 303 || status === 307 || status === 308;
}

/**
 * Where a redirect leads (RFC 9110, section 15.4).
 * @throws TouchmarkError `net-redirect` for a target that is not safe to follow
 */
export function nextHop(hop: Hop, status: number, location: string | undefined): Hop {
  const url = resolveLocation(hop.url, location);
  const trusted = hop.trusted && url.origin === hop.url.origin;
  const becomesGet =
    (status === 303 && hop.method !== 'HEAD') ||
    ((status === 301 || status === 302) && hop.method === 'POST');
  if (becomesGet) return { method: 'GET', url, trusted };
  if (hop.secretBody && !trusted) {
    fail('net-redirect', `${hop.url.host} redirects a request with credentials in it to ${url.host}`, {
      details: { from: publicUrl(hop.url), to: publicUrl(url) },
    });
  }
  return { ...hop, url, trusted };
}

/**
 * Resolves a `Location` of a redirect or an upload session.
 * @throws TouchmarkError `net-redirect` when it leaves https, or points from a public server to the inside of a network
 */
export function resolveLocation(from: URL, location: string | undefined): URL {
  const refuse = (problem: string, to?: URL): never =>
    fail('net-redirect', `${from.host} redirects ${problem}`, {
      details: { from: publicUrl(from), ...(to && { to: publicUrl(to) }) },
    });
  if (!location) return refuse('without saying where');
  let url: URL;
  try {
    url = new URL(location, from);
  } catch {
    return refuse('to something that is not a URL');
  }
  if (url.protocol !== 'https:' && url.protocol !== 'http:') refuse('to something that is not an http URL');
  if (from.protocol === 'https:' && url.protocol === 'http:') refuse(`from https to http (${url.host})`, url);
  if (!mayPointTo(from.hostname, url.hostname)) refuse(`to an address inside the network (${url.host})`, url);
  url.username = '';
  url.password = '';
  url.hash = '';
  return url;
}

/**
 * Asks, and goes where the answers redirect to, until one does not.
 * @throws TouchmarkError `net-redirect`; whatever `ask` throws
 */
export async function followRedirects(
  start: Hop,
  ask: (hop: Hop) => Promise<Answer>,
): Promise<{ readonly answer: Answer; readonly hop: Hop }> {
  let hop = start;
  for (let hops = 0; ; hops++) {
    const answer = await ask(hop);
    if (!isRedirect(answer.status)) return { answer, hop };
    await discardBody(answer);
    hop = nextHop(hop, answer.status, answer.headers.location);
    if (hops >= LIMITS.redirects) {
      fail('net-redirect', `${start.url.host} redirects more than ${LIMITS.redirects} times`, {
        details: { host: start.url.host },
      });
    }
  }
}
