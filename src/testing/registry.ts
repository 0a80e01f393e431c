import { createServer, type IncomingHttpHeaders, type IncomingMessage, type ServerResponse } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { concatBytes } from '../base/bytes.js';
import { type Answer, type Fault, jsonAnswer, sendAnswer, spoilAnswer } from './registry-answer.js';
import { Gatekeeper, type RegistryAuth } from './registry-auth.js';
import { answerCall, type RegistryCall, routeName } from './registry-routes.js';
import { TestRepository } from './registry-storage.js';

export interface RegistryOptions {
  /** Serve the referrers API. Default true; false behaves as distribution 2.8 and Docker Hub do. */
  readonly referrers?: boolean;
  /** Descriptors on one page of referrers. Default: all. */
  readonly referrersPageSize?: number;
  /** Apply the `artifactType` filter. Default true. */
  readonly filterReferrers?: boolean;
  /** Answer `OCI-Subject` to a manifest with a subject. Default: as `referrers`. */
  readonly subjectHeader?: boolean;
  /** Tags on one page. Default: all. */
  readonly tagsPageSize?: number;
  /** Honour `If-Match` and `If-None-Match: *` on a manifest PUT. Default false, as in distribution. */
  readonly conditional?: boolean;
  /** Allow mounting a blob from another repository. Default true. */
  readonly mount?: boolean;
  /** In bytes. Default 4 MiB. */
  readonly maxManifestSize?: number;
  readonly auth?: RegistryAuth;
  /** PEM; makes the registry speak https. */
  readonly tls?: { readonly key: string; readonly cert: string };
  /** Asked for every request; see {@link Fault}. */
  readonly fault?: FaultSource;
}

export type FaultSource = (request: RecordedRequest) => Fault | undefined;

/** A request as it arrived. */
export interface RecordedRequest {
  readonly method: string;
  /** With the query. */
  readonly path: string;
  /** `authorization` is cut down to its scheme. */
  readonly headers: IncomingHttpHeaders;
  /** Bytes of the body. */
  readonly size: number;
  /** Absent until answered. */
  readonly status?: number;
  /** Positions on one counter of arrivals and answers: a request whose `began` is above another's `ended` came after it. */
  readonly began: number;
  readonly ended?: number;
}

export interface TestRegistry {
  /** `127.0.0.1:PORT`: the registry part of an image reference. */
  readonly host: string;
  readonly origin: string;
  /** In order of arrival; emptied by {@link clearRequests}. */
  readonly requests: readonly RecordedRequest[];
  readonly repositories: ReadonlyMap<string, TestRepository>;
  clearRequests(): void;
  /** The storage of a repository, made on first use: for looking and for tampering. */
  repository(name: string): TestRepository;
  /** Replaces the fault injection. */
  setFault(fault: FaultSource | undefined): void;
  /** Ends every connection. */
  close(): Promise<void>;
}

/**
 * Starts an in-process registry (OCI distribution 1.1) on a free port of the loopback interface.
 * It checks digests and refuses a manifest whose blobs are missing, as Docker's distribution does.
 */
export async function startRegistry(options: RegistryOptions = {}): Promise<TestRegistry> {
  const repositories = new Map<string, TestRepository>();
  const requests: Recording[] = [];
  let fault = options.fault;
  let counter = 0;
  const registry = {
    repositories,
    repository(name: string): TestRepository {
      const known = repositories.get(name) ?? new TestRepository();
      repositories.set(name, known);
      return known;
    },
  };
  const gate = options.auth && new Gatekeeper(options.auth, () => origin);

  const serve = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const record: Recording = {
      method: request.method ?? 'GET',
      path: request.url ?? '/',
      headers: withoutSecrets(request.headers),
      size: 0,
      began: ++counter,
    };
    requests.push(record);
    const parts: Uint8Array[] = [];
    for await (const part of request) parts.push(part as Uint8Array);
    const body = concatBytes(...parts);
    record.size = body.length;
    const failure = fault?.(record);
    if (failure?.hang) return;
    const answer = failure?.status === undefined ? answerRequest(request, body) : { status: failure.status };
    const spoiled = failure ? spoilAnswer(answer, failure) : answer;
    record.status = spoiled.status;
    response.once('close', () => {
      record.ended ??= ++counter;
    });
    await sendAnswer(response, spoiled, request.method === 'HEAD', failure);
    // Before the client can have read the answer: what it sends next must count as later.
    record.ended ??= ++counter;
  };

  const answerRequest = (request: IncomingMessage, body: Uint8Array): Answer => {
    const url = new URL(request.url ?? '/', 'http://registry.invalid');
    const name = routeName(url.pathname) ?? '';
    const call: RegistryCall = {
      method: request.method ?? 'GET',
      path: url.pathname,
      query: url.searchParams,
      headers: request.headers,
      body,
      name,
      repository: repositories.get(name),
      options,
      registry,
    };
    if (gate && url.pathname === '/token') return gate.issue(call);
    return gate?.challenge(call) ?? answerCall(call);
  };

  const listener = (request: IncomingMessage, response: ServerResponse): void => {
    serve(request, response).catch((error: unknown) => {
      if (response.headersSent || response.destroyed) response.destroy();
      else
        void sendAnswer(
          response,
          jsonAnswer(500, { errors: [{ code: 'UNKNOWN', message: String(error) }] }),
          false,
        );
    });
  };
  const server = options.tls ? createTlsServer(options.tls, listener) : createServer(listener);
  await new Promise<void>((done, reject) => {
    server.once('error', reject);
    server.listen(0, '127.0.0.1', done);
  });
  const host = `127.0.0.1:${(server.address() as AddressInfo).port}`;
  const origin = `${options.tls ? 'https' : 'http'}://${host}`;
  return {
    ...registry,
    host,
    origin,
    requests,
    clearRequests: () => {
      requests.length = 0;
    },
    setFault: next => {
      fault = next;
    },
    close: () =>
      new Promise<void>((done, reject) => {
        server.close(error => (error ? reject(error) : done()));
        server.closeAllConnections();
      }),
  };
}

type Recording = { -readonly [K in keyof RecordedRequest]: RecordedRequest[K] };

function withoutSecrets(headers: IncomingHttpHeaders): IncomingHttpHeaders {
  const { authorization } = headers;
  if (authorization === undefined) return headers;
  return { ...headers, authorization: authorization.split(' ')[0] ?? '' };
}

/**
 * How many requests had to wait for an earlier answer, one behind the other: what a slow network multiplies.
 * Requests sent together must overlap here to be told from a sequence: hold the answers back with a `delay`.
 */
export function countDependentSteps(requests: readonly RecordedRequest[]): number {
  const depths: number[] = [];
  for (const request of requests) {
    let depth = 1;
    for (const [i, earlier] of requests.entries()) {
      if (i >= depths.length) break;
      if (earlier.ended !== undefined && earlier.ended < request.began)
        depth = Math.max(depth, (depths[i] ?? 0) + 1);
    }
    depths.push(depth);
  }
  return Math.max(0, ...depths);
}
