import { fail } from '../../base/errors.js';
import type { Field } from '../../base/fields.js';
import { LIMITS } from '../../base/limits.js';
import { isPlainText } from '../../oci/http/headers.js';
import type { ServiceAnswer } from '../../oci/http/index.js';
import type { IdentityToken } from '../identity-token.js';
import { readAnswer, refused } from '../service.js';
import { discoverIssuer, endpointOf, ISSUER, type Issuer } from './issuer.js';
import type { LoginOptions } from './options.js';
import { withPatience } from './patience.js';
import { createCodeProof, postForm, readIdToken } from './token-request.js';

export interface DeviceLogin extends LoginOptions {
  /** Shows where to log in, on any machine, and the code to type there. */
  readonly show: (prompt: { readonly page: URL; readonly code: string }) => void;
  /** Waits so many milliseconds; throws the signal's reason when it fires. */
  readonly sleep: (milliseconds: number, signal: AbortSignal) => Promise<void>;
}

const GRANT = 'urn:ietf:params:oauth:grant-type:device_code';
/** Seconds: RFC 8628, 3.2 and 3.5, and the longest pause between two questions that is believed. */
const INTERVAL = { usual: 5, more: 5, longest: 60 } as const;

/**
 * Logs a person in who has a browser elsewhere (RFC 8628), with PKCE, which issuers without it pass over.
 * @throws TouchmarkError `login-refused`, `net-timeout`, `interrupted`, `service-*`, `token-*`, `net-*`
 */
export async function logInWithDevice(options: DeviceLogin): Promise<IdentityToken> {
  const { access, clientId } = options;
  const issuer = await discoverIssuer(access, options.issuer);
  if (issuer.deviceAuthorization === undefined)
    return fail('service-mismatch', `${options.issuer.host} does not offer the login on another device`, {
      hint: 'log in with a browser on this machine, or give a token',
    });
  const proof = createCodeProof(options.random);
  const begun = await postForm(access, issuer.deviceAuthorization, {
    client_id: clientId,
    scope: 'openid email',
    code_challenge: proof.challenge,
    code_challenge_method: 'S256',
  });
  if (begun.status !== 200) return refused(begun, { url: issuer.deviceAuthorization, who: ISSUER });
  const device = readDevice(readAnswer(begun, ISSUER), issuer.deviceAuthorization);
  const time = Math.min(device.life, options.time ?? LIMITS.loginTime);
  return withPatience({ ...options, time }, async signal => {
    options.show({ page: device.page, code: device.userCode });
    const form = {
      grant_type: GRANT,
      device_code: device.code,
      client_id: clientId,
      code_verifier: proof.verifier,
    };
    for (let pause = device.interval; ; ) {
      await options.sleep(pause * 1000, signal);
      if (signal.aborted) return fail('interrupted', 'interrupted');
      const answer = await postForm(access, issuer.token, form);
      if (answer.status === 200) return readIdToken(answer, issuer, { now: options.clock(), clientId });
      if (isSlowDown(answer, issuer, device.code)) pause = Math.min(pause + INTERVAL.more, INTERVAL.longest);
    }
  });
}

function readDevice(answer: Field, from: URL) {
  const interval = answer.get('interval');
  const seconds = interval.empty ? INTERVAL.usual : interval.size();
  if (seconds > INTERVAL.longest) interval.fail(`must be at most ${INTERVAL.longest} seconds`);
  const userCode = answer.get('user_code').string(64);
  if (!isPlainText(userCode)) answer.get('user_code').fail('is not plain text');
  // It is shown to a person to be opened: an address that the issuer itself could be at.
  const page = answer.get('verification_uri').empty ? 'verification_url' : 'verification_uri';
  return {
    code: answer.get('device_code').string(4096),
    userCode,
    page: endpointOf(answer.get(page), from),
    life: answer.get('expires_in').size() * 1000,
    interval: Math.max(1, seconds),
  };
}

/** False when the person has just not logged in yet. */
function isSlowDown(answer: ServiceAnswer, issuer: Issuer, secret: string): boolean {
  const said = answer.status === 400 ? readAnswer(answer, ISSUER).get('error').value : undefined;
  switch (said) {
    case 'authorization_pending':
      return false;
    case 'slow_down':
      return true;
    case 'access_denied':
      return fail('login-refused', 'the issuer did not log you in: access was denied');
    case 'expired_token':
      return fail('login-refused', 'nobody logged in before the code ran out', { hint: 'log in again' });
    default:
      return refused(answer, { url: issuer.token, who: ISSUER }, { secrets: [secret] });
  }
}
