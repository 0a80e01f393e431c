import { TouchmarkError } from '../../base/errors.js';
import type { Authenticator, Authorization } from './authenticator.js';
import { discardBody, readErrorBody } from './body.js';
import { type Endpoint, isInsecure } from './endpoint.js';
import { isTlsNotSpoken } from './faults.js';
import { parseWarnings } from './headers.js';
import { bareHost } from './hosts.js';
import { followRedirects, type Hop } from './redirect.js';
import { refusalOf } from './refusals.js';
import { TRANSIENT_STATUSES, withRetries } from './retry.js';
import type { TokenSender } from './token.js';
import type { Answer, RequestBody, Transport } from './transport.js';
import type { Tuning } from './tuning.js';

/** One request to a registry. It may be sent many times. */
export interface RegistryRequest {
  readonly method: string;
  readonly endpoint: Endpoint;
  /** Below the registry's root, with its query; or a whole URL that the registry gave (an upload session, a next page). */
  readonly target: string | URL;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: RequestBody;
  /** The token scopes it needs; the first one is of the repository. */
  readonly scopes: readonly string[];
  /** For messages: `reading registry.example/app:1.4`. */
  readonly what: string;
  /** False: a passing fault is thrown at once, the caller has its own way to go on. A number: the first pause. */
  readonly retry?: false | number;
}

export interface Client {
  /**
   * Sends a request with everything around it: authentication, redirects, retries. `use` gets every answer that is neither
   * a refusal of credentials (401, 403) nor a passing fault, and reads its body; a fault that passes, met while reading,
   * sends the request again.
   */
  send<T>(request: RegistryRequest, use: (answer: Answer) => Promise<T>): Promise<T>;
  /** Throws what an unexpected answer means. Reads its body. */
  refuse(answer: Answer, request: RegistryRequest): Promise<never>;
  /** The root of the registry, as far as it is known whether it speaks TLS. */
  baseUrl(endpoint: Endpoint): URL;
}

export interface ClientParts {
  readonly transport: Transport;
  readonly authenticator: Authenticator;
  readonly httpHeaders: () => Promise<ReadonlyMap<string, string>>;
  readonly tuning: Tuning;
  readonly insecureRegistries: readonly string[];
  readonly warn: (text: string) => void;
  readonly signal?: AbortSignal;
}

/** Rounds of authentication in one attempt: the first challenge, a token that has run out, a wider scope. */
const AUTH_ROUNDS = 3;

