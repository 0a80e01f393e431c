import { createServer, type IncomingHttpHeaders } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface ServiceCall {
  readonly method: string;
  readonly url: URL;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
}

export interface ServiceReply {
  readonly status?: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: Uint8Array | string;
  /** Milliseconds before the answer begins. */
  readonly delay?: number;
}

export type Reply = ServiceReply | undefined;
/** What is answered in place of the service's own reply, or made of it; undefined leaves that as it is. */
export type Lie = (call: ServiceCall, honest: () => Promise<Reply>) => Reply | Promise<Reply>;

/** A web service on a free port of the loopback interface. */
export interface HttpService {
  readonly url: URL;
  readonly calls: readonly ServiceCall[];
  /** Makes the service answer otherwise, until it is set again. */
  lie(lie: Lie | undefined): void;
  close(): Promise<void>;
}

export const json = (value: unknown, status = 200): ServiceReply => ({
  status,
  headers: { 'content-type': 'application/json' },
  body: JSON.stringify(value),
});

/** Answers 404 to whatever `handle` has no reply to, and 400 with its message when it throws. */
export async function startHttpService(
  handle: (call: ServiceCall) => Reply | Promise<Reply>,
): Promise<HttpService> {
  const calls: ServiceCall[] = [];
  let lie: Lie | undefined;
  const server = createServer(async (request, response) => {
    const parts: Buffer[] = [];
    for await (const part of request) parts.push(part);
    const call = {
      method: request.method ?? '',
      url: new URL(request.url ?? '/', url),
      headers: request.headers,
      body: Buffer.concat(parts),
    };
    calls.push(call);
    const honest = async () => handle(call);
    const reply = await Promise.resolve()
      .then(
        async () => (await lie?.(call, honest)) ?? (await honest()) ?? json({ message: 'not found' }, 404),
      )
      .catch((error: unknown) => json({ code: 3, message: String(error) }, 400));
    if (reply.delay !== undefined) await new Promise(resolve => setTimeout(resolve, reply.delay));
    response.writeHead(reply.status ?? 200, reply.headers);
    response.end(reply.body);
  });
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve));
  const url = new URL(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`);
  return {
    url,
    calls,
    lie: other => {
      lie = other;
    },
    close: () =>
      new Promise(resolve => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}
