import { expect, onTestFinished, test } from 'vitest';
import { claimDigest, decodeClaim } from '../../../src/custody/index.js';
import { startRegistry } from '../../../src/testing/registry.js';
import { base, documentOf, openShop, runtime } from './custody-shop.js';
import { temporaryFolder } from './run-cli.js';

test('custody claim: the claim, a command that holds it, and what travels with --carry', async () => {
  const registry = await startRegistry({ referrers: false });
  onTestFinished(() => registry.close());
  const shop = await openShop(temporaryFolder(), `${registry.host}/shop/*`);
  const at = (name: string) => `${registry.host}/shop/${name}:1`;
  await shop.push(at('base'), base);
  await shop.push(at('runtime'), runtime);
  await shop.custody('mark', at('base'), 'base', 'linus', '--step', 'base');
  await shop.custody('co-sign', at('base'), 'base', 'grace');
  const claim = (image: string, ...more: string[]) =>
    shop.run(
      ...['custody', 'claim', image, '--team', 'runtime', '--step', 'runtime', '--base', at('base')],
      ...['--policy', 'policy.yaml', ...more],
    );
  const writes = () => registry.requests.filter(({ method }) => !['GET', 'HEAD'].includes(method)).length;
  registry.clearRequests();
  const printed = documentOf(
    'custody-claim',
    await claim(at('runtime'), '--key', 'my keys/ada.key', '-o', 'json'),
  );
  expect(writes()).toBe(0);
  const [only] = printed.claims;
  expect(only).toMatchObject({ subject: runtime.manifest.descriptor.digest, artifact: null });
  expect(only.command).toMatch(
    /^cosign sign --key 'my keys\/ada\.key' .* 127\.0\.0\.1:\d+\/shop\/runtime@sha256:/,
  );
  const encoded = /custody64=([A-Za-z0-9_-]+)/.exec(only.command)?.[1] ?? '';
  const decoded = decodeClaim(encoded);
  expect(decoded).toEqual(only.document);
  expect(decoded && claimDigest(decoded)).toBe(only.claim);
  expect(only.document).toMatchObject({ kind: 'add', prev: { step: 'base' }, checked: { verdict: 'pass' } });

  const carried = documentOf('custody-claim', await claim(at('runtime'), '--carry', '-o', 'json'));
  expect(carried.claims[0].artifact).toMatch(/^sha256:/);
  expect(writes()).toBeGreaterThan(0);
  const text = await claim(at('runtime'));
  expect(text.stdout).toMatch(/^# the claim\n\{\n[\s\S]*\n# sign it\ncosign sign --key cosign\.key /);

  const elsewhere = await claim('oci:shop:runtime');
  expect(elsewhere.exitCode).toBe(2);
  expect(elsewhere.stderr).toContain('touchmark copy');
  // Judged as mark judges it, though nobody signs.
  const refused = await shop.run(
    ...['custody', 'claim', at('runtime'), '--team', 'app', '--step', 'runtime', '--base', at('base')],
    ...['--policy', 'policy.yaml'],
  );
  expect(refused.exitCode).toBe(12);
  expect(refused.stderr).toMatch(/code +key-not-authorised/);
});