export function createClient(parts: ClientParts): Client {
  const { authenticator, tuning, signal } = parts;
  const chosenSchemes = new Map<string, 'https' | 'http'>();

  const baseUrl = (endpoint: Endpoint) =>
    new URL(`${chosenSchemes.get(endpoint.host) ?? endpoint.schemes[0]}://${endpoint.host}/`);

  const exchange = async (
    hop: Hop,
    headers: Readonly<Record<string, string>>,
    endpoint: Endpoint,
  ): Promise<Answer> => {
    const base = baseUrl(endpoint);
    const own = bareHost(hop.url.hostname) === bareHost(base.hostname);
    const insecure =
      isInsecure(hop.url.host, parts.insecureRegistries) || (own && !endpoint.verifyCertificate);
    if (insecure && hop.url.protocol === 'https:')
      parts.warn(`the certificate of ${hop.url.host} is not checked`);
    const answer = await parts.transport({ ...hop, headers, verifyCertificate: !insecure });
    // What has been spoken once is not given up again: nobody on the way can talk this client down to http later.
    if (hop.url.origin === base.origin)
      chosenSchemes.set(endpoint.host, base.protocol === 'https:' ? 'https' : 'http');
    return answer;
  };

  const follow = async (
    start: Hop,
    headers: Readonly<Record<string, string>>,
    credentials: Readonly<Record<string, string>>,
    endpoint: Endpoint,
  ): Promise<{ answer: Answer; hop: Hop }> => {
    return followRedirects(start, hop =>
      exchange(hop, hop.trusted ? { ...credentials, ...headers } : headers, endpoint),
    );
  };

  const tokenSender =
    (endpoint: Endpoint): TokenSender =>
    (request, use) =>
      withRetries(tuning, signal, async () => {
        const { authorization, ...headers } = request.headers;
        const { method, url, body } = request;
        const start: Hop = {
          method,
          url,
          trusted: true,
          ...(body !== undefined && { body, secretBody: true }),
        };
        const { answer } = await follow(start, headers, authorization ? { authorization } : {}, endpoint);
        return use(answer);
      });

  /** Asks `/v2/` for the challenge that a bare 401 did not have. */
  const pingForChallenge = async (endpoint: Endpoint): Promise<{ header: string; url: URL } | undefined> => {
    const url = new URL('/v2/', baseUrl(endpoint));
    const { answer } = await follow({ method: 'GET', url, trusted: true }, {}, {}, endpoint);
    await discardBody(answer);
    const header = answer.headers['www-authenticate'];
    return answer.status === 401 && header ? { header, url: answer.url } : undefined;
  };

  const attempt = async <T>(request: RegistryRequest, use: (answer: Answer) => Promise<T>): Promise<T> => {
    const { endpoint, scopes, method } = request;
    const base = baseUrl(endpoint);
    const url = request.target instanceof URL ? request.target : new URL(request.target, base);
    const trusted = url.origin === base.origin;
    const start: Hop = { method, url, trusted, ...(request.body !== undefined && { body: request.body }) };
    const sendToken = tokenSender(endpoint);
    const own = trusted ? registryHeaders(await parts.httpHeaders()) : {};
    let authorization: Authorization | undefined = trusted
      ? await authenticator.authorize(endpoint, scopes, sendToken)
      : undefined;
    for (let round = 1; ; round++) {
      const credentials = { ...own, ...(authorization && { authorization: authorization.header }) };
      const { answer, hop } = await follow(start, request.headers ?? {}, credentials, endpoint);
      if (hop.trusted) {
        for (const text of parseWarnings(answer.headers.warning))
          parts.warn(`${endpoint.registry} warns: ${text}`);
      }
      if (answer.status !== 401 && answer.status !== 403 && !TRANSIENT_STATUSES.has(answer.status))
        return use(answer);
      // Read before anything else is sent: the token server may have to use this very connection.
      const body = await readErrorBody(answer);
      if (answer.status === 401 && hop.trusted && round <= AUTH_ROUNDS) {
        const header = answer.headers['www-authenticate'];
        const challenge = header ? { header, url: answer.url } : await pingForChallenge(endpoint);
        const better =
          challenge && (await authenticator.answer(endpoint, scopes, challenge, authorization, sendToken));
        if (better) {
          authorization = better;
          continue;
        }
      }
      const used = !hop.trusted
        ? `no credentials: ${hop.url.host} is not the registry itself`
        : (authorization?.source ??
          (answer.status === 401
            ? await authenticator.describe(endpoint, scopes)
            : 'no credentials: the registry did not ask for any'));
      const purpose = { what: request.what, registry: endpoint.registry, credentials: used };
      throw refusalOf(answer, body, purpose, tuning.date());
    }
  };

  const attemptAnyScheme = async <T>(
    request: RegistryRequest,
    use: (answer: Answer) => Promise<T>,
  ): Promise<T> => {
    const { endpoint } = request;
    const [first, second] = endpoint.schemes;
    if (!first || !second || chosenSchemes.has(endpoint.host)) return attempt(request, use);
    try {
      return await attempt(request, use);
    } catch (error) {
      const refused = error instanceof TouchmarkError && error.details['cause'] === 'ECONNREFUSED';
      if (chosenSchemes.has(endpoint.host)) throw error;
      // Port 443 may be closed where port 80 is open; a port that the user wrote is one and the same.
      if (!isTlsNotSpoken(error) && !(refused && baseUrl(endpoint).port === '')) throw error;
      chosenSchemes.set(endpoint.host, second);
      parts.warn(
        `${endpoint.registry} is spoken to over http: what it sends can be read and changed on the way`,
      );
      return attempt(request, use);
    }
  };

  return {
    baseUrl,
    send(request, use) {
      if (request.retry === false) return attemptAnyScheme(request, use);
      return withRetries(tuning, signal, () => attemptAnyScheme(request, use), request.retry);
    },
    async refuse(answer, request) {
      const purpose = { what: request.what, registry: request.endpoint.registry };
      throw refusalOf(answer, await readErrorBody(answer), purpose, tuning.date());
    },
  };
}

const NEVER_FROM_CONFIGURATION =
  /^(?:authorization|host|connection|content-.*|transfer-encoding|expect|accept|user-agent|te|upgrade)$/i;

function registryHeaders(configured: ReadonlyMap<string, string>): Record<string, string> {
  const headers: Record<string, string> = {};
  for (const [name, value] of configured) {
    if (!/^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/.test(name) || !/^[\t\x20-\x7e]*$/.test(value)) continue;
    if (!NEVER_FROM_CONFIGURATION.test(name)) headers[name.toLowerCase()] = value;
  }
  return headers;
}
