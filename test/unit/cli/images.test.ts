import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { SCHEMAS } from '../../../src/cli/schemas.js';
import { createStoreAccess, openStore } from '../../../src/oci/open.js';
import { parseReference } from '../../../src/oci/reference.js';
import { buildIndex, pushImage } from '../../../src/testing/image.js';
import { anImage } from '../images.js';
import { type CliResult, runCli, temporaryFolder } from './run-cli.js';

const env = { TOUCHMARK_PASSWORD: 'pw', CI: 'true' };

/** Keys ada and ben, and in the layout `app` an image `1` that nobody has signed, and an index `all`. */
async function workshop(cwd: string) {
  const run = (...argv: string[]) => runCli(argv, { cwd, env });
  for (const name of ['ada', 'ben']) expect((await run('key', 'generate', name)).exitCode).toBe(0);
  const access = createStoreAccess();
  const store = await openStore(parseReference(`oci:${join(cwd, 'app')}`), access);
  await pushImage(store, anImage(), '1');
  const arm = { ...anImage('arm'), platform: { os: 'linux', architecture: 'arm64' } };
  await pushImage(store, buildIndex([anImage('amd'), arm]), 'all');
  await store.commit();
  await store.close();
  return { cwd, run };
}

/** The document on stdout, held to its published schema. */
function documentOf(name: keyof typeof SCHEMAS, { stdout }: CliResult) {
  // biome-ignore lint/suspicious/noExplicitAny: the schema has checked it
  return SCHEMAS[name].parse(JSON.parse(stdout)) as any;
}

let shop: Awaited<ReturnType<typeof workshop>>;
beforeAll(async () => {
  shop = await workshop(await mkdtemp(join(tmpdir(), 'touchmark-cli-')));
});
afterAll(() => rm(shop.cwd, { recursive: true, force: true }));

