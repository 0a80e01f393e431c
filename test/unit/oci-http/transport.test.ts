import type http from 'node:http';
import type { ServerResponse } from 'node:http';
import https from 'node:https';
import net, { type AddressInfo } from 'node:net';
import { describe, expect, it } from 'vitest';
import { utf8 } from '../../../src/base/bytes.js';
import { TouchmarkError } from '../../../src/base/errors.js';
import { LIMITS } from '../../../src/base/limits.js';
import { describe as describeContent } from '../../../src/oci/descriptor.js';
import { CERTIFICATE, PRIVATE_KEY } from './certificate.js';
import { cleanup, collect, failureOf, IMAGE, openTestStore, startServer } from './support.js';

const sendImage = (response: ServerResponse) =>
  response
    .writeHead(200, { 'content-type': IMAGE.descriptor.mediaType, 'content-length': IMAGE.bytes.length })
    .end(IMAGE.bytes);

async function startTlsServer(handler: http.RequestListener): Promise<number> {
  const server = https.createServer({ key: PRIVATE_KEY, cert: CERTIFICATE }, handler);
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve));
  cleanup(() => {
    server.closeAllConnections();
    server.close();
  });
  return (server.address() as AddressInfo).port;
}

describe('half a body', () => {
  it('is tried again, then reported', async () => {
    let broken = 1;
    let requests = 0;
    const { host } = await startServer((_, response) => {
      requests++;
      if (broken-- <= 0) return void sendImage(response);
      response.writeHead(200, {
        'content-type': IMAGE.descriptor.mediaType,
        'content-length': IMAGE.bytes.length,
      });
      response.write(IMAGE.bytes.subarray(0, 10), () => response.destroy());
    });
    const { store } = openTestStore(`${host}/a:1`);
    expect((await store.fetchManifest({ tag: '1' }))?.descriptor).toEqual(IMAGE.descriptor);
    expect(requests).toBe(2);
    broken = 99;
    requests = 0;
    expect(await failureOf(store.fetchManifest({ tag: '1' }))).toMatchObject({
      code: 'net-protocol',
      retryable: true,
    });
    expect(requests).toBe(1 + LIMITS.retries);
  });

  it('in chunks is no whole body either', async () => {
    let broken = true;
    const { host } = await startServer((_, response) => {
      response.writeHead(200, { 'content-type': IMAGE.descriptor.mediaType });
      if (!broken) return void response.end(IMAGE.bytes);
      response.write(IMAGE.bytes, () => response.destroy());
    });
    const { store } = openTestStore(`${host}/a:1`);
    expect((await failureOf(store.fetchManifest({ tag: '1' }))).code).toBe('net-protocol');
    broken = false;
    expect(await store.fetchManifest({ tag: '1' })).toBeDefined();
  });
});

describe('blobs on a breaking connection', () => {
  const content = utf8('0123456789'.repeat(1000));
  const blob = describeContent('application/octet-stream', content);

  function breaking(options: { ranges: boolean; wrongRange?: boolean; breaks: number }) {
    const ranges: (string | undefined)[] = [];
    let breaks = options.breaks;
    const handler: http.RequestListener = (request, response) => {
      ranges.push(request.headers.range);
      const offset = options.ranges ? Number(/bytes=(\d+)-/.exec(request.headers.range ?? '')?.[1] ?? 0) : 0;
      const rest = content.subarray(offset);
      const at = options.wrongRange ? offset - 1 : offset;
      response.writeHead(offset > 0 ? 206 : 200, {
        'content-length': rest.length,
        ...(offset > 0 && { 'content-range': `bytes ${at}-${content.length - 1}/${content.length}` }),
      });
      if (breaks-- <= 0) return void response.end(rest);
      response.write(rest.subarray(0, 3000), () => response.destroy());
    };
    return { handler, ranges };
  }

  it.each([true, false])('are taken up where they broke (Range honoured: %s)', async ranges => {
    const registry = breaking({ ranges, breaks: 1 });
    const { host } = await startServer(registry.handler);
    const { store } = openTestStore(`${host}/a`);
    expect(await collect(store.openBlob(blob))).toBe(Buffer.from(content).toString());
    expect(registry.ranges).toHaveLength(2);
    expect(registry.ranges[1]).toMatch(/^bytes=\d+-$/);
  });

  it('are refused when another part comes', async () => {
    const wrong = await startServer(breaking({ ranges: true, wrongRange: true, breaks: 1 }).handler);
    expect((await failureOf(collect(openTestStore(`${wrong.host}/a`).store.openBlob(blob)))).code).toBe(
      'net-protocol',
    );
    const right = await startServer(breaking({ ranges: true, breaks: 1 }).handler);
    await collect(openTestStore(`${right.host}/a`).store.openBlob(blob));
  });

  it('are given up when they never get on', async () => {
    const stuck = await startServer(breaking({ ranges: false, breaks: 1000 }).handler);
    expect((await failureOf(collect(openTestStore(`${stuck.host}/a`).store.openBlob(blob)))).code).toBe(
      'net-protocol',
    );
  });

  it('prove nothing before the end', async () => {
    const { host } = await startServer((_, response) =>
      response.end(
        Buffer.from(content)
          .fill(0x39, content.length - 1, content.length)
          .fill(0x38, 5, 6),
      ),
    );
    const got: number[] = [];
    const read = async () => {
      for await (const chunk of openTestStore(`${host}/a`).store.openBlob(blob)) got.push(chunk.length);
    };
    expect((await failureOf(read())).code).toBe('oci-digest-mismatch');
    expect(got.length).toBeGreaterThan(0);
  });
});

