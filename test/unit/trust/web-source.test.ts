import { describe, expect, it } from 'vitest';
import { createRegistrySession } from '../../../src/oci/http/index.js';
import type { StoreAccess } from '../../../src/oci/open.js';
import { parseTrustLocation } from '../../../src/trust/location.js';
import { openTrustSource } from '../../../src/trust/source.js';
import { codeOfAsync, text } from '../support.js';
import { LATER, NOW, Simulator } from '../tuf/simulator.js';
import { serve, storeAccess, visitor } from './support.js';

async function site(prefix?: string) {
  const repository = await Simulator.create();
  repository.addTarget('targets', 'a/b c?#%20.txt', 'hello');
  repository.release('targets');
  return { repository, server: await serve(repository, prefix) };
}

/** With little patience. */
function hasty(stall = 200): StoreAccess {
  const session = createRegistrySession({}, { stall, retries: 1, retryPause: 1 });
  return { options: {}, session: async () => session, close: async () => {} };
}

const read = async (url: string, name = 'timestamp.json', access = hasty(), maxLength = 100_000) =>
  (await openTrustSource(parseTrustLocation(url), access)).source.metadata(name, maxLength);

describe('a repository on a web server', () => {
  it('is read from metadata/ and targets/ below its address', async () => {
    const { repository, server } = await site();
    const user = await visitor(repository, server.url);
    const { client, name } = await user.open();
    expect(name).toBe(`${server.url}/`);
    const found = await client.findTarget('a/b c?#%20.txt');
    expect(text(await client.fetchTarget(found!))).toBe('hello');
    expect(server.requests.at(-1)).toMatch(/^targets\/a\/[0-9a-f]{64}\.b%20c%3F%23%2520\.txt$/);
  });

  it.each(['/', '/metadata/'])('with metadata directly at its address, %s', async place => {
    const { repository, server } = await site(place.slice(1));
    const { client } = await (await visitor(repository, server.url + place)).open();
    expect(client.status.roles.targets.version).toBe(2);
    const found = await client.findTarget('a/b c?#%20.txt');
    expect(text(await client.fetchTarget(found!))).toBe('hello');
  });

  it('is asked twice when nothing is new, and sent no credentials', async () => {
    const { repository, server } = await site();
    const user = await visitor(repository, server.url);
    const credentials = { username: 'ada', password: 'secret' };
    await user.open({ credentials });
    server.requests.length = 0;
    const { client } = await user.open({ credentials });
    expect(await client.findTarget('a/b c?#%20.txt')).toBeDefined();
    expect(server.requests).toEqual(['metadata/2.root.json', 'metadata/timestamp.json']);
    expect(JSON.stringify(server.headers)).not.toContain('authorization');
  });

  it('may answer 403 where there is no next root, and only there', async () => {
    const { repository, server } = await site();
    server.mischief = (path, _, response) => {
      if (!path.endsWith('2.root.json')) return false;
      response.writeHead(403).end('AccessDenied');
      return true;
    };
    const { client } = await (await visitor(repository, server.url)).open();
    expect(client.status.roles.root.version).toBe(1);
    server.mischief = (_path, _request, response) => {
      response.writeHead(403).end();
      return true;
    };
    expect(await read(server.url, '7.root.json')).toBeUndefined();
    server.mischief = (_path, _request, response) => {
      response.writeHead(401).end();
      return true;
    };
    expect(await codeOfAsync(read(server.url, '7.root.json'))).toBe('net-status');
    expect(await codeOfAsync(read(server.url))).toBe('net-status');
    expect(await codeOfAsync((await visitor(repository, server.url)).open())).toBe('net-status');
  });

  it.each([
    [401, 'net-status'],
    [418, 'net-status'],
    [429, 'net-status'],
    [500, 'net-status'],
    [204, 'net-status'],
  ])('status %i is no answer', async (status, code) => {
    const { server } = await site();
    server.mischief = (_path, _request, response) => {
      response.writeHead(status).end();
      return true;
    };
    expect(await codeOfAsync(read(server.url))).toBe(code);
    // The same file, from the same server, when it answers.
    server.mischief = () => false;
    expect(await read(server.url)).toBeDefined();
  });

  it('is asked again after a passing fault', async () => {
    const { server } = await site();
    let answers = 0;
    server.mischief = (_path, _request, response) => {
      if (answers++ > 0) return false;
      response.writeHead(503, { 'retry-after': '0' }).end();
      return true;
    };
    expect(await read(server.url)).toBeDefined();
    expect(answers).toBe(2);
  });

  it('a web page with status 200 is no metadata', async () => {
    const { server } = await site();
    server.mischief = (_path, _request, response) => {
      response.writeHead(200, { 'content-type': 'text/html' }).end('<h1>log in</h1>');
      return true;
    };
    expect(await codeOfAsync(read(server.url))).toBe('net-protocol');
  });

  it('bytes in another encoding are refused', async () => {
    const { server } = await site();
    server.mischief = (_path, _request, response) => {
      response.writeHead(200, { 'content-encoding': 'gzip' }).end('x');
      return true;
    };
    expect(await codeOfAsync(read(server.url))).toBe('net-protocol');
  });

  it('is given up when it stops answering, or breaks off', async () => {
    const { server } = await site();
    server.mischief = (_path, _request, response) => {
      response.writeHead(200, { 'content-length': '100' });
      response.write('{');
      return true;
    };
    expect(await codeOfAsync(read(server.url))).toBe('net-timeout');
    server.mischief = (_path, request, response) => {
      response.writeHead(200, { 'content-length': '100' });
      response.write('{', () => request.socket.destroy());
      return true;
    };
    expect(await codeOfAsync(read(server.url))).toBe('net-protocol');
  });

  it('an endless file is read up to the first byte too many', async () => {
    const { repository, server } = await site();
    let sent = 0;
    server.mischief = (path, _request, response) => {
      if (!path.endsWith('timestamp.json')) return false;
      response.writeHead(200);
      const more = () => {
        while (!response.destroyed && sent < 1 << 30) {
          sent += 65_536;
          if (!response.write(Buffer.alloc(65_536, 0x20))) return void response.once('drain', more);
        }
      };
      more();
      return true;
    };
    expect((await read(server.url, 'timestamp.json', hasty(), 1000))?.length).toBe(1001);
    expect(await codeOfAsync((await visitor(repository, server.url)).open())).toBe('limit-exceeded');
    expect(sent).toBeLessThan(1 << 27);
  });

  it('may redirect to another host over the same or a safer scheme', async () => {
    const { repository, server } = await site();
    const other = await serve(repository);
    server.mischief = (path, _request, response) => {
      response.writeHead(302, { location: `${other.url}/${path}` }).end();
      return true;
    };
    const { client } = await (await visitor(repository, server.url)).open();
    expect(client.status.roles.timestamp.version).toBe(2);
    server.mischief = (_path, _request, response) => {
      response.writeHead(302, { location: '/again' }).end();
      return true;
    };
    expect(await codeOfAsync(read(server.url))).toBe('net-redirect');
    server.mischief = (_path, _request, response) => {
      response.writeHead(302, { location: 'http://plain.example/' }).end();
      return true;
    };
    expect(await codeOfAsync(read(server.url))).toBe('net-tls');
  });

  it('is not asked over http unless it is named insecure', async () => {
    expect(await codeOfAsync(read('http://plain.example/'))).toBe('net-tls');
  });

  it('that changes between two requests is noticed, and read whole the next time', async () => {
    const { repository, server } = await site();
    repository.withHashes = true;
    repository.release('targets');
    const user = await visitor(repository, server.url);
    server.mischief = (path, _request, response) => {
      if (!path.endsWith('timestamp.json')) return false;
      response.end(repository.files.get('timestamp.json'));
      // A server that keeps only the newest files, published to at this very moment.
      for (const name of [...repository.files.keys()])
        if (/snapshot|targets/.test(name)) repository.files.delete(name);
      repository.release('targets');
      server.mischief = () => false;
      return true;
    };
    expect(await codeOfAsync(user.open())).toBe('tuf-unavailable');
    expect((await user.open()).client.status.roles.timestamp.version).toBe(4);
  });
});

describe('offline', () => {
  it('the cache answers, and says of when it is', async () => {
    const { repository, server } = await site();
    const user = await visitor(repository, server.url);
    const path = 'a/b c?#%20.txt';
    const online = await user.open();
    await online.client.fetchTarget((await online.client.findTarget(path))!);
    server.requests.length = 0;
    const later = new Date(NOW.getTime() + 86_400_000);
    const { client } = await user.open({ offline: true }, later);
    expect(client.status).toMatchObject({ offline: true, checked: NOW });
    expect(text(await client.fetchTarget((await client.findTarget(path))!))).toBe('hello');
    expect(server.requests).toEqual([]);
    expect(await codeOfAsync(user.open({ offline: true }, new Date(LATER)))).toBe('tuf-expired');
  });

  it('an empty cache is no answer, and no socket is opened', async () => {
    const { repository, server } = await site();
    const user = await visitor(repository, server.url);
    expect(await codeOfAsync(user.open({ offline: true }))).toBe('tuf-unavailable');
    expect(server.requests).toEqual([]);
    expect(await codeOfAsync(read(server.url, 'timestamp.json', storeAccess({ offline: true })))).toBe(
      'net-offline',
    );
  });
});
