import type http from 'node:http';
import { fail, TouchmarkError, toTouchmarkError } from '../../base/errors.js';
import { LIMITS } from '../../base/limits.js';
import type { RequestEvent } from '../context.js';
import type { BlobSource } from '../store.js';
import type { Agents, Connector } from './agents.js';
import { publicUrl } from './endpoint.js';
import { abortError, markTransient, networkError } from './faults.js';
import { bareHost } from './hosts.js';
import { type Environment, proxyAuthorization, proxyFor } from './proxy.js';
import type { Tuning } from './tuning.js';

export type RequestBody = Uint8Array | { readonly size: number; readonly open: BlobSource };

/** One request over one connection: no retry, no redirect, no credentials but those in `headers`. */
export interface Exchange {
  readonly method: string;
  readonly url: URL;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: RequestBody;
  readonly verifyCertificate: boolean;
  /** Ends this request, in place of the signal of all: whoever gives one has joined the two. */
  readonly signal?: AbortSignal;
}

export interface Answer {
  readonly status: number;
  readonly headers: http.IncomingHttpHeaders;
  /** What was asked, after redirects. */
  readonly url: URL;
  /** The body, once. Throws when it stalls or breaks off. Leaving the loop early closes the connection. */
  chunks(): AsyncIterable<Uint8Array>;
}

export interface TransportOptions {
  readonly agents: Agents;
  readonly tuning: Tuning;
  readonly environment: Environment;
  readonly userAgent: string;
  readonly offline: boolean;
  readonly signal?: AbortSignal;
  readonly onRequest?: (event: RequestEvent) => void;
}

export type Transport = (exchange: Exchange) => Promise<Answer>;

/**
 * HTTP/1.1 over node:http and node:https. A peer that does not begin its answer, or does not keep moving bytes, is given up
 * after {@link LIMITS.networkStall}; the caller's signal ends everything at once.
 */
export function createTransport(options: TransportOptions): Transport {
  return async exchange => {
    const { url, signal = options.signal } = exchange;
    if (options.offline) {
      fail('net-offline', `${url.host} would have to be asked, and this run is offline`, {
        hint: 'leave out --offline, or use an image layout on disk (oci:DIR)',
        details: { host: url.host },
      });
    }
    if (signal?.aborted) throw abortError(signal);
    const started = options.tuning.now();
    const report = (outcome: Pick<RequestEvent, 'status' | 'error' | 'serverTime'>) =>
      options.onRequest?.({
        method: exchange.method,
        url: publicUrl(url),
        milliseconds: Math.round(options.tuning.now() - started),
        ...outcome,
      });
    try {
      const proxy = proxyFor(url, options.environment);
      const connector = await options.agents.connectorFor(url, exchange.verifyCertificate, proxy);
      if (signal?.aborted) throw abortError(signal);
      const answer = await send(exchange, options, { ...connector, proxy });
      const serverTime = new Date(answer.headers.date ?? Number.NaN);
      report({ status: answer.status, ...(!Number.isNaN(serverTime.getTime()) && { serverTime }) });
      return answer;
    } catch (error) {
      if (error instanceof TouchmarkError) report({ error });
      throw error;
    }
  };
}

/** The connections to use, and the proxy when they lead to or through one. */
interface Route extends Connector {
  readonly proxy: URL | undefined;
}

