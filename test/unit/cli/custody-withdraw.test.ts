import { expect, test } from 'vitest';
import { documentOf, markUpTo, openShop } from './custody-shop.js';
import { temporaryFolder } from './run-cli.js';

test('custody withdraw and co-sign: what is said and written, and what is not', async () => {
  const shop = await openShop(temporaryFolder());
  const { custody, run, state } = shop;
  await markUpTo(shop, 'base');
  const again = await custody('co-sign', 'oci:shop:base', 'base', 'grace');
  expect(again.stdout).toMatch(/co-signed\n[\s\S]*was there already\n[\s\S]*was there already\n/);
  const nothing = await custody('co-sign', 'oci:shop:app', 'app', 'alan', '-o', 'json');
  expect(nothing.exitCode).toBe(10);
  expect(documentOf('failure', nothing)).toMatchObject({ error: { code: 'no-marks' } });
  const digest = await custody('co-sign', 'oci:shop:base', 'base', 'grace', '--claim', 'sha256:12');
  expect(digest.stderr).toMatch(/--claim takes the digest of a claim/);

  const before = state();
  const withdraw = (team: string, key: string, ...more: string[]) =>
    custody('withdraw', 'oci:shop:base', team, key, ...more);
  const planned = documentOf('custody-withdraw', await withdraw('base', 'nobody', '--dry-run', '-o', 'json'));
  expect(planned).toMatchObject({ dryRun: true, withdrawals: [{ keyids: [], artifact: null }] });
  expect((await withdraw('app', 'alan')).exitCode).toBe(10);
  expect((await withdraw('base', 'alan')).exitCode).toBe(12);
  const unasked = await run(
    ...[
      'custody',
      'withdraw',
      'oci:shop:base',
      '--team',
      'base',
      '--policy',
      'policy.yaml',
      '--key',
      'linus.key',
    ],
  );
  expect(unasked.exitCode).toBe(2);
  expect(state()).toBe(before);

  const done = await withdraw('base', 'linus', '--reason', 'CVE-2027-1234', '-o', 'json');
  expect(done.exitCode, done.stderr).toBe(0);
  const [withdrawal, ...more] = documentOf('custody-withdraw', done).withdrawals;
  expect(more).toEqual([]);
  expect(withdrawal).toMatchObject({
    withdrawn: { kind: 'add', step: 'base' },
    document: { kind: 'withdraw', team: 'base', 'x-reason': 'CVE-2027-1234' },
  });
  const repeated = documentOf(
    'custody-withdraw',
    await withdraw('base', 'linus', '--reason', 'CVE-2027-1234', '-o', 'json'),
  );
  expect(repeated.withdrawals[0].claim).toBe(withdrawal.claim);

  const built = await custody(
    ...([
      'mark',
      'oci:shop:runtime',
      'runtime',
      'ada',
      '--step',
      'runtime',
      '--base',
      'oci:shop:base',
    ] as const),
  );
  expect(built.exitCode).toBe(15);
  expect(built.stderr).toMatch(/code +mark-withdrawn/);
});
