import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { computeDigest } from '../../../src/base/digest.js';
import { createStoreAccess } from '../../../src/oci/open.js';
import {
  fetchSigstoreTrust,
  PUBLIC_GOOD,
  parseTrustLocation,
  publicGoodMirror,
} from '../../../src/trust/index.js';
import { TrustedSet } from '../../../src/tuf/trusted-set.js';
import { codeOfAsync, text } from '../support.js';
import { NOW, Simulator } from '../tuf/simulator.js';
import { scratch, serve, storeAccess } from './support.js';

const LONG_AFTER = new Date('2040-01-01T00:00:00Z');

async function sigstore(targets: Readonly<Record<string, string>>) {
  const repository = await Simulator.create();
  for (const [name, content] of Object.entries(targets)) repository.addTarget('targets', name, content);
  repository.release('targets');
  // Sigstore keeps its metadata directly at its address.
  const server = await serve(repository, '');
  const root = repository.files.get('1.root.json') as Uint8Array;
  const mirror = { location: parseTrustLocation(server.url), root };
  return { repository, server, mirror, folder: await scratch() };
}

describe('the trust of a sigstore', () => {
  it('is fetched from its TUF repository, as it was signed', async () => {
    const { mirror, folder } = await sigstore({
      'trusted_root.json': '{"mediaType":"root"}',
      'signing_config.v0.2.json': '{"mediaType":"config"}',
    });
    const trust = await fetchSigstoreTrust(storeAccess(), { mirror, folder, now: NOW });
    expect(text(trust.trustedRoot)).toBe('{"mediaType":"root"}');
    expect(text(trust.signingConfig as Uint8Array)).toBe('{"mediaType":"config"}');
    expect(trust.status).toMatchObject({ offline: false, checked: NOW });
  });

  it('is read from servers that say 403 of what they do not have', async () => {
    const { repository, server, ...site } = await sigstore({ 'trusted_root.json': '{}' });
    server.mischief = (path, _, response) => {
      if (repository.files.has(path) || path.startsWith('targets/')) return false;
      response.writeHead(403).end('AccessDenied');
      return true;
    };
    const trust = await fetchSigstoreTrust(storeAccess(), { ...site, now: NOW });
    expect(text(trust.trustedRoot)).toBe('{}');
    expect(server.requests).not.toContain('metadata/timestamp.json');
  });

  it('may lie in folders, as other repositories do', async () => {
    const repository = await Simulator.create();
    repository.addTarget('targets', 'trusted_root.json', '{}');
    repository.release('targets');
    const server = await serve(repository);
    const root = repository.files.get('1.root.json') as Uint8Array;
    const mirror = { location: parseTrustLocation(server.url), root };
    const trust = await fetchSigstoreTrust(storeAccess(), { mirror, folder: await scratch(), now: NOW });
    expect(text(trust.trustedRoot)).toBe('{}');
  });

  it('may have no signing configuration, but has a trusted root', async () => {
    const verifying = await sigstore({ 'trusted_root.json': '{}' });
    const trust = await fetchSigstoreTrust(storeAccess(), { ...verifying, now: NOW });
    expect(trust.signingConfig).toBeUndefined();
    const other = await sigstore({ 'readme.txt': 'hello' });
    expect(await codeOfAsync(fetchSigstoreTrust(storeAccess(), { ...other, now: NOW }))).toBe(
      'tuf-target-unlisted',
    );
  });

  it('is what was fetched last in an offline run, which opens no socket, until it expires', async () => {
    const site = await sigstore({ 'trusted_root.json': '{"kept":true}' });
    await fetchSigstoreTrust(storeAccess(), { ...site, now: NOW });
    const asked = site.server.requests.length;
    const later = new Date(NOW.getTime() + 3_600_000);
    const offline = () => createStoreAccess({ offline: true });
    const trust = await fetchSigstoreTrust(offline(), { ...site, now: later });
    expect(text(trust.trustedRoot)).toBe('{"kept":true}');
    expect(trust.status).toMatchObject({ offline: true, checked: NOW });
    expect(site.server.requests.length).toBe(asked);
    expect(await codeOfAsync(fetchSigstoreTrust(offline(), { ...site, now: LONG_AFTER }))).toBe(
      'tuf-expired',
    );
    const fresh = { ...site, folder: await scratch(), now: NOW };
    expect(await codeOfAsync(fetchSigstoreTrust(offline(), fresh))).toBe('tuf-unavailable');
  });

  it('is not believed from another root, or when a mirror changes it', async () => {
    const site = await sigstore({ 'trusted_root.json': '{"honest":1}' });
    const stranger = await Simulator.create();
    await stranger.rotate('timestamp');
    stranger.publishAll();
    const root = stranger.files.get('1.root.json') as Uint8Array;
    const mixed = { ...site, mirror: { ...site.mirror, root }, now: NOW };
    expect(await codeOfAsync(fetchSigstoreTrust(storeAccess(), mixed))).toBe('tuf-threshold');
    site.server.mischief = (path, _, response) => {
      if (!path.endsWith('.trusted_root.json')) return false;
      response.end('{"honest":0}');
      return true;
    };
    expect(await codeOfAsync(fetchSigstoreTrust(storeAccess(), { ...site, now: NOW }))).toBe(
      'tuf-hash-mismatch',
    );
  });
});

describe('the embedded root of the public sigstore', () => {
  const vector = (version: number) =>
    readFileSync(join(import.meta.dirname, `../../vectors/sigstore-tuf/${version}.root.json`));

  it('is what it says it is', async () => {
    const { location, root } = await publicGoodMirror();
    expect(computeDigest(root)).toBe(PUBLIC_GOOD.rootDigest);
    expect(location).toEqual({ kind: 'web', url: new URL(PUBLIC_GOOD.place) });
    const set = new TrustedSet(root, { now: NOW });
    expect(set.root.version).toBe(PUBLIC_GOOD.rootVersion);
    expect(set.root.expires).toEqual(new Date(PUBLIC_GOOD.rootExpires));
    expect(set.root.consistentSnapshot).toBe(true);
  });

  it('is signed by the keys of the roots before it, which other clients carry', async () => {
    const { root } = await publicGoodMirror();
    const set = new TrustedSet(vector(14), { now: NOW });
    set.updateRoot(vector(15));
    set.updateRoot(root);
    expect(set.root.version).toBe(PUBLIC_GOOD.rootVersion);
  });
});
