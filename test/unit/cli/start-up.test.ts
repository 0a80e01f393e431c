import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it, onTestFinished } from 'vitest';
import { startRegistry } from '../../../src/testing/index.js';
import { layoutWith } from '../images.js';
import { ROOT, runCli, temporaryFolder } from './run-cli.js';

/** Files of the package that a run has executed: V8's coverage lists every script it compiled. */
async function loadedFiles(argv: readonly string[], cwd?: string): Promise<string[]> {
  const folder = temporaryFolder();
  const { exitCode, stderr } = await runCli(argv, { env: { NODE_V8_COVERAGE: folder }, ...(cwd && { cwd }) });
  expect(exitCode, stderr).toBe(0);
  const urls = readdirSync(folder)
    .flatMap(file => JSON.parse(readFileSync(join(folder, file), 'utf8')).result as { url: string }[])
    .map(script => script.url)
    .filter(url => url.startsWith('file:'));
  return [...new Set(urls)].map(url => fileURLToPath(url));
}

it('answers --version from one file', async () => {
  expect(await loadedFiles(['--version'])).toEqual([join(ROOT, 'dist/cli/bin.js')]);
});

it('prints help without loading the command, from two files', async () => {
  const files = await loadedFiles(['verify', '--help']);
  expect(files.length).toBe(2);
  expect(files.filter(file => file.includes('dist/cli/commands'))).toEqual([]);
  expect(files.every(file => file.startsWith(join(ROOT, 'dist/cli')))).toBe(true);
});

// 35 commands were 1.5 MB; the authoring side of TUF is 20 more, each with its texts, and the library they share. The gate
// is there once more, bundled by itself. What evaluates predicates is a third of a megabyte, loaded for a policy that has one.
it('has a command line of less than five megabytes', () => {
  const sizes = readdirSync(join(ROOT, 'dist/cli'), { recursive: true, withFileTypes: true })
    .filter(entry => entry.isFile())
    .map(entry => statSync(join(entry.parentPath, entry.name)).size);
  expect(sizes.length).toBeGreaterThan(5);
  expect(sizes.reduce((sum, size) => sum + size, 0)).toBeLessThan(4_500_000);
});

it('says a version, and the same in JSON', async () => {
  const { version } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'));
  expect((await runCli(['--version'])).stdout).toBe(`touchmark ${version}\n`);
  expect(JSON.parse((await runCli(['--version', '-o', 'json'])).stdout)).toMatchObject({ tool: { version } });
});

/** Modules of Node itself that a run has loaded, without their `node:`. */
async function loadedBuiltins(argv: readonly string[], cwd: string): Promise<ReadonlySet<string>> {
  const file = join(temporaryFolder(), 'loaded.json');
  const preload = fileURLToPath(new URL('start-up-preload.cjs', import.meta.url));
  const { exitCode, stderr } = await runCli(argv, {
    cwd,
    env: { LOADED_FILE: file },
    nodeArguments: ['--require', preload],
  });
  expect(exitCode, stderr).toBe(0);
  const loaded: string[] = JSON.parse(readFileSync(file, 'utf8'));
  return new Set(loaded.map(name => name.replace(/^NativeModule /, '')));
}

/** A key, and a signed image in a layout: what `verify` is called with. */
async function signedLayout() {
  const { folder: layout } = await layoutWith();
  const cwd = temporaryFolder();
  const run = async (...argv: string[]) => {
    const { exitCode, stderr } = await runCli(argv, { cwd });
    expect(exitCode, stderr).toBe(0);
  };
  await run('key', 'generate', 'k', '--no-password', '--insecure-plaintext-key');
  await run('sign', '--key', 'k.key', '--yes', `oci:${layout}:1`);
  return { cwd, run, image: `oci:${layout}:1` };
}

/** Does a file hold the check of custody, or of a policy document? Known by a message of each. */
function isAboutCustody(file: string): boolean {
  const code = readFileSync(file, 'utf8');
  return ['the policy has no step of this name', 'is not a time such as 60d'].some(text =>
    code.includes(text),
  );
}

