import { isLoopback } from './hosts.js';

/** How a registry is reached. */
export interface Endpoint {
  /** As in references: `docker.io`, `localhost:5000`. */
  readonly registry: string;
  /** The host to connect to, with a port when the reference has one. */
  readonly host: string;
  /** To be tried in order; the second only when the first is not spoken there. */
  readonly schemes: readonly ('https' | 'http')[];
  readonly verifyCertificate: boolean;
}

/**
 * Loopback is spoken to over http; everything else over https, unless the user named it insecure: then the certificate is
 * not checked, and http is used when TLS is not spoken. With certificate authorities given, loopback is tried over https first.
 */
export function resolveEndpoint(
  registry: string,
  options: { readonly insecureRegistries?: readonly string[]; readonly certificateAuthorities?: string },
): Endpoint {
  const host = registry === 'docker.io' ? 'registry-1.docker.io' : registry;
  const insecure = isInsecure(registry, options.insecureRegistries);
  const loopback = isLoopback(new URL(`http://${host}`).hostname);
  const both = insecure || (loopback && options.certificateAuthorities !== undefined);
  return {
    registry,
    host,
    schemes: both ? ['https', 'http'] : loopback ? ['http'] : ['https'],
    verifyCertificate: !insecure,
  };
}

export function isInsecure(host: string, insecureRegistries: readonly string[] = []): boolean {
  return insecureRegistries.some(name => name.toLowerCase() === host.toLowerCase());
}

const PUBLIC_QUERY = new Set([
  'digest',
  'mount',
  'from',
  'n',
  'last',
  'artifactType',
  'scope',
  'service',
  'client_id',
]);

/** A URL that may be shown: no user, no fragment, and query values only where they are known to be no secret. */
export function publicUrl(url: URL): string {
  const query = [...url.searchParams].map(
    ([key, value]) => `${encodeURIComponent(key)}=${PUBLIC_QUERY.has(key) ? encodeURIComponent(value) : '…'}`,
  );
  return `${url.origin}${url.pathname}${query.length > 0 ? `?${query.join('&')}` : ''}`;
}
