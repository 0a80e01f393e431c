import { HttpResponse, http } from 'msw';
import { setupServer } from 'msw/node';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { toBase64, utf8 } from '../../../src/base/bytes.js';
import { resolveEndpoint } from '../../../src/oci/http/endpoint.js';
import { checkRealm } from '../../../src/oci/http/token.js';
import { failureOf, IMAGE, openTestStore } from './support.js';

const server = setupServer();
beforeAll(() => server.listen({ onUnhandledRequest: 'error' }));
afterEach(() => server.resetHandlers());
afterAll(() => server.close());

const REGISTRY = 'https://r.example';
const basic = (pair: string) => `Basic ${toBase64(utf8(pair))}`;
const manifest = () =>
  new HttpResponse(Buffer.from(IMAGE.bytes), { headers: { 'content-type': IMAGE.descriptor.mediaType } });
const unauthorized = (challenge: string | undefined, status = 401) =>
  HttpResponse.json(
    { errors: [{ code: status === 401 ? 'UNAUTHORIZED' : 'DENIED', message: 'no' }] },
    { status, ...(challenge !== undefined && { headers: { 'www-authenticate': challenge } }) },
  );

interface Lab {
  /** Query strings (or bodies) that the token server got, with the Authorization header. */
  readonly exchanges: { query: URLSearchParams; authorization: string | null; form?: URLSearchParams }[];
}

/** A registry that wants a bearer token for every manifest, with exactly the scope in the path. */
function tokenRegistry(
  options: {
    realm?: string;
    accept?: (authorization: string | null) => boolean;
    life?: number;
    challenge?: string;
  } = {},
): Lab {
  const lab: Lab = { exchanges: [] };
  const realm = options.realm ?? 'https://auth.example/token';
  server.use(
    http.get(`${REGISTRY}/v2/*`, ({ request }) => {
      const path = new URL(request.url).pathname.split('/').slice(2, -2).join('/');
      const scope = `repository:${path}:pull`;
      if (request.headers.get('authorization') === `Bearer token-for-${scope}`) return manifest();
      return unauthorized(options.challenge ?? `Bearer realm="${realm}",service="lab, inc",scope="${scope}"`);
    }),
    http.get(realm, ({ request }) => {
      const query = new URL(request.url).searchParams;
      const authorization = request.headers.get('authorization');
      lab.exchanges.push({ query, authorization });
      if (options.accept && !options.accept(authorization)) return unauthorized(undefined);
      return HttpResponse.json({ token: `token-for-${query.get('scope')}`, expires_in: options.life ?? 300 });
    }),
  );
  return lab;
}

