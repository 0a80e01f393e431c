import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { SCHEMAS } from '../../../src/cli/schemas.js';
import { createStoreAccess, openStore } from '../../../src/oci/open.js';
import { parseReference } from '../../../src/oci/reference.js';
import { buildIndex, pushImage } from '../../../src/testing/image.js';
import { startRegistry } from '../../../src/testing/registry.js';
import { type MarkedImage, markedImage, plantMarks, writePolicy } from '../custody-images.js';
import { type CliResult, runCli } from './run-cli.js';

/** In the layout `app`: image `1`, marked; image `bare`, marked by nobody; index `all` of both. */
interface Shop {
  readonly cwd: string;
  readonly marked: MarkedImage;
  run(...argv: string[]): Promise<CliResult>;
}

let shop: Shop;
beforeAll(async () => {
  const cwd = await mkdtemp(join(tmpdir(), 'touchmark-cli-'));
  const now = new Date();
  const marked = await markedImage({ now });
  const bare = await markedImage({ now, seed: 'bare', platform: { os: 'linux', architecture: 'arm64' } });
  const access = createStoreAccess();
  const store = await openStore(parseReference(`oci:${join(cwd, 'app')}`), access);
  await pushImage(store, marked.image, '1');
  await plantMarks(store, marked);
  await pushImage(store, bare.image, 'bare');
  await pushImage(store, buildIndex([marked.image, bare.image]), 'all');
  await store.commit();
  await store.close();
  await writePolicy(cwd, marked);
  shop = { cwd, marked, run: (...argv) => runCli(argv, { cwd, env: { CI: 'true' } }) };
});
afterAll(() => rm(shop.cwd, { recursive: true, force: true }));

/** The document on stdout, held to its published schema. */
function documentOf(name: keyof typeof SCHEMAS, { stdout }: CliResult) {
  // biome-ignore lint/suspicious/noExplicitAny: the schema has checked it
  return SCHEMAS[name].parse(JSON.parse(stdout)) as any;
}

const POLICY = ['--policy', 'policy.yaml'];

/** The same question in text and in JSON: one exit code, and the document. */
async function both(exitCode: number, ...argv: string[]) {
  const [text, json] = [await shop.run(...argv), await shop.run(...argv, '-o', 'json')];
  expect([text.exitCode, json.exitCode], text.stderr).toEqual([exitCode, exitCode]);
  return { text, json };
}