function send(exchange: Exchange, options: TransportOptions, route: Route): Promise<Answer> {
  const { url, body, signal = options.signal } = exchange;
  const { tuning } = options;
  return new Promise((resolve, reject) => {
    const request = openRequest(exchange, options, route);
    let response: http.IncomingMessage | undefined;
    // Node reports an aborted answer as a reset; the reason is kept here.
    let failure: TouchmarkError | undefined;
    const stop = (error: TouchmarkError) => {
      failure ??= error;
      (response ?? request).destroy(failure);
    };
    const watchdog = createWatchdog(() =>
      stop(
        new TouchmarkError('net-timeout', `${url.host} stopped answering`, {
          retryable: true,
          details: { host: url.host, method: exchange.method },
        }),
      ),
    );
    const onAbort = () => signal && stop(abortError(signal));
    signal?.addEventListener('abort', onAbort, { once: true });
    const settle = () => {
      watchdog.disarm();
      signal?.removeEventListener('abort', onAbort);
    };
    const explain = (error: unknown, when: 'asking' | 'reading'): TouchmarkError => {
      if (failure) return failure;
      const known = networkError(error, url, when);
      // A server may close an idle connection just when it is used again.
      if (request.reusedSocket && when === 'asking' && known.code === 'net-unreachable') {
        markTransient(known, { atOnce: true });
      }
      return known;
    };

    request.on('socket', () => watchdog.arm(tuning.stall));
    request.on('error', error => {
      settle();
      reject(explain(error, 'asking'));
    });
    request.on('response', incoming => {
      response = incoming;
      watchdog.disarm();
      // Read by the iterator below; without a listener an abort between two reads would end the process.
      incoming.on('error', () => {});
      async function* chunks(): AsyncGenerator<Uint8Array> {
        try {
          const iterator: AsyncIterator<Uint8Array> = incoming[Symbol.asyncIterator]();
          for (;;) {
            watchdog.resume(tuning.stall);
            const step = await iterator.next();
            // While the reader is busy the peer is not to blame.
            watchdog.pause(step.done ? 0 : step.value.length);
            if (step.done) break;
            yield step.value;
          }
          if (!incoming.complete) throw Object.assign(new Error('premature end'), { code: 'ECONNRESET' });
        } catch (error) {
          throw explain(error, 'reading');
        } finally {
          settle();
          if (!incoming.complete) incoming.destroy();
        }
      }
      resolve({ status: incoming.statusCode ?? 0, headers: incoming.headers, url, chunks });
    });

    if (body === undefined || (body instanceof Uint8Array && body.length <= PIECE)) {
      request.end(body);
      return;
    }
    const open = body instanceof Uint8Array ? () => pieces(body) : body.open;
    const answered = () => response !== undefined || request.destroyed;
    const blocked = (waits: boolean) =>
      waits && !answered() ? watchdog.arm(tuning.stall) : watchdog.disarm();
    // Not before there is a connection: waiting for a free one is not the peer's fault.
    request.once('socket', () => {
      pump(request, open(), answered, blocked).then(
        () => !answered() && watchdog.arm(tuning.uploadAnswer),
        error => {
          stop(toTouchmarkError(error));
          reject(failure);
        },
      );
    });
  });
}

function openRequest(
  exchange: Exchange,
  options: TransportOptions,
  { agent, request, proxy }: Route,
): http.ClientRequest {
  const { url, method, body } = exchange;
  const secure = url.protocol === 'https:';
  const headers: Record<string, string | number> = {
    host: url.host,
    'user-agent': options.userAgent,
    ...exchange.headers,
  };
  if (body !== undefined) headers['content-length'] = body instanceof Uint8Array ? body.length : body.size;
  else if (method === 'POST' || method === 'PUT') headers['content-length'] = 0;
  // A proxy takes a plain request in absolute form; TLS goes through a tunnel that the agent opens.
  const plainProxy = secure ? undefined : proxy;
  if (plainProxy) {
    const authorization = proxyAuthorization(plainProxy);
    if (authorization) headers['proxy-authorization'] = authorization;
  }
  const target = plainProxy ?? url;
  const targetSecure = target.protocol === 'https:';
  return request({
    protocol: target.protocol,
    hostname: bareHost(target.hostname),
    port: target.port || (targetSecure ? 443 : 80),
    path: plainProxy ? `${url.origin}${url.pathname}${url.search}` : `${url.pathname}${url.search}`,
    method,
    headers,
    agent,
  });
}

const PIECE = 64 * 1024;

/** A long body in pieces, so that a slow connection is seen to move. */
async function* pieces(body: Uint8Array): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < body.length; at += PIECE) yield body.subarray(at, at + PIECE);
}

async function pump(
  request: http.ClientRequest,
  source: AsyncIterable<Uint8Array>,
  answered: () => boolean,
  blocked: (waits: boolean) => void,
): Promise<void> {
  for await (const chunk of source) {
    // An answer before the end of the body is a refusal: the rest need not be sent.
    if (answered()) break;
    if (request.write(chunk)) continue;
    blocked(true);
    await drained(request);
    blocked(false);
  }
  request.end();
}

function drained(request: http.ClientRequest): Promise<void> {
  return new Promise(resolve => {
    const done = () => {
      for (const event of ['drain', 'close', 'response']) request.off(event, done);
      resolve();
    };
    for (const event of ['drain', 'close', 'response']) request.once(event, done);
  });
}

interface Watchdog {
  arm(milliseconds: number): void;
  disarm(): void;
  /** Goes on waiting for the peer: what is left of the window, or a new one when enough bytes have moved. */
  resume(milliseconds: number): void;
  pause(bytes: number): void;
}

function createWatchdog(bark: () => void): Watchdog {
  let timer: NodeJS.Timeout | undefined;
  let left = 0;
  let since = 0;
  let moved: number = LIMITS.networkProgress;
  const disarm = () => clearTimeout(timer);
  const arm = (milliseconds: number) => {
    disarm();
    since = performance.now();
    timer = setTimeout(bark, milliseconds);
  };
  return {
    arm,
    disarm,
    resume(milliseconds) {
      if (moved >= LIMITS.networkProgress) {
        moved = 0;
        left = milliseconds;
      }
      arm(Math.max(1, left));
    },
    pause(bytes) {
      disarm();
      moved += bytes;
      left -= performance.now() - since;
    },
  };
}
