import { X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import http from 'node:http';
import https from 'node:https';
import type { Duplex } from 'node:stream';
import tls from 'node:tls';
import { fail, TouchmarkError } from '../../base/errors.js';
import { bareHost } from './hosts.js';
import { type Environment, proxyAuthorization } from './proxy.js';

/** Keep-alive connections by what must not be mixed: TLS or not, certificate checked or not, and the proxy. */
export interface Agents {
  agentFor(url: URL, verifyCertificate: boolean, proxy: URL | undefined): http.Agent;
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
  const agents = new Map<string, http.Agent>();
  const common = { keepAlive: true, maxSockets: options.concurrency, scheduling: 'lifo' } as const;
  const ca =
    options.certificateAuthorities &&
    trustedCertificates(options.certificateAuthorities, options.environment);
  const create = (secure: boolean, verify: boolean, proxy: URL | undefined): http.Agent => {
    const trust = { rejectUnauthorized: verify, ...(ca && { ca }) };
    if (secure) {
      const settings = { ...common, ...trust, ALPNProtocols: ['http/1.1'] };
      return proxy ? new TunnelAgent(proxy, trust, options.connectTime, settings) : new https.Agent(settings);
    }
    // Without TLS the proxy gets the request itself, so the connection goes to the proxy.
    return proxy?.protocol === 'https:'
      ? new https.Agent({ ...common, ...(ca && { ca }) })
      : new http.Agent(common);
  };
  return {
    agentFor(url, verifyCertificate, proxy) {
      const secure = url.protocol === 'https:';
      const key = `${secure} ${verifyCertificate} ${proxy?.href ?? ''}`;
      const agent = agents.get(key) ?? create(secure, verifyCertificate, proxy);
      agents.set(key, agent);
      return agent;
    },
    destroy() {
      for (const agent of agents.values()) agent.destroy();
      agents.clear();
    },
  };
}

/** Setting `ca` replaces Node's own list, so that list and NODE_EXTRA_CA_CERTS are put back in. */
function trustedCertificates(pem: string, environment: Environment): string[] {
  const own = pem.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g) ?? [];
  try {
    if (own.length === 0) throw new Error('there is no PEM certificate in it');
    for (const certificate of own) new X509Certificate(certificate);
  } catch (error) {
    fail('usage-file', `the certificate authorities cannot be read: ${(error as Error).message}`, {
      hint: 'give a file of one or more blocks that begin with -----BEGIN CERTIFICATE-----',
    });
  }
  const extra = environment['NODE_EXTRA_CA_CERTS'];
  return [...tls.rootCertificates, ...own, ...(extra ? [readExtra(extra)] : [])];
}

function readExtra(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    // Node itself only warns about it.
    return '';
  }
}

type Created = (error: Error | null, stream: Duplex) => void;

/** TLS connections through a proxy's CONNECT (RFC 9110, section 9.3.6). */
class TunnelAgent extends https.Agent {
  constructor(
    readonly proxy: URL,
    readonly trust: { readonly rejectUnauthorized: boolean; readonly ca?: string[] },
    readonly connectTime: number,
    settings: https.AgentOptions,
  ) {
    super(settings);
  }

  override createConnection(options: https.RequestOptions, created?: Created): undefined {
    const host = options.host?.includes(':') ? `[${options.host}]` : options.host;
    const authority = `${host}:${options.port}`;
    const authorization = proxyAuthorization(this.proxy);
    const { protocol, hostname, port } = this.proxy;
    const connect = (protocol === 'https:' ? https : http).request({
      hostname: bareHost(hostname),
      port: port || (protocol === 'https:' ? 443 : 80),
      method: 'CONNECT',
      path: authority,
      headers: { host: authority, ...(authorization && { 'proxy-authorization': authorization }) },
      agent: false,
      ...(protocol === 'https:' && this.trust.ca && { ca: this.trust.ca }),
    });
    const timer = setTimeout(
      () => connect.destroy(this.#refused(`did not answer within ${this.connectTime / 1000} s`)),
      this.connectTime,
    );
    let done = false;
    const finish = (error: Error | null, socket?: Duplex) => {
      clearTimeout(timer);
      if (!done) created?.(error, socket as Duplex);
      done = true;
    };
    connect.on('error', error =>
      finish(error instanceof TouchmarkError ? error : this.#refused(`cannot be reached: ${error.message}`)),
    );
    connect.on('response', response => {
      response.destroy();
      finish(this.#refused(`answered ${response.statusCode} to CONNECT`));
    });
    connect.on('connect', (response, socket) => {
      if (response.statusCode !== 200) {
        socket.destroy();
        finish(this.#refused(`answered ${response.statusCode} to CONNECT ${authority}`));
        return;
      }
      const names = {
        host: options.host ?? '',
        ...(options.servername && { servername: options.servername }),
      };
      finish(null, tls.connect({ ...names, ...this.trust, ALPNProtocols: ['http/1.1'], socket }));
    });
    connect.end();
    return undefined;
  }

  #refused(problem: string): TouchmarkError {
    return new TouchmarkError('net-unreachable', `the proxy ${this.proxy.host} ${problem}`, {
      retryable: true,
      hint: 'check HTTPS_PROXY and NO_PROXY',
      details: { proxy: this.proxy.host },
    });
  }
}