describe('custody verify', () => {
  test('a chain that holds', async () => {
    const { text, json } = await both(0, 'custody', 'verify', ...POLICY, 'oci:app:1');
    expect(text.stderr).toBe('');
    expect(text.stdout).toContain('base → runtime → app, 3 layers, no gaps');
    const document = documentOf('custody-verify', json);
    expect(document).toMatchObject({ ok: true, exitCode: 0, summary: { total: 1, verified: 1 } });
    const [{ custody, pinned }] = document.images;
    expect(pinned).toBe(`oci:app@${shop.marked.image.manifest.descriptor.digest}`);
    expect(custody).toMatchObject({ verdict: 'pass', code: null, level: 'blobs' });
    expect(custody.chain.map(({ team }: { team: string }) => team)).toEqual(['base', 'runtime', 'app']);
    expect(custody.layers).toEqual(
      shop.marked.image.layers.map(({ descriptor, diffId }, index) => ({
        index,
        team: ['base', 'runtime', 'app'][index],
        step: ['base', 'runtime', 'app'][index],
        adopted: false,
        digest: descriptor.digest,
        diffID: diffId,
        evidence: 'blobs',
      })),
    );
  });

  test('an image that nobody marked', async () => {
    const { text, json } = await both(10, 'custody', 'verify', ...POLICY, 'oci:app:bare');
    expect(text.stderr).toMatch(/code +no-marks \(exit 10\)/);
    expect(documentOf('custody-verify', json).images[0]).toMatchObject({
      verdict: 'unsigned',
      code: 'no-marks',
      custody: { verdict: 'fail', chain: [] },
      error: null,
    });
  });

  test('an index: a report for each image in it; one platform by itself', async () => {
    const { json } = await both(15, 'custody', 'verify', ...POLICY, 'oci:app:all');
    const [{ custody }] = documentOf('custody-verify', json).images;
    expect(custody).toMatchObject({ verdict: 'fail', code: 'index-child-unmarked' });
    expect(custody.children.map((child: { code: string | null }) => child.code)).toEqual([null, 'no-marks']);
    const one = await both(0, 'custody', 'verify', ...POLICY, '--platform', 'linux/amd64', 'oci:app:all');
    expect(documentOf('custody-verify', one.json).images[0].through).toMatch(/^sha256:/);
  });

  test('many images in one document, with the worst exit code', async () => {
    const { cwd } = shop;
    const result = await runCli(
      ['custody', 'verify', ...POLICY, 'oci:app:1', '--images', '-', '-o', 'json'],
      {
        cwd,
        stdin: 'oci:app:none # gone\noci:app:bare\n',
      },
    );
    expect(result.exitCode).toBe(10);
    const { images, summary } = documentOf('custody-verify', result);
    expect(images.map(({ code }: { code: string | null }) => code)).toEqual([
      null,
      'oci-not-found',
      'no-marks',
    ]);
    expect(images[1]).toMatchObject({ custody: null, error: { code: 'oci-not-found' } });
    expect(summary).toEqual({ total: 3, verified: 1 });
  });

  test('--explain says what was asked and what is not guaranteed', async () => {
    const { stdout } = await shop.run('custody', 'verify', ...POLICY, '--explain', 'oci:app:1');
    expect(stdout).toContain('What is not guaranteed');
    expect(stdout).toContain('step runtime: add by team runtime');
  });

  test('--handover leaves out what later teams have to do', async () => {
    const policy = await writePolicy(
      shop.cwd,
      shop.marked,
      ['approvals: [{ name: scan, team: security, threshold: 1 }]'],
      'scan.yaml',
    );
    const argv = ['custody', 'verify', '--policy', policy, 'oci:app:1'];
    const { text } = await both(15, ...argv);
    expect(text.stderr).toContain('approval-missing');
    await both(0, ...argv, '--handover', 'security');
    const unknown = await both(2, ...argv, '--handover', 'securty');
    expect(unknown.text.stderr).toContain('--handover security');
  });

  test('a level below the policy’s is a no that says how to mend it', async () => {
    const policy = await writePolicy(shop.cwd, shop.marked, ['evidence: blobs'], 'blobs.yaml');
    const argv = ['custody', 'verify', '--policy', policy, 'oci:app:1'];
    await both(0, ...argv);
    const { text } = await both(15, ...argv, '--level', 'manifest');
    expect(text.stderr).toContain('evidence-insufficient');
    expect(text.stderr).toContain(
      `touchmark custody verify --level blobs --policy ${policy} oci:app@sha256:`,
    );
  });
});

describe('what is wrong is said before anything is asked', () => {
  test.each<[string, string[], RegExp, number]>([
    ['no policy', ['oci:app:1'], /no policy is given/i, 2],
    ['no image', [...POLICY], /no image is given/, 2],
    ['no such policy', ['--policy', 'none.yaml', 'oci:app:1'], /none\.yaml/, 2],
    ['no such tag', [...POLICY, 'oci:app:none'], /oci-not-found/, 11],
    ['no reference', [...POLICY, 'oci:'], /usage-reference/, 2],
    ['a level that is none', [...POLICY, '--level', 'contents', 'oci:app:1'], /--level/, 2],
    ['a registry, offline', [...POLICY, '--offline', 'registry.example/app:1'], /net-offline/, 20],
  ])('%s', async (_, argv, message, exitCode) => {
    const { text } = await both(exitCode, 'custody', 'verify', ...argv);
    expect(text.stderr).toMatch(message);
    expect(text.stderr).toMatch(/ fix +\S/);
  });

  test('a policy that is none, with its line', async () => {
    await writeFile(join(shop.cwd, 'broken.yaml'), 'custody: 1\nname: shop\nversoin: 1\n');
    const { text, json } = await both(2, 'custody', 'verify', '--policy', 'broken.yaml', 'oci:app:1');
    expect(text.stderr).toContain('broken.yaml');
    expect(text.stderr).toContain('version');
    expect(JSON.parse(json.stdout).error.code).toBe('policy-invalid');
  });

  test('a policy that has expired, and one for other repositories', async () => {
    const write = (extra: string, name: string) => writePolicy(shop.cwd, shop.marked, [extra], name);
    const old = await write('expires: 2020-01-01T00:00:00Z', 'old.yaml');
    const { text } = await both(16, 'custody', 'verify', '--policy', old, 'oci:app:1');
    expect(text.stderr).toContain('policy-expired');
    const other = await write('scope: { repositories: ["prod.example/**"] }', 'other.yaml');
    const elsewhere = await both(12, 'custody', 'verify', '--policy', other, 'oci:app:1');
    expect(elsewhere.text.stderr).toContain('identity-mismatch');
    expect(elsewhere.text.stderr).toContain('this one is for prod.example/**');
  });
});

