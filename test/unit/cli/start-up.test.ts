import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { ROOT, runCli, temporaryFolder } from './run-cli.js';

/** Files of the package that a run has executed: V8's coverage lists every script it compiled. */
async function loadedFiles(argv: readonly string[]): Promise<string[]> {
  const folder = temporaryFolder();
  const { exitCode } = await runCli(argv, { env: { NODE_V8_COVERAGE: folder } });
  expect(exitCode).toBe(0);
  const urls = readdirSync(folder)
    .flatMap(file => JSON.parse(readFileSync(join(folder, file), 'utf8')).result as { url: string }[])
    .map(script => script.url)
    .filter(url => url.startsWith('file:'));
  return [...new Set(urls)].map(url => fileURLToPath(url));
}

it('answers --version from one file', async () => {
  expect(await loadedFiles(['--version'])).toEqual([join(ROOT, 'dist/cli/bin.js')]);
});

it('prints help without loading the command, from few files', async () => {
  const files = await loadedFiles(['verify', '--help']);
  expect(files.length).toBeGreaterThan(1);
  expect(files.length).toBeLessThan(10);
  expect(files.filter(file => file.includes('dist/cli/commands'))).toEqual([]);
  expect(files.every(file => file.startsWith(join(ROOT, 'dist/cli')))).toBe(true);
});

it('has a command line of less than a megabyte', () => {
  const sizes = readdirSync(join(ROOT, 'dist/cli'), { recursive: true, withFileTypes: true })
    .filter(entry => entry.isFile())
    .map(entry => statSync(join(entry.parentPath, entry.name)).size);
  expect(sizes.length).toBeGreaterThan(5);
  expect(sizes.reduce((sum, size) => sum + size, 0)).toBeLessThan(1_000_000);
});

it('says a version, and the same in JSON', async () => {
  const { version } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'));
  expect((await runCli(['--version'])).stdout).toBe(`touchmark ${version}\n`);
  expect(JSON.parse((await runCli(['--version', '-o', 'json'])).stdout)).toMatchObject({ tool: { version } });
});
