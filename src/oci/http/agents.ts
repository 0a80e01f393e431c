import { X509Certificate } from 'node:crypto';
import type http from 'node:http';
import { fail } from '../../base/errors.js';
import type { Environment } from './proxy.js';

/** What sends a request: with TLS or without, over connections that are kept. */
export interface Connector {
  readonly agent: http.Agent;
  readonly request: (options: http.RequestOptions) => http.ClientRequest;
}

/** Keep-alive connections by what must not be mixed: TLS or not, certificate checked or not, and the proxy. */
export interface Agents {
  connectorFor(url: URL, verifyCertificate: boolean, proxy: URL | undefined): Promise<Connector>;
  destroy(): void;
}

export interface AgentOptions {
  /** Connections to one host at once. */
  readonly concurrency: number;
  /** PEM. */
  readonly certificateAuthorities?: string;
  readonly environment: Environment;
  /** Milliseconds for a proxy to answer CONNECT. */
  readonly connectTime: number;
}

export function createAgents(options: AgentOptions): Agents {
  const agents = new Map<string, Promise<Connector>>();
  const settings = { keepAlive: true, maxSockets: options.concurrency, scheduling: 'lifo' } as const;
  const authorities = readAuthorities(options.certificateAuthorities);
  const create = async (
    secure: boolean,
    verifyCertificate: boolean,
    proxy: URL | undefined,
  ): Promise<Connector> => {
    // Without TLS the proxy gets the request itself, so the connection goes to the proxy.
    if (!secure && proxy?.protocol !== 'https:') {
      // Not imported: that reads every property of the module, which on Node 24 loads undici and TLS.
      const { Agent, request } = process.getBuiltinModule('node:http');
      return { agent: new Agent(settings), request };
    }
    const { createTlsConnector } = await import('./tls-agents.js');
    const { environment, connectTime } = options;
    const common = { authorities, environment };
    if (!secure) return createTlsConnector({ ...common, verifyCertificate: true }, settings);
    const tunnel = proxy && { tunnel: { proxy, connectTime } };
    return createTlsConnector({ ...common, verifyCertificate, ...tunnel }, settings);
  };
  return {
    connectorFor(url, verifyCertificate, proxy) {
      const secure = url.protocol === 'https:';
      const key = `${secure} ${verifyCertificate} ${proxy?.href ?? ''}`;
      const connector = agents.get(key) ?? create(secure, verifyCertificate, proxy);
      agents.set(key, connector);
      return connector;
    },
    destroy() {
      for (const made of agents.values()) {
        made.then(
          ({ agent }) => agent.destroy(),
          () => {},
        );
      }
      agents.clear();
    },
  };
}

/** @throws TouchmarkError `usage-file` */
function readAuthorities(pem: string | undefined): readonly string[] {
  if (!pem) return [];
  const own = pem.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g) ?? [];
  try {
    if (own.length === 0) throw new Error('there is no PEM certificate in it');
    for (const certificate of own) new X509Certificate(certificate);
  } catch (error) {
    fail('usage-file', `the certificate authorities cannot be read: ${(error as Error).message}`, {
      hint: 'give a file of one or more blocks that begin with -----BEGIN CERTIFICATE-----',
    });
  }
  return own;
}
