import { describe, expect, it } from 'vitest';
import { publicUrl, resolveEndpoint } from '../../../src/oci/http/endpoint.js';
import { classifyHost, mayPointTo } from '../../../src/oci/http/hosts.js';
import { proxyFor } from '../../../src/oci/http/proxy.js';
import { nextHop, resolveLocation } from '../../../src/oci/http/redirect.js';

const codeOf = (work: () => unknown) => {
  try {
    work();
  } catch (error) {
    return (error as { code?: string }).code;
  }
  return 'none';
};

describe('hosts', () => {
  it.each([
    ['localhost', 'loopback'],
    ['a.localhost', 'loopback'],
    ['LOCALHOST.', 'loopback'],
    ['127.9.9.9', 'loopback'],
    ['[::1]', 'loopback'],
    ['[::ffff:127.0.0.1]', 'loopback'],
    ['10.1.2.3', 'private'],
    ['172.31.0.1', 'private'],
    ['172.32.0.1', 'public'],
    ['192.168.0.1', 'private'],
    ['[fd00::1]', 'private'],
    ['169.254.169.254', 'link-local'],
    ['[fe80::1]', 'link-local'],
    ['0.0.0.0', 'unspecified'],
    ['8.8.8.8', 'public'],
    ['localhost.example', 'public'],
  ])('%s is %s', (host, expected) => expect(classifyHost(host)).toBe(expected));

  it('a public server may not point inside, nobody at metadata addresses', () => {
    expect(mayPointTo('registry.example', '10.0.0.1')).toBe(false);
    expect(mayPointTo('registry.example', 'localhost')).toBe(false);
    expect(mayPointTo('registry.example', 'cdn.example')).toBe(true);
    expect(mayPointTo('10.0.0.2', '10.0.0.1')).toBe(true);
    expect(mayPointTo('127.0.0.1', '169.254.169.254')).toBe(false);
    expect(mayPointTo('169.254.169.254', '169.254.169.254')).toBe(true);
  });
});

describe('endpoints', () => {
  it('speak http on loopback, https elsewhere, both where the user said so', () => {
    expect(resolveEndpoint('localhost:5000', {})).toMatchObject({
      schemes: ['http'],
      verifyCertificate: true,
    });
    expect(resolveEndpoint('registry.example', {})).toMatchObject({
      schemes: ['https'],
      verifyCertificate: true,
    });
    expect(resolveEndpoint('10.0.0.1:5000', {})).toMatchObject({ schemes: ['https'] });
    expect(resolveEndpoint('10.0.0.1:5000', { insecureRegistries: ['10.0.0.1:5000'] })).toMatchObject({
      schemes: ['https', 'http'],
      verifyCertificate: false,
    });
    expect(resolveEndpoint('10.0.0.1:5001', { insecureRegistries: ['10.0.0.1:5000'] })).toMatchObject({
      schemes: ['https'],
    });
    expect(resolveEndpoint('docker.io', {}).host).toBe('registry-1.docker.io');
  });

  it('show URLs without what could be secret', () => {
    expect(publicUrl(new URL('https://u:p@a.example/x?digest=sha256:1&X-Amz-Signature=s&_state=t#f'))).toBe(
      'https://a.example/x?digest=sha256%3A1&X-Amz-Signature=…&_state=…',
    );
  });
});

