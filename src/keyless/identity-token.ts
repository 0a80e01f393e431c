import { decodeUtf8, fromAnyBase64 } from '../base/bytes.js';
import { fail, TouchmarkError } from '../base/errors.js';
import { Field } from '../base/fields.js';
import { parseJson } from '../base/json.js';
import { LIMITS } from '../base/limits.js';

/** Whom a token speaks of. None of it was verified: the certificate authority decides whether to believe it. */
export interface IdentityToken {
  readonly issuer: string;
  readonly subject: string;
  /** Only where the issuer says that it checked it. */
  readonly email?: string;
  readonly expires: Date;
  /** What the proof of possession is over: the e-mail address where there is one, else the subject. */
  readonly principal: string;
}

export interface TokenExpectations {
  readonly now: Date;
  /** Who the token must be meant for. A token for anybody else must not be sent to the certificate authority. */
  readonly audience: string;
  /** Where it came from, for messages: `the variable SIGSTORE_ID_TOKEN`. */
  readonly from: string;
}

/** Beside the facts, not in them: whatever prints or serialises a token shows no secret. */
const texts = new WeakMap<IdentityToken, string>();

/** The token itself, for the one header it goes into. */
export function bearerOf(token: IdentityToken): string {
  return texts.get(token) ?? fail('internal', 'not a token of parseIdentityToken');
}

/** The shape of a signed JWT (RFC 7515, compact form). */
const JWT = /^[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+$/;

export function looksLikeToken(text: string): boolean {
  return text.startsWith('eyJ') && JWT.test(text);
}

/**
 * Reads the claims of an OpenID Connect token (JWT), for display and for the proof of possession.
 * @throws TouchmarkError `token-invalid`, `token-expired`; the text of the token is in neither
 */
export function parseIdentityToken(text: string, { now, audience, from }: TokenExpectations): IdentityToken {
  const claims = readClaims(text, from);
  const audiences = audiencesOf(claims.get('aud'));
  if (!audiences.includes(audience)) {
    fail('token-invalid', `the identity token in ${from} is not meant for ${JSON.stringify(audience)}`, {
      hint: `ask the issuer for a token with the audience ${audience}`,
      details: { audience, found: audiences.map(name => name.slice(0, 200)).slice(0, 8) },
    });
  }
  const issuer = claimText(claims.get('iss'));
  const subject = claimText(claims.get('sub'));
  const email = emailOf(claims);
  const expires = timeOf(claims.get('exp'));
  if (expires <= now) {
    fail('token-expired', `the identity token in ${from} expired at ${expires.toISOString()}`, {
      hint: 'ask the issuer for a new one right before signing; they live for minutes',
      details: { issuer, expires: expires.toISOString() },
    });
  }
  const token = {
    issuer,
    subject,
    ...(email !== undefined && { email }),
    expires,
    principal: email ?? subject,
  };
  texts.set(token, text);
  return token;
}

/** The value of the `nonce` claim, for whoever asked for one. */
export function nonceOf(token: IdentityToken): string | undefined {
  const nonce = readClaims(bearerOf(token), 'the answer').get('nonce');
  return nonce.empty ? undefined : nonce.string(1000);
}

function readClaims(text: string, from: string): Field {
  const refuse = (problem: string): never =>
    fail('token-invalid', `${from} holds no identity token: ${problem}`, {
      hint: 'an identity token is a JWT: three parts of base64url with dots between them',
    });
  if (text.length > LIMITS.identityTokenSize)
    return refuse(`it has more than ${LIMITS.identityTokenSize} characters`);
  if (!JWT.test(text)) return refuse('it does not have the form of one');
  const [header = '', payload = ''] = text.split('.');
  try {
    const algorithm = objectOf(header, 'the header of the token').get('alg').string(64);
    if (algorithm.toLowerCase() === 'none') return refuse('it is not signed');
    return objectOf(payload, 'the token');
  } catch (error) {
    // The reader's messages may quote what it read.
    if (error instanceof TouchmarkError && error.hint === undefined)
      return refuse('its parts cannot be read');
    throw error;
  }
}

function objectOf(part: string, what: string): Field {
  const bytes = fromAnyBase64(part) ?? fail('token-invalid', `${what} is not base64url`);
  if (decodeUtf8(bytes) === undefined) fail('token-invalid', `${what} is not text`);
  const value = parseJson(bytes, what, { code: 'token-invalid', maxSize: LIMITS.identityTokenSize });
  const field = new Field(value, 'token', 'token-invalid');
  field.object();
  return field;
}

function audiencesOf(claim: Field): readonly string[] {
  return typeof claim.value === 'string' ? [claim.value] : claim.array(64).map(entry => entry.string(2048));
}

function claimText(claim: Field): string {
  const text = claim.string(2048);
  return text === '' ? claim.fail('is empty') : text;
}

/** Some issuers write the truth of it as text. */
function emailOf(claims: Field): string | undefined {
  const email = claims.get('email');
  if (email.empty || email.value === '') return undefined;
  const verified = claims.get('email_verified').value;
  if (verified !== true && verified !== 'true')
    return fail('token-invalid', 'the issuer of the identity token has not verified its e-mail address', {
      hint: 'confirm the address with the issuer, or use a token without one',
    });
  return claimText(email);
}

function timeOf(claim: Field): Date {
  const seconds = claim.value;
  if (typeof seconds !== 'number' || !(seconds >= 0) || seconds > 8.64e12 / 1000)
    return claim.fail('must be a time in seconds');
  return new Date(seconds * 1000);
}
