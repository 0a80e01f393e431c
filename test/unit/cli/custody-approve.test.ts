import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { computeDigest } from '../../../src/base/digest.js';
import { documentOf, markUpTo, openShop } from './custody-shop.js';
import { temporaryFolder } from './run-cli.js';

async function finished() {
  const shop = await openShop(temporaryFolder());
  await markUpTo(shop, 'app');
  writeFileSync(join(shop.cwd, 'report.json'), '{"findings":0}\n');
  return {
    ...shop,
    approve: (...more: string[]) => shop.custody('approve', 'oci:shop:app', 'security', 'sue', ...more),
    verify: () => shop.run('custody', 'verify', 'oci:shop:app', '--policy', 'policy.yaml'),
  };
}

test('custody approve: what it rests on, given in either way, and renewed', async () => {
  const { approve, verify, cwd } = await finished();
  expect((await verify()).exitCode).toBe(15);
  const given = await approve('--step', 'scan', '--evidence', 'report.json', '-o', 'json');
  expect(given.exitCode, given.stderr).toBe(0);
  const digest = computeDigest(readFileSync(join(cwd, 'report.json')));
  const [claim] = documentOf('custody-mark', given).claims;
  expect(claim).toMatchObject({
    kind: 'approve',
    step: 'scan',
    signers: ['sue'],
    missingSigners: 0,
    document: { evidence: [{ type: 'scan-report', digest }], checked: { verdict: 'pass' } },
  });
  expect((await verify()).exitCode).toBe(0);
  const typed = await approve('--step', 'scan', '--evidence', 'scan-report=report.json', '--expires', '3d');
  expect(typed.stdout).toMatch(
    /^oci:shop@sha256:[0-9a-f]{64} {2}approved\n {2}approve scan by team security\n/,
  );
  expect((await verify()).exitCode).toBe(0);
});

test('custody approve: what is refused writes nothing', async () => {
  const { approve, state } = await finished();
  const before = state();
  for (const [code, reason, hint, ...more] of [
    [15, 'evidence-missing', /--evidence scan-report=FILE/, '--step', 'scan'],
    [2, 'usage-argument', /did you mean scan\?/, '--step', 'scann'],
    [2, 'usage-file', /./, '--step', 'scan', '--evidence', 'absent.json'],
  ] as const) {
    const { exitCode, stderr } = await approve(...more);
    expect([exitCode, stderr]).toEqual([code, expect.stringMatching(new RegExp(`code +${reason} `))]);
    expect(stderr).toMatch(hint);
  }
  expect(state()).toBe(before);
  const dry = await approve('--step', 'scan', '--evidence', 'report.json', '--dry-run');
  expect(dry.stdout).toContain('nothing written');
  expect(state()).toBe(before);
});
