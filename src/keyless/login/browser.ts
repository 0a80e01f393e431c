import { fail } from '../../base/errors.js';
import type { IdentityToken } from '../identity-token.js';
import { refused } from '../service.js';
import { openCallback } from './callback.js';
import { discoverIssuer, ISSUER } from './issuer.js';
import type { LoginOptions } from './options.js';
import { withPatience } from './patience.js';
import { base64url, createCodeProof, postForm, readIdToken } from './token-request.js';

export interface BrowserLogin extends LoginOptions {
  /** Shows the page to log in on: opens a browser, or prints the address. */
  readonly show: (page: URL) => void | Promise<void>;
}

/**
 * Logs a person in through a browser on this machine: authorization code with PKCE, the answer to a server on loopback
 * (OpenID Connect Core 1.0, 3.1; RFC 7636; RFC 8252).
 * @throws TouchmarkError `login-refused`, `net-timeout`, `interrupted`, `service-*`, `token-*`, `net-*`
 */
export async function logInWithBrowser(options: BrowserLogin): Promise<IdentityToken> {
  const { access, clientId, random } = options;
  const issuer = await discoverIssuer(access, options.issuer);
  if (issuer.authorization === undefined)
    return fail('service-mismatch', `${options.issuer.host} has no page to log in on`);
  const state = base64url(random(32));
  const nonce = base64url(random(32));
  const proof = createCodeProof(random);
  const callback = await openCallback(state);
  try {
    const page = new URL(issuer.authorization);
    const parameters = {
      response_type: 'code',
      client_id: clientId,
      redirect_uri: callback.redirectUri,
      scope: 'openid email',
      state,
      nonce,
      code_challenge: proof.challenge,
      code_challenge_method: 'S256',
    };
    for (const [name, value] of Object.entries(parameters)) page.searchParams.set(name, value);
    const code = await withPatience(options, async () => {
      await options.show(page);
      return callback.code;
    });
    const answer = await postForm(access, issuer.token, {
      grant_type: 'authorization_code',
      code,
      redirect_uri: callback.redirectUri,
      client_id: clientId,
      code_verifier: proof.verifier,
    });
    if (answer.status !== 200)
      return refused(answer, { url: issuer.token, who: ISSUER }, { secrets: [code, proof.verifier] });
    return readIdToken(answer, issuer, { now: options.clock(), clientId, nonce });
  } finally {
    callback.close();
  }
}
