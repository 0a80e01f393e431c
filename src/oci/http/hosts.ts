import { BlockList, isIPv4, isIPv6 } from 'node:net';

export type HostClass = 'public' | 'private' | 'loopback' | 'link-local' | 'unspecified';

const CLASSES: readonly (readonly [HostClass, BlockList])[] = [
  ['loopback', blockList(['127.0.0.0', 8], ['::1', 128])],
  ['unspecified', blockList(['0.0.0.0', 8], ['::', 128])],
  ['link-local', blockList(['169.254.0.0', 16], ['fe80::', 10])],
  [
    'private',
    blockList(['10.0.0.0', 8], ['172.16.0.0', 12], ['192.168.0.0', 16], ['100.64.0.0', 10], ['fc00::', 7]),
  ],
];

function blockList(...subnets: readonly (readonly [string, number])[]): BlockList {
  const list = new BlockList();
  for (const [net, prefix] of subnets) list.addSubnet(net, prefix, isIPv4(net) ? 'ipv4' : 'ipv6');
  return list;
}

/** `[::1]` and `Localhost.` in the form to compare: no brackets, lower case, no root dot. */
export function bareHost(hostname: string): string {
  return hostname
    .replace(/^\[|\]$/g, '')
    .replace(/\.$/, '')
    .toLowerCase();
}

/** What kind of address a URL's host is. A name other than localhost counts as public: it is not looked up. */
export function classifyHost(hostname: string): HostClass {
  const host = bareHost(hostname);
  if (host === 'localhost' || host.endsWith('.localhost')) return 'loopback';
  const family = isIPv4(host) ? 'ipv4' : isIPv6(host) ? 'ipv6' : undefined;
  if (family === undefined) return 'public';
  return CLASSES.find(([, list]) => list.check(host, family))?.[0] ?? 'public';
}

export function isLoopback(hostname: string): boolean {
  return classifyHost(hostname) === 'loopback';
}

/**
 * May a server at `from` send this client to `to`? A public server must not point it at the inside of the network it runs
 * in, nobody at link-local addresses, where clouds keep their metadata service.
 */
export function mayPointTo(from: string, to: string): boolean {
  if (bareHost(from) === bareHost(to)) return true;
  const target = classifyHost(to);
  if (target === 'public') return true;
  const source = classifyHost(from);
  return target === 'link-local' || target === 'unspecified' ? source === target : source !== 'public';
}