describe('a server that', () => {
  it('never answers is given up', async () => {
    let silent = true;
    const { host } = await startServer((_, response) => {
      if (!silent) sendImage(response);
    });
    const { store, events } = openTestStore(`${host}/a:1`, {}, { stall: 50 });
    expect(await failureOf(store.fetchManifest({ tag: '1' }))).toMatchObject({
      code: 'net-timeout',
      retryable: true,
    });
    expect(events).toHaveLength(1);
    silent = false;
    expect(await openTestStore(`${host}/a:1`).store.fetchManifest({ tag: '1' })).toBeDefined();
  });

  it('trickles for ever is given up, though each byte comes in time', async () => {
    const timers: NodeJS.Timeout[] = [];
    cleanup(() => timers.forEach(clearInterval));
    let slow = true;
    const { host } = await startServer((_, response) => {
      if (!slow) return void sendImage(response);
      response.writeHead(200, { 'content-type': IMAGE.descriptor.mediaType });
      timers.push(setInterval(() => response.write(' '), 5));
    });
    const { store } = openTestStore(`${host}/a:1`, {}, { stall: 150 });
    expect((await failureOf(store.fetchManifest({ tag: '1' }))).code).toBe('net-timeout');
    slow = false;
    expect(await openTestStore(`${host}/a:1`).store.fetchManifest({ tag: '1' })).toBeDefined();
  });

  it('does not speak HTTP is reported', async () => {
    const server = net.createServer(socket => socket.end('SSH-2.0-OpenSSH\r\n'));
    await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve));
    cleanup(() => server.close());
    const { store } = openTestStore(`127.0.0.1:${(server.address() as AddressInfo).port}/a:1`);
    expect((await failureOf(store.fetchManifest({ tag: '1' }))).code).toBe('net-protocol');
  });

  it('is not there is reported', async () => {
    const { host, server } = await startServer((_, response) => sendImage(response));
    expect(await openTestStore(`${host}/a:1`).store.fetchManifest({ tag: '1' })).toBeDefined();
    server.closeAllConnections();
    await new Promise(resolve => server.close(resolve));
    const { store, events } = openTestStore(`${host}/a:1`);
    expect((await failureOf(store.fetchManifest({ tag: '1' }))).code).toBe('net-unreachable');
    expect(events[0]?.error?.code).toBe('net-unreachable');
  });

  it('resets the connection is asked again', async () => {
    let resets = 1;
    const { host } = await startServer((request, response) => {
      if (resets-- > 0) request.socket.resetAndDestroy();
      else sendImage(response);
    });
    const { store, events } = openTestStore(`${host}/a:1`);
    expect(await store.fetchManifest({ tag: '1' })).toBeDefined();
    expect(events.map(e => e.status ?? e.error?.code)).toEqual(['net-unreachable', 200]);
  });
});

