import { mkdir, readFile, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { transform } from 'esbuild';
import { beforeAll, expect, onTestFinished, test } from 'vitest';
import { createStoreAccess, openStore } from '../../src/oci/open.js';
import { parseReference } from '../../src/oci/reference.js';
import { buildIndex, pushImage } from '../../src/testing/image.js';
import { startRegistry } from '../../src/testing/registry.js';
import {
  environmentIn,
  pushTeamImages,
  root,
  run,
  type Snippet,
  scriptOf,
  snippetsOf,
  useDockerTrust,
} from './documents.js';
import { anImage, temporaryFolder } from './images.js';

/** A folder where `touchmark` is the built command line, and a registry that holds the image the README speaks of. */
async function stage() {
  const folder = await temporaryFolder();
  const registry = await startRegistry({ referrers: false });
  onTestFinished(() => registry.close());
  const access = createStoreAccess();
  const store = await openStore(parseReference(`${registry.host}/team/app`), access);
  await pushImage(store, buildIndex([anImage()]), '1.4');
  await pushTeamImages(access, registry.host);
  await access.close();
  await useDockerTrust(folder);
  const environment = { ...(await environmentIn(folder)), REGISTRY: registry.host };
  return { folder, environment, host: registry.host };
}

let all: readonly Snippet[];
beforeAll(async () => {
  all = await snippetsOf('README.md');
});

test('the shell snippets of the README work, one after the other', async () => {
  expect(all.filter(({ language }) => language === 'sh').length).toBeGreaterThan(8);
  const { folder, environment, host } = await stage();
  const { stdout } = await run('sh', ['-euc', scriptOf(all)], { cwd: folder, env: environment });
  expect(stdout).toMatch(new RegExp(`${host}/team/app@sha256:[a-f0-9]{64} {2}verified`));
  const report = JSON.parse(await readFile(join(folder, 'report.json'), 'utf8'));
  expect(report).toMatchObject({ ok: true, summary: { total: 1, verified: 1 } });
  const custody = JSON.parse(await readFile(join(folder, 'custody.json'), 'utf8'));
  expect(custody.images[0].custody.layers.map(({ team }: { team: string }) => team)).toEqual([
    'base',
    'runtime',
    'app',
  ]);
  expect(await readFile(join(folder, 'chain.svg'), 'utf8')).toMatch(/^<svg /);
  const said = await runSnippet('verifyCustody', `${host}/shop/app:1.4`, folder, environment);
  expect(said).toMatch(
    /^verified \S+\/shop\/app@sha256:[a-f0-9]{64}\n0 base blobs\n1 runtime blobs\n2 app blobs\n$/,
  );
}, 120_000);

/** Runs the program in TypeScript that has this word in it, as a user of the package would. */
async function runSnippet(
  word: string,
  image: string,
  folder: string,
  environment: NodeJS.ProcessEnv,
): Promise<string> {
  const snippet = all.find(({ language, text }) => language === 'ts' && text.includes(word));
  await mkdir(join(folder, 'node_modules'));
  await symlink(root, join(folder, 'node_modules', 'touchmark'));
  const { code } = await transform(snippet?.text ?? '', { loader: 'ts', format: 'esm' });
  await writeFile(join(folder, 'snippet.mjs'), code);
  const { stdout } = await run(process.execPath, ['snippet.mjs', image], { cwd: folder, env: environment });
  return stdout;
}

test('the library snippet of the README works', async () => {
  const { folder, environment, host } = await stage();
  const first = all.filter(({ language }) => language === 'sh').slice(0, 2);
  await run('sh', ['-euc', scriptOf(first)], { cwd: folder, env: environment });
  const stdout = await runSnippet('verifyImage', `${host}/team/app:1.4`, folder, environment);
  expect(stdout).toMatch(/^verified 127\.0\.0\.1:\d+\/team\/app@sha256:/);
}, 120_000);

test('every snippet is of a kind that some test runs', () => {
  // '' is npm start and npm test, which run this suite and the demonstration; `sh cosign` is run by the interop suite.
  expect([...new Set(all.map(({ language }) => language))].sort()).toEqual(['', 'sh', 'sh cosign', 'ts']);
});
