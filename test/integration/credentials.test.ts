import { writeFileSync } from 'node:fs';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { ACCOUNT } from '../peers/docker-registry.js';
import { requirePeers } from '../peers/require-peers.js';
import { touchmark } from '../peers/touchmark.js';
import { openSite, type Published, type Site, verdictOf } from './site.js';

const absent = await requirePeers(['docker-registry', 'skopeo']);

describe.skipIf(absent)('a registry with basic authentication', () => {
  let site: Site;
  let image: Published;
  const logIn = (password: string): void => {
    const auth = Buffer.from(`${ACCOUNT.user}:${password}`).toString('base64');
    const config = JSON.stringify({ auths: { [site.registry.host]: { auth } } });
    writeFileSync(site.scratch.file('docker/config.json'), config);
  };

  beforeAll(async () => {
    site = await openSite('auth', { auth: true, keys: ['ada'] });
    logIn(ACCOUNT.password);
    image = await site.publish('private/app');
  });
  afterAll(() => site?.close());
  beforeEach(() => logIn(ACCOUNT.password));

  it('signs and verifies with the password of the Docker configuration', async () => {
    await site.ok('sign', image.tagged, '--key', 'ada.key', '--yes');
    for (const reference of [image.tagged, image.pinned])
      expect((await verdictOf(site, reference, '--key', 'ada.pub')).exitCode).toBe(0);
    const copied = `oci:${site.scratch.file('private')}:v1`;
    await site.ok('copy', image.tagged, copied);
    expect((await verdictOf(site, copied, '--key', 'ada.pub')).exitCode).toBe(0);
  });

  it.each([
    { name: 'a wrong password', config: () => logIn('not the password') },
    { name: 'no account', config: () => writeFileSync(site.scratch.file('docker/config.json'), '{}') },
  ])('is denied with $name, which is neither "unsigned" nor "not there"', async ({ config }) => {
    await site.ok('sign', image.tagged, '--key', 'ada.key', '--yes');
    config();
    for (const reference of [image.tagged, image.pinned]) {
      expect(await verdictOf(site, reference, '--key', 'ada.pub')).toMatchObject({
        code: 'oci-unauthorized',
        exitCode: 21,
      });
    }
    const signed = await site.run('sign', image.tagged, '--key', 'ada.key', '--yes', '-o', 'json');
    expect(signed.code).toBe(21);
    logIn(ACCOUNT.password);
    expect((await verdictOf(site, image.tagged, '--key', 'ada.pub')).exitCode).toBe(0);
  });

  it('takes a password from standard input, and shows it nowhere', async () => {
    await site.ok('sign', image.tagged, '--key', 'ada.key', '--yes');
    writeFileSync(site.scratch.file('docker/config.json'), '{}');
    const verify = (password: string) =>
      touchmark(
        site.scratch,
        [
          'verify',
          image.tagged,
          '--key',
          'ada.pub',
          '--debug',
          '--registry-username',
          ACCOUNT.user,
          '--registry-password-stdin',
        ],
        { input: `${password}\n` },
      );
    const right = await verify(ACCOUNT.password);
    expect(right.code).toBe(0);
    const secrets = [ACCOUNT.password, Buffer.from(`${ACCOUNT.user}:${ACCOUNT.password}`).toString('base64')];
    for (const secret of secrets) {
      expect(right.stdout).not.toContain(secret);
      expect(right.stderr).not.toContain(secret);
    }
    const wrong = await verify('not the password');
    expect(wrong.code).toBe(21);
    expect(`${wrong.stdout}${wrong.stderr}`).not.toContain('not the password');
  });
});
