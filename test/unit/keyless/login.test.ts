import { get } from 'node:http';
import { inspect } from 'node:util';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { logInWithBrowser, logInWithDevice } from '../../../src/keyless/index.js';
import { createStoreAccess } from '../../../src/oci/open.js';
import { json, type Lie } from '../../private-sigstore/http-service.js';
import { startIssuer, type TestIssuer } from '../../private-sigstore/issuer.js';
import { failure, random } from './support.js';

const access = createStoreAccess();
let issuer: TestIssuer;
beforeAll(async () => {
  issuer = await startIssuer({ sub: 'CgEx', email: 'ada@example.com', email_verified: true });
});
afterEach(() => issuer.service.lie(undefined));
afterAll(async () => {
  await access.close();
  await issuer.service.close();
});

const common = () => ({
  access,
  issuer: issuer.service.url,
  clientId: 'sigstore',
  clock: () => new Date(),
  random,
});

/** What a browser does: goes where it is redirected to. */
function visit(page: URL): Promise<{ status: number; text: string }> {
  return new Promise((resolve, reject) => {
    get(page, response => {
      const location = response.headers.location;
      if (location !== undefined) {
        response.resume();
        // As a browser does when `localhost` has an address that nobody listens on.
        const next = new URL(location);
        if (next.hostname === 'localhost') next.hostname = '127.0.0.1';
        visit(next).then(resolve, reject);
        return;
      }
      let text = '';
      response.on('data', part => {
        text += part;
      });
      response.on('end', () => resolve({ status: response.statusCode ?? 0, text }));
    }).on('error', reject);
  });
}

/** Changes one answer of the issuer. */
const changed =
  (path: string, change: (honest: Record<string, unknown>) => Record<string, unknown>): Lie =>
  async (call, honest) => {
    if (call.url.pathname !== path) return undefined;
    const reply = await honest();
    return json(change(JSON.parse(String(reply?.body))), reply?.status);
  };

describe('a login in a browser', () => {
  const logIn = (show: (page: URL) => void = page => void visit(page), more = {}) =>
    logInWithBrowser({ ...common(), show, ...more });

  it('gives the token of who logged in', async () => {
    const token = await logIn();
    expect(token).toMatchObject({
      issuer: issuer.name,
      email: 'ada@example.com',
      principal: 'ada@example.com',
    });
  });

  it('asks for what RFC 7636 and OpenID Connect want, and listens on loopback', async () => {
    let page = new URL('about:blank');
    await logIn(shown => {
      page = shown;
      visit(shown);
    });
    expect(Object.fromEntries(page.searchParams)).toMatchObject({
      response_type: 'code',
      code_challenge_method: 'S256',
      scope: 'openid email',
    });
    expect(new URL(page.searchParams.get('redirect_uri') ?? '').hostname).toBe('localhost');
    for (const name of ['state', 'nonce', 'code_challenge'])
      expect(page.searchParams.get(name)?.length, name).toBe(43);
  });

  it('turns strangers away and goes on', async () => {
    const token = await logIn(async page => {
      const back = new URL(page.searchParams.get('redirect_uri') ?? '');
      back.hostname = '127.0.0.1';
      back.search = '?code=stolen&state=guessed';
      expect((await visit(back)).status).toBe(400);
      back.pathname = '/other';
      expect((await visit(back)).status).toBe(404);
      expect((await visit(page)).status).toBe(200);
    });
    expect(token.email).toBe('ada@example.com');
  });

  it('ends when the person or the issuer refuses', async () => {
    const error = await failure(() =>
      logIn(page => {
        const back = new URL(page.searchParams.get('redirect_uri') ?? '');
        back.hostname = '127.0.0.1';
        back.searchParams.set('state', page.searchParams.get('state') ?? '');
        back.searchParams.set('error', 'access_denied');
        visit(back);
      }),
    );
    expect(error.code).toBe('login-refused');
    expect(error.message).toContain('access_denied');
  });

  it('ends when its time is over, or at Ctrl-C', async () => {
    expect((await failure(() => logIn(() => {}, { time: 30 }))).code).toBe('net-timeout');
    const abort = new AbortController();
    const stopped = createStoreAccess({ signal: abort.signal });
    expect((await failure(() => logIn(() => abort.abort(), { access: stopped }))).code).toBe('interrupted');
    await stopped.close();
  });

  const lies: readonly (readonly [string, () => Lie, string])[] = [
    [
      'another issuer',
      () => changed('/.well-known/openid-configuration', d => ({ ...d, issuer: 'https://accounts.example' })),
      'service-mismatch',
    ],
    [
      'a token address over http elsewhere',
      () =>
        changed('/.well-known/openid-configuration', d => ({
          ...d,
          token_endpoint: 'http://tokens.example/',
        })),
      'format-service',
    ],
    [
      "a token address of a cloud's metadata",
      () =>
        changed('/.well-known/openid-configuration', d => ({
          ...d,
          token_endpoint: 'https://169.254.169.254/',
        })),
      'format-service',
    ],
    [
      'a token of another login',
      () => changed('/token', () => ({ id_token: issuer.token({ nonce: 'other' }) })),
      'service-mismatch',
    ],
    [
      'a token without a nonce',
      () => changed('/token', () => ({ id_token: issuer.token() })),
      'service-mismatch',
    ],
    [
      'a token of another issuer',
      () => changed('/token', () => ({ id_token: issuer.token({ iss: 'https://accounts.example' }) })),
      'service-mismatch',
    ],
    [
      'a token for somebody else',
      () => changed('/token', () => ({ id_token: issuer.token({ aud: 'other' }) })),
      'token-invalid',
    ],
    ['no token', () => changed('/token', () => ({ access_token: 'x' })), 'format-service'],
    [
      'a huge answer',
      () => changed('/token', d => ({ ...d, more: 'x'.repeat(2_000_000) })),
      'limit-exceeded',
    ],
    [
      'no JSON',
      () => call => (call.url.pathname === '/token' ? { body: '<html>' } : undefined),
      'format-service',
    ],
    [
      'a refusal',
      () => call => (call.url.pathname === '/token' ? json({ error: 'invalid_client' }, 401) : undefined),
      'service-rejected',
    ],
  ];
  it.each(lies)('is refused when the issuer gives %s', async (_name, lie, code) => {
    issuer.service.lie(lie());
    const error = await failure(() => logIn(page => void visit(page).catch(() => {})));
    expect(error.code).toBe(code);
    expect(inspect(error, { depth: 9 })).not.toMatch(/eyJ/);
  });
});

