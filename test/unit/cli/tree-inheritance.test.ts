import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { SCHEMAS } from '../../../src/cli/schemas.js';
import { createStoreAccess, openStore } from '../../../src/oci/open.js';
import { parseReference } from '../../../src/oci/reference.js';
import { pushImage } from '../../../src/testing/image.js';
import { markedImage, plantMarks, writePolicy } from '../custody-images.js';
import { type CliResult, runCli } from './run-cli.js';

/** In the layout `app`: `1`, marked by base, runtime and app; `runtime`, which it stands on; `bare`, by nobody. */
let cwd: string;
const run = (argv: readonly string[], env: Readonly<Record<string, string>> = {}) =>
  runCli(['tree', ...argv], { cwd, env: { CI: 'true', ...env } });
const inherit = (...argv: string[]) => run(['--inheritance', ...argv]);

beforeAll(async () => {
  cwd = await mkdtemp(join(tmpdir(), 'touchmark-cli-'));
  const now = new Date();
  const marked = await markedImage({ now });
  const bare = await markedImage({ now, seed: 'bare' });
  const access = createStoreAccess();
  const store = await openStore(parseReference(`oci:${join(cwd, 'app')}`), access);
  await pushImage(store, marked.image, '1');
  await plantMarks(store, marked);
  const runtime = marked.steps[1]?.image;
  if (runtime) await pushImage(store, runtime, 'runtime');
  await pushImage(store, bare.image, 'bare');
  await store.commit();
  await store.close();
  await writePolicy(cwd, marked);
});
afterAll(() => rm(cwd, { recursive: true, force: true }));

function documentOf({ stdout }: CliResult) {
  return SCHEMAS['tree-inheritance'].parse(JSON.parse(stdout));
}

test('without a policy nothing is verified, and that is no failure', async () => {
  const { exitCode, stdout } = await inherit('oci:app:1', 'oci:app:runtime');
  expect(exitCode).toBe(0);
  expect(stdout).toContain('2 images, not verified: no policy was given');
  expect(stdout).toMatch(/└─ · oci:app:runtime\n[\s\S]*└─ · oci:app:1\n/);
  expect(stdout).not.toContain('✓');
});

describe('with a policy', () => {
  test('what chains prove is a yes, as a document too', async () => {
    const shown = documentOf(await inherit('--policy', 'policy.yaml', 'oci:app:1', '-o', 'json'));
    expect(shown).toMatchObject({ ok: true, exitCode: 0, policy: { name: 'shop' } });
    const teams: string[] = [];
    for (let node = shown.root.children[0]; node; node = node.children[0])
      teams.push(`${node.depth} ${node.owners[0]?.team} ${node.images[0]?.basis}`);
    expect(teams).toEqual(['1 base proven', '2 runtime proven', '3 app proven']);
  });

  test('an image whose chain does not hold is shown, and gives the exit code', async () => {
    const answer = await inherit('--policy', 'policy.yaml', 'oci:app:1', 'oci:app:bare', '-o', 'json');
    expect(documentOf(answer)).toMatchObject({
      ...{ ok: false, exitCode: answer.exitCode },
      images: [
        { state: 'verified', code: null },
        { state: 'failed', code: 'no-marks' },
      ],
    });
    expect(answer.exitCode).toBe(10);
    expect(answer.stderr).toContain('no-marks');
  });

  test('so does one that is not there', async () => {
    const { exitCode, stdout, stderr } = await inherit(
      '--policy',
      'policy.yaml',
      'oci:app:1',
      'oci:app:none',
    );
    expect(exitCode).toBe(11);
    expect(stdout).toMatch(/✓ oci:app:1\n[\s\S]*\? oci:app:none\n {2}could not be read: oci-not-found/);
    expect(stderr).toContain('oci-not-found');
  });
});

test('as a picture', async () => {
  const { exitCode, stdout } = await inherit('oci:app:1', '-o', 'svg');
  expect(exitCode).toBe(0);
  expect(stdout).toMatch(/^<svg [^>]*role="img"[\s\S]*<\/svg>\n$/);
});

describe('one command for two trees', () => {
  test.each([
    [['--policy', 'policy.yaml', 'oci:app:1'], 'add --inheritance'],
    [['oci:app:1', 'oci:app:bare'], 'add --inheritance'],
    [['oci:app:1', '-o', 'svg'], 'add --inheritance'],
    [['--inheritance', '--report', 'trivy.json', 'oci:app:1'], 'add --policy policy.yaml'],
    [['--inheritance', '--key', 'base.pub', 'oci:app:1'], 'leave --key out'],
  ])('%j is refused, with the way out', async (argv, way) => {
    const { exitCode, stderr } = await run(argv);
    expect(exitCode).toBe(2);
    expect(stderr).toContain(way);
  });

  test('a variable for other commands is in nobody’s way', async () => {
    const { exitCode, stdout } = await run(['oci:app:bare'], { TOUCHMARK_POLICY: 'none.yaml' });
    expect(exitCode).toBe(0);
    expect(stdout).toContain('image application/vnd.oci.image.manifest.v1+json');
  });
});
