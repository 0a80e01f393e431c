import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { chooseServices, parseServices } from '../../../src/keyless/index.js';
import { failure } from './support.js';

const now = new Date('2026-06-01T00:00:00Z');
const service = (name: string, more: object = {}) => ({
  url: `https://${name}.example`,
  majorApiVersion: 1,
  validFor: { start: '2026-01-01T00:00:00Z' },
  operator: name,
  ...more,
});
const config = (more: object = {}) => ({
  mediaType: 'application/vnd.dev.sigstore.signingconfig.v0.2+json',
  caUrls: [service('ca')],
  oidcUrls: [service('login')],
  rekorTlogUrls: [service('log')],
  rekorTlogConfig: { selector: 'ANY' },
  tsaUrls: [service('tsa', { url: 'https://tsa.example/api/v1/timestamp' })],
  tsaConfig: { selector: 'ANY' },
  ...more,
});
const choose = (more: object = {}) => {
  const { fulcio, issuer, logs, timestampAuthorities } = chooseServices(
    Buffer.from(JSON.stringify(config(more))),
    now,
  );
  return {
    fulcio: fulcio.host,
    issuer: issuer?.host,
    logs: logs.map(({ url, version }) => `${url.host} v${version}`),
    timestamps: timestampAuthorities.map(url => url.href),
  };
};

describe('services by a signing configuration', () => {
  it('are one of each kind by default, their addresses as written', () => {
    expect(choose()).toEqual({
      fulcio: 'ca.example',
      issuer: 'login.example',
      logs: ['log.example v1'],
      timestamps: ['https://tsa.example/api/v1/timestamp'],
    });
  });

  const ended = { validFor: { start: '2025-01-01T00:00:00Z', end: '2026-05-31T23:59:59Z' } };
  const started = (start: string) => ({ validFor: { start } });
  it.each<[string, object, object]>([
    [
      'are valid now',
      { caUrls: [service('old', ended), service('new', started('2026-06-01T00:00:01Z')), service('now')] },
      { fulcio: 'now.example' },
    ],
    [
      'are the newest of an operator',
      {
        caUrls: [
          service('a', { operator: 'x' }),
          service('b', { operator: 'x', ...started('2026-03-01T00:00:00Z') }),
        ],
      },
      { fulcio: 'b.example' },
    ],
    [
      'may end at this very second',
      {
        caUrls: [service('ca', { validFor: { start: '2025-01-01T00:00:00Z', end: '2026-06-01T00:00:00Z' } })],
      },
      { fulcio: 'ca.example' },
    ],
    ['may have no beginning', { caUrls: [service('ca', { validFor: null })] }, { fulcio: 'ca.example' }],
    [
      'are of the highest version that is spoken here',
      {
        rekorTlogUrls: [
          service('one'),
          service('two', { majorApiVersion: 2 }),
          service('three', { majorApiVersion: 3 }),
        ],
      },
      { logs: ['two.example v2'] },
    ],
    [
      'fall back to a version that is valid',
      { rekorTlogUrls: [service('one'), service('two', { majorApiVersion: 2, ...ended })] },
      { logs: ['one.example v1'] },
    ],
    [
      'are all, one of each operator',
      {
        rekorTlogUrls: [service('a'), service('b'), service('c', { operator: 'a', ...ended })],
        rekorTlogConfig: { selector: 'ALL' },
      },
      { logs: ['a.example v1', 'b.example v1'] },
    ],
    [
      'are as many as asked for',
      {
        rekorTlogUrls: [service('a'), service('b'), service('c')],
        rekorTlogConfig: { selector: 'EXACT', count: 2 },
      },
      { logs: ['a.example v1', 'b.example v1'] },
    ],
    ['are not used when the list is empty', { rekorTlogUrls: [] }, { logs: [] }],
    [
      'are not used when there is no list',
      { rekorTlogUrls: undefined, rekorTlogConfig: undefined },
      { logs: [] },
    ],
  ])('%s', (_name, more, expected) => {
    expect(choose(more)).toMatchObject(expected);
  });

  it.each<[string, object, string]>([
    [
      'another version',
      { mediaType: 'application/vnd.dev.sigstore.signingconfig.v0.1+json' },
      'format-signing-config',
    ],
    ['no certificate authority', { caUrls: [] }, 'services-missing'],
    ['only one that has ended', { caUrls: [service('ca', ended)] }, 'services-missing'],
    [
      'only a version not spoken here',
      { rekorTlogUrls: [service('log', { majorApiVersion: 9 })] },
      'services-missing',
    ],
    ['fewer operators than asked for', { tsaConfig: { selector: 'EXACT', count: 2 } }, 'services-missing'],
    ['a count of nothing', { tsaConfig: { selector: 'EXACT', count: 0 } }, 'format-signing-config'],
    ['no selector', { tsaConfig: {} }, 'format-signing-config'],
    [
      'an address that is none',
      { caUrls: [service('ca', { url: 'ftp://ca.example' })] },
      'format-signing-config',
    ],
    [
      'an address with a password',
      { caUrls: [service('ca', { url: 'https://a:b@ca.example' })] },
      'format-signing-config',
    ],
    [
      'a time that is none',
      { caUrls: [service('ca', { validFor: { start: 'yesterday' } })] },
      'format-signing-config',
    ],
    [
      'nobody who says the time',
      { rekorTlogUrls: [service('log', { majorApiVersion: 2 })], tsaUrls: [] },
      'services-missing',
    ],
    ['no witness at all', { rekorTlogUrls: [], tsaUrls: [] }, 'services-missing'],
  ])('are refused with %s', async (_name, more, code) => {
    expect((await failure(() => choose(more))).code).toBe(code);
  });
});

describe('the signing configuration of', () => {
  const chosen = (name: string) => {
    const file = join(import.meta.dirname, `../../vectors/sigstore-tuf/${name}.signing_config.v0.2.json`);
    const { fulcio, issuer, logs, timestampAuthorities } = chooseServices(readFileSync(file), now);
    return [
      fulcio,
      issuer,
      ...logs.map(({ url, version }) => `${url} v${version}`),
      ...timestampAuthorities,
    ].map(String);
  };

  it('the public instance names its first log', () => {
    expect(chosen('public')).toEqual([
      'https://fulcio.sigstore.dev/',
      'https://oauth2.sigstore.dev/auth',
      'https://rekor.sigstore.dev/ v1',
      'https://timestamp.sigstore.dev/api/v1/timestamp',
    ]);
  });

  it('staging names the newest log of tiles', () => {
    expect(chosen('staging')[2]).toBe('https://log2025-alpha3.rekor.sigstage.dev/ v2');
  });
});

describe('services by address', () => {
  it('are those that are named', () => {
    const { fulcio, logs, timestampAuthorities } = parseServices({
      fulcio: 'https://ca.example/path',
      logs: [{ url: 'https://log.example', version: 2 }],
      timestampAuthorities: ['https://tsa.example/stamp'],
    });
    expect([fulcio.href, logs[0]?.url.href, timestampAuthorities[0]?.href]).toEqual([
      'https://ca.example/path',
      'https://log.example/',
      'https://tsa.example/stamp',
    ]);
  });

  it.each([
    ['no URL', { fulcio: 'ca.example' }, 'usage-argument'],
    ['a password', { fulcio: 'https://a:b@ca.example' }, 'usage-argument'],
    ['nobody who says the time', { fulcio: 'https://ca.example' }, 'services-missing'],
  ])('are refused with %s', async (_name, addresses, code) => {
    expect((await failure(() => parseServices(addresses))).code).toBe(code);
  });
});
