import { fail, TouchmarkError } from '../../base/errors.js';
import { Field } from '../../base/fields.js';
import { parseJson } from '../../base/json.js';
import { LIMITS } from '../../base/limits.js';
import { discardBody, readBody, readErrorBody, refuseWebPage } from './body.js';
import type { Credential } from './credentials.js';
import type { Endpoint } from './endpoint.js';
import { bareHost, isLoopback, mayPointTo } from './hosts.js';
import { refusalOf } from './refusals.js';
import type { Answer, RequestBody } from './transport.js';

/** Where a registry's bearer tokens come from (Docker's token authentication). */
export interface TokenService {
  readonly realm: URL;
  readonly service: string;
}

export interface Token {
  readonly value: string;
  /** Milliseconds on the session's clock; a little before the real end. */
  readonly expires: number;
}

/** Sends one request to a token server, following safe redirects, with retries. */
export type TokenSender = <T>(
  request: {
    readonly method: string;
    readonly url: URL;
    readonly headers: Record<string, string>;
    readonly body?: RequestBody;
  },
  use: (answer: Answer) => Promise<T>,
) => Promise<T>;

/** What the specification demands of servers, and assumes when they say nothing: seconds. */
const SHORTEST_LIFE = 60;
const EARLY = 10_000;

/**
 * Checks where a challenge wants credentials to be sent. A registry that was taken over must not collect other registries'
 * passwords over http, nor make this client talk to the inside of the network.
 * @throws TouchmarkError `net-redirect`
 */
export function checkRealm(text: string | undefined, registryUrl: URL, endpoint: Endpoint): URL {
  const refuse = (problem: string): never =>
    fail('net-redirect', `${endpoint.registry} names a token server that is not safe to ask: ${problem}`, {
      details: { registry: endpoint.registry, realm: (text ?? '').slice(0, 200) },
    });
  let realm: URL;
  try {
    realm = new URL(text ?? '');
  } catch {
    return refuse('it is not a URL');
  }
  if (realm.protocol !== 'https:' && realm.protocol !== 'http:') refuse('it is not an http URL');
  // A registry on loopback is spoken to over http, which is no reason to send a password over a network in the clear.
  const stays = bareHost(realm.hostname) === bareHost(registryUrl.hostname) || isLoopback(realm.hostname);
  if (
    realm.protocol === 'http:' &&
    (registryUrl.protocol !== 'http:' || (endpoint.verifyCertificate && !stays))
  ) {
    refuse('it is asked over http');
  }
  if (!mayPointTo(registryUrl.hostname, realm.hostname)) refuse('an address inside the network');
  realm.username = '';
  realm.password = '';
  realm.hash = '';
  return realm;
}

/**
 * Gets a bearer token: by refresh token when the credential is an identity token, else with Basic or nothing.
 * @throws TouchmarkError `oci-unauthorized`, `oci-unavailable`, `net-*`
 */
export async function fetchToken(
  { realm, service }: TokenService,
  scopes: readonly string[],
  credential: Credential,
  registry: string,
  send: TokenSender,
  clock: { readonly now: () => number; readonly date: () => number },
): Promise<Token> {
  const { secret } = credential;
  const purpose = {
    what: `asking ${realm.host} for a token`,
    registry,
    credentials: credential.source.description,
  };
  const refusal = async (answer: Answer): Promise<never> => {
    const error = refusalOf(answer, await readErrorBody(answer), purpose, clock.date());
    // A token server that says 400 or 404 has decided too: there is no token for this credential.
    throw error.code === 'oci-rejected'
      ? new TouchmarkError('oci-unauthorized', error.message, { details: error.details })
      : error;
  };
  const read = async (answer: Answer): Promise<Token> => {
    if (answer.status !== 200) return refusal(answer);
    await refuseWebPage(answer, 'a token');
    return parseToken(await readBody(answer, LIMITS.tokenSize, 'the token'), realm, clock.now());
  };
  if (secret?.identityToken) {
    const form = new URLSearchParams({
      grant_type: 'refresh_token',
      refresh_token: secret.identityToken,
      service,
      client_id: 'touchmark',
      scope: scopes.join(' '),
    });
    const headers = { 'content-type': 'application/x-www-form-urlencoded' };
    const body = Buffer.from(form.toString());
    const token = await send({ method: 'POST', url: realm, headers, body }, async answer => {
      // Servers without the OAuth2 form say so in several ways; the older form may still work.
      if ([400, 401, 404, 405].includes(answer.status)) {
        await discardBody(answer);
        return undefined;
      }
      return read(answer);
    });
    if (token) return token;
  }
  const url = new URL(realm);
  if (service) url.searchParams.set('service', service);
  for (const scope of scopes) url.searchParams.append('scope', scope);
  url.searchParams.set('client_id', 'touchmark');
  const basic =
    secret && basicAuthorization(secret.username || '<token>', secret.password || secret.identityToken || '');
  if (secret?.username) url.searchParams.set('account', secret.username);
  return send({ method: 'GET', url, headers: basic ? { authorization: basic } : {} }, read);
}

export function basicAuthorization(username: string, password: string): string {
  return `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}`;
}

function parseToken(bytes: Uint8Array, realm: URL, now: number): Token {
  const document = parseJson(bytes, `the token of ${realm.host}`, {
    code: 'net-protocol',
    maxSize: LIMITS.tokenSize,
  });
  const field = new Field(document, 'token', 'net-protocol');
  const value = field.get('token').optionalString() || field.get('access_token').optionalString();
  // It goes into a header: RFC 6750, section 2.1, widened to what registries have been seen to send.
  if (!value || !/^[\x21-\x7e]+$/.test(value)) return field.get('token').fail('is missing or is not a token');
  const stated = field.get('expires_in').value;
  const life =
    typeof stated === 'number' && stated > SHORTEST_LIFE ? Math.min(stated, 86_400) : SHORTEST_LIFE;
  // Counted from now: `issued_at` is by the server's clock, which may be wrong.
  return { value, expires: now + life * 1000 - EARLY };
}
