import { readFileSync } from 'node:fs';
import http from 'node:http';
import https from 'node:https';
import type { Duplex } from 'node:stream';
import tls from 'node:tls';
import { TouchmarkError } from '../../base/errors.js';
import type { Connector } from './agents.js';
import { bareHost } from './hosts.js';
import { type Environment, proxyAuthorization } from './proxy.js';

/** Connections with TLS. In a file of its own: Node's TLS is loaded by the first of them, and a registry on loopback has none. */
export interface TlsOptions {
  readonly verifyCertificate: boolean;
  /** PEM, one certificate each; empty for Node's own list alone. */
  readonly authorities: readonly string[];
  readonly environment: Environment;
  /** For connections through CONNECT. */
  readonly tunnel?: { readonly proxy: URL; readonly connectTime: number };
}

export function createTlsConnector(options: TlsOptions, settings: http.AgentOptions): Connector {
  const { authorities, environment, tunnel } = options;
  const ca = authorities.length > 0 && trustedCertificates(authorities, environment);
  const trust = { rejectUnauthorized: options.verifyCertificate, ...(ca && { ca }) };
  const all = { ...settings, ...trust, ALPNProtocols: ['http/1.1'] };
  const agent = tunnel ? new TunnelAgent(tunnel.proxy, trust, tunnel.connectTime, all) : new https.Agent(all);
  return { agent, request: https.request };
}

/** Setting `ca` replaces Node's own list, so that list and NODE_EXTRA_CA_CERTS are put back in. */
function trustedCertificates(own: readonly string[], environment: Environment): string[] {
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
