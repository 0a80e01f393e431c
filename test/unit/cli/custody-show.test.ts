import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { SCHEMAS } from '../../../src/cli/schemas.js';
import { createStoreAccess, openStore } from '../../../src/oci/open.js';
import { parseReference } from '../../../src/oci/reference.js';
import { buildIndex, pushImage } from '../../../src/testing/image.js';
import { carried, markedImage, plantArtifact, plantMarks, writePolicy } from '../custody-images.js';
import { type CliResult, runCli } from './run-cli.js';

/** In the layout `app`: `1`, marked; `bare`, by nobody; `all`, an index of both; `strange`, by a team of no policy. */
let cwd: string;
const run = (...argv: string[]) => runCli(['custody', 'show', ...argv], { cwd, env: { CI: 'true' } });

beforeAll(async () => {
  cwd = await mkdtemp(join(tmpdir(), 'touchmark-cli-'));
  const now = new Date();
  const marked = await markedImage({ now });
  const bare = await markedImage({ now, seed: 'bare', platform: { os: 'linux', architecture: 'arm64' } });
  const strange = await markedImage({ now, teams: ['stranger'] });
  const access = createStoreAccess();
  const store = await openStore(parseReference(`oci:${join(cwd, 'app')}`), access);
  await pushImage(store, marked.image, '1');
  await plantMarks(store, marked);
  await pushImage(store, bare.image, 'bare');
  await pushImage(store, buildIndex([marked.image, bare.image]), 'all');
  await pushImage(store, strange.image, 'strange');
  const { claim, team } = strange.head;
  await plantArtifact(store, strange, { marks: [await carried(claim, team, 'simplesigning')] });
  await store.commit();
  await store.close();
  await writePolicy(cwd, marked);
});
afterAll(() => rm(cwd, { recursive: true, force: true }));

function documentOf({ stdout }: CliResult) {
  return SCHEMAS['custody-show'].parse(JSON.parse(stdout));
}

describe('without a policy', () => {
  test('what is claimed is shown, and said to be only claimed', async () => {
    const { exitCode, stdout } = await run('oci:app:1');
    expect(exitCode).toBe(0);
    expect(stdout).toContain('no policy was given');
    expect(stdout).not.toContain('✓');
    const shown = documentOf(await run('oci:app:1', '-o', 'json'));
    expect(shown).toMatchObject({ exitCode: 0, state: 'unverified', policy: null });
    expect(shown.links.map(({ team, state }) => `${team} ${state}`)).toEqual([
      'base unverified',
      'runtime unverified',
      'app unverified',
    ]);
    expect(shown.layers.every(({ state }) => state === 'unverified')).toBe(true);
  });

  test('an image that nobody marked is shown as such; one that is not there is not found', async () => {
    const shown = documentOf(await run('oci:app:bare', '-o', 'json'));
    expect(shown).toMatchObject({ exitCode: 0, links: [], layers: [{ owner: null }, {}, {}] });
    expect((await run('oci:app:none')).exitCode).toBe(11);
  });
});

describe('with a policy', () => {
  test('each part is verified', async () => {
    const shown = documentOf(await run('--policy', 'policy.yaml', 'oci:app:1', '-o', 'json'));
    expect(shown).toMatchObject({ state: 'verified', code: null, level: 'blobs', policy: { name: 'shop' } });
    expect(shown.layers.map(({ owner, state }) => [owner?.['team'], state])).toEqual([
      ['base', 'verified'],
      ['runtime', 'verified'],
      ['app', 'verified'],
    ]);
  });

  test('what does not hold is shown as failed, and is no failure of showing it', async () => {
    for (const image of ['oci:app:bare', 'oci:app:strange']) {
      const shown = documentOf(await run('--policy', 'policy.yaml', image, '-o', 'json'));
      expect(shown).toMatchObject({ ok: true, exitCode: 0, state: 'failed', code: 'no-marks', links: [] });
    }
    expect(documentOf(await run('oci:app:strange', '-o', 'json')).links).toHaveLength(1);
  });
});

test('of an index one image is shown, named by its platform', async () => {
  const { exitCode, stderr } = await run('oci:app:all');
  expect(exitCode).toBe(2);
  expect(stderr).toContain('--platform linux/amd64');
  const shown = documentOf(await run('oci:app:all', '--platform', 'linux/amd64', '-o', 'json'));
  expect(shown.through).toMatch(/^sha256:/);
  expect(shown.links).toHaveLength(3);
});

describe('pictures go to standard output', () => {
  test.each([
    ['svg', /^<svg [^>]*xmlns="http:\/\/www\.w3\.org\/2000\/svg"/, /<\/svg>\n$/],
    ['dot', /^digraph /, /\}\n$/],
    ['mermaid', /^flowchart /, /\n$/],
  ])('%s', async (format, begins, ends) => {
    const { exitCode, stdout } = await run('oci:app:1', '-o', format);
    expect(exitCode).toBe(0);
    expect(stdout).toMatch(begins);
    expect(stdout).toMatch(ends);
    // The result is what was asked for; --quiet is about the rest.
    expect((await run('oci:app:1', `--output=${format}`, '--quiet')).stdout).toBe(stdout);
  });

  test('a failure leaves none, and is text', async () => {
    const { exitCode, stdout, stderr } = await run('oci:app:none', '-o', 'svg');
    expect([exitCode, stdout]).toEqual([11, '']);
    expect(stderr).toContain('oci-not-found');
  });

  test('a command without pictures does not know the format', async () => {
    const { exitCode } = await runCli(
      ['custody', 'verify', '-o', 'svg', '--policy', 'policy.yaml', 'oci:app:1'],
      {
        cwd,
      },
    );
    expect(exitCode).toBe(2);
  });
});
