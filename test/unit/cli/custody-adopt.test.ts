import { expect, onTestFinished, test } from 'vitest';
import { startRegistry } from '../../../src/testing/registry.js';
import { base, documentOf, openShop, runtime } from './custody-shop.js';
import { temporaryFolder } from './run-cli.js';

test('custody adopt: by a pinned digest, by the upstream’s key, and not by nothing', async () => {
  const registry = await startRegistry();
  onTestFinished(() => registry.close());
  const shop = await openShop(temporaryFolder());
  const upstream = `${registry.host}/library/debian`;
  await shop.push(`${upstream}:12`, base);
  await shop.push(`${upstream}:13`, runtime);
  const adopt = (...more: string[]) =>
    shop.custody('adopt', 'oci:shop:base', 'base', 'linus', '--step', 'upstream', '-o', 'json', ...more);
  const { digest } = base.manifest.descriptor;
  const before = shop.state();

  const unchecked = await adopt('--upstream', `${upstream}:12`);
  expect(unchecked.exitCode).toBe(15);
  expect(unchecked.stderr).toContain('nothing is checked about the upstream');
  expect(documentOf('failure', unchecked)).toMatchObject({ error: { code: 'evidence-missing' } });
  const other = await adopt('--upstream', `${upstream}@${runtime.manifest.descriptor.digest}`);
  expect(documentOf('failure', other)).toMatchObject({ exitCode: 12, error: { code: 'subject-mismatch' } });
  const unsigned = await adopt('--upstream', `${upstream}:12`, '--upstream-key', 'eve.pub');
  expect(documentOf('failure', unsigned)).toMatchObject({ exitCode: 10, error: { code: 'sig-none' } });
  expect(shop.state()).toBe(before);

  expect((await shop.run('sign', `${upstream}:12`, '--key', 'eve.key', '--yes')).exitCode).toBe(0);
  const wrong = await adopt('--upstream', `${upstream}:12`, '--upstream-key', 'sue.pub');
  expect(documentOf('failure', wrong)).toMatchObject({ exitCode: 12, error: { code: 'sig-no-match' } });
  const adopted = await adopt('--upstream', `${upstream}@${digest}`, '--upstream-key', 'eve.pub');
  expect(adopted.exitCode, adopted.stderr).toBe(0);
  const [claim] = documentOf('custody-mark', adopted).claims;
  expect(claim).toMatchObject({ kind: 'adopt', step: 'upstream', document: { span: { from: 0, to: 1 } } });
  expect(claim.document.inputs).toEqual([
    {
      purpose: 'upstream',
      manifest: digest,
      ref: `${upstream}@${digest}`,
      verifiedBy: [`digest:${digest}`, expect.stringMatching(/^cosign-key:[0-9a-f]{64}$/)],
    },
  ]);
});
