import { copyFileSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openSite, type Site, verdictOf } from '../integration/site.js';
import { CHECKOUT } from '../peers/checkout.js';
import { cosign, cosignImportKey, cosignVerify } from '../peers/cosign.js';
import { requirePeers } from '../peers/require-peers.js';
import { KINDS } from './matrix.js';

const absent = await requirePeers(['docker-registry', 'skopeo', 'cosign2', 'cosign3']);
const MAJORS = [2, 3] as const;

describe.skipIf(absent)('key files', () => {
  let site: Site;
  beforeAll(async () => {
    site = await openSite('keys');
  });
  afterAll(() => site?.close());

  it.each(KINDS)('%s: cosign opens what touchmark generates, and finds the same public key', async kind => {
    const name = `ours-${kind}`;
    await site.ok('key', 'generate', name, '--kind', kind);
    for (const major of MAJORS) {
      const { code, stdout, stderr } = await cosign(site.scratch, major, [
        'public-key',
        '--key',
        `${name}.key`,
      ]);
      expect(code, stderr).toBe(0);
      expect(stdout.trim()).toBe(readFileSync(site.scratch.file(`${name}.pub`), 'utf8').trim());
    }
    const wrong = { COSIGN_PASSWORD: 'not the password' };
    expect((await cosign(site.scratch, 3, ['public-key', '--key', `${name}.key`], wrong)).code).not.toBe(0);
  });

  it.each(KINDS)('%s: touchmark imports to the same public key as cosign', async kind => {
    const pem = site.scratch.file(`${kind}.pem`);
    copyFileSync(join(CHECKOUT, `keys-fixtures/openssl/pkcs8-${kind}.pem`), pem);
    const publicKeys = [readFileSync(join(CHECKOUT, `keys-fixtures/touchmark/${kind}.pub`), 'utf8')];
    for (const major of MAJORS) {
      const name = `imported-${major}-${kind}`;
      await cosignImportKey(site.scratch, major, pem, name);
      publicKeys.push(readFileSync(site.scratch.file(`${name}.pub`), 'utf8'));
    }
    expect(new Set(publicKeys.map(text => text.trim())).size).toBe(1);
  });

  it.each(MAJORS)('touchmark signs with a key that cosign %i generates; all verify', async major => {
    const name = `theirs-${major}`;
    const made = await cosign(site.scratch, major, ['generate-key-pair', '--output-key-prefix', name]);
    expect(made.code, made.stderr).toBe(0);
    const image = await site.publish(`signed/${name}`);
    await site.ok('sign', image.pinned, '--key', `${name}.key`);
    for (const carrier of ['simplesigning', 'bundle'] as const) {
      const own = await verdictOf(site, image.pinned, '--key', `${name}.pub`, '--carrier', carrier);
      expect(own.exitCode).toBe(0);
      for (const verifier of MAJORS) {
        const theirs = await cosignVerify(site.scratch, verifier, carrier, `${name}.pub`, image.pinned);
        expect(theirs.code, theirs.stderr).toBe(0);
      }
    }
  });
});