describe('bearer tokens', () => {
  it('are asked for behind the first 401, then sent at once', async () => {
    const lab = tokenRegistry();
    const { store, events } = openTestStore('r.example/a:1');
    expect((await store.fetchManifest({ tag: '1' }))?.descriptor.digest).toBe(IMAGE.descriptor.digest);
    await store.fetchManifest({ tag: '1' });
    expect(events.map(e => e.status)).toEqual([401, 200, 200, 200]);
    expect(lab.exchanges).toHaveLength(1);
    expect(lab.exchanges[0]?.query.get('service')).toBe('lab, inc');
    expect(lab.exchanges[0]?.authorization).toBeNull();
  });

  it('are exchanged for user and password', async () => {
    const lab = tokenRegistry({ accept: authorization => authorization === basic('ada:pw') });
    const { store } = openTestStore('r.example/a:1', { credentials: { username: 'ada', password: 'pw' } });
    await store.fetchManifest({ tag: '1' });
    expect(lab.exchanges[0]?.query.get('account')).toBe('ada');
    const wrong = openTestStore('r.example/a:1', { credentials: { username: 'ada', password: 'other' } });
    const error = await failureOf(wrong.store.fetchManifest({ tag: '1' }));
    expect(error).toMatchObject({
      code: 'oci-unauthorized',
      details: { status: 401, credentials: 'the user name and password given for this run' },
    });
    expect(JSON.stringify([error.message, error.details, error.hint, wrong.events])).not.toMatch(
      /other|b3RoZXI|YWRh/,
    );
  });

  it('are shared by requests that meet their 401 at the same time', async () => {
    const lab = tokenRegistry();
    const { store } = openTestStore('r.example/a:1');
    await Promise.all(Array.from({ length: 8 }, () => store.fetchManifest({ tag: '1' })));
    expect(lab.exchanges).toHaveLength(1);
  });

  it('are predicted for another repository of the same host', async () => {
    tokenRegistry();
    const { store, session, events } = openTestStore('r.example/a:1');
    await store.fetchManifest({ tag: '1' });
    const { openRegistryStore } = await import('../../../src/oci/http/index.js');
    const second = openRegistryStore({ transport: 'registry', location: 'r.example/b' }, session);
    await second.fetchManifest({ tag: '1' });
    expect(events.map(e => e.status)).toEqual([401, 200, 200, 200, 200]);
  });

  it('that have run out are replaced before they are sent', async () => {
    const lab = tokenRegistry({ life: 1 });
    let now = 0;
    const { store, events } = openTestStore('r.example/a:1', {}, { now: () => now });
    await store.fetchManifest({ tag: '1' });
    // The shortest life is 60 s, whatever the server says; they are given up ten seconds early.
    now = 49_000;
    await store.fetchManifest({ tag: '1' });
    expect(lab.exchanges).toHaveLength(1);
    now = 51_000;
    await store.fetchManifest({ tag: '1' });
    expect(lab.exchanges).toHaveLength(2);
    expect(events.filter(e => e.status === 401)).toHaveLength(1);
  });

  it('that the registry revoked are replaced once', async () => {
    let valid = 'one';
    let exchanges = 0;
    server.use(
      http.get(`${REGISTRY}/v2/a/manifests/1`, ({ request }) =>
        request.headers.get('authorization') === `Bearer ${valid}`
          ? manifest()
          : unauthorized('Bearer realm="https://auth.example/token",service="s",error="invalid_token"'),
      ),
      http.get('https://auth.example/token', () => {
        exchanges++;
        return HttpResponse.json({ access_token: valid });
      }),
    );
    const { store } = openTestStore('r.example/a:1');
    await store.fetchManifest({ tag: '1' });
    valid = 'two';
    await store.fetchManifest({ tag: '1' });
    expect(exchanges).toBe(2);
  });

  it('are widened once when the scope does not do, and never in a loop', async () => {
    const asked: string[][] = [];
    let wanted = 'repository:a:pull repository:b:pull';
    server.use(
      http.get(`${REGISTRY}/v2/a/manifests/1`, ({ request }) =>
        request.headers.get('authorization') === 'Bearer repository:a:pull+repository:b:pull'
          ? manifest()
          : unauthorized(
              `Bearer realm="https://auth.example/token",service="s",scope="${request.headers.has('authorization') ? wanted : 'repository:a:pull'}",error="insufficient_scope"`,
            ),
      ),
      http.get('https://auth.example/token', ({ request }) => {
        const scopes = new URL(request.url).searchParams.getAll('scope');
        asked.push(scopes);
        return HttpResponse.json({ token: scopes.join('+') });
      }),
    );
    const good = openTestStore('r.example/a:1');
    await good.store.fetchManifest({ tag: '1' });
    expect(asked).toEqual([['repository:a:pull'], ['repository:a:pull', 'repository:b:pull']]);

    wanted = 'repository:a:pull repository:c:pull';
    asked.length = 0;
    const bad = openTestStore('r.example/a:1');
    expect((await failureOf(bad.store.fetchManifest({ tag: '1' }))).code).toBe('oci-unauthorized');
    expect(asked).toHaveLength(2);
  });

  it('given for the run are sent as they are', async () => {
    server.use(
      http.get(`${REGISTRY}/v2/a/manifests/1`, ({ request }) =>
        request.headers.get('authorization') === 'Bearer mine'
          ? manifest()
          : unauthorized('Bearer realm="https://auth.example/token",service="s"'),
      ),
    );
    const { store } = openTestStore('r.example/a:1', { credentials: { token: 'mine' } });
    expect(await store.fetchManifest({ tag: '1' })).toBeDefined();
    const other = openTestStore('r.example/a:1', { credentials: { token: 'theirs' } });
    expect((await failureOf(other.store.fetchManifest({ tag: '1' }))).code).toBe('oci-unauthorized');
  });

  it.each([200, 404])(
    'of an identity token come by POST; where POST answers %i, by GET after it',
    async postStatus => {
      const bodies: string[] = [];
      server.use(
        http.get(`${REGISTRY}/v2/a/manifests/1`, ({ request }) =>
          request.headers.get('authorization') === 'Bearer t'
            ? manifest()
            : unauthorized('Bearer realm="https://auth.example/token",service="s",scope="repository:a:pull"'),
        ),
        http.post('https://auth.example/token', async ({ request }) => {
          bodies.push(await request.text());
          return postStatus === 200
            ? HttpResponse.json({ access_token: 't' })
            : new HttpResponse(null, { status: postStatus });
        }),
        http.get('https://auth.example/token', ({ request }) =>
          request.headers.get('authorization') === basic('u:identity')
            ? HttpResponse.json({ token: 't' })
            : unauthorized(undefined),
        ),
      );
      const config = JSON.stringify({
        auths: { 'r.example': { auth: toBase64(utf8('u:')), identitytoken: 'identity' } },
      });
      // With an empty password the identity token takes its place.
      const { store } = openTestStore('r.example/a:1', { environment: { DOCKER_AUTH_CONFIG: config } });
      expect(await store.fetchManifest({ tag: '1' })).toBeDefined();
      expect(Object.fromEntries(new URLSearchParams(bodies[0]))).toEqual({
        grant_type: 'refresh_token',
        refresh_token: 'identity',
        service: 's',
        client_id: 'touchmark',
        scope: 'repository:a:pull',
      });
    },
  );

  it('that are no tokens are refused', async () => {
    let answer: unknown = { token: 'a\r\nb' };
    server.use(
      http.get(`${REGISTRY}/v2/a/manifests/1`, ({ request }) =>
        request.headers.has('authorization')
          ? manifest()
          : unauthorized('Bearer realm="https://auth.example/token"'),
      ),
      http.get('https://auth.example/token', () => HttpResponse.json(answer as object)),
    );
    for (const bad of [{ token: 'a\r\nb' }, {}, { token: 7 }, []]) {
      answer = bad;
      expect((await failureOf(openTestStore('r.example/a:1').store.fetchManifest({ tag: '1' }))).code).toBe(
        'net-protocol',
      );
    }
    answer = { token: 'ab' };
    expect(await openTestStore('r.example/a:1').store.fetchManifest({ tag: '1' })).toBeDefined();
  });
});