describe('the signal', () => {
  it('ends a request that waits, with its own reason', async () => {
    const controller = new AbortController();
    const reason = new TouchmarkError('net-timeout', 'not finished after 30 s');
    const { host } = await startServer(() => controller.abort(reason));
    const { store } = openTestStore(`${host}/a:1`, { signal: controller.signal });
    expect(await failureOf(store.fetchManifest({ tag: '1' }))).toBe(reason);
    expect(await failureOf(store.fetchManifest({ tag: '1' }))).toBe(reason);
    expect(await failureOf(store.listReferrers(IMAGE.descriptor.digest))).toBe(reason);
  });

  it('ends a body that is being read', async () => {
    const controller = new AbortController();
    const content = new Uint8Array(1 << 20);
    const blob = describeContent('application/octet-stream', content);
    const { host } = await startServer((_, response) => {
      response.writeHead(200, { 'content-length': content.length });
      response.write(content.subarray(0, 1000));
    });
    const { store } = openTestStore(`${host}/a`, { signal: controller.signal });
    const read = async () => {
      for await (const _ of store.openBlob(blob)) controller.abort();
    };
    expect((await failureOf(read())).code).toBe('interrupted');
  });

  it('ends a pause before a retry', async () => {
    const controller = new AbortController();
    const { host } = await startServer((_, response) => {
      response.writeHead(503, { 'retry-after': '50' }).end();
      setImmediate(() => controller.abort());
    });
    const { DEFAULT_TUNING } = await import('../../../src/oci/http/tuning.js');
    const { store } = openTestStore(
      `${host}/a:1`,
      { signal: controller.signal },
      { sleep: DEFAULT_TUNING.sleep },
    );
    expect((await failureOf(store.fetchManifest({ tag: '1' }))).code).toBe('interrupted');
  });
});

describe('offline', () => {
  it('opens no socket', async () => {
    let connections = 0;
    const { host, server } = await startServer((_, response) => sendImage(response));
    server.on('connection', () => connections++);
    const { store } = openTestStore(`${host}/a:1`, { offline: true });
    expect((await failureOf(store.fetchManifest({ tag: '1' }))).code).toBe('net-offline');
    expect(connections).toBe(0);
    expect(await openTestStore(`${host}/a:1`).store.fetchManifest({ tag: '1' })).toBeDefined();
    expect(connections).toBe(1);
  });
});

it('connections are kept, and no more are opened than allowed', async () => {
  const sockets = new Set<unknown>();
  let inFlight = 0;
  let most = 0;
  const { host } = await startServer((request, response) => {
    sockets.add(request.socket);
    most = Math.max(most, ++inFlight);
    setImmediate(() => {
      inFlight--;
      sendImage(response);
    });
  });
  const { store } = openTestStore(`${host}/a:1`, { concurrency: 3 });
  await Promise.all(Array.from({ length: 12 }, () => store.fetchManifest({ tag: '1' })));
  await store.fetchManifest({ tag: '1' });
  expect(sockets.size).toBeLessThanOrEqual(3);
  expect(most).toBeGreaterThan(1);
});

it('a token server on the registry itself is reached though every connection has met a 401', async () => {
  const { host } = await startServer((request, response) => {
    if (request.url?.startsWith('/token')) return void response.end('{"token":"t"}');
    if (request.headers.authorization === 'Bearer t') return void sendImage(response);
    response
      .writeHead(401, { 'www-authenticate': `Bearer realm="http://${host}/token"` })
      .end('x'.repeat(10_000));
  });
  const { store } = openTestStore(`${host}/a:1`, { concurrency: 1 });
  expect(await Promise.all([1, 2, 3].map(() => store.fetchManifest({ tag: '1' })))).toHaveLength(3);
});

describe('TLS', () => {
  it('with a certificate of an unknown authority is refused, with the authority given it is taken', async () => {
    const port = await startTlsServer((_, response) => sendImage(response));
    // Loopback is tried over https first only when authorities are given: here one that did not sign this certificate.
    const { rootCertificates } = await import('node:tls');
    const wrong = openTestStore(`localhost:${port}/a:1`, {
      certificateAuthorities: rootCertificates[0] ?? '',
    });
    const error = await failureOf(wrong.store.fetchManifest({ tag: '1' }));
    expect(error.code).toBe('net-tls');
    const right = openTestStore(`localhost:${port}/a:1`, { certificateAuthorities: CERTIFICATE });
    expect(await right.store.fetchManifest({ tag: '1' })).toBeDefined();
    expect(right.events[0]?.url).toMatch(/^https:/);
  });

  it('is not checked where the user named the registry insecure, and that is said', async () => {
    const port = await startTlsServer((_, response) => sendImage(response));
    const { store, warnings } = openTestStore(`localhost:${port}/a:1`, {
      insecureRegistries: [`localhost:${port}`],
    });
    expect(await store.fetchManifest({ tag: '1' })).toBeDefined();
    expect(warnings).toEqual([`the certificate of localhost:${port} is not checked`]);
  });

  it('gives way to http on an insecure registry that does not speak it', async () => {
    const { host } = await startServer((_, response) => sendImage(response));
    const { store, events, warnings } = openTestStore(`${host}/a:1`, { insecureRegistries: [host] });
    expect(await store.fetchManifest({ tag: '1' })).toBeDefined();
    expect(await store.fetchManifest({ tag: '1' })).toBeDefined();
    expect(events.map(e => e.url.slice(0, 5))).toEqual(['https', 'http:', 'http:']);
    expect(warnings.at(-1)).toContain('over http');
  });

  it('authorities that are none are refused before anything is sent', async () => {
    const { connectorFor } = (await import('../../../src/oci/http/agents.js')).createAgents({
      concurrency: 1,
      environment: {},
      connectTime: 1000,
      certificateAuthorities: CERTIFICATE,
    });
    expect((await connectorFor(new URL('https://r.example'), true, undefined)).agent).toBeDefined();
    for (const pem of ['nothing', CERTIFICATE.replace('MII', 'AAA')]) {
      expect(
        await failureOf((async () => openTestStore('r.example/a', { certificateAuthorities: pem }))()),
      ).toMatchObject({
        code: 'usage-file',
      });
    }
  });
});

