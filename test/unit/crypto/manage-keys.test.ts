import {
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import {
  changePassword,
  decryptPrivateKey,
  describeKey,
  exportPublicKey,
  generateKeyPair,
  importKeyPair,
  listKeys,
  loadPublicKey,
  loadSigner,
  parsePublicKey,
  publicKeyHint,
  saveKeyPair,
} from '../../../src/crypto/index.js';
import { computeNotaryKeyid } from '../../../src/tuf/notary/index.js';
import { fixture, install, noPassword, password, passwordOf, refusal, temporaryFolder } from './fixtures.js';

const keyidOf = (kind: string) => parsePublicKey(fixture(`touchmark/${kind}.pub`), kind).keyid;
const modeOf = (path: string) => (statSync(path).mode & 0o777).toString(8);
const contents = { privateKey: Buffer.from('private'), publicKey: Buffer.from('public') };

describe('generateKeyPair', () => {
  test.each(['ecdsa-p521', 'ed25519', 'rsa-2048'] as const)(
    '%s: both files, their modes, one key',
    async kind => {
      const name = join(temporaryFolder(), 'release');
      const made = await generateKeyPair({ name, kind, protection: { password } });
      expect(made).toMatchObject({ privateFile: `${name}.key`, publicFile: `${name}.pub` });
      expect(made.publicKey.kind).toBe(kind);
      if (process.platform !== 'win32') {
        expect([modeOf(made.privateFile), modeOf(made.publicFile)]).toEqual(['600', '644']);
      }
      expect(readFileSync(made.privateFile, 'utf8')).toMatch(
        /^-----BEGIN ENCRYPTED SIGSTORE PRIVATE KEY-----\n/,
      );
      expect((await loadPublicKey(made.publicFile)).keyid).toBe(made.publicKey.keyid);
      expect((await loadSigner(made.privateFile, { password })).publicKey.keyid).toBe(made.publicKey.keyid);
      expect(readdirSync(join(name, '..'))).toHaveLength(2);
    },
  );

  test('P-256 when nothing is said; an empty password still encrypts', async () => {
    const name = join(temporaryFolder(), 'release');
    const made = await generateKeyPair({ name, protection: { password: passwordOf('') } });
    expect(made.publicKey.kind).toBe('ecdsa-p256');
    expect(await describeKey(made.privateFile)).toMatchObject({
      isEncrypted: true,
      scrypt: { N: 65536, r: 8, p: 1 },
    });
  });

  test('in plain only when asked in so many words', async () => {
    const name = join(temporaryFolder(), 'release');
    const made = await generateKeyPair({ name, protection: { insecurePlaintext: true } });
    expect(await describeKey(made.privateFile)).toMatchObject({
      format: 'pkcs8',
      isEncrypted: false,
      key: { keyid: made.publicKey.keyid },
    });
  });

  test.each(['release.key', 'release.pub'])(
    'an existing %s is not touched, and found before asking',
    async existing => {
      const folder = temporaryFolder();
      const name = join(folder, 'release');
      writeFileSync(join(folder, existing), 'mine');
      const options = { name, protection: { password: noPassword } };
      const error = await refusal('usage-file-exists', () => generateKeyPair(options));
      expect(error.message).toContain(join(folder, existing));
      expect(readdirSync(folder)).toEqual([existing]);
      expect(readFileSync(join(folder, existing), 'utf8')).toBe('mine');
      const made = await generateKeyPair({ name, protection: { password }, overwrite: true });
      expect((await loadPublicKey(made.publicFile)).keyid).toBe(made.publicKey.keyid);
      expect(readdirSync(folder).sort()).toEqual(['release.key', 'release.pub']);
    },
  );
});

describe('saveKeyPair', () => {
  test('an existing file stays, even when it appears in the last moment', async () => {
    const folder = temporaryFolder();
    writeFileSync(join(folder, 'a.pub'), 'mine');
    await refusal('usage-file-exists', () => saveKeyPair(join(folder, 'a'), contents));
    expect(readdirSync(folder)).toEqual(['a.pub']);
    expect(readFileSync(join(folder, 'a.pub'), 'utf8')).toBe('mine');
    await saveKeyPair(join(folder, 'b'), contents);
    expect(readdirSync(folder)).toEqual(['a.pub', 'b.key', 'b.pub']);
  });

  test('when the second file cannot be replaced, the first old one comes back', async () => {
    const folder = temporaryFolder();
    writeFileSync(join(folder, 'a.key'), 'old private', { mode: 0o600 });
    mkdirSync(join(folder, 'a.pub'));
    await refusal('io-failed', () => saveKeyPair(join(folder, 'a'), contents, { overwrite: true }));
    expect(readFileSync(join(folder, 'a.key'), 'utf8')).toBe('old private');
    expect(readdirSync(folder).sort()).toEqual(['a.key', 'a.pub']);
    writeFileSync(join(folder, 'b.key'), 'old private', { mode: 0o600 });
    await saveKeyPair(join(folder, 'b'), contents, { overwrite: true });
    expect(readFileSync(join(folder, 'b.key'), 'utf8')).toBe('private');
  });

  test('no folder, no name', async () => {
    const folder = temporaryFolder();
    const name = join(folder, 'keys', 'a');
    const error = await refusal('usage-file', () => saveKeyPair(name, contents));
    expect(error.hint).toBe(`mkdir -p ${join(folder, 'keys')}`);
    await refusal('usage-argument', () => saveKeyPair(`${folder}/`, contents));
    mkdirSync(join(folder, 'keys'));
    await saveKeyPair(name, contents);
    expect(readFileSync(`${name}.pub`, 'utf8')).toBe('public');
  });

  test('two writers at once: one pair is written, whole', async () => {
    const folder = temporaryFolder();
    const write = (text: string) =>
      saveKeyPair(join(folder, 'a'), { privateKey: Buffer.from(text), publicKey: Buffer.from(text) });
    const results = await Promise.allSettled(['1', '2', '3', '4'].map(write));
    const won = results.flatMap((result, i) => (result.status === 'fulfilled' ? [String(i + 1)] : []));
    expect(won).toHaveLength(1);
    expect(readFileSync(join(folder, 'a.key'), 'utf8')).toBe(won[0]);
    expect(readFileSync(join(folder, 'a.pub'), 'utf8')).toBe(won[0]);
    expect(readdirSync(folder)).toHaveLength(2);
  });
});

describe('importKeyPair', () => {
  test.each([
    ['openssl/pkcs8-pbes2.pem', 'ecdsa-p256'],
    ['openssl/sec1-with-parameters.pem', 'ecdsa-p256'],
    ['openssl/pkcs1-aes256.pem', 'rsa-2048'],
    ['cosign/v3-imported-ed25519.key', 'ed25519'],
    ['touchmark/cosign-label.key', 'ecdsa-p256'],
  ])('%s becomes a pair under its own password', async (path, kind) => {
    const folder = temporaryFolder();
    const from = install(path, folder);
    const name = join(folder, 'imported');
    const protection = { password: passwordOf('new') };
    const made = await importKeyPair({ from, name, password, protection });
    expect(made.publicKey.keyid).toBe(keyidOf(kind));
    const opened = await decryptPrivateKey(readFileSync(made.privateFile), Buffer.from('new'), 'imported');
    expect(opened.publicKey.keyid).toBe(keyidOf(kind));
    expect((await loadPublicKey(made.publicFile)).keyid).toBe(keyidOf(kind));
  });

  test('private keys of Docker Content Trust come as they lie there, of old and new notaries', async () => {
    const folder = temporaryFolder();
    const protection = { password: passwordOf('new') };
    const folderOfKeys = fileURLToPath(new URL('../../vectors/tuf/docker-trust/private', import.meta.url));
    const id = 'b4c8cd349af74df97e474afad4d7c8557b43063b45206ddbcb1f4be6af39eafc';
    const today = readFileSync(join(folderOfKeys, `${id}.key`), 'latin1');
    expect(today).toContain('gun: registry.example/team/app\nrole: targets\n');
    // Before 0.6 it was OpenSSL's own encryption; the headers stand behind those of OpenSSL.
    const [head, type, cipher, ...rest] = fixture('openssl/sec1-aes128.pem').toString('latin1').split('\n');
    const old = [head, type, cipher, 'gun: registry.example/team/app', 'role: alice', ...rest].join('\n');
    for (const [name, text, secret] of [
      ['today', today, passwordOf('targetspass1')],
      ['exported', today.replace('gun:', `path: ${id}\ngun:`), passwordOf('targetspass1')],
      ['old', old, password],
    ] as const) {
      const from = join(folder, `${name}.pem`);
      writeFileSync(from, text, { mode: 0o600 });
      const made = await importKeyPair({ from, name: join(folder, name), password: secret, protection });
      if (name === 'old') expect(made.publicKey.keyid).toBe(keyidOf('ecdsa-p256'));
      else {
        const value = Buffer.from(made.publicKey.spki).toString('base64');
        expect(computeNotaryKeyid('ecdsa', value)).toBe(id);
      }
    }
  });

  test('a wrong password leaves nothing behind', async () => {
    const folder = temporaryFolder();
    const from = install('openssl/pkcs8-pbes2.pem', folder);
    const options = { from, name: join(folder, 'imported'), protection: { password } };
    await refusal('key-wrong-password', () => importKeyPair({ ...options, password: passwordOf('no') }));
    expect(readdirSync(folder)).toEqual(['pkcs8-pbes2.pem']);
    await importKeyPair({ ...options, password });
    expect(readdirSync(folder)).toHaveLength(3);
  });
});

describe('describeKey and exportPublicKey', () => {
  test('a public key, with everything that identifies it', async () => {
    const key = parsePublicKey(fixture('touchmark/ed25519.pub'), 'ed25519');
    const env = { KEY: fixture('touchmark/ed25519.pub').toString() };
    expect(await describeKey('env://KEY', { env })).toEqual({
      where: 'env://KEY',
      format: 'spki',
      isPrivate: false,
      isEncrypted: false,
      key: {
        kind: 'ed25519',
        keyid: key.keyid,
        hint: publicKeyHint(key),
        scheme: 'ed25519',
        publicKey: expect.anything(),
      },
    });
  });

  test('an encrypted key says what its file is; which key it holds, only when opened', async () => {
    const path = install('touchmark/scrypt-131072.key', temporaryFolder());
    const closed = await describeKey(path);
    expect(closed).toEqual({
      where: path,
      format: 'sigstore',
      isPrivate: true,
      isEncrypted: true,
      scrypt: { N: 131072, r: 8, p: 1 },
    });
    const opened = await describeKey(path, { password });
    expect(opened.key).toMatchObject({
      kind: 'ecdsa-p256',
      keyid: keyidOf('ecdsa-p256'),
      scheme: 'ecdsa-p256-sha256',
    });
    await refusal('key-wrong-password', () => describeKey(path, { password: passwordOf('no') }));
  });

  test('the public half of a private file is the one its pair has', async () => {
    const path = install('touchmark/ecdsa-p521.key', temporaryFolder());
    expect((await exportPublicKey(path, { password })).keyid).toBe(keyidOf('ecdsa-p521'));
    await refusal('key-wrong-password', () => exportPublicKey(path, { password: passwordOf('no') }));
    const env = { KEY: fixture('touchmark/ecdsa-p521.pub').toString() };
    expect((await exportPublicKey('env://KEY', { password: noPassword, env })).keyid).toBe(
      keyidOf('ecdsa-p521'),
    );
  });
});

describe('changePassword', () => {
  test('the new one opens it, the old one does not; the key, the mode and a link stay', async () => {
    const folder = temporaryFolder();
    const path = install('touchmark/scrypt-32768.key', folder);
    const link = join(folder, 'current.key');
    symlinkSync(path, link);
    await changePassword(link, { password, newPassword: passwordOf('new') });
    expect(lstatSync(link).isSymbolicLink()).toBe(true);
    if (process.platform !== 'win32') expect(modeOf(path)).toBe('600');
    await refusal('key-wrong-password', () => loadSigner(path, { password }));
    expect((await loadSigner(path, { password: passwordOf('new') })).publicKey.keyid).toBe(
      keyidOf('ecdsa-p256'),
    );
    expect(readdirSync(folder)).toHaveLength(2);
  });

  test('a wrong password, or giving up, changes nothing', async () => {
    const folder = temporaryFolder();
    const path = install('touchmark/scrypt-32768.key', folder);
    const before = readFileSync(path);
    const newPassword = passwordOf('new');
    await refusal('key-wrong-password', () => changePassword(path, { password: newPassword, newPassword }));
    await expect(changePassword(path, { password, newPassword: noPassword })).rejects.toThrow('asked for');
    expect(readFileSync(path)).toEqual(before);
    expect(readdirSync(folder)).toHaveLength(1);
    await changePassword(path, { password, newPassword });
    expect(readFileSync(path)).not.toEqual(before);
  });

  test('a plain key is encrypted from then on; a variable cannot be changed; a public key has no password', async () => {
    const folder = temporaryFolder();
    const path = install('openssl/sec1.pem', folder);
    await changePassword(path, { password: noPassword, newPassword: password });
    expect(await describeKey(path)).toMatchObject({ format: 'sigstore', isEncrypted: true });
    const env = { KEY: fixture('touchmark/scrypt-32768.key').toString() };
    await refusal('key-reference', () =>
      changePassword('env://KEY', { password, newPassword: password, env }),
    );
    const pub = install('touchmark/ed25519.pub', folder);
    await refusal('key-not-private', () => changePassword(pub, { password, newPassword: password }));
  });
});

describe('listKeys', () => {
  test('every key file, what it is, its other half, and why it cannot be used', async () => {
    const folder = temporaryFolder();
    install('touchmark/ecdsa-p256.key', folder);
    install('touchmark/ecdsa-p256.pub', folder, 0o644);
    install('openssl/pkcs8-ed25519.pem', folder, 0o600, 'plain.pem');
    install('touchmark/ecdsa-p384.pub', folder, 0o644, 'plain.pub');
    install('bad/truncated.key', folder);
    install('touchmark/rsa-2048.key', folder, 0o644);
    install('touchmark/ecdsa-p521.pub', folder, 0o644, 'env:x.pub');
    writeFileSync(join(folder, 'notes.txt'), 'not a key');
    mkdirSync(join(folder, 'old.key'));
    symlinkSync(join(folder, 'nowhere'), join(folder, 'dangling.pub'));
    const list = await listKeys(folder);
    const at = (name: string) => list.find(entry => entry.file === join(folder, name));
    expect(list.map(entry => entry.file)).toEqual(list.map(entry => entry.file).sort());
    expect(list).toHaveLength(8);
    expect(at('ecdsa-p256.key')).toMatchObject({
      ok: true,
      pairedWith: join(folder, 'ecdsa-p256.pub'),
      description: { isEncrypted: true, format: 'sigstore' },
    });
    expect(at('ecdsa-p256.pub')).toMatchObject({
      pairedWith: join(folder, 'ecdsa-p256.key'),
      description: { key: { keyid: keyidOf('ecdsa-p256') } },
    });
    expect(at('ecdsa-p256.pub')).not.toHaveProperty('mismatch');
    expect(at('plain.pem')).toMatchObject({ pairedWith: join(folder, 'plain.pub'), mismatch: true });
    expect(at('truncated.key')).toMatchObject({ ok: false, code: 'key-malformed' });
    expect(at('dangling.pub')).toMatchObject({ ok: false, code: 'key-not-found' });
    expect(at('env:x.pub')).toMatchObject({ ok: true, description: { key: { kind: 'ecdsa-p521' } } });
    expect(at('env:x.pub')).not.toHaveProperty('pairedWith');
    if (process.platform !== 'win32') {
      expect(at('rsa-2048.key')).toMatchObject({ ok: false, code: 'key-permissions' });
    }
  });

  test('no such folder', async () => {
    const folder = join(temporaryFolder(), 'keys');
    await refusal('usage-file', () => listKeys(folder));
    mkdirSync(folder);
    expect(await listKeys(folder)).toEqual([]);
    expect(existsSync(folder)).toBe(true);
  });
});