describe('token servers', () => {
  it.each([
    ['http://auth.example/token', 'https://auth.example/token'],
    ['https://169.254.169.254/token', 'https://auth.example/token'],
    ['https://10.0.0.1/token', 'https://11.0.0.1/token'],
    ['file:///etc/passwd', 'https://r.example/token'],
    ['not a url', 'https://auth.example/token?x=1'],
  ])('at %s get nothing, at %s they do', async (bad, good) => {
    tokenRegistry({ challenge: `Bearer realm="${bad}",service="s"` });
    const first = openTestStore('r.example/a:1', { credentials: { username: 'u', password: 'p' } });
    expect((await failureOf(first.store.fetchManifest({ tag: '1' }))).code).toBe('net-redirect');
    expect(first.events).toHaveLength(1);
    server.resetHandlers();
    const clean = good.replace(/\?.*/, '');
    tokenRegistry({ realm: clean, challenge: `Bearer realm="${good}",service="s"` });
    expect(await openTestStore('r.example/a:1').store.fetchManifest({ tag: '1' })).toBeDefined();
  });

  it('are not asked over http because a registry on loopback is', () => {
    const local = resolveEndpoint('localhost:5000', {});
    const check =
      (realm: string, endpoint = local) =>
      () =>
        checkRealm(realm, new URL('http://localhost:5000'), endpoint);
    expect(check('http://auth.example/token')).toThrow(expect.objectContaining({ code: 'net-redirect' }));
    for (const good of [
      'https://auth.example/token',
      'http://localhost:5001/token',
      'http://127.0.0.1:5001/token',
    ]) {
      expect(check(good)().href).toBe(good);
    }
    const insecure = resolveEndpoint('localhost:5000', { insecureRegistries: ['localhost:5000'] });
    expect(check('http://auth.example/token', insecure)().href).toBe('http://auth.example/token');
  });

  it('that redirect elsewhere do not carry the password along', async () => {
    const seen: (string | null)[] = [];
    tokenRegistry();
    server.use(
      http.get('https://auth.example/token', ({ request }) =>
        HttpResponse.redirect(`https://elsewhere.example/token${new URL(request.url).search}`, 307),
      ),
      http.get('https://elsewhere.example/token', ({ request }) => {
        seen.push(request.headers.get('authorization'));
        return HttpResponse.json({ token: `token-for-${new URL(request.url).searchParams.get('scope')}` });
      }),
    );
    const { store } = openTestStore('r.example/a:1', { credentials: { username: 'u', password: 'p' } });
    await store.fetchManifest({ tag: '1' });
    expect(seen).toEqual([null]);
  });
});

