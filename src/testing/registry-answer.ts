import type { ServerResponse } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { utf8 } from '../base/bytes.js';

/** What the registry is about to answer. */
export interface Answer {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: Uint8Array;
}

/**
 * What goes wrong with one request. With `status` the registry does nothing and answers that; without it the request is
 * served (a write takes effect) and then only the answer is spoiled.
 */
export interface Fault {
  readonly status?: number;
  /** Added to the answer's headers, or in their place. */
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | Uint8Array;
  /** Milliseconds before the answer, or what must have happened before it. */
  readonly delay?: number | Promise<unknown>;
  /** The connection is cut after so many bytes of the body; 0: behind the headers. */
  readonly cutAfterBytes?: number;
  /** No answer ever comes; the connection stays open until the client or `close()` ends it. */
  readonly hang?: boolean;
}

/** An error body as in the distribution specification, "Error Codes". */
export function errorAnswer(
  status: number,
  code: string,
  message: string,
  details: readonly unknown[] = [undefined],
  headers: Readonly<Record<string, string>> = {},
): Answer {
  const errors = details.map(detail => ({ code, message, ...(detail !== undefined && { detail }) }));
  return jsonAnswer(status, { errors }, headers);
}

export function jsonAnswer(
  status: number,
  value: unknown,
  headers: Readonly<Record<string, string>> = {},
): Answer {
  return {
    status,
    headers: { 'content-type': 'application/json', ...headers },
    body: utf8(JSON.stringify(value)),
  };
}

/** The answer of a router that does not know the path: plain text, as distribution gives it. */
export const UNKNOWN_ROUTE: Answer = {
  status: 404,
  headers: { 'content-type': 'text/plain; charset=utf-8' },
  body: utf8('404 page not found\n'),
};

export function spoilAnswer(answer: Answer, fault: Fault): Answer {
  const body = typeof fault.body === 'string' ? utf8(fault.body) : (fault.body ?? answer.body);
  return {
    status: fault.status ?? answer.status,
    headers: { ...answer.headers, ...fault.headers },
    ...(body && { body }),
  };
}

/** Sends an answer; `fault` may delay or cut it. */
export async function sendAnswer(
  response: ServerResponse,
  answer: Answer,
  isHead: boolean,
  fault: Fault = {},
): Promise<void> {
  await (typeof fault.delay === 'number' ? sleep(fault.delay) : fault.delay);
  const body = answer.body ?? new Uint8Array();
  const headers: Record<string, string | number> = { 'docker-distribution-api-version': 'registry/2.0' };
  if (answer.status !== 204 && answer.status !== 304) headers['content-length'] = body.length;
  response.writeHead(answer.status, { ...headers, ...answer.headers });
  if (fault.cutAfterBytes !== undefined) {
    response.flushHeaders();
    const part = body.subarray(0, fault.cutAfterBytes);
    // The bytes must have left before the socket goes, or the client would see less than was asked for.
    if (part.length > 0 && !isHead) await new Promise<void>(done => response.write(part, () => done()));
    else await new Promise<void>(done => setImmediate(done));
    response.socket?.destroySoon();
    return;
  }
  response.end(isHead ? undefined : body);
}