it('keeps the check of custody in files of its own', () => {
  const files = readdirSync(join(ROOT, 'dist/cli/chunks')).map(name => join(ROOT, 'dist/cli/chunks', name));
  expect(files.filter(isAboutCustody).length).toBeGreaterThan(1);
});

describe('a cold verify', () => {
  // Not on these lists: readline, which oclif's parser asks for, and webcrypto, which importing node:crypto brings.
  it('of a layout loads few files, no command but itself, and nothing that speaks to a network', async () => {
    const { cwd, image } = await signedLayout();
    const argv = ['verify', '--key', 'k.pub', image];
    const files = await loadedFiles(argv, cwd);
    expect(files.every(file => file.startsWith(join(ROOT, 'dist/cli')))).toBe(true);
    expect(files.filter(file => file.includes('dist/cli/commands'))).toEqual([
      join(ROOT, 'dist/cli/commands/verify.js'),
    ]);
    // The gate is bundled by itself, so no other command adds to these.
    expect(files.length, files.join('\n')).toBeLessThanOrEqual(18);
    expect(files.filter(isAboutCustody)).toEqual([]);

    const builtins = await loadedBuiltins(argv, cwd);
    expect(builtins, 'the list is one of modules').toContain('crypto');
    for (const name of ['http', 'https', 'tls', 'dns', 'child_process', 'zlib']) {
      expect(builtins).not.toContain(name);
    }
    for (const name of builtins) expect(name).not.toContain('undici');
  });

  it('of a registry on loopback loads http, and neither TLS nor what starts other programs', async () => {
    const { cwd, run, image } = await signedLayout();
    const registry = await startRegistry();
    onTestFinished(() => registry.close());
    const reference = `${registry.host}/app:1`;
    await run('copy', image, reference);
    const argv = ['verify', '--key', 'k.pub', '--insecure-ignore-repository', reference];

    const files = await loadedFiles(argv, cwd);
    expect(files.length, files.join('\n')).toBeLessThanOrEqual(20);
    expect(files.filter(isAboutCustody)).toEqual([]);
    const builtins = await loadedBuiltins(argv, cwd);
    expect(builtins).toContain('http');
    for (const name of ['https', 'tls', 'child_process', 'zlib']) {
      expect(builtins).not.toContain(name);
    }
    for (const name of builtins) expect(name).not.toContain('undici');
  });
});

it('knows of oclif the parser, the definitions and what these need: no configuration, plugin, hook or Command', () => {
  const code = readdirSync(join(ROOT, 'dist/cli'), { recursive: true, withFileTypes: true })
    .filter(entry => entry.isFile())
    .map(entry => readFileSync(join(entry.parentPath, entry.name), 'utf8'));
  const modules = code.flatMap(text =>
    [...text.matchAll(/"node_modules\/@oclif\/core\/lib\/([^"]+)\.js"\(/g)].map(([, name]) => name),
  );
  const copies = [...new Set(modules)].map(name => modules.filter(other => other === name).length);
  expect(Math.max(...copies), 'one with the gate, one for all others').toBe(2);
  for (const name of ['parser/index', 'flags', 'args']) expect(modules).toContain(name);
  for (const name of [
    'index',
    'main',
    'command',
    'execute',
    'config/index',
    'config/config',
    'config/plugin',
  ]) {
    expect(modules).not.toContain(name);
  }
});

it('takes no variable for the flag that accepts any repository', async () => {
  const { cwd, image } = await signedLayout();
  const argv = ['verify', '--key', 'k.pub', '--as', 'elsewhere.example/app', image];
  const env = { TOUCHMARK_INSECURE_IGNORE_REPOSITORY: 'true' };
  expect((await runCli(argv, { cwd, env })).exitCode).toBe(12);
  const relocated = ['verify', '--key', 'k.pub', '--insecure-ignore-repository', image];
  expect((await runCli(relocated, { cwd })).exitCode).toBe(0);
});
