import { LIMITS } from '../../base/limits.js';
import type { StoreOptions } from '../context.js';
import { parseRepository } from '../reference.js';
import { createAgents } from './agents.js';
import { createAuthenticator } from './authenticator.js';
import { type Client, createClient } from './client.js';
import { type CredentialSource, type CredentialStore, createCredentialStore } from './credentials.js';
import { type Endpoint, resolveEndpoint } from './endpoint.js';
import { isPlainText } from './headers.js';
import { createTransport, type Transport } from './transport.js';
import { DEFAULT_TUNING, type Tuning } from './tuning.js';

/**
 * What many registry stores of one process share: connections, tokens, credentials, and what is known of each registry.
 * Explicit credentials are given to every registry of the session: use one session for each side of a copy.
 */
export interface RegistrySession {
  /** Which credentials a repository (`registry/path`) would get, for `doctor`; never the secret. */
  describeCredentials(repository: string): Promise<CredentialSource>;
  /** Closes idle connections. Requests under way end with an error. */
  close(): Promise<void>;
}

/** A session as the stores of this folder see it. */
export interface SessionParts {
  readonly client: Client;
  /** For what is no registry: no credentials, no redirects, no retries. */
  readonly transport: Transport;
  /** Hosts that may be spoken to over http, or over https with a certificate that does not verify. */
  readonly insecureHosts: readonly string[];
  readonly credentials: CredentialStore;
  readonly tuning: Tuning;
  readonly signal: AbortSignal | undefined;
  /** By `registry/path`: does it have the referrers API? Absent while unknown. */
  readonly referrersApi: Map<string, boolean>;
  endpointOf(registry: string): Endpoint;
  warn(text: string): void;
}

const parts = new WeakMap<RegistrySession, SessionParts>();

export function partsOf(session: RegistrySession): SessionParts {
  const found = parts.get(session);
  if (!found) throw new TypeError('not a session of createRegistrySession');
  return found;
}

/**
 * Opens a session. Nothing is sent and no file is read before the first request.
 * @throws TouchmarkError `usage-file` when `certificateAuthorities` holds no certificates
 */
export function createRegistrySession(
  options: StoreOptions = {},
  tuned: Partial<Tuning> = {},
): RegistrySession {
  const tuning: Tuning = { ...DEFAULT_TUNING, ...tuned };
  const environment = options.environment ?? process.env;
  const { signal, certificateAuthorities, insecureRegistries = [] } = options;
  const agents = createAgents({
    concurrency: Math.max(1, options.concurrency ?? 8),
    environment,
    connectTime: tuning.stall,
    ...(certificateAuthorities !== undefined && { certificateAuthorities }),
  });
  const transport = createTransport({
    agents,
    tuning,
    environment,
    userAgent: options.userAgent ?? 'touchmark',
    offline: options.offline ?? false,
    ...(signal && { signal }),
    ...(options.onRequest && { onRequest: options.onRequest }),
  });
  const credentials = createCredentialStore({
    environment,
    helperTime: tuning.helperTime,
    ...(options.credentials && { explicit: options.credentials }),
    ...(signal && { signal }),
  });
  const warned = new Set<string>();
  const warn = (text: string) => {
    if (warned.has(text) || warned.size >= LIMITS.warnings || !isPlainText(text)) return;
    warned.add(text);
    options.onWarning?.(text);
  };
  const client = createClient({
    transport,
    authenticator: createAuthenticator(credentials, tuning),
    httpHeaders: () => credentials.httpHeaders(),
    tuning,
    insecureRegistries,
    warn,
    ...(signal && { signal }),
  });
  const session: RegistrySession = {
    async describeCredentials(repository) {
      const { registry, path } = parseRepository(repository);
      return (await credentials.find(registry, path)).source;
    },
    async close() {
      agents.destroy();
    },
  };
  parts.set(session, {
    client,
    transport,
    insecureHosts: insecureRegistries,
    credentials,
    tuning,
    signal,
    referrersApi: new Map(),
    endpointOf: registry =>
      resolveEndpoint(registry, {
        insecureRegistries,
        ...(certificateAuthorities !== undefined && { certificateAuthorities }),
      }),
    warn,
  });
  return session;
}
