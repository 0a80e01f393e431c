import { fail } from '../base/errors.js';
import type { StoreAccess } from '../oci/open.js';
import { type IdentityToken, parseIdentityToken, type TokenExpectations } from './identity-token.js';
import { callService, parseServiceUrl, readAnswer, refused } from './service.js';
import { type Environment, loadIdentityToken } from './token-source.js';

/**
 * The token that the surroundings give: the variable SIGSTORE_ID_TOKEN, which is also where GitLab's `id_tokens` puts it, or
 * what GitHub Actions hands to a job that may write `id-token`.
 * @returns undefined where nothing of the kind is in sight
 * @throws TouchmarkError `token-missing` in a CI system that was not asked for a token; `token-*`, `service-rejected`, `net-*`
 */
export async function findAmbientToken(
  access: StoreAccess,
  environment: Environment,
  expected: Omit<TokenExpectations, 'from'>,
): Promise<IdentityToken | undefined> {
  if (environment['SIGSTORE_ID_TOKEN'])
    return loadIdentityToken({ kind: 'variable', name: 'SIGSTORE_ID_TOKEN' }, expected, environment);
  const url = environment['ACTIONS_ID_TOKEN_REQUEST_URL'];
  const secret = environment['ACTIONS_ID_TOKEN_REQUEST_TOKEN'];
  if (url && secret) return askGitHub(access, url, secret, expected);
  if (environment['GITHUB_ACTIONS'] === 'true') {
    return fail('token-missing', 'this GitHub Actions job may not ask for identity tokens', {
      hint: 'give the job the permission id-token: write',
    });
  }
  if (environment['GITLAB_CI'] === 'true') {
    return fail('token-missing', 'this GitLab job has no identity token', {
      hint: `give the job: id_tokens: { SIGSTORE_ID_TOKEN: { aud: ${expected.audience} } }`,
    });
  }
  return undefined;
}

async function askGitHub(
  access: StoreAccess,
  requestUrl: string,
  secret: string,
  expected: Omit<TokenExpectations, 'from'>,
): Promise<IdentityToken> {
  const url = parseServiceUrl(requestUrl, 'ACTIONS_ID_TOKEN_REQUEST_URL');
  url.searchParams.set('audience', expected.audience);
  // It goes into a header.
  if (!/^[\x21-\x7e]+$/.test(secret))
    fail('token-invalid', 'ACTIONS_ID_TOKEN_REQUEST_TOKEN holds characters that no token has');
  const who = 'the token service of GitHub Actions';
  const headers = { authorization: `Bearer ${secret}`, accept: 'application/json' };
  const answer = await callService(access, { method: 'GET', url, headers, who });
  if (answer.status !== 200) return refused(answer, { url, who }, { secrets: [secret] });
  const text = readAnswer(answer, who).get('value').string();
  return parseIdentityToken(text, { ...expected, from: `the answer of ${who}` });
}
