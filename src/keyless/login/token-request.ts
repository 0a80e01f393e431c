import { createHash, timingSafeEqual } from 'node:crypto';
import { utf8 } from '../../base/bytes.js';
import { fail } from '../../base/errors.js';
import type { ServiceAnswer } from '../../oci/http/index.js';
import type { StoreAccess } from '../../oci/open.js';
import { type IdentityToken, nonceOf, parseIdentityToken } from '../identity-token.js';
import { callService, readAnswer } from '../service.js';
import { ISSUER, type Issuer } from './issuer.js';

/** Proof Key for Code Exchange (RFC 7636), method S256: who began a login is who ends it. */
export interface CodeProof {
  readonly verifier: string;
  readonly challenge: string;
}

export function createCodeProof(random: (length: number) => Uint8Array): CodeProof {
  const verifier = base64url(random(32));
  return { verifier, challenge: createHash('sha256').update(verifier).digest('base64url') };
}

export function base64url(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('base64url');
}

export function sameText(a: string, b: string): boolean {
  const [left, right] = [a, b].map(text => createHash('sha256').update(text).digest());
  return left !== undefined && right !== undefined && timingSafeEqual(left, right);
}

/** Sends a form. What is in it is secret, and stays with the address it is for. */
export function postForm(
  access: StoreAccess,
  url: URL,
  form: Readonly<Record<string, string>>,
): Promise<ServiceAnswer> {
  const headers = { 'content-type': 'application/x-www-form-urlencoded', accept: 'application/json' };
  const body = utf8(new URLSearchParams(form).toString());
  return callService(access, { method: 'POST', url, headers, body, who: ISSUER });
}

/**
 * The identity token in an answer of the token endpoint. It came straight from the issuer over TLS, which stands for
 * checking its signature (OpenID Connect Core 1.0, 3.1.3.7); whom it is from and for, and for which login, is checked.
 * @throws TouchmarkError `format-service`, `token-invalid`, `service-mismatch`
 */
export function readIdToken(
  answer: ServiceAnswer,
  issuer: Issuer,
  expected: { readonly now: Date; readonly clientId: string; readonly nonce?: string },
): IdentityToken {
  const text = readAnswer(answer, ISSUER).get('id_token').string();
  const from = `the answer of ${issuer.token.host}`;
  const token = parseIdentityToken(text, { now: expected.now, audience: expected.clientId, from });
  const details = { asked: issuer.name, found: token.issuer.slice(0, 200) };
  if (token.issuer !== issuer.name)
    fail('service-mismatch', `${issuer.token.host} gave a token of another issuer`, { details });
  if (expected.nonce !== undefined && nonceOf(token) !== expected.nonce)
    fail('service-mismatch', `${issuer.token.host} gave a token of another login`, {
      hint: 'log in again; if it stays so, do not trust this issuer',
    });
  return token;
}
