import { join } from 'node:path';
import { expect, test } from 'vitest';
import { SCHEMAS } from '../../../src/cli/schemas.js';
import { createStoreAccess, openStore } from '../../../src/oci/open.js';
import { parseReference } from '../../../src/oci/reference.js';
import { pushImage } from '../../../src/testing/image.js';
import { carried, chainMarks, markedImage, plantArtifact, writePolicy } from '../custody-images.js';
import { runCli, temporaryFolder } from './run-cli.js';

const SCAN = [
  'approvals: [{ name: scan, team: security, threshold: 1, maxAge: 7d, evidence: [{ type: scan-report }] }]',
];

test('explains an image that does not pass, then the same image when it does; exit 0 both times', async () => {
  const cwd = temporaryFolder();
  const marked = await markedImage({ now: new Date() });
  const access = createStoreAccess();
  const store = await openStore(parseReference(`oci:${join(cwd, 'app')}`), access);
  await pushImage(store, marked.image, '1');
  await plantArtifact(store, marked);
  await store.commit();
  await writePolicy(cwd, marked, SCAN);
  const argv = ['policy', 'explain', '--policy', 'policy.yaml', 'oci:app:1'];
  const explain = async () => {
    const [text, json] = [await runCli(argv, { cwd }), await runCli([...argv, '-o', 'json'], { cwd })];
    expect([text.exitCode, json.exitCode], text.stderr).toEqual([0, 0]);
    return { text: text.stdout, document: SCHEMAS['policy-explain'].parse(JSON.parse(json.stdout)) };
  };

  const before = await explain();
  expect(before.document).toMatchObject({ ok: true, verdict: 'fail', code: 'approval-missing' });
  const rule = before.document.rules.find(({ rule: name }) => name === 'approval scan');
  expect(rule).toMatchObject({ state: 'not-held', kind: 'approval', claims: [] });
  expect(rule?.fix).toContain(`custody approve --team security --step scan`);
  expect(before.text).toMatch(/✗ not held +approval scan/);
  expect(before.text).toMatch(/✓ held +step runtime/);
  // The gate says the same, with the same command.
  const gate = await runCli(['custody', 'verify', '--policy', 'policy.yaml', 'oci:app:1'], { cwd });
  expect(gate.exitCode).toBe(15);
  expect(gate.stderr.replace(/\s+/g, ' ')).toContain(rule?.fix ?? '?');

  const marks = [...(await chainMarks(marked)), await carried(marked.approval, 'security')];
  await plantArtifact(store, marked, { marks });
  await store.close();
  await access.close();
  const after = await explain();
  expect(after.document).toMatchObject({ verdict: 'pass', code: null });
  expect(after.document.rules.every(({ state }) => state === 'held')).toBe(true);
  expect(after.document.rules.find(({ rule: name }) => name === 'approval scan')?.claims).toMatchObject([
    { team: 'security', signers: ['security-1'], threshold: 1 },
  ]);

  const missing = await runCli(['policy', 'explain', '--policy', 'policy.yaml', 'oci:app:2'], { cwd });
  expect(missing.exitCode).toBe(11);
});