describe('proxies', () => {
  const https = new URL('https://registry.example/v2/');
  const via = (url: URL, environment: Record<string, string>) => proxyFor(url, environment)?.href;

  it('are chosen by scheme, then ALL_PROXY', () => {
    const all = { HTTP_PROXY: 'http://h:1', https_proxy: 'http://s:2', ALL_PROXY: 'http://a:3' };
    expect(via(https, all)).toBe('http://s:2/');
    expect(via(new URL('http://registry.example/'), all)).toBe('http://h:1/');
    expect(via(https, { ALL_PROXY: 'a.example:3' })).toBe('http://a.example:3/');
    expect(via(https, {})).toBeUndefined();
    expect(
      via(new URL('http://x.example/'), { HTTP_PROXY: 'http://h:1', REQUEST_METHOD: 'GET' }),
    ).toBeUndefined();
  });

  it('are never used for loopback', () => {
    for (const host of ['localhost:5000', '127.0.0.1', '[::1]:5000', 'a.localhost']) {
      expect(via(new URL(`http://${host}/`), { HTTP_PROXY: 'http://h:1' })).toBeUndefined();
    }
  });

  it.each([
    ['*', true],
    ['registry.example', true],
    ['.example', true],
    ['example', true],
    ['*.example', true],
    ['registry.example:443', true],
    ['registry.example:444', false],
    ['.registry.example', false],
    ['istry.example', false],
    ['other.example, REGISTRY.example', true],
    ['10.0.0.0/8', false],
  ])('NO_PROXY=%s exempts registry.example: %s', (list, exempt) => {
    expect(via(https, { HTTPS_PROXY: 'http://p:1', NO_PROXY: list }) === undefined).toBe(exempt);
  });

  it.each([
    ['10.0.0.0/8', '10.1.2.3', true],
    ['10.0.0.0/8', '11.1.2.3', false],
    ['fd00::/8', '[fd00::5]', true],
    ['fd00::5', '[fd00::5]', true],
    ['10.1.2.3', '10.1.2.3', true],
    ['10.0.0.0/99', '10.1.2.3', false],
  ])('NO_PROXY=%s exempts %s: %s', (list, host, exempt) => {
    expect(
      via(new URL(`https://${host}/`), { HTTPS_PROXY: 'http://p:1', NO_PROXY: list }) === undefined,
    ).toBe(exempt);
  });

  it('must be http or https URLs', () => {
    expect(codeOf(() => proxyFor(https, { HTTPS_PROXY: 'socks5://user:secret@p:1' }))).toBe('usage-argument');
    expect(codeOf(() => proxyFor(https, { HTTPS_PROXY: 'http://user:secret@p:1' }))).toBe('none');
  });
});

describe('redirects', () => {
  const from = new URL('https://registry.example/v2/a');

  it('stay trusted on one origin only, and never again', () => {
    const start = { method: 'GET', url: from, trusted: true };
    expect(nextHop(start, 307, '/b')).toMatchObject({ trusted: true });
    const away = nextHop(start, 307, 'https://cdn.example/b');
    expect(away.trusted).toBe(false);
    expect(nextHop(away, 307, 'https://registry.example/c').trusted).toBe(false);
    expect(nextHop(start, 307, 'https://registry.example:8443/b').trusted).toBe(false);
  });

  it('keep or change the method as RFC 9110 says', () => {
    const post = { method: 'POST', url: from, trusted: true, body: new Uint8Array(1) };
    expect(nextHop(post, 302, '/b')).not.toHaveProperty('body');
    expect(nextHop(post, 302, '/b').method).toBe('GET');
    expect(nextHop(post, 307, '/b')).toMatchObject({ method: 'POST', body: post.body });
    expect(nextHop({ ...post, method: 'PUT' }, 301, '/b').method).toBe('PUT');
    expect(nextHop({ ...post, method: 'PUT' }, 303, '/b').method).toBe('GET');
    expect(nextHop({ method: 'HEAD', url: from, trusted: true }, 303, '/b').method).toBe('HEAD');
  });

  it.each([
    ['http://registry.example/b', 'https://registry.example/b'],
    ['https://169.254.169.254/latest', 'https://cdn.example/latest'],
    ['https://10.0.0.1/b', 'https://11.0.0.1/b'],
    ['https://localhost/b', 'https://localhost.example/b'],
    ['ftp://cdn.example/b', 'https://cdn.example/b'],
    ['https://', '/'],
  ])('%s is refused, %s is not', (bad, good) => {
    expect(codeOf(() => resolveLocation(from, bad))).toBe('net-redirect');
    expect(codeOf(() => resolveLocation(from, good))).toBe('none');
  });

  it('never carry a body that is a credential to another origin', () => {
    const token = { method: 'POST', url: from, trusted: true, body: new Uint8Array(1), secretBody: true };
    expect(codeOf(() => nextHop(token, 307, 'https://elsewhere.example/'))).toBe('net-redirect');
    expect(codeOf(() => nextHop(token, 307, '/token2'))).toBe('none');
  });

  it('drop user and password of a location', () => {
    expect(resolveLocation(from, 'https://u:p@cdn.example/b').href).toBe('https://cdn.example/b');
  });
});
