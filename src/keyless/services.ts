import { fail } from '../base/errors.js';
import { parseServiceUrl } from './service.js';

/** The services that one signature is made with. */
export interface SigningServices {
  readonly fulcio: URL;
  /** Where a person logs in. */
  readonly issuer?: URL;
  /** All of them take part, or nothing is signed. */
  readonly logs: readonly LogService[];
  /** The whole addresses to ask; all of them take part. */
  readonly timestampAuthorities: readonly URL[];
}

export interface LogService {
  readonly url: URL;
  readonly version: 1 | 2;
}

/**
 * Services by their addresses, for whoever has no signing configuration.
 * @throws TouchmarkError `usage-argument`, `services-missing`
 */
export function parseServices(addresses: {
  readonly fulcio: string;
  readonly issuer?: string;
  readonly logs?: readonly { readonly url: string; readonly version: 1 | 2 }[];
  readonly timestampAuthorities?: readonly string[];
}): SigningServices {
  const { fulcio, issuer, logs = [], timestampAuthorities = [] } = addresses;
  return requireTime({
    fulcio: parseServiceUrl(fulcio, 'the address of the certificate authority'),
    ...(issuer !== undefined && { issuer: parseServiceUrl(issuer, 'the address of the token issuer') }),
    logs: logs.map(({ url, version }) => ({
      url: parseServiceUrl(url, 'the address of the transparency log'),
      version,
    })),
    timestampAuthorities: timestampAuthorities.map(url =>
      parseServiceUrl(url, 'the address of the timestamp authority'),
    ),
  });
}

/**
 * The certificate is over within minutes: a signature that nobody can say the time of is one that nobody can verify.
 * @throws TouchmarkError `services-missing`
 */
export function requireTime(services: SigningServices): SigningServices {
  const { logs, timestampAuthorities } = services;
  if (timestampAuthorities.length > 0 || logs.some(log => log.version === 1)) return services;
  return fail(
    'services-missing',
    logs.length > 0
      ? 'a log of version 2 does not say when something was signed, and there is no timestamp authority'
      : 'there is neither a transparency log nor a timestamp authority to say when something was signed',
    { hint: 'name a timestamp authority' },
  );
}
