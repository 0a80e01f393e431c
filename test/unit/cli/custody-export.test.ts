import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { SCHEMAS } from '../../../src/cli/schemas.js';
import { createStoreAccess, openStore } from '../../../src/oci/open.js';
import { parseReference } from '../../../src/oci/reference.js';
import { writePolicy } from '../custody-images.js';
import { plantScanned } from '../sign/marked.js';
import { type CliResult, runCli, temporaryFolder } from './run-cli.js';

const env = { TOUCHMARK_PASSWORD: 'pw', CI: 'true' };

/** In the layout `app` an image that three teams marked and security scanned, and a policy it satisfies. */
async function site() {
  const cwd = temporaryFolder();
  const run = (...argv: string[]) => runCli(argv, { cwd, env });
  const access = createStoreAccess();
  const store = await openStore(parseReference(`oci:${join(cwd, 'app')}`), access);
  const marked = await plantScanned(store, { tag: '1', now: new Date() });
  await store.close();
  await access.close();
  const scan =
    '  - { name: scan, team: security, threshold: 1, maxAge: 7d, evidence: [{ type: scan-report }] }';
  await writePolicy(cwd, marked, ['approvals:', scan]);
  const release = '  - { name: release, team: security, threshold: 1 }';
  await writePolicy(cwd, marked, ['approvals:', scan, release], 'strict.yaml');
  expect((await run('key', 'generate', 'verifier')).exitCode).toBe(0);
  return { cwd, run, marked, digest: marked.image.manifest.descriptor.digest };
}

// biome-ignore lint/suspicious/noExplicitAny: the schema has checked it
const documentOf = (name: keyof typeof SCHEMAS, { stdout }: CliResult): any =>
  SCHEMAS[name].parse(JSON.parse(stdout));

describe('custody export', () => {
  test('writes a statement a line, the same in JSON and in a file', async () => {
    const { cwd, run, marked } = await site();
    const argv = ['custody', 'export', '--in-toto', '--policy', 'policy.yaml', 'oci:app:1'];
    const lines = await run(...argv);
    expect(lines.exitCode).toBe(0);
    const statements = lines.stdout
      .trimEnd()
      .split('\n')
      .map(line => JSON.parse(line));
    expect(statements.map(({ predicate }) => predicate.step)).toEqual(['base', 'runtime', 'app', 'scan']);
    expect(statements.map(({ subject }) => subject.length)).toEqual([1, 1, 1, 1]);
    expect(statements[0].subject[0].digest.sha256).toBe(
      marked.steps[0]?.image.manifest.descriptor.digest.slice(7),
    );
    const document = documentOf('custody-export', await run(...argv, '-o', 'json'));
    expect(document).toMatchObject({ ok: true, statements, file: null, image: { ok: true } });
    expect((await run(...argv, '--output-file', 'claims.jsonl')).stdout).toContain('4 unsigned statements');
    expect(readFileSync(join(cwd, 'claims.jsonl'), 'utf8')).toBe(lines.stdout);
    const again = await run(...argv, '--output-file', 'claims.jsonl');
    expect(again.exitCode).toBe(2);
  });

  test('writes nothing of an image that does not pass, and says why', async () => {
    const { cwd, run } = await site();
    const argv = ['custody', 'export', '--in-toto', '--policy', 'strict.yaml', 'oci:app:1'];
    const refused = await run(...argv, '--output-file', 'claims.jsonl', '-o', 'json');
    expect(refused.exitCode).toBe(15);
    expect(documentOf('custody-export', refused)).toMatchObject({
      ok: false,
      statements: [],
      file: null,
      image: { code: 'approval-missing' },
    });
    expect(existsSync(join(cwd, 'claims.jsonl'))).toBe(false);
    const words = await run(...argv);
    expect([words.exitCode, words.stdout]).toEqual([15, '']);
    expect(words.stderr).toMatch(/code +approval-missing/);
  });

  test('writes the one form there is without being told, and wants to know who the teams are', async () => {
    const { run } = await site();
    const told = await run('custody', 'export', '--in-toto', '--policy', 'policy.yaml', 'oci:app:1');
    const untold = await run('custody', 'export', '--policy', 'policy.yaml', 'oci:app:1');
    expect(untold).toMatchObject({ exitCode: 0, stdout: told.stdout });
    expect((await run('custody', 'export', 'oci:app:1')).stderr).toContain('--policy');
  });
});

describe('verify --attest', () => {
  test('signs a yes, once a day', async () => {
    const { run, digest } = await site();
    const argv = ['verify', '--policy', 'policy.yaml', '--attest', 'verifier.key', 'oci:app:1'];
    const first = await run(...argv, '-o', 'json');
    expect(first.exitCode).toBe(0);
    expect(documentOf('verify', first).images[0].attestation).toMatchObject({ subject: digest, added: true });
    // The attestation is a bundle, and so are the marks that it found in the artifact alone: nothing is shadowed.
    const after = documentOf('verify', await run(...argv, '-o', 'json'));
    const codes = after.images[0].custody.findings.map(({ code }: { code: string }) => code);
    expect(codes).toEqual(['mark-unverifiable']);
    const second = await run(...argv);
    expect(second.exitCode).toBe(0);
    expect(second.stdout).toContain(`attested already, within the last day: ${digest}`);
    // It is no signature of the image, and changes nothing about its custody.
    const signed = await run('verify', '--key', 'verifier.pub', '--insecure-ignore-repository', 'oci:app:1');
    expect(signed.exitCode).toBe(12);
    const plain = documentOf(
      'verify',
      await run('verify', '--policy', 'policy.yaml', 'oci:app:1', '-o', 'json'),
    );
    expect(plain.images[0].attestation).toBeUndefined();
  });

  test('signs no no, and opens no key for one', async () => {
    const { run } = await site();
    const argv = ['verify', '--policy', 'strict.yaml', '--attest', 'nowhere.key', 'oci:app:1', '-o', 'json'];
    const refused = await run(...argv);
    expect(refused.exitCode).toBe(15);
    expect(documentOf('verify', refused).images[0]).toMatchObject({ ok: false, attestation: null });
    const tree = await run('tree', 'oci:app:1');
    expect(tree.stdout).not.toContain('verification_summary');
  });

  test('of many images those that pass; a key that does not open is no yes', async () => {
    const { run } = await site();
    const argv = ['verify', '--policy', 'policy.yaml', '--attest'];
    const both = await run(...argv, 'verifier.key', 'oci:app:1', 'oci:app:2', '-o', 'json');
    expect(both.exitCode).toBe(11);
    const attested = documentOf('verify', both).images.map(
      (image: { attestation: unknown }) => image.attestation,
    );
    expect(attested).toEqual([expect.objectContaining({ added: true }), null]);
    expect((await run(...argv, 'nowhere.key', 'oci:app:1')).exitCode).toBe(22);
    expect(
      (await run('verify', '--key', 'verifier.pub', '--attest', 'verifier.key', 'oci:app:1')).exitCode,
    ).toBe(2);
  });
});
