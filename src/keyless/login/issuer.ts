import { fail } from '../../base/errors.js';
import type { Field } from '../../base/fields.js';
import { bareHost, isLoopback, mayPointTo } from '../../oci/http/hosts.js';
import type { StoreAccess } from '../../oci/open.js';
import { below, callService, readAnswer, refused } from '../service.js';

/** The addresses of an issuer that a login needs (OpenID Connect Discovery 1.0, section 3; RFC 8628, section 4). */
export interface Issuer {
  /** As tokens name it. */
  readonly name: string;
  readonly authorization: URL | undefined;
  readonly token: URL;
  readonly deviceAuthorization: URL | undefined;
}

export const ISSUER = 'the token issuer';

/**
 * Finds an issuer's addresses. They must be as safe to ask as the issuer itself: a code or a token goes there.
 * @throws TouchmarkError `service-mismatch` when another issuer answers; `format-service`, `service-rejected`, `net-*`
 */
export async function discoverIssuer(access: StoreAccess, issuer: URL): Promise<Issuer> {
  const url = below(issuer, '.well-known/openid-configuration');
  const call = { method: 'GET', url, headers: { accept: 'application/json' }, who: ISSUER } as const;
  const answer = await callService(access, call);
  if (answer.status !== 200) return refused(answer, call, { hint: 'check the address of the issuer' });
  const document = readAnswer(answer, ISSUER);
  const name = document.get('issuer').string(2048);
  if (name !== issuer.href && name !== issuer.href.replace(/\/$/, '')) {
    fail('service-mismatch', `${issuer.host} answers for the issuer ${JSON.stringify(name.slice(0, 200))}`, {
      hint: 'give the issuer exactly as it calls itself',
      details: { asked: issuer.href, found: name.slice(0, 200) },
    });
  }
  const optional = (field: Field) => (field.empty ? undefined : endpointOf(field, issuer));
  return {
    name,
    authorization: optional(document.get('authorization_endpoint')),
    token: endpointOf(document.get('token_endpoint'), issuer),
    deviceAuthorization: optional(document.get('device_authorization_endpoint')),
  };
}

/** An address that a server gives, when it may point there: https, or http on the loopback that the server is on itself. */
export function endpointOf(field: Field, from: URL): URL {
  let url: URL;
  try {
    url = new URL(field.string(2048));
  } catch {
    return field.fail('is not a URL');
  }
  const plain = url.protocol === 'http:' && isLoopback(from.hostname) && isLoopback(url.hostname);
  const same = url.protocol === from.protocol && bareHost(url.hostname) === bareHost(from.hostname);
  if (url.protocol !== 'https:' && !plain && !same) return field.fail('is not an https URL');
  if (!mayPointTo(from.hostname, url.hostname)) return field.fail('points to the inside of the network');
  if (url.username !== '' || url.password !== '') return field.fail('holds a user name');
  return url;
}
