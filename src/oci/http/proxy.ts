import { BlockList, isIP } from 'node:net';
import { fail } from '../../base/errors.js';
import { bareHost, isLoopback } from './hosts.js';

export type Environment = Readonly<Record<string, string | undefined>>;

/**
 * The proxy for a URL by the customary variables: HTTP_PROXY, HTTPS_PROXY, ALL_PROXY and NO_PROXY, in upper or lower case.
 * Loopback is never proxied.
 * @throws TouchmarkError `usage-argument` for a proxy that is not an http or https URL
 */
export function proxyFor(url: URL, environment: Environment): URL | undefined {
  if (isLoopback(url.hostname)) return undefined;
  const names = url.protocol === 'https:' ? ['HTTPS_PROXY', 'https_proxy'] : ['HTTP_PROXY', 'http_proxy'];
  // A CGI program gets the request header `Proxy:` as HTTP_PROXY.
  if (environment['REQUEST_METHOD']) names.splice(names.indexOf('HTTP_PROXY') >>> 0, 1);
  const name = [...names, 'ALL_PROXY', 'all_proxy'].find(key => environment[key]);
  if (name === undefined) return undefined;
  if (isExempt(url, environment['NO_PROXY'] || environment['no_proxy'] || '')) return undefined;
  return parseProxy(environment[name] ?? '', name);
}

function parseProxy(text: string, name: string): URL {
  let proxy: URL | undefined;
  try {
    proxy = new URL(text.includes('://') ? text : `http://${text}`);
  } catch {}
  if (proxy && (proxy.protocol === 'http:' || proxy.protocol === 'https:') && proxy.hostname) return proxy;
  // The value may hold a password, so it is not shown.
  return fail('usage-argument', `${name} does not hold the URL of an http or https proxy`, {
    hint: `write it as ${name}=http://proxy.example:3128`,
  });
}

function isExempt(url: URL, list: string): boolean {
  const host = bareHost(url.hostname);
  const port = url.port || (url.protocol === 'https:' ? '443' : '80');
  return list
    .split(/[\s,]+/)
    .filter(entry => entry !== '')
    .some(entry => entry === '*' || matchesEntry(entry.toLowerCase(), host, port));
}

function matchesEntry(entry: string, host: string, port: string): boolean {
  const cidr = /^([0-9a-f.:]+)\/(\d{1,3})$/.exec(entry);
  if (cidr?.[1] && cidr[2]) return inSubnet(host, cidr[1], Number(cidr[2]));
  const split = /^(\[[^\]]*\]|[^:]*)(?::(\d+))?$/.exec(entry);
  // An IPv6 address without brackets has colons of its own.
  const name = bareHost(isIP(entry) ? entry : (split?.[1] ?? ''));
  if (!isIP(entry) && split?.[2] !== undefined && split[2] !== port) return false;
  if (name === '') return false;
  if (name.startsWith('*.')) return host.endsWith(name.slice(1));
  if (name.startsWith('.')) return host.endsWith(name);
  return host === name || (!isIP(name) && host.endsWith(`.${name}`));
}

function inSubnet(host: string, net: string, prefix: number): boolean {
  const family = isIP(net);
  if (family === 0 || isIP(host) !== family || prefix > (family === 4 ? 32 : 128)) return false;
  const list = new BlockList();
  list.addSubnet(net, prefix, family === 4 ? 'ipv4' : 'ipv6');
  return list.check(host, family === 4 ? 'ipv4' : 'ipv6');
}

/** The value of `Proxy-Authorization` for a proxy URL with user and password. */
export function proxyAuthorization(proxy: URL): string | undefined {
  if (!proxy.username && !proxy.password) return undefined;
  const pair = `${decodeURIComponent(proxy.username)}:${decodeURIComponent(proxy.password)}`;
  return `Basic ${Buffer.from(pair).toString('base64')}`;
}