describe('a login on another device', () => {
  const pauses: number[] = [];
  const logIn = (more = {}) => {
    pauses.length = 0;
    let shown = '';
    return logInWithDevice({
      ...common(),
      show: ({ code, page }) => {
        shown = code;
        expect(page.href).toBe(`${issuer.name}/device`);
      },
      sleep: async milliseconds => {
        pauses.push(milliseconds);
        if (pauses.length === 3) issuer.confirmDevice(shown);
      },
      ...more,
    });
  };

  it('waits for the person as long as the issuer says', async () => {
    expect((await logIn()).email).toBe('ada@example.com');
    expect(pauses).toEqual([5000, 5000, 5000]);
  });

  it('slows down when told to', async () => {
    let told = false;
    issuer.service.lie(call => {
      if (call.url.pathname !== '/token' || told) return undefined;
      told = true;
      return json({ error: 'slow_down' }, 400);
    });
    await logIn();
    expect(pauses).toEqual([5000, 10_000, 10_000]);
  });

  it('ends when its time is over', async () => {
    const sleep = (_: number, signal: AbortSignal) =>
      new Promise<void>((_resolve, reject) => signal.addEventListener('abort', () => reject(signal.reason)));
    expect((await failure(() => logIn({ sleep, time: 30 }))).code).toBe('net-timeout');
  });

  const lies: readonly (readonly [string, () => Lie, string])[] = [
    [
      'denies it',
      () => call => (call.url.pathname === '/token' ? json({ error: 'access_denied' }, 400) : undefined),
      'login-refused',
    ],
    [
      'lets the code run out',
      () => call => (call.url.pathname === '/token' ? json({ error: 'expired_token' }, 400) : undefined),
      'login-refused',
    ],
    [
      'wants to be asked once an hour',
      () => changed('/device/code', d => ({ ...d, interval: 3600 })),
      'format-service',
    ],
    [
      'shows a code that a terminal acts on',
      () => changed('/device/code', d => ({ ...d, user_code: '\u001b[2J' })),
      'format-service',
    ],
    [
      'sends the person to http',
      () => changed('/device/code', d => ({ ...d, verification_uri: 'http://login.example/' })),
      'format-service',
    ],
    [
      'gives a token of another issuer',
      () => call =>
        call.url.pathname === '/token'
          ? json({ id_token: issuer.token({ iss: 'https://x.example' }) })
          : undefined,
      'service-mismatch',
    ],
    [
      'has no such login',
      () => changed('/.well-known/openid-configuration', ({ device_authorization_endpoint: _, ...d }) => d),
      'service-mismatch',
    ],
  ];
  it.each(lies)('is refused when the issuer %s', async (_name, lie, code) => {
    issuer.service.lie(lie());
    expect((await failure(() => logIn())).code).toBe(code);
  });
});
