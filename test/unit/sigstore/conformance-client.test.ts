import { createHash } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { CHECKOUT } from '../../peers/checkout.js';
import { run } from '../../peers/command.js';
import { type PrivateSigstore, startPrivateSigstore } from '../../private-sigstore/index.js';

/** The command line that the public conformance suite asks of a client. */

const CLIENT = join(CHECKOUT, 'test/conformance/sigstore-client.mjs');
const SUBJECT = 'https://ci.example/app';

let sigstore: PrivateSigstore;
const folder = mkdtempSync(join(tmpdir(), 'touchmark-conformance-'));
const file = (name: string) => join(folder, name);
beforeAll(async () => {
  sigstore = await startPrivateSigstore({ sub: SUBJECT });
  writeFileSync(file('root.json'), sigstore.trustedRoot());
  writeFileSync(file('config.json'), sigstore.signingConfig(2));
  writeFileSync(file('a.txt'), 'an artifact\n');
  writeFileSync(file('b.txt'), 'another\n');
});
afterAll(async () => {
  rmSync(folder, { recursive: true });
  await sigstore.close();
});

const client = async (...args: readonly string[]) =>
  (await run(process.execPath, [CLIENT, ...args], { cwd: folder })).code;
const sign = (bundle: string, artifact: string, ...more: readonly string[]) => {
  const files = ['--trusted-root', 'root.json', '--signing-config', 'config.json'];
  const token = ['--identity-token', sigstore.issuer.token()];
  return client('sign-bundle', ...more, ...token, '--bundle', bundle, ...files, artifact);
};
const verify = (bundle: string, artifact: string, identity = SUBJECT) => {
  const by = ['--certificate-identity', identity, '--certificate-oidc-issuer', sigstore.issuer.name];
  return client('verify-bundle', '--bundle', bundle, ...by, '--trusted-root', 'root.json', artifact);
};
const digestOf = (name: string) =>
  createHash('sha256')
    .update(readFileSync(file(name)))
    .digest('hex');

describe('the client for the conformance suite', () => {
  it('signs a file, and verifies it by file and by digest, and nothing else', async () => {
    expect(await sign('a.json', 'a.txt')).toBe(0);
    expect(await verify('a.json', 'a.txt')).toBe(0);
    expect(await verify('a.json', `sha256:${digestOf('a.txt')}`)).toBe(0);
    expect(await verify('a.json', 'b.txt')).toBe(1);
    expect(await verify('a.json', 'a.txt', 'https://ci.example/other')).toBe(1);
  });

  it('signs a statement', async () => {
    const statement = {
      _type: 'https://in-toto.io/Statement/v1',
      subject: [{ name: 'a.txt', digest: { sha256: digestOf('a.txt') } }],
      predicateType: 'https://example.com/p',
      predicate: {},
    };
    writeFileSync(file('statement.json'), JSON.stringify(statement));
    expect(await sign('s.json', 'statement.json', '--in-toto')).toBe(0);
    expect(await verify('s.json', 'a.txt')).toBe(0);
  });

  it('gives 1 for whatever it cannot do', async () => {
    expect(await verify('none.json', 'a.txt')).toBe(1);
  });
});
