import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { callWebService, createRegistrySession } from '../../../src/oci/http/index.js';
import { failure } from '../keyless/support.js';

const servers: Server[] = [];
afterEach(() => {
  for (const server of servers.splice(0)) server.close().closeAllConnections();
});

async function serve(listener: RequestListener): Promise<URL> {
  const server = createServer(listener);
  servers.push(server);
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve));
  return new URL(`http://127.0.0.1:${(server.address() as AddressInfo).port}/service`);
}

/** A call without pauses between attempts. */
const call = (url: URL, more: { time?: number; signal?: AbortSignal; offline?: boolean } = {}) => {
  const session = createRegistrySession(more, { retryPause: 0 });
  const request = {
    method: 'POST',
    url,
    body: Buffer.from('x'),
    maxLength: 1000,
    time: 5000,
    what: 'it',
  } as const;
  return callWebService(session, { ...request, ...(more.time !== undefined && { time: more.time }) });
};

describe('a call of a web service', () => {
  it('gives every status that is an answer', async () => {
    for (const status of [200, 201, 400, 401, 404, 409]) {
      const url = await serve((_, response) =>
        response.writeHead(status, { location: '/there' }).end('said'),
      );
      const answer = await call(url);
      expect([answer.status, Buffer.from(answer.bytes).toString(), answer.headers['location']]).toEqual([
        status,
        'said',
        '/there',
      ]);
    }
  });

  it('is made again after a passing fault', async () => {
    const bodies: string[] = [];
    const url = await serve(async (request, response) => {
      for await (const part of request) bodies.push(String(part));
      response.writeHead(bodies.length < 3 ? 503 : 201).end('done');
    });
    expect((await call(url)).status).toBe(201);
    expect(bodies).toEqual(['x', 'x', 'x']);
  });

  it('gives up in the end', async () => {
    let calls = 0;
    const url = await serve((_, response) => {
      calls++;
      response.writeHead(502).end();
    });
    expect((await failure(() => call(url))).code).toBe('net-status');
    expect(calls).toBe(5);
  });

  it('is not redirected', async () => {
    let asked = '';
    const other = await serve((request, response) => {
      asked = request.url ?? '';
      response.end();
    });
    for (const status of [301, 302, 303, 307, 308]) {
      const url = await serve((_, response) => response.writeHead(status, { location: other.href }).end());
      expect((await failure(() => call(url))).code).toBe('net-redirect');
    }
    expect(asked).toBe('');
  });

  const slow: readonly (readonly [string, RequestListener])[] = [
    ['never answers', () => {}],
    ['never ends its answer', (_, response) => response.writeHead(200).write('x')],
    [
      'sends a byte at a time',
      (_, response) => {
        const timer = setInterval(() => response.write('x'), 10);
        response.on('close', () => clearInterval(timer));
      },
    ],
    ['asks to come back later', (_, response) => response.writeHead(503, { 'retry-after': '30' }).end()],
  ];
  it.each(slow)('ends within its time at a server that %s', async (_name, listener) => {
    const error = await failure(async () => call(await serve(listener), { time: 120 }));
    expect(error.code).toBe('net-timeout');
    expect(error.retryable).toBe(true);
  });

  it('ends at Ctrl-C', async () => {
    const abort = new AbortController();
    const url = await serve(() => abort.abort());
    expect((await failure(() => call(url, { signal: abort.signal }))).code).toBe('interrupted');
  });

  it('reads no more than it was told to, nothing in an encoding it did not ask for, nothing offline', async () => {
    const huge = await serve((_, response) => response.end('x'.repeat(1001)));
    expect((await failure(() => call(huge))).code).toBe('limit-exceeded');
    const packed = await serve((_, response) =>
      response.writeHead(200, { 'content-encoding': 'gzip' }).end('x'),
    );
    expect((await failure(() => call(packed))).code).toBe('net-protocol');
    expect((await failure(() => call(huge, { offline: true }))).code).toBe('net-offline');
    expect((await failure(() => call(new URL('http://service.example/')))).code).toBe('net-tls');
  });
});
