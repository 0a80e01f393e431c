import { TouchmarkError } from '../../base/errors.js';
import type { Credential, CredentialStore } from './credentials.js';
import type { Endpoint } from './endpoint.js';
import { parseChallenges } from './headers.js';
import { coversScopes, mergeScopes, parseScopes, repositoryOf } from './scopes.js';
import {
  basicAuthorization,
  checkRealm,
  fetchToken,
  type Token,
  type TokenSender,
  type TokenService,
} from './token.js';
import type { Tuning } from './tuning.js';

/** What one request sends as `Authorization`. */
export interface Authorization {
  readonly header: string;
  readonly scheme: 'basic' | 'bearer';
  readonly scopes: readonly string[];
  /** Where the credentials come from, for messages. */
  readonly source: string;
  /** False when it was made for this very request: asking for another one would give the same. */
  readonly reused: boolean;
}

export interface Authenticator {
  /** What is known to be asked for, so that it can be sent at once; undefined before the first challenge. */
  authorize(
    endpoint: Endpoint,
    scopes: readonly string[],
    send: TokenSender,
  ): Promise<Authorization | undefined>;
  /**
   * Answers a 401. `sent` is what the refused request carried.
   * @returns undefined when there is nothing better to send than before
   * @throws TouchmarkError `oci-unauthorized`, `oci-credentials`, `net-*`
   */
  answer(
    endpoint: Endpoint,
    scopes: readonly string[],
    challenge: { readonly header: string; readonly url: URL },
    sent: Authorization | undefined,
    send: TokenSender,
  ): Promise<Authorization | undefined>;
  /** Where the credentials for a repository come from, for messages. */
  describe(endpoint: Endpoint, scopes: readonly string[]): Promise<string>;
}

type Scheme = { readonly kind: 'basic' } | ({ readonly kind: 'bearer' } & TokenService);

interface CachedToken {
  readonly scopes: readonly string[];
  readonly token: Promise<Token>;
}

/** Tokens and challenges of one session. Requests that need the same token at once share one exchange. */
export function createAuthenticator(credentials: CredentialStore, tuning: Tuning): Authenticator {
  const schemes = new Map<string, Scheme>();
  const tokens = new Map<string, CachedToken[]>();

  const tokenGroup = (endpoint: Endpoint, scheme: TokenService, credential: Credential) =>
    JSON.stringify([
      endpoint.host,
      scheme.realm.href,
      scheme.service,
      credential.source,
      credential.secret?.username ?? '',
    ]);

  const bearer = async (
    endpoint: Endpoint,
    scheme: TokenService,
    scopes: readonly string[],
    refused: Authorization | undefined,
    send: TokenSender,
  ): Promise<Authorization> => {
    const credential = await credentials.find(endpoint.registry, repositoryOf(scopes));
    const source = credential.source.description;
    const ready = credential.secret?.registryToken;
    if (ready) return { header: `Bearer ${ready}`, scheme: 'bearer', scopes, source, reused: false };
    const group = tokenGroup(endpoint, scheme, credential);
    const list = tokens.get(group) ?? [];
    tokens.set(group, list);
    for (const cached of [...list]) {
      if (!coversScopes(cached.scopes, scopes)) continue;
      const token = await cached.token.catch(() => undefined);
      const usable = token && token.expires > tuning.now() && `Bearer ${token.value}` !== refused?.header;
      if (usable)
        return {
          header: `Bearer ${token.value}`,
          scheme: 'bearer',
          scopes: cached.scopes,
          source,
          reused: true,
        };
      if (list.includes(cached)) list.splice(list.indexOf(cached), 1);
    }
    // Another request may have begun to ask while this one looked.
    const begun = list.find(cached => coversScopes(cached.scopes, scopes));
    const token = begun?.token ?? fetchToken(scheme, scopes, credential, endpoint.registry, send, tuning);
    // The newest first: it was asked for because the older ones did not do.
    if (!begun) list.unshift({ scopes, token });
    const { value } = await token.catch(error => {
      const failed = list.findIndex(cached => cached.token === token);
      if (failed >= 0) list.splice(failed, 1);
      throw error;
    });
    return {
      header: `Bearer ${value}`,
      scheme: 'bearer',
      scopes: begun?.scopes ?? scopes,
      source,
      reused: false,
    };
  };

  const basic = async (endpoint: Endpoint, scopes: readonly string[]): Promise<Authorization | undefined> => {
    const { secret, source } = await credentials.find(endpoint.registry, repositoryOf(scopes));
    if (secret?.username === undefined && secret?.password === undefined) return undefined;
    const header = basicAuthorization(secret.username ?? '', secret.password ?? '');
    return { header, scheme: 'basic', scopes, source: source.description, reused: false };
  };

  return {
    async authorize(endpoint, scopes, send) {
      const own = schemes.get(`${endpoint.host}/${repositoryOf(scopes)}`);
      const scheme = own ?? schemes.get(endpoint.host);
      if (!scheme) return undefined;
      try {
        return scheme.kind === 'basic'
          ? await basic(endpoint, scopes)
          : await bearer(endpoint, scheme, scopes, undefined, send);
      } catch (error) {
        // Another repository's challenge is only a guess for this one.
        if (!own && error instanceof TouchmarkError && error.code === 'oci-unauthorized') return undefined;
        throw error;
      }
    },
    async answer(endpoint, scopes, challenge, sent, send) {
      const remember = (scheme: Scheme) => {
        schemes.set(`${endpoint.host}/${repositoryOf(scopes)}`, scheme);
        schemes.set(endpoint.host, scheme);
      };
      for (const { scheme, parameters } of parseChallenges(challenge.header)) {
        if (scheme === 'basic') {
          const authorization = await basic(endpoint, scopes);
          if (!authorization || sent?.scheme === 'basic') continue;
          remember({ kind: 'basic' });
          return authorization;
        }
        if (scheme !== 'bearer') continue;
        const realm = checkRealm(parameters.get('realm'), challenge.url, endpoint);
        const service = { realm, service: parameters.get('service') ?? '' };
        remember({ kind: 'bearer', ...service });
        const wanted = mergeScopes(
          scopes,
          sent?.scheme === 'bearer' ? sent.scopes : [],
          parseScopes(parameters.get('scope')),
        );
        // A token made for this request, with all that the challenge asks for, was refused: another one would be too.
        if (sent?.scheme === 'bearer' && !sent.reused && coversScopes(sent.scopes, wanted)) continue;
        return bearer(endpoint, service, wanted, sent, send);
      }
      return undefined;
    },
    async describe(endpoint, scopes) {
      return (await credentials.find(endpoint.registry, repositoryOf(scopes))).source.description;
    },
  };
}