describe('sign, verify, inspect, tree, copy and doctor on a layout', () => {
  test('each verdict has one exit code, in text and in JSON', async () => {
    const { run } = await workshop(temporaryFolder());
    const both = async (exitCode: number, ...argv: string[]) => {
      const text = await run(...argv);
      const json = await run(...argv, '-o', 'json');
      expect([text.exitCode, json.exitCode]).toEqual([exitCode, exitCode]);
      const document = documentOf('verify', json);
      expect(document).toMatchObject({ exitCode, ok: exitCode === 0 });
      return { text, image: document.images[0] };
    };
    const verify = (...more: string[]) => ['verify', '--key', 'ada.pub', ...more];
    expect((await both(10, ...verify('oci:app:1'))).image).toMatchObject({
      verdict: 'unsigned',
      code: 'sig-none',
    });
    await both(11, ...verify('oci:app:2'));
    expect((await run('sign', '--key', 'ben.key', '--yes', 'oci:app:1')).exitCode).toBe(0);
    expect((await both(12, ...verify('oci:app:1'))).image).toMatchObject({
      verdict: 'no-match',
      code: 'sig-no-match',
    });
    const few = await both(14, ...verify('--key', 'ben.pub', 'oci:app:1'));
    expect(few.image).toMatchObject({
      verdict: 'threshold',
      threshold: { required: 2, valid: 1 },
      checks: [{ ok: false }],
    });
    expect(few.text.stderr).toMatch(/code +sig-threshold-not-met \(exit 14\)/);
    const yes = await both(0, ...verify('--key', 'ben.pub', '--threshold', '1', 'oci:app:1'));
    expect(yes.image).toMatchObject({
      verdict: 'verified',
      level: 'blobs',
      checks: [{ ok: true }, { id: 'contents', ok: true }],
    });
    expect(yes.image.pinned).toMatch(/^oci:app@sha256:[a-f0-9]{64}$/);
    expect(yes.text.stdout).toContain(`${yes.image.pinned}  verified`);
  });

  test('documents follow their published schemas', async () => {
    const { run } = shop;
    const signed = documentOf(
      'sign',
      await run('sign', '--key', 'ada.key', '--recursive', '--yes', 'oci:app:all', '-o', 'json'),
    );
    expect(signed.images[0]).toMatchObject({
      repository: 'localhost/app',
      signatures: { length: 6 },
      error: null,
    });
    const planned = documentOf(
      'sign',
      await run('sign', '--key', 'ben.key', '-a', 'k=v', '--dry-run', 'oci:app:all', '-o', 'json'),
    );
    expect(planned.images[0].planned.map((p: { document: string }) => p.document)).toEqual([
      expect.stringContaining('"optional":{"k":"v"}'),
      expect.stringContaining('"annotations":{"k":"v"}'),
    ]);
    const inspected = documentOf('inspect', await run('inspect', 'oci:app:all', '-o', 'json'));
    expect(inspected).toMatchObject({
      kind: 'index',
      manifests: { length: 2 },
      signatures: { length: 2 },
      attachments: { length: 1 },
    });
    const tree = documentOf('tree', await run('tree', '--key', 'ada.pub', 'oci:app:all', '-o', 'json'));
    expect(
      tree.tree.children
        .filter((n: { kind: string }) => n.kind === 'signature')
        .map((n: { verdict: unknown }) => n.verdict),
    ).toEqual([
      { valid: true, key: 'ada.pub', code: null },
      { valid: true, key: 'ada.pub', code: null },
    ]);
    const copied = documentOf('copy', await run('copy', 'oci:app:all', 'oci-archive:all.tar', '-o', 'json'));
    expect(copied).toMatchObject({ attachments: { length: 3 }, referrers: { length: 3 } });
    const doctor = documentOf('doctor', await run('doctor', 'oci-archive:all.tar:all', '-o', 'json'));
    expect(doctor.findings.every((f: { result: string }) => f.result === 'ok')).toBe(true);
    const verified = documentOf(
      'verify',
      await run(
        'verify',
        '--key',
        'ada.pub',
        '--platform',
        'linux/arm64',
        'oci-archive:all.tar:all',
        '-o',
        'json',
      ),
    );
    expect(verified.images[0]).toMatchObject({ ok: true, through: signed.images[0].digest });
  });

  test('a list of images is one document, with the worst exit code', async () => {
    const { cwd } = shop;
    const list = 'oci:app:1 # a comment\n\n# another\noci:app:nope\n';
    const result = await runCli(
      ['verify', '--key', 'ada.pub', '--images', '-', '-o', 'json', 'oci:app:all'],
      { cwd, env, stdin: list },
    );
    expect(result.exitCode).toBe(10);
    const document = documentOf('verify', result);
    expect(document.images.map((i: { reference: string }) => i.reference)).toEqual([
      'oci:app:all',
      'oci:app:1',
      'oci:app:nope',
    ]);
    expect(document.summary.total).toBe(3);
  });

  test('no image, a key that is none, an annotation that is none: usage', async () => {
    const { run } = shop;
    expect((await run('verify', '--key', 'ada.pub')).exitCode).toBe(2);
    expect((await run('sign', '--key', 'ada.key', '--yes')).exitCode).toBe(2);
    expect((await run('verify', '--key', 'ada.key', 'oci:app:1')).exitCode).toBe(22);
    expect((await run('verify', '--key', 'ada.pub', '-a', 'novalue', 'oci:app:1')).exitCode).toBe(2);
    expect(
      (
        await run(
          'sign',
          '--key',
          'ada.key',
          '--recursive',
          '--platform',
          'linux/amd64',
          '--yes',
          'oci:app:all',
        )
      ).exitCode,
    ).toBe(2);
  });

  test('signing a tag without --yes and without a terminal is refused; a digest needs no confirmation', async () => {
    const { run } = shop;
    const refused = await run('sign', '--key', 'ben.key', 'oci:app:1');
    expect(refused.exitCode).toBe(2);
    expect(refused.stderr).toContain('usage-no-terminal');
    const { digest } = documentOf('inspect', await run('inspect', 'oci:app:1', '-o', 'json'));
    expect((await run('sign', '--key', 'ben.key', `oci:app@${digest}`)).exitCode).toBe(0);
  });

  test('nothing can be written into a docker archive', async () => {
    const { run } = shop;
    const result = await run('copy', 'oci:app:1', 'docker-archive:none.tar');
    expect(result.exitCode).toBe(2);
    expect(result.stderr).toContain('usage-read-only');
  });
});
