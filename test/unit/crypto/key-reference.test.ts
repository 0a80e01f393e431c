import { execFileSync } from 'node:child_process';
import { chmodSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { describe, expect, test } from 'vitest';
import {
  loadPublicKey,
  loadSigner,
  parseKeyReference,
  parsePublicKey,
  schemesOf,
} from '../../../src/crypto/index.js';
import { fixture, install, noPassword, password, passwordOf, refusal, temporaryFolder } from './fixtures.js';

const { keyid } = parsePublicKey(fixture('touchmark/ecdsa-p256.pub'), 'p256');
const isRoot = process.getuid?.() === 0;

describe('references', () => {
  test.each<[string, ReturnType<typeof parseKeyReference>]>([
    ['release.key', { type: 'file', path: 'release.key' }],
    ['./a:b.key', { type: 'file', path: './a:b.key' }],
    ['C:\\keys\\a.key', { type: 'file', path: 'C:\\keys\\a.key' }],
    ['file:///etc/a%20b.key', { type: 'file', path: '/etc/a b.key' }],
    ['env://RELEASE_KEY', { type: 'environment', variable: 'RELEASE_KEY' }],
  ])('%s', (reference, location) => {
    expect(parseKeyReference(reference)).toEqual(location);
  });

  test.each([
    '',
    '-',
    'env://',
    'env://A=B',
    'file://host/key',
    'http://keys.example/a.pub',
    'https://keys.example/a.pub',
    'awskms:///alias/a',
    'k8s://ns/secret',
    'pkcs11:token=a',
    'keyid:abc',
    'nul\0.key',
  ])('%j is refused with a hint', async reference => {
    expect((await refusal('key-reference', () => parseKeyReference(reference))).hint).toBeTruthy();
  });
});

describe('loadPublicKey', () => {
  test('from a path, a file URL, a symbolic link and a variable', async () => {
    const folder = temporaryFolder();
    const path = install('touchmark/ecdsa-p256.pub', folder, 0o644);
    symlinkSync(path, join(folder, 'link.pub'));
    const env = { RELEASE: fixture('touchmark/ecdsa-p256.pub').toString() };
    for (const reference of [path, pathToFileURL(path).href, join(folder, 'link.pub'), 'env://RELEASE']) {
      expect((await loadPublicKey(reference, env)).keyid).toBe(keyid);
    }
  });

  test('a private key is not taken for its public half', async () => {
    const folder = temporaryFolder();
    const path = install('touchmark/ecdsa-p256.key', folder);
    const error = await refusal('key-not-public', () => loadPublicKey(path));
    expect(error.hint).toContain(`touchmark key export ${path}`);
    expect((await loadPublicKey(install('touchmark/ecdsa-p256.pub', folder))).keyid).toBe(keyid);
  });

  test('missing, a folder, empty, too large: each passes once the file is right', async () => {
    const folder = temporaryFolder();
    const path = join(folder, 'release.pub');
    const missing = await refusal('key-not-found', () => loadPublicKey(path));
    expect(missing.hint).toContain(`touchmark key generate ${join(folder, 'release')} `);
    await refusal('key-not-found', () =>
      loadPublicKey(join(install('touchmark/ed25519.pub', folder), 'below')),
    );
    const asFolder = await refusal('key-reference', () => loadPublicKey(folder));
    expect(asFolder.hint).toContain('touchmark key list');
    writeFileSync(path, '');
    await refusal('key-empty', () => loadPublicKey(path));
    const key = fixture('touchmark/ecdsa-p256.pub');
    writeFileSync(path, Buffer.concat([key, Buffer.alloc(65537 - key.length, '\n')]));
    await refusal('key-too-large', () => loadPublicKey(path));
    writeFileSync(path, Buffer.concat([key, Buffer.alloc(65536 - key.length, '\n')]));
    expect((await loadPublicKey(path)).keyid).toBe(keyid);
  });

  test('a variable that is not set, or empty, or too large', async () => {
    const load = (value: string | undefined) => loadPublicKey('env://RELEASE', { RELEASE: value });
    const missing = await refusal('key-not-found', () => load(undefined));
    expect(missing.hint).toContain('not its path');
    await refusal('key-empty', () => load(''));
    await refusal('key-too-large', () => load('x'.repeat(65537)));
    expect((await load(fixture('touchmark/ecdsa-p256.pub').toString())).keyid).toBe(keyid);
  });

  test.skipIf(process.platform === 'win32')('a pipe that nobody writes to does not hang', async () => {
    const pipe = join(temporaryFolder(), 'pipe.pub');
    execFileSync('mkfifo', [pipe]);
    await refusal('key-reference', () => loadPublicKey(pipe));
    await refusal('key-reference', () => loadPublicKey('/dev/zero'));
  });

  test.skipIf(isRoot || process.platform === 'win32')('a file that this user may not read', async () => {
    const path = install('touchmark/ecdsa-p256.pub', temporaryFolder(), 0o000);
    await refusal('key-permissions', () => loadPublicKey(path));
    chmodSync(path, 0o400);
    expect((await loadPublicKey(path)).keyid).toBe(keyid);
  });
});

describe('loadSigner', () => {
  test('from a file and from a variable, with the scheme asked for', async () => {
    const path = install('touchmark/ecdsa-p384.key', temporaryFolder());
    const env = { RELEASE: fixture('touchmark/ecdsa-p384.key').toString() };
    expect((await loadSigner(path, { password })).scheme).toBe(schemesOf('ecdsa-p384')[0]);
    const signer = await loadSigner('env://RELEASE', { password, env, scheme: 'ecdsa-p384-sha384' });
    expect(signer.scheme).toBe('ecdsa-p384-sha384');
    expect(signer.publicKey.kind).toBe('ecdsa-p384');
  });

  test.skipIf(process.platform === 'win32')('the mode of a private file', async () => {
    const path = install('touchmark/scrypt-32768.key', temporaryFolder());
    for (const mode of [0o644, 0o604, 0o602, 0o620, 0o666]) {
      chmodSync(path, mode);
      const error = await refusal('key-permissions', () => loadSigner(path, { password: noPassword }));
      expect(error.hint).toBe(`chmod 600 ${path}`);
      expect(error.details['mode']).toBe(`0${mode.toString(8)}`);
    }
    for (const mode of [0o600, 0o400, 0o640, 0o440]) {
      chmodSync(path, mode);
      expect((await loadSigner(path, { password })).publicKey.keyid).toBe(keyid);
    }
  });

  test('a public key, before any password is asked for', async () => {
    const folder = temporaryFolder();
    const path = install('touchmark/ecdsa-p256.pub', folder, 0o644);
    const error = await refusal('key-not-private', () => loadSigner(path, { password: noPassword }));
    expect(error.hint).toContain('.key');
    const right = install('touchmark/ecdsa-p256.key', folder);
    expect((await loadSigner(right, { password })).publicKey.keyid).toBe(keyid);
  });

  test('the password is asked for once, for the file that needs it, after it was read', async () => {
    const folder = temporaryFolder();
    const asked: string[] = [];
    const ask = async ({ purpose, what }: { purpose: string; what: string }) => {
      asked.push(`${purpose} ${what}`);
      return Buffer.from('touchmark');
    };
    await refusal('key-not-found', () => loadSigner(join(folder, 'no.key'), { password: ask }));
    await refusal('key-malformed', () => loadSigner(install('bad/truncated.key', folder), { password: ask }));
    expect(asked).toEqual([]);
    const path = install('touchmark/scrypt-32768.key', folder);
    await loadSigner(path, { password: ask });
    expect(asked).toEqual([`open ${path}`]);
    await refusal('key-wrong-password', () => loadSigner(path, { password: passwordOf('') }));
  });

  test('a private key that is not encrypted signs, with a warning', async () => {
    const folder = temporaryFolder();
    const warnings: string[] = [];
    const options = { password: noPassword, onWarning: (text: string) => warnings.push(text) };
    const path = install('openssl/pkcs8-ecdsa-p256.pem', folder);
    expect((await loadSigner(path, options)).publicKey.keyid).toBe(keyid);
    expect(warnings).toHaveLength(1);
    expect(warnings[0]).toContain(`touchmark key passwd ${path}`);
    await loadSigner(install('touchmark/scrypt-32768.key', folder), { ...options, password });
    expect(warnings).toHaveLength(1);
  });

  test('hints work when pasted, whatever the file is called', async () => {
    const folder = join(temporaryFolder(), "it's $(here)");
    mkdirSync(folder);
    const path = install('touchmark/ecdsa-p256.key', folder, 0o666);
    const { hint } = await refusal('key-permissions', () => loadSigner(path, { password }));
    execFileSync('sh', ['-c', hint!]);
    expect((await loadSigner(path, { password })).publicKey.keyid).toBe(keyid);
  });
});
