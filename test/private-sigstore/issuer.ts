import { createHash, generateKeyPairSync, randomBytes, sign, verify } from 'node:crypto';
import { type HttpService, json, type Reply, type ServiceCall, startHttpService } from './http-service.js';

export interface TokenClaims {
  readonly sub?: string;
  readonly aud?: string | readonly string[];
  readonly exp?: number;
  readonly [name: string]: unknown;
}

/** An OpenID Connect issuer whose only user, the one named here, logs in at once. */
export interface TestIssuer {
  readonly service: HttpService;
  /** As its tokens name it. */
  readonly name: string;
  /** A token with these claims over the usual ones: of a workload, for `sigstore`, for ten minutes. */
  token(claims?: TokenClaims): string;
  /** The claims of a token that this issuer made for sigstore and that is still valid. */
  verify(token: string): Readonly<Record<string, unknown>> | undefined;
  /** Logs the person in who was shown a device code. */
  confirmDevice(userCode: string): void;
}

export async function startIssuer(
  user: TokenClaims = { sub: 'https://ci.example/app' },
): Promise<TestIssuer> {
  // cosign takes no token that is signed otherwise.
  const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  const part = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url');
  const codes = new Map<string, URLSearchParams>();
  const devices = new Map<string, { readonly userCode: string; readonly challenge: string; done: boolean }>();
  const claimsOf = (more: object) => {
    const now = Math.floor(Date.now() / 1000);
    return { iss: name, aud: 'sigstore', iat: now, nbf: now, exp: now + 600, ...user, ...more };
  };
  const token = (claims: TokenClaims = {}) => {
    const text = `${part({ alg: 'RS256', typ: 'JWT', kid: 'test' })}.${part(claimsOf(claims))}`;
    const signature = sign('sha256', Buffer.from(text), privateKey);
    return `${text}.${signature.toString('base64url')}`;
  };
  const exchange = (form: URLSearchParams): Reply => {
    const verifier = form.get('code_verifier') ?? '';
    const challenge = createHash('sha256').update(verifier).digest('base64url');
    const device = devices.get(form.get('device_code') ?? '');
    if (device) {
      if (!device.done) return json({ error: 'authorization_pending' }, 400);
      if (device.challenge !== challenge) return json({ error: 'invalid_grant' }, 400);
      return json({ id_token: token({ aud: form.get('client_id') ?? '' }), token_type: 'bearer' });
    }
    const page = codes.get(form.get('code') ?? '');
    codes.delete(form.get('code') ?? '');
    const fits =
      page?.get('code_challenge') === challenge && page.get('redirect_uri') === form.get('redirect_uri');
    if (!page || !fits) return json({ error: 'invalid_grant', error_description: 'no such code' }, 400);
    const claims = { aud: page.get('client_id') ?? '', nonce: page.get('nonce') ?? '' };
    return json({ id_token: token(claims), token_type: 'bearer' });
  };
  const handle = ({ method, url, body }: ServiceCall): Reply => {
    const form = new URLSearchParams(body.toString());
    switch (`${method} ${url.pathname}`) {
      case 'GET /.well-known/openid-configuration':
        return json({
          issuer: name,
          authorization_endpoint: `${name}/auth`,
          token_endpoint: `${name}/token`,
          device_authorization_endpoint: `${name}/device/code`,
          jwks_uri: `${name}/keys`,
          response_types_supported: ['code'],
          subject_types_supported: ['public'],
          id_token_signing_alg_values_supported: ['RS256'],
        });
      case 'GET /keys':
        return json({
          keys: [{ ...publicKey.export({ format: 'jwk' }), kid: 'test', alg: 'RS256', use: 'sig' }],
        });
      case 'GET /auth': {
        const code = randomBytes(16).toString('hex');
        codes.set(code, url.searchParams);
        const back = new URL(url.searchParams.get('redirect_uri') ?? '');
        back.searchParams.set('code', code);
        back.searchParams.set('state', url.searchParams.get('state') ?? '');
        return { status: 302, headers: { location: back.href } };
      }
      case 'POST /device/code': {
        const code = randomBytes(16).toString('hex');
        const userCode = randomBytes(4).toString('hex').toUpperCase();
        devices.set(code, { userCode, challenge: form.get('code_challenge') ?? '', done: false });
        const answer = { device_code: code, user_code: userCode, verification_uri: `${name}/device` };
        return json({ ...answer, expires_in: 300, interval: 5 });
      }
      case 'POST /token':
        return exchange(form);
      case 'GET /github':
        return json({ value: token({ aud: url.searchParams.get('audience') ?? '' }), count: 1 });
      default:
        return undefined;
    }
  };
  const service = await startHttpService(handle);
  const name = service.url.origin;
  return {
    service,
    name,
    token,
    verify: text => {
      const [header = '', payload = '', signature = ''] = text.split('.');
      const signed = Buffer.from(`${header}.${payload}`);
      if (!verify('sha256', signed, publicKey, Buffer.from(signature, 'base64url'))) return undefined;
      const claims = JSON.parse(Buffer.from(payload, 'base64url').toString());
      return claims.aud === 'sigstore' && claims.exp > Date.now() / 1000 ? claims : undefined;
    },
    confirmDevice: userCode => {
      for (const device of devices.values()) if (device.userCode === userCode) device.done = true;
    },
  };
}
