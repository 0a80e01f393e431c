import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inspect } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  findAmbientToken,
  loadIdentityToken,
  parseIdentityToken,
  parseTokenSource,
} from '../../../src/keyless/index.js';
import { createStoreAccess } from '../../../src/oci/open.js';
import { startIssuer, type TestIssuer } from '../../private-sigstore/issuer.js';
import { failure } from './support.js';

const now = new Date();
const expected = { now, audience: 'sigstore' };
const access = createStoreAccess();
let issuer: TestIssuer;
const folder = mkdtempSync(join(tmpdir(), 'touchmark-token-'));

beforeAll(async () => {
  issuer = await startIssuer();
});
afterAll(async () => {
  rmSync(folder, { recursive: true });
  await access.close();
  await issuer.service.close();
});

const parse = (text: string) => parseIdentityToken(text, { ...expected, from: 'the test' });
const part = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url');

describe('the claims of a token', () => {
  it('say who signs and until when', () => {
    const token = parse(issuer.token({ sub: 'repo:app', exp: Math.floor(now.getTime() / 1000) + 60 }));
    expect(token).toMatchObject({ issuer: issuer.name, subject: 'repo:app', principal: 'repo:app' });
    expect(token.expires.getTime()).toBeGreaterThan(now.getTime() + 58_000);
  });

  it('prove possession over the e-mail address where there is a verified one', () => {
    const claims = { sub: 'CgEx', email: 'ada@example.com' };
    expect(parse(issuer.token({ ...claims, email_verified: true })).principal).toBe('ada@example.com');
    expect(parse(issuer.token({ ...claims, email_verified: 'true' })).email).toBe('ada@example.com');
  });

  it('may name several audiences', () => {
    expect(parse(issuer.token({ aud: ['other', 'sigstore'] })).subject).toBe('https://ci.example/app');
  });

  const bad: readonly (readonly [string, () => string, string])[] = [
    ['no JWT', () => 'eyJub3Q', 'token-invalid'],
    ['parts that are no JSON', () => 'eyJh.eyJi.eyJj', 'token-invalid'],
    ['no signature algorithm', () => `${part({ alg: 'none' })}.${part({})}.AA`, 'token-invalid'],
    [
      'a claim twice',
      () => `${part({ alg: 'ES256' })}.${Buffer.from('{"sub":"a","sub":"b"}').toString('base64url')}.AA`,
      'token-invalid',
    ],
    ['an array for claims', () => `${part({ alg: 'ES256' })}.${part([])}.AA`, 'token-invalid'],
    ['another audience', () => issuer.token({ aud: 'sts.amazonaws.com' }), 'token-invalid'],
    ['no subject', () => issuer.token({ sub: '' }), 'token-invalid'],
    ['a number for an issuer', () => issuer.token({ iss: 7 }), 'token-invalid'],
    ['an unverified e-mail address', () => issuer.token({ email: 'ada@example.com' }), 'token-invalid'],
    [
      'an e-mail address that is verified with 1',
      () => issuer.token({ email: 'a@b.c', email_verified: 1 }),
      'token-invalid',
    ],
    ['an end that is no time', () => issuer.token({ exp: 1e300 }), 'token-invalid'],
    [
      'an end in the past',
      () => issuer.token({ exp: Math.floor(now.getTime() / 1000) - 1 }),
      'token-expired',
    ],
    ['more than a token has', () => issuer.token({ padding: 'x'.repeat(20_000) }), 'token-invalid'],
  ];
  it.each(bad)('are refused with %s', async (_name, make, code) => {
    const text = make();
    const error = await failure(() => parse(text));
    expect(error.code).toBe(code);
    expect(inspect(error, { depth: 9, showHidden: true })).not.toContain(text.split('.')[1] || text);
  });

  it('are all there is to see of it', () => {
    const text = issuer.token();
    const token = parse(text);
    const shown = inspect(token, { depth: 9, showHidden: true }) + JSON.stringify(token);
    for (const piece of text.split('.')) expect(shown).not.toContain(piece);
  });
});