describe('proxies', () => {
  async function startProxy(target: () => number, status = 200) {
    const seen: { line: string; authorization: string | undefined }[] = [];
    const { host, server } = await startServer((request, response) => {
      seen.push({
        line: `${request.method} ${request.url}`,
        authorization: request.headers['proxy-authorization'],
      });
      sendImage(response);
    });
    server.on('connect', (request, socket, head) => {
      seen.push({ line: `CONNECT ${request.url}`, authorization: request.headers['proxy-authorization'] });
      if (status !== 200) return socket.end(`HTTP/1.1 ${status} No\r\n\r\n`);
      const upstream = net.connect(target(), '127.0.0.1', () => {
        socket.write('HTTP/1.1 200 OK\r\n\r\n');
        upstream.write(head);
        upstream.pipe(socket).pipe(upstream);
      });
      upstream.on('error', () => socket.destroy());
      socket.on('error', () => upstream.destroy());
      cleanup(() => {
        upstream.destroy();
        socket.destroy();
      });
      return undefined;
    });
    return { proxy: `http://user:pass%21@${host}`, seen };
  }
  const authorization = `Basic ${Buffer.from('user:pass!').toString('base64')}`;

  it('tunnel https', async () => {
    const port = await startTlsServer((_, response) => sendImage(response));
    const { proxy, seen } = await startProxy(() => port);
    const { store, events } = openTestStore(`registry.test.example/a:1`, {
      environment: { HTTPS_PROXY: proxy },
      certificateAuthorities: CERTIFICATE,
    });
    await store.fetchManifest({ tag: '1' });
    await store.fetchManifest({ tag: '1' });
    expect(seen).toEqual([{ line: 'CONNECT registry.test.example:443', authorization }]);
    expect(JSON.stringify(events)).not.toContain('pass');
    const other = openTestStore(`other.test.example/a:1`, {
      environment: { HTTPS_PROXY: proxy },
      certificateAuthorities: CERTIFICATE,
    });
    expect((await failureOf(other.store.fetchManifest({ tag: '1' }))).code).toBe('net-tls');
  });

  it('that refuse are reported, without their password', async () => {
    const { proxy } = await startProxy(() => 0, 407);
    const { store } = openTestStore(`registry.test.example/a:1`, { environment: { HTTPS_PROXY: proxy } });
    const error = await failureOf(store.fetchManifest({ tag: '1' }));
    expect(error.code).toBe('net-unreachable');
    expect(error.message).toContain('407');
    expect(JSON.stringify([error.message, error.details])).not.toContain('pass');
  });

  it('get plain http requests in absolute form', async () => {
    const { host } = await startServer((_, response) => sendImage(response));
    const { proxy, seen } = await startProxy(() => Number(host.split(':')[1]));
    const { store } = openTestStore('10.9.9.9:5000/a:1', {
      environment: { HTTP_PROXY: proxy, HTTPS_PROXY: proxy },
      insecureRegistries: ['10.9.9.9:5000'],
    });
    expect(await store.fetchManifest({ tag: '1' })).toBeDefined();
    expect(seen).toEqual([
      { line: 'CONNECT 10.9.9.9:5000', authorization },
      { line: 'GET http://10.9.9.9:5000/v2/a/manifests/1', authorization },
    ]);
  });

  it('that refuse a tunnel are no sign that a registry speaks http', async () => {
    const { proxy, seen } = await startProxy(() => 0, 502);
    const { store } = openTestStore('10.9.9.9:5000/a:1', {
      environment: { HTTP_PROXY: proxy, HTTPS_PROXY: proxy },
      insecureRegistries: ['10.9.9.9:5000'],
    });
    expect((await failureOf(store.fetchManifest({ tag: '1' }))).code).toBe('net-unreachable');
    expect(seen.map(({ line }) => line)).toEqual(['CONNECT 10.9.9.9:5000']);
  });
});