describe('basic authentication', () => {
  it('is used where it is offered, and sent at once from then on', async () => {
    server.use(
      http.get(`${REGISTRY}/v2/a/manifests/1`, ({ request }) =>
        request.headers.get('authorization') === basic('ada:pw')
          ? manifest()
          : unauthorized('Negotiate, Basic realm="lab"'),
      ),
    );
    const { store, events } = openTestStore('r.example/a:1', {
      credentials: { username: 'ada', password: 'pw' },
    });
    await store.fetchManifest({ tag: '1' });
    await store.fetchManifest({ tag: '1' });
    expect(events.map(e => e.status)).toEqual([401, 200, 200]);
    const wrong = openTestStore('r.example/a:1', { credentials: { username: 'ada', password: 'no' } });
    expect((await failureOf(wrong.store.fetchManifest({ tag: '1' }))).code).toBe('oci-unauthorized');
    expect(wrong.events).toHaveLength(2);
    const nobody = openTestStore('r.example/a:1');
    expect(await failureOf(nobody.store.fetchManifest({ tag: '1' }))).toMatchObject({
      code: 'oci-unauthorized',
      details: { credentials: expect.stringContaining('no credentials for r.example') },
    });
  });
});

it('a 401 without a challenge is asked about at /v2/ once', async () => {
  server.use(
    http.get(`${REGISTRY}/v2/`, () => unauthorized('Basic realm="lab"')),
    http.get(`${REGISTRY}/v2/a/manifests/1`, ({ request }) =>
      request.headers.get('authorization') === basic('ada:pw') ? manifest() : unauthorized(undefined),
    ),
  );
  const { store, asked } = openTestStore('r.example/a:1', {
    credentials: { username: 'ada', password: 'pw' },
  });
  await store.fetchManifest({ tag: '1' });
  expect(asked()).toEqual(['GET /v2/a/manifests/1', 'GET /v2/', 'GET /v2/a/manifests/1']);
  server.use(http.get(`${REGISTRY}/v2/`, () => new HttpResponse(null, { status: 200 })));
  const other = openTestStore('r.example/a:1', { credentials: { username: 'ada', password: 'pw' } });
  expect((await failureOf(other.store.fetchManifest({ tag: '1' }))).code).toBe('oci-unauthorized');
});

it("Docker's HttpHeaders go to the registry alone, and never replace ours", async () => {
  const { mkdtempSync, rmSync, writeFileSync } = await import('node:fs');
  const { tmpdir } = await import('node:os');
  const folder = mkdtempSync(`${tmpdir()}/headers-`);
  writeFileSync(
    `${folder}/config.json`,
    JSON.stringify({ HttpHeaders: { 'X-Meta': 'yes', Authorization: 'no', 'bad name': 'x' } }),
  );
  const seen: [string, string | null, string | null][] = [];
  const note = (request: Request) =>
    seen.push([
      new URL(request.url).host,
      request.headers.get('x-meta'),
      request.headers.get('authorization'),
    ]);
  server.use(
    http.get(`${REGISTRY}/v2/a/manifests/1`, ({ request }) => {
      note(request);
      return HttpResponse.redirect('https://cdn.example/m', 307);
    }),
    http.get('https://cdn.example/m', ({ request }) => {
      note(request);
      return manifest();
    }),
  );
  const { store } = openTestStore('r.example/a:1', { environment: { DOCKER_CONFIG: folder } });
  await store.fetchManifest({ tag: '1' });
  rmSync(folder, { recursive: true });
  expect(seen).toEqual([
    ['r.example', 'yes', null],
    ['cdn.example', null, null],
  ]);
});