describe('verify --policy', () => {
  test('gives the same verdict, in the document of verify', async () => {
    const { text, json } = await both(0, 'verify', ...POLICY, 'oci:app:1');
    expect(text.stdout).toBe((await shop.run('custody', 'verify', ...POLICY, 'oci:app:1')).stdout);
    const [image] = documentOf('verify', json).images;
    expect(image).toMatchObject({
      ok: true,
      verdict: 'verified',
      level: 'blobs',
      checks: [{ id: 'custody', ok: true }],
      signatures: [],
      custody: { verdict: 'pass', layers: { length: 3 } },
    });
    const no = documentOf('verify', (await both(10, 'verify', ...POLICY, 'oci:app:bare')).json);
    expect(no.images[0]).toMatchObject({ ok: false, code: 'no-marks', checks: [{ code: 'no-marks' }] });
  });

  test('leaves no requirement out: keys and a policy exclude each other, and one of them is needed', async () => {
    const { text } = await both(2, 'verify', ...POLICY, '--key', 'app.pub', 'oci:app:1');
    expect(text.stderr).toContain('--policy and --key exclude each other');
    const env = { TOUCHMARK_KEY: 'app.pub' };
    const inherited = await runCli(['verify', ...POLICY, 'oci:app:1'], { cwd: shop.cwd, env });
    expect(inherited.exitCode).toBe(2);
    expect(inherited.stderr).toContain('TOUCHMARK_KEY');
    for (const more of [
      ['--threshold', '1'],
      ['-a', 'k=v'],
      ['--carrier', 'bundle'],
      ['--insecure-ignore-repository'],
    ])
      expect((await shop.run('verify', ...POLICY, ...more, 'oci:app:1')).exitCode).toBe(2);
    expect((await both(2, 'verify', 'oci:app:1')).text.stderr).toContain('a key or a policy');
  });
});

test('a tag of a registry is resolved once, and what was verified is printed by digest', async () => {
  const registry = await startRegistry();
  onTestFinished(() => registry.close());
  const repository = `${registry.host}/shop/app`;
  const marked = await markedImage({ now: new Date(), repository });
  const access = createStoreAccess();
  const store = await openStore(parseReference(repository), access);
  await pushImage(store, marked.image, '1');
  await plantMarks(store, marked);
  await store.close();
  await access.close();
  const policy = await writePolicy(shop.cwd, marked, [], 'registry.yaml');
  registry.clearRequests();
  const { text, json } = await both(0, 'custody', 'verify', '--policy', policy, `${repository}:1`);
  const pinned = `${repository}@${marked.image.manifest.descriptor.digest}`;
  expect(text.stdout).toContain(`${pinned}  verified`);
  expect(text.stdout).toContain('tag-unpinned');
  expect(documentOf('custody-verify', json).images[0].pinned).toBe(pinned);
  expect(registry.requests.filter(({ path }) => path.endsWith('/manifests/1'))).toHaveLength(2);

  const byDigest = await both(0, 'custody', 'verify', '--policy', policy, pinned);
  expect(byDigest.text.stdout).not.toContain('tag-unpinned');

  // One blob that is kept back: not verified, and not "unmarked".
  registry.setFault(({ path }) =>
    path.includes('/manifests/') && path.endsWith('.custody') ? { status: 403 } : undefined,
  );
  const withheld = await both(0, 'custody', 'verify', '--policy', policy, `${repository}:1`);
  expect(withheld.text.stdout).toContain('oci-unauthorized');
  registry.setFault(({ path }) => (/\.custody$|\/referrers\//.test(path) ? { status: 403 } : undefined));
  const undecided = await both(21, 'custody', 'verify', '--policy', policy, `${repository}:1`);
  expect(documentOf('custody-verify', undecided.json).images[0].custody.verdict).toBe('indeterminate');
});
