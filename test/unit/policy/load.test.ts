import { mkdirSync, writeFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { generateKey, parsePublicKey, serializePublicKey } from '../../../src/crypto/index.js';
import { loadPolicy, policyKeyReader } from '../../../src/policy/index.js';
import { fixture, fixturePath, install, refusal, temporaryFolder } from '../crypto/fixtures.js';
import { text } from '../support.js';
import { edit, load, SHOP } from './support.js';

const PUBLIC = 'touchmark/ecdsa-p256.pub';
const PRIVATE = 'touchmark/ecdsa-p256.key';

const small = (keys: string) => `custody: 1
name: small
version: 1
scope: { repositories: ["registry.example.com/shop/app"] }
teams:
  app:
    signers:
      ada:
        keys: ${keys}
flow: [{ step: app, team: app, kinds: [add], threshold: 1 }]
`;

const indented = (pem: Uint8Array) => `\n          - |\n${text(pem).trim().replace(/^/gm, '            ')}`;

function write(folder: string, name: string, content: string): string {
  const file = join(folder, name);
  writeFileSync(file, content);
  return file;
}

describe('loading a policy', () => {
  it('finds keys beside the policy file, in a folder below, in variables and in the document', async () => {
    const folder = temporaryFolder();
    mkdirSync(join(folder, 'keys'));
    install(PUBLIC, folder, 0o644, 'ada.pub');
    install(PUBLIC, join(folder, 'keys'), 0o644, 'ada.pub');
    const { keyid } = parsePublicKey(fixture(PUBLIC), 'the fixture');
    const readKey = policyKeyReader(folder, { ADA: text(fixture(PUBLIC)) });
    for (const keys of [
      '[ada.pub]',
      '[./keys/ada.pub]',
      `["${fixturePath(PUBLIC)}"]`,
      '["env://ADA"]',
      indented(fixture(PUBLIC)),
    ]) {
      const { policy } = await loadPolicy(write(folder, 'policy.yaml', small(keys)), { readKey });
      expect(
        policy.teams[0]?.signers[0]?.keys.map(key => key.keyid),
        keys,
      ).toEqual([keyid]);
    }
  });

  it('reads .json as JSON and everything else as YAML', async () => {
    const folder = temporaryFolder();
    install(PUBLIC, folder, 0o644, 'ada.pub');
    const yaml = write(folder, 'policy.yml', small('[ada.pub]'));
    const json = write(folder, 'policy.json', JSON.stringify((await loadPolicy(yaml)).source.value));
    const [a, b] = [(await loadPolicy(yaml)).policy, (await loadPolicy(json)).policy];
    expect({ ...a, digest: undefined, teams: [] }).toEqual({ ...b, digest: undefined, teams: [] });
    expect(a.digest).not.toBe(b.digest);
    const misnamed = write(folder, 'other.json', await readFile(yaml, 'utf8'));
    expect((await refusal('policy-invalid', () => loadPolicy(misnamed))).message).toContain(
      'not acceptable JSON',
    );
  });

  it.each([
    ['usage-file', 'missing.yaml', 'does not exist'],
    ['usage-file', 'folder', 'is a folder'],
    ['policy-invalid', 'large.yaml', 'at most 1048576 are read'],
    ['policy-invalid', 'empty.yaml', 'is empty'],
  ] as const)('%s: %s', async (code, name, message) => {
    const folder = temporaryFolder();
    install(PUBLIC, folder, 0o644, 'ada.pub');
    mkdirSync(join(folder, 'folder'));
    write(folder, 'large.yaml', `${small('[ada.pub]')}${' '.repeat(1024 * 1024)}`);
    write(folder, 'empty.yaml', '');
    expect((await refusal(code, () => loadPolicy(join(folder, name)))).message).toContain(message);
    await expect(
      loadPolicy(write(folder, name === 'folder' ? 'file' : name, small('[ada.pub]'))),
    ).resolves.toBeDefined();
  });

  it.each([
    ['key-not-found', '[bob.pub]'],
    ['key-not-public', '[ada.key]'],
    ['key-malformed', '[words.pub]'],
    ['key-unsupported', '[weak.pub]'],
    ['key-not-found', '["env://NOBODY"]'],
    ['key-reference', '[keys]'],
  ] as const)('%s for keys: %s, saying where in the document', async (code, keys) => {
    const folder = temporaryFolder();
    install(PUBLIC, folder, 0o644, 'ada.pub');
    install(PRIVATE, folder, 0o600, 'ada.key');
    install('bad/rsa-1024.pub', folder, 0o644, 'weak.pub');
    write(folder, 'words.pub', 'this is no key');
    mkdirSync(join(folder, 'keys'));
    const error = await refusal(code, () => loadPolicy(write(folder, 'policy.yaml', small(keys))));
    expect(error.details).toMatchObject({ path: 'teams.app.signers.ada.keys[0]', line: 9 });
    expect(error.details['policy']).toBe(join(folder, 'policy.yaml'));
    await expect(loadPolicy(write(folder, 'policy.yaml', small('[ada.pub]')))).resolves.toBeDefined();
  });

  it('refuses a private key in the document, and does not repeat it', async () => {
    const folder = temporaryFolder();
    const pem = fixture('openssl/pkcs8-ecdsa-p256.pem');
    const error = await refusal('key-not-public', () =>
      loadPolicy(write(folder, 'policy.yaml', small(indented(pem)))),
    );
    expect(error.hint).toContain('replace it');
    const body = text(pem).split('\n')[1] as string;
    expect(JSON.stringify([error.message, error.hint, error.details])).not.toContain(body);
    const good = write(
      folder,
      'policy.yaml',
      small(indented(serializePublicKey((await generateKey('ed25519')).publicKey))),
    );
    await expect(loadPolicy(good)).resolves.toBeDefined();
  });

  it('refuses one key under two names of a team: one person would be two', async () => {
    const error = await refusal('policy-invalid', () => load(SHOP, { 'grace.pub': 'base.pub' }));
    expect(error.message).toContain('teams.base.signers.grace.keys[0] is the key');
    expect(error.message).toContain('"linus" has in the same team');
    expect(error.details['line']).toBe(13);
    await expect(load(SHOP)).resolves.toBeDefined();
  });

  it('knows keys of the past, and refuses a key that stands in two lists', async () => {
    const past = edit(
      'keys: ["base.pub"]',
      'keys: ["base.pub"], retired: ["old.pub"], revoked: ["lost.pub"]',
    );
    const signer = (await load(past)).policy.teams[0]?.signers[0];
    expect([signer?.keys, signer?.retired, signer?.revoked].map(keys => keys?.length)).toEqual([1, 1, 1]);
    const both = await refusal('policy-invalid', () => load(past, { 'old.pub': 'base.pub' }));
    expect(both.message).toContain('teams.base.signers.linus.retired[0] is the key');
    const grace = await refusal('policy-invalid', () => load(past, { 'lost.pub': 'grace.pub' }));
    expect(grace.message).toContain('"linus" has in the same team');
  });

  it('takes how marks are listed and how far a base may be behind as they are written', async () => {
    const document = edit('index: off', 'index: complete');
    const current = edit(
      'threshold: 2, maxAge: 60d }',
      'threshold: 2, currency: { channel: stable, maxBehind: 1 } }',
      document,
    );
    const { policy } = await load(current);
    expect(policy.index).toBe('complete');
    expect(policy.flow.map(step => step.currency)).toEqual([
      undefined,
      { channel: 'stable', maxBehind: 1 },
      undefined,
    ]);
    expect((await load(edit('index: off, ', ''))).policy.index).toBeUndefined();
  });

  it('refuses one key twice for one signer', async () => {
    const twice = edit('keys: ["base.pub"]', 'keys: ["base.pub", "copy.pub"]');
    expect(
      (await refusal('policy-invalid', () => load(twice, { 'copy.pub': 'base.pub' }))).message,
    ).toContain('stands here already');
    expect((await load(twice)).policy.teams[0]?.signers[0]?.keys).toHaveLength(2);
  });

  it('takes one key in two teams: lint tells', async () => {
    await expect(load(SHOP, { 'env://ADA': 'base.pub' })).resolves.toBeDefined();
  });

  it('reads each key once', async () => {
    const folder = temporaryFolder();
    const asked: string[] = [];
    const key = (await generateKey('ed25519')).publicKey;
    const two = edit('ada.pub', 'ada.pub', small('[ada.pub]')).replace(
      'flow:',
      '  web: { signers: { bob: { keys: [ada.pub] } } }\nflow:',
    );
    await loadPolicy(write(folder, 'policy.yaml', two), {
      readKey: async entry => {
        asked.push(entry);
        return key;
      },
    });
    expect(asked).toEqual(['ada.pub']);
  });
});