describe('the source of a token', () => {
  const load = (value: string, environment = {}) =>
    loadIdentityToken(parseTokenSource(value), expected, environment);

  it('is a file, a variable, or the value itself', async () => {
    const text = issuer.token();
    const file = join(folder, 'token');
    writeFileSync(file, `${text}\n`);
    for (const token of [await load(file), await load('env://TOKEN', { TOKEN: text }), await load(text)])
      expect(token.subject).toBe('https://ci.example/app');
  });

  it.each([
    ['no file', () => load(join(folder, 'none')), 'token-missing'],
    ['an unset variable', () => load('env://TOKEN'), 'token-missing'],
    ['no variable', () => load('env://'), 'usage-argument'],
    ['nothing', () => load(''), 'usage-argument'],
    ['a folder', () => load(folder), 'io-failed'],
    ['an endless file', () => load('/dev/zero'), 'token-invalid'],
  ] as const)('that is %s is refused', async (_name, work, code) => {
    expect((await failure(work)).code).toBe(code);
  });
});

describe('the token of the surroundings', () => {
  const find = (environment: Record<string, string>) => findAmbientToken(access, environment, expected);
  const github = () => ({
    GITHUB_ACTIONS: 'true',
    ACTIONS_ID_TOKEN_REQUEST_URL: `${issuer.name}/github?api-version=2`,
    ACTIONS_ID_TOKEN_REQUEST_TOKEN: 'request-secret',
  });

  it('is SIGSTORE_ID_TOKEN before all', async () => {
    const token = await find({ ...github(), SIGSTORE_ID_TOKEN: issuer.token({ sub: 'variable' }) });
    expect(token?.subject).toBe('variable');
  });

  it('is asked for in GitHub Actions, for the audience', async () => {
    expect((await find(github()))?.issuer).toBe(issuer.name);
    const call = issuer.service.calls.at(-1);
    expect(call?.url.searchParams.get('audience')).toBe('sigstore');
    expect(call?.url.searchParams.get('api-version')).toBe('2');
    expect(call?.headers.authorization).toBe('Bearer request-secret');
  });

  it('is none where nothing gives one', async () => {
    expect(await find({})).toBeUndefined();
  });

  it.each([
    ['GitHub', { GITHUB_ACTIONS: 'true' }, 'id-token: write'],
    ['GitLab', { GITLAB_CI: 'true' }, 'SIGSTORE_ID_TOKEN'],
  ])('is missed with the way out where %s was not asked for one', async (_name, environment, hint) => {
    const error = await failure(() => find(environment));
    expect(error.code).toBe('token-missing');
    expect(error.hint).toContain(hint);
  });

  it('is not leaked by a service that sends the secret back, and not sent on by one that redirects', async () => {
    issuer.service.lie(() => ({ status: 403, body: '{"message":"no token for request-secret here"}' }));
    const refusedError = await failure(() => find(github()));
    expect(refusedError.code).toBe('service-rejected');
    expect(inspect(refusedError)).not.toContain('request-secret');
    issuer.service.lie(() => ({ status: 307, headers: { location: 'http://127.0.0.1:1/elsewhere' } }));
    expect((await failure(() => find(github()))).code).toBe('net-redirect');
    issuer.service.lie(undefined);
    expect((await find(github()))?.issuer).toBe(issuer.name);
  });

  it('is not asked for when offline, nor over http from elsewhere', async () => {
    const offline = createStoreAccess({ offline: true });
    const error = await failure(() => findAmbientToken(offline, github(), expected));
    expect(error.code).toBe('net-offline');
    const far = { ...github(), ACTIONS_ID_TOKEN_REQUEST_URL: 'http://actions.example/token' };
    expect((await failure(() => find(far))).code).toBe('net-tls');
  });
});
