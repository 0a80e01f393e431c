import { randomBytes } from 'node:crypto';
import { type Answer, errorAnswer, jsonAnswer } from './registry-answer.js';
import type { RegistryCall } from './registry-routes.js';

export interface RegistryAuth {
  /** `basic`: a password on every request. `token`: a bearer token from the registry's own `/token`. */
  readonly kind: 'basic' | 'token';
  readonly username: string;
  readonly password: string;
  /** Reading needs no password (with `token`: still a token, which anybody gets). */
  readonly anonymousPull?: boolean;
  /** An identity token that `POST /token` takes as `refresh_token`. */
  readonly identityToken?: string;
  /** Seconds that a token is valid for. Default 300. */
  readonly expiresIn?: number;
}

interface Grant {
  readonly scopes: readonly string[];
  readonly expires: number;
}

/** Who may do what: answers challenges and hands out tokens (Docker token authentication, RFC 6750). */
export class Gatekeeper {
  readonly #grants = new Map<string, Grant>();

  constructor(
    readonly auth: RegistryAuth,
    readonly origin: () => string,
  ) {}

  /** The refusal of a request, or undefined when it may pass. */
  challenge(call: RegistryCall): Answer | undefined {
    const { auth } = this;
    const reads = call.method === 'GET' || call.method === 'HEAD';
    const header = String(call.headers['authorization'] ?? '');
    if (auth.kind === 'basic') {
      if (header === basic(auth) || (reads && auth.anonymousPull && header === '')) return undefined;
      return refuse('Basic realm="test registry"');
    }
    const needed = call.name === '' ? [] : neededScopes(call, reads);
    const grant = this.#grants.get(header.replace(/^Bearer /i, ''));
    if (grant && grant.expires > Date.now() && needed.every(scope => grant.scopes.includes(scope)))
      return undefined;
    const scope = needed.length > 0 ? `,scope="${joinScopes(needed)}"` : '';
    const error = grant
      ? `,error="${grant.expires > Date.now() ? 'insufficient_scope' : 'invalid_token'}"`
      : '';
    return refuse(`Bearer realm="${this.origin()}/token",service="test-registry"${scope}${error}`);
  }

  /** `GET /token?service=&scope=` with basic credentials, or `POST /token` as in OAuth 2. */
  issue(call: Pick<RegistryCall, 'method' | 'query' | 'headers' | 'body'>): Answer {
    const form = call.method === 'POST' ? new URLSearchParams(Buffer.from(call.body).toString()) : call.query;
    const known =
      call.method === 'POST' ? this.#knownForm(form) : this.#knownHeader(call.headers['authorization']);
    if (known === 'wrong') return errorAnswer(401, 'UNAUTHORIZED', 'wrong user name or password');
    const asked = form
      .getAll('scope')
      .flatMap(scope => scope.split(' '))
      .flatMap(splitScope);
    const scopes = asked.filter(
      scope => known === 'user' || (this.auth.anonymousPull === true && scope.endsWith(':pull')),
    );
    const token = randomBytes(24).toString('base64url');
    const seconds = this.auth.expiresIn ?? 300;
    this.#grants.set(token, { scopes, expires: Date.now() + seconds * 1000 });
    const names = call.method === 'POST' ? { access_token: token } : { token, access_token: token };
    return jsonAnswer(200, { ...names, expires_in: seconds, issued_at: new Date().toISOString() });
  }

  #knownHeader(header: string | string[] | undefined): 'user' | 'nobody' | 'wrong' {
    if (header === undefined) return 'nobody';
    return header === basic(this.auth) ? 'user' : 'wrong';
  }

  #knownForm(form: URLSearchParams): 'user' | 'wrong' {
    const { username, password, identityToken } = this.auth;
    const refreshed = identityToken !== undefined && form.get('refresh_token') === identityToken;
    const named = form.get('username') === username && form.get('password') === password;
    return refreshed || named ? 'user' : 'wrong';
  }
}

function basic({ username, password }: RegistryAuth): string {
  return `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}`;
}

function refuse(challenge: string): Answer {
  return errorAnswer(401, 'UNAUTHORIZED', 'authentication required', [undefined], {
    'www-authenticate': challenge,
  });
}

/** Scopes one action each: `repository:team/app:pull`. A mount also reads its source. */
function neededScopes({ name, method, query }: RegistryCall, reads: boolean): string[] {
  if (reads) return [`repository:${name}:pull`];
  if (method === 'DELETE') return [`repository:${name}:delete`];
  const from = query.get('mount') ? query.get('from') : null;
  const own = [`repository:${name}:pull`, `repository:${name}:push`];
  return from === null ? own : [...own, `repository:${from}:pull`];
}

function joinScopes(scopes: readonly string[]): string {
  const actions = new Map<string, string[]>();
  for (const scope of scopes) {
    const colon = scope.lastIndexOf(':');
    const name = scope.slice(0, colon);
    actions.set(name, [...(actions.get(name) ?? []), scope.slice(colon + 1)]);
  }
  return [...actions].map(([name, list]) => `${name}:${list.join(',')}`).join(' ');
}

function splitScope(scope: string): string[] {
  const colon = scope.lastIndexOf(':');
  return scope
    .slice(colon + 1)
    .split(',')
    .map(action => `${scope.slice(0, colon)}:${action}`);
}
